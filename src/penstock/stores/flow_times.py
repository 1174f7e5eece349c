"""Flows with a schedule: whether they rest, until when their times are dealt with, and what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from penstock.stores.put import put
from penstock.stores.schema_work import schedules, ticks

SKIPPED = "-"  # stands for the run of a time that was passed over


@dataclass(frozen=True, slots=True)
class FlowTimes:
    """`done`: every moment until then is dealt with, by the rule as it was; `seen`: the data it last ran for."""

    flow: str
    paused: bool = False
    by: str | None = None
    at: str | None = None
    rule: str | None = None
    done: str | None = None
    seen: str | None = None


_IN_ORDER = select(*(schedules.c[name] for name in FlowTimes.__slots__))


class Tick(NamedTuple):
    """A flow is due. `missed` earlier moments have been folded into this one."""

    flow: str
    due: str
    missed: int = 0


def times_of(conn: Connection, flow: str) -> FlowTimes:
    row = conn.execute(select(schedules).where(schedules.c.flow == flow)).mappings().one_or_none()
    return FlowTimes(flow) if row is None else FlowTimes(**row)


def times_of_all(conn: Connection, flows: Sequence[str]) -> dict[str, FlowTimes]:
    """The same of several flows."""
    known = {row[0]: FlowTimes(*row) for row in conn.execute(_IN_ORDER)}
    return {flow: known.get(flow, FlowTimes(flow)) for flow in flows}


def save(conn: Connection, times: FlowTimes) -> None:
    put(conn, schedules, {column.name: getattr(times, column.name) for column in schedules.columns})


def pause(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """It rests; what was due and has not begun is dropped."""
    save(conn, replace(times_of(conn, flow), paused=True, by=by, at=at))
    conn.execute(delete(ticks).where(ticks.c.flow == flow, ticks.c.run.is_(None)))


def paused(conn: Connection) -> set[str]:
    """The flows that rest."""
    return set(conn.execute(select(schedules.c.flow).where(schedules.c.paused)).scalars())


def wake(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """It goes on with the times from now on."""
    save(conn, replace(times_of(conn, flow), paused=False, by=by, at=at, done=at))


def add_ticks(conn: Connection, due: Sequence[Tick]) -> None:
    """They are due, each once: a moment that is there already is an error of who did not look."""
    if due:
        conn.execute(insert(ticks), [{**tick._asdict(), "run": None} for tick in due])


def waiting(conn: Connection) -> list[Tick]:
    """What is due and not asked for yet, oldest first."""
    query = select(ticks.c.flow, ticks.c.due, ticks.c.missed).where(ticks.c.run.is_(None)).order_by(ticks.c.due)
    return [Tick(*row) for row in conn.execute(query)]


def settle(conn: Connection, tick: Tick, run: str) -> None:
    """It has its run."""
    conn.execute(update(ticks).where(ticks.c.flow == tick.flow, ticks.c.due == tick.due).values(run=run))


def forget_before(conn: Connection, at: str) -> None:
    """Times that are long dealt with."""
    conn.execute(delete(ticks).where(ticks.c.run.is_not(None), ticks.c.due < at))
