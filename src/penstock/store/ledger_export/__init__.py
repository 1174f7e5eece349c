"""The export of the ledger: the runs, their requests and their records, as files or as tables of another database."""
