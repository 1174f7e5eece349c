"""Which run of a destination its canary has stopped."""

from __future__ import annotations

from sqlalchemy import Connection, select

from penstock.store.runs.runs import NOT_BEGUN
from penstock.store.tables import runs


def stopped_by_canary(connection: Connection, destination: str) -> str | None:
    """The id of the run that a canary has stopped, unless a run without a limit has begun since; else None."""
    begun = (runs.c.target == destination) & (runs.c.kind == "destination") & (runs.c.position != NOT_BEGUN)
    goes_past = runs.c.limit.is_(None) | (runs.c.stopped_by == "canary")
    newest = select(runs.c.id, runs.c.stopped_by).where(begun, goes_past)
    row = connection.execute(newest.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)).first()
    return row.id if row is not None and row.stopped_by == "canary" else None
