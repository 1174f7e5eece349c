"""The runs that ended recently."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from penstock.store.service_tables import work
from penstock.store.tables import runs

NEWEST = 500  # runs that are searched for those that ended recently
OVER = ("succeeded", "partial", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class EndedRun:
    """The result of a run; a flow's run has the sums of its destinations. `trigger` is None for a run by a command."""

    run: str
    target: str
    status: str
    reason: str | None
    finished_at: str
    trigger: str | None
    read: int
    sent: int
    held: int


def ended_since(conn: Connection, moment: str) -> list[EndedRun]:
    """The newest runs that ended after `moment`, ordered by their end; a flow's run includes its parts."""
    r = runs.c
    newest = (
        select(runs.c.id).where(r.parent.is_(None), r.kind != "test").order_by(r.started_at.desc(), r.id.desc())
    ).limit(NEWEST)
    part = runs.alias()
    mine = (part.c.id == r.id) | (part.c.parent == r.id)
    sums = [
        select(func.coalesce(func.sum(one), 0)).where(mine, part.c.kind != "flow").scalar_subquery()
        for one in (part.c.read, part.c.delivered + part.c.accepted, part.c.quarantined + part.c.unknown)
    ]
    query = (
        select(r.id, r.target, r.status, r.reason, r.finished_at, work.c.trigger, *sums)
        .outerjoin(work, work.c.run == r.id)
        .where(r.id.in_(newest), r.finished_at > moment, r.status.in_(OVER))
        .order_by(r.finished_at, r.id)
    )
    return [EndedRun(*row) for row in conn.execute(query)]
