"""Whether a requested run may start although a backfill of its destination is executed, which gives way to it."""

from __future__ import annotations

from sqlalchemy import Connection

from penstock.service.store.work import WorkRow
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import runs
from penstock.store.runs.runs import NOT_BEGUN, RunRow


def is_backfilled(database: Database, target: str) -> bool:
    """Whether a living process backfills the destination."""
    return leases.is_taken(database, leases.of_backfill(target))


def gives_way(conn: Connection, executed: WorkRow, wanted: RunRow | None) -> bool:
    """Whether the executed run of a destination that is backfilled gives way to `wanted`; None: a new run of it.

    Not to another backfill, nor where a new run would read what the backfill reads.
    """
    backfill = runs.get(conn, executed.run)
    if executed.kind != "destination" or executed.state != "running" or backfill is None:
        return False
    if backfill.beside is not None or backfill.position == NOT_BEGUN:
        return False
    if wanted is not None and (wanted.kind != "destination" or wanted.beside == backfill.id):
        return wanted.kind != "flow"
    if wanted is not None and (wanted.begins_at is not None or wanted.position != NOT_BEGUN):
        return False
    return backfill.window is not None or runs.has_ended_well(conn, executed.target)
