"""A run that failed before anything was decided, and is tried again under its own id: the list has it once."""

from __future__ import annotations

from sqlalchemy import Connection, delete

from penstock.stores import runs, spans, tallies, work
from penstock.stores.schema import ledger_batches
from penstock.stores.schema import runs as table
from penstock.stores.schema_work import exchanges


def make_room(conn: Connection, run: str, asked_by: str) -> bool:
    """Remove a failed run and its parts, so that it can begin again under its id; what it counted stays counted.

    Returns False, and changes nothing, unless `asked_by` asked for it, it ended failed, and no record was decided.
    """
    row, asked = runs.get(conn, run), work.get(conn, run)
    if row is None or asked is None or asked.asked_by != asked_by or asked.state != "ended":
        return False
    family = [row, *runs.children(conn, run)]
    if row.status != "failed" or any(one.resumable or one.counts.read != one.counts.unsent for one in family):
        return False
    ids = [one.id for one in family]
    tallies.keep_runs(conn, ids)
    spans.fold(conn)
    conn.execute(delete(exchanges).where(exchanges.c.run.in_(ids)))
    conn.execute(delete(ledger_batches).where(ledger_batches.c.run.in_(ids)))
    conn.execute(delete(table).where(table.c.id.in_(ids)))
    return True
