"""The rows of scheduled flows and of paused feeds.

For a flow with a schedule: whether it is paused, up to which time its schedule is handled, and its due times.
For a feed whose runs fail: since when, why, and when the next attempt is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from penstock.store.database import upsert
from penstock.store.project.resources import forget_setting
from penstock.store.service_tables import schedules, settings, ticks

SKIPPED = "-"  # in place of the run of a skipped time

PREFIX = "feed pause "  # of the names under which pauses of feeds are stored as settings
WRITER = "intake"


@dataclass(frozen=True, slots=True)
class FlowTimes:
    """The schedule of a flow: all times up to `done` are handled by `rule`; `seen` is the data of its last run."""

    flow: str
    paused: bool = False
    by: str | None = None
    at: str | None = None
    rule: str | None = None
    done: str | None = None
    seen: str | None = None


_IN_ORDER = select(*(schedules.c[name] for name in FlowTimes.__slots__))


class Tick(NamedTuple):
    """A due time of a flow; its run stands in for `missed` earlier times."""

    flow: str
    due: str
    missed: int = 0


def times_of(conn: Connection, flow: str) -> FlowTimes:
    row = conn.execute(select(schedules).where(schedules.c.flow == flow)).mappings().one_or_none()
    return FlowTimes(flow) if row is None else FlowTimes(**row)


def times_of_all(conn: Connection, flows: Sequence[str]) -> dict[str, FlowTimes]:
    """The schedules of several flows, by name."""
    known = {row[0]: FlowTimes(*row) for row in conn.execute(_IN_ORDER)}
    return {flow: known.get(flow, FlowTimes(flow)) for flow in flows}


def save(conn: Connection, times: FlowTimes) -> None:
    upsert(conn, schedules, {column.name: getattr(times, column.name) for column in schedules.columns})


def pause(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """Pause a flow, and delete its due times that have no run."""
    save(conn, replace(times_of(conn, flow), paused=True, by=by, at=at))
    conn.execute(delete(ticks).where(ticks.c.flow == flow, ticks.c.run.is_(None)))


def paused(conn: Connection) -> set[str]:
    """The flows that are paused."""
    return set(conn.execute(select(schedules.c.flow).where(schedules.c.paused)).scalars())


def wake(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """Resume a flow; its times up to now count as handled."""
    save(conn, replace(times_of(conn, flow), paused=False, by=by, at=at, done=at))


def add_ticks(conn: Connection, due: Sequence[Tick]) -> None:
    """Add due times. To add a time twice is an error."""
    if due:
        conn.execute(insert(ticks), [{**tick._asdict(), "run": None} for tick in due])


def waiting(conn: Connection) -> list[Tick]:
    """The due times without a run, oldest first."""
    query = select(ticks.c.flow, ticks.c.due, ticks.c.missed).where(ticks.c.run.is_(None)).order_by(ticks.c.due)
    return [Tick(*row) for row in conn.execute(query)]


def settle(conn: Connection, tick: Tick, run: str) -> None:
    """Store the run of a due time, or SKIPPED."""
    conn.execute(update(ticks).where(ticks.c.flow == tick.flow, ticks.c.due == tick.due).values(run=run))


def forget_before(conn: Connection, at: str) -> None:
    """Delete handled times before `at`."""
    conn.execute(delete(ticks).where(ticks.c.run.is_not(None), ticks.c.due < at))


@dataclass(frozen=True, slots=True)
class FeedPause:
    """A target whose posted records are not sent. Times are ISO 8601, `until` is epoch seconds.

    `run` is the newest failed run, `ended` its end, `version` the version of the project that it used.
    """

    target: str
    kind: str  # destination or flow
    sources: tuple[str, ...]
    reason: str
    since: str
    until: float
    failures: int
    run: str
    ended: str
    version: int | None


def all_pauses(conn: Connection) -> dict[str, FeedPause]:
    """The paused feeds by target."""
    query = select(settings.c.document).where(settings.c.name.startswith(PREFIX, autoescape=True))
    found = [orjson.loads(document) for document in conn.execute(query).scalars()]
    return {each["target"]: FeedPause(**{**each, "sources": tuple(each["sources"])}) for each in found}


def put_pause(conn: Connection, pause: FeedPause) -> None:
    document = orjson.dumps(asdict(pause)).decode()
    upsert(conn, settings, {"name": PREFIX + pause.target, "document": document, "at": pause.since, "by": WRITER})


def end_pause(conn: Connection, target: str) -> None:
    forget_setting(conn, PREFIX + target)
