"""The ledger with its keys: microseconds a record, with a transaction for each batch of 500 or for ten batches.

python benchmarks/ledger.py [records]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from penstock.model.outcome import Outcome
from penstock.store.database import Database
from penstock.store.runs import ledger
from penstock.store.runs.ledger import LedgerEntry, LedgerException, Sent

BATCH = 500
AT = "2026-01-31T12:00:00.000Z"


def entries(total: int) -> list[LedgerEntry]:
    """One record in a hundred has another outcome than its batch."""
    made = []
    for number, start in enumerate(range(0, total, BATCH)):
        ordinals = list(range(start, min(start + BATCH, total)))
        odd = [
            LedgerException(item, Outcome.QUARANTINED, "422: email is wrong") for item in range(0, len(ordinals), 100)
        ]
        sent = Sent(number, "POST", "https://api.example.com/batch", 200, 1, 1, 80.0)
        made.append(LedgerEntry(Outcome.DELIVERED, ordinals, AT, [f"customer-{n}" for n in ordinals], None, sent, odd))
    return made


def main(total: int) -> None:
    made = entries(total)
    for group in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            database = Database.open(f"sqlite:///{folder}/state.db")
            started = time.perf_counter()
            for start in range(0, len(made), group):
                with database.begin() as conn:
                    ledger.append(conn, "r-1", made[start : start + group])
            took = time.perf_counter() - started
            size = Path(folder, "state.db").stat().st_size
            print(f"append, {group * BATCH} a commit   {took / total * 1e6:.2f} µs a record, {size / total:.1f} bytes")
            with database.read() as conn:
                started = time.perf_counter()
                assert conn.exec_driver_sql("SELECT count(*) FROM ledger WHERE run = 'r-1'").scalar() == total
                print(f"read as rows (the view) {(time.perf_counter() - started) / total * 1e6:.2f} µs a record")
            database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
