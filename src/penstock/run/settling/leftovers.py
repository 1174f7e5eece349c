"""What processes that died were sending again from the quarantine."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from penstock.clock import Clock, iso
from penstock.run.diff.backlog import SENT_AGAIN_FROM
from penstock.run.prepare import Prepared
from penstock.store import unknown_records
from penstock.store.database import Database
from penstock.store.runs import ledger, runs


def put_leftovers_in_doubt(
    database: Database, prepared: Prepared, run: str, clock: Clock, guard: Callable[[Connection], None]
) -> None:
    """Make these records unknown, before the run `run` of their destination begins.

    Records of the input that an unfinished run was sending are left to it: it reads them again.
    """
    name = prepared.spec.name
    with database.read() as conn:
        left = {other: ledger.leftover_intents(conn, other) for other in ledger.leftover_runs(conn, name)}
        unfinished = runs.unfinished(conn, name) if left else None
    reading = {run, run if unfinished is None else unfinished.id}
    again = {
        other: [intent for intent in intents if other not in reading or min(intent.ordinals) >= SENT_AGAIN_FROM]
        for other, intents in left.items()
    }
    if not any(again.values()):
        return
    with database.begin() as conn:
        guard(conn)
        for other, intents in again.items():
            settings, at = prepared.compiled.version, iso(clock.now())
            unknown_records.put_in_doubt(conn, name, other, intents, settings=settings, at=at)
            ledger.end_intents(conn, other, [intent.number for intent in intents])
