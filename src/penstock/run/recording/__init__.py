"""Records what becomes of the records of a run: ledger, memory, quarantine, counts and checkpoint."""
