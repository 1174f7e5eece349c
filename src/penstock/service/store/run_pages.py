"""Runs a page at a time, newest first, with their status in the queue."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from penstock.service.model import RunFilter
from penstock.service.store.work import WAITING
from penstock.store.runs.runs import RunRow, to_run
from penstock.store.service_tables import work
from penstock.store.tables import runs

NEWEST = 500  # runs that are looked at for those that have ended lately
OVER = ("succeeded", "partial", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class EndedRun:
    """How a run ended; of a flow's run, with what its destinations have counted. `trigger` None: by a command."""

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
    """Of the newest runs those that ended after a moment, in that order; a flow's run includes its parts."""
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


def page(conn: Connection, which: RunFilter, limit: int, after: tuple[str, str] | None = None) -> list[RunRow]:
    """Runs, newest first; `after` is the (started_at, id) of the last one seen.

    A destination's runs are all of it; a list without target shows a flow's run, not the parts of it.
    """
    query = select(runs).where(runs.c.kind != "test", *_conditions(which))
    if after is not None:
        at, run = after
        query = query.where(or_(runs.c.started_at < at, and_(runs.c.started_at == at, runs.c.id < run)))
    query = query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)
    return [to_run(row) for row in conn.execute(query)]


def _conditions(which: RunFilter) -> list[ColumnElement[bool]]:
    listed = runs.c.parent.is_(None) if which.target is None else runs.c.target == which.target
    conditions: list[ColumnElement[bool]] = [listed]
    if which.since is not None:
        conditions.append(runs.c.started_at >= which.since)
    if which.status is not None:
        conditions.append(_status(which.status))
    return conditions


def _status(status: str) -> ColumnElement[bool]:
    """Those that may show this status; a run whose process died is stored as running, too."""
    waiting, taken = _in_work(*WAITING), _in_work("running")
    if status == "queued":
        return waiting
    if status in ("running", "interrupted"):
        stored = select(runs.c.id).where(runs.c.status.in_(("running", "interrupted")))
        at_work = select(work.c.run).where(work.c.state == "running")
        return ~waiting & runs.c.id.in_(stored.union(at_work))  # few: each is looked up
    return ~waiting & ~taken & (runs.c.status == status)


def _in_work(*states: str) -> ColumnElement[bool]:
    return runs.c.id.in_(select(work.c.run).where(work.c.state.in_(states)))
