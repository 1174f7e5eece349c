"""The rows of the queue, of scheduled flows, and of paused feeds.

The queue has one row for each requested run, until its end. A run that failed before any record was decided is retried
with the same id, so that it is listed once. A flow with a schedule has a row that says whether it is paused and up to
which time its schedule is handled, and a row for each due time. A feed whose runs fail has a row that says since when,
why, and when the next attempt is.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from penstock.model.runs import RunKind
from penstock.store.database import upsert
from penstock.store.project.resources import forget_setting
from penstock.store.runs import runs, timeseries
from penstock.store.runs.runs import WorkState
from penstock.store.service_tables import exchanges, schedules, settings, ticks, work, workers
from penstock.store.tables import ledger_batches
from penstock.store.tables import runs as table

SKIPPED = "-"  # in place of the run of a skipped time
FEED_PAUSE = "feed pause "  # of the names under which pauses of feeds are stored as settings
FEED = "intake"
FIX = "fix"  # the payload of a comparison with Custify that is to be fixed
_JSON = ("payload", "progress")


# ── the queue ────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A requested run. `lane` is the credential whose rate limit it shares; `attempt` counts its assignments.

    `stop` is why it has to stop (`cancel`); `payload` are the ids of the records of a resend, or `FIX`. Times are
    ISO 8601.
    """

    run: str
    kind: RunKind
    target: str
    lane: str
    trigger: str
    asked_by: str
    asked_at: str
    state: WorkState = "queued"
    attempt: int = 0
    version: str | None = None
    worker: str | None = None
    stop: str | None = None
    stop_by: str | None = None
    not_before: str | None = None
    payload: Sequence[str] | None = None
    progress: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def ticket(self) -> str:
        """The name of this attempt. A ticket of an earlier attempt is void."""
        return f"{self.run}.{self.attempt}"


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A registered worker; its lease shows whether it is alive."""

    id: str
    version: str
    place: str
    since: str


def enqueue(conn: Connection, row: WorkRow) -> None:
    """Put a run into the queue. If it was requested before, its attempts are counted further."""
    earlier = get(conn, row.run)
    values = _to_columns(row)
    if earlier is None:
        conn.execute(insert(work), values)
    else:
        del values["attempt"]
        conn.execute(update(work).where(work.c.run == row.run), values)


def get(conn: Connection, run: str) -> WorkRow | None:
    row = conn.execute(select(work).where(work.c.run == run)).mappings().one_or_none()
    return None if row is None else _work_row(row)


def in_state(conn: Connection, states: Sequence[str]) -> list[WorkRow]:
    """The rows in one of these states, in the order of their requests."""
    query = select(work).where(work.c.state.in_(list(states))).order_by(work.c.asked_at, work.c.run)
    return [_work_row(row) for row in conn.execute(query).mappings()]


def of_target(conn: Connection, kind: str, target: str, states: Sequence[str]) -> WorkRow | None:
    """The oldest row of this target in one of these states."""
    here = (work.c.target == target) & (work.c.kind == kind) & work.c.state.in_(list(states))
    row = conn.execute(select(work).where(here).order_by(work.c.asked_at).limit(1)).mappings().first()
    return None if row is None else _work_row(row)


def change(conn: Connection, row: WorkRow, **changes: Any) -> bool:
    """Change a row if its attempt and state are still those of `row`; returns whether they were."""
    same = (work.c.run == row.run) & (work.c.attempt == row.attempt) & (work.c.state == row.state)
    return conn.execute(update(work).where(same).values(changes)).rowcount == 1


def request_stop(conn: Connection, run: str, why: str, by: str) -> None:
    """Request that the worker of a run stops it."""
    conn.execute(update(work).where(work.c.run == run).values(stop=why, stop_by=by))


def store_progress(conn: Connection, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Store the progress of these runs."""
    for run, progress in found.items():
        conn.execute(update(work).where(work.c.run == run).values(progress=orjson.dumps(dict(progress)).decode()))


def this_process() -> str:
    """The present process in words, for the list of workers and the holders of leases."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def register(conn: Connection, worker: WorkerRow) -> None:
    conn.execute(delete(workers).where(workers.c.id == worker.id))
    conn.execute(insert(workers).values(id=worker.id, version=worker.version, place=worker.place, since=worker.since))


def unregister(conn: Connection, worker: str) -> bool:
    """Delete a worker that has ended or died; whether it was there."""
    return conn.execute(delete(workers).where(workers.c.id == worker)).rowcount > 0


def registered(conn: Connection) -> list[WorkerRow]:
    return [WorkerRow(**row) for row in conn.execute(select(workers).order_by(workers.c.since)).mappings()]


def _to_columns(row: WorkRow) -> dict[str, Any]:
    values = {column.name: getattr(row, column.name) for column in work.columns}
    return {**values, **{name: _text(values[name]) for name in _JSON}}


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _work_row(row: RowMapping) -> WorkRow:
    parsed = {name: None if row[name] is None else orjson.loads(row[name]) for name in _JSON}
    return WorkRow(**{**row, **parsed})


def prepare_retry(conn: Connection, run: str, asked_by: str) -> bool:
    """Delete a failed run and its parts, so that it can start again with its id. The sums for metrics keep its counts.

    Returns False, and changes nothing, unless `asked_by` requested it, it failed, and no record was decided.
    """
    row, queued = runs.get(conn, run), get(conn, run)
    if row is None or queued is None or queued.asked_by != asked_by or queued.state != "ended":
        return False
    family = [row, *runs.children(conn, run)]
    if row.status != "failed" or any(one.resumable or one.counts.read != one.counts.unsent for one in family):
        return False
    ids = [one.id for one in family]
    timeseries.add_deleted_runs(conn, ids)
    timeseries.fold(conn)
    conn.execute(delete(exchanges).where(exchanges.c.run.in_(ids)))
    conn.execute(delete(ledger_batches).where(ledger_batches.c.run.in_(ids)))
    conn.execute(delete(table).where(table.c.id.in_(ids)))
    return True


# ── scheduled flows ──────────────────────────────────────────────────────────


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
    """A due time of a flow. `missed` earlier times had no run and get none."""

    flow: str
    due: str
    missed: int = 0


def times_of_flow(conn: Connection, flow: str) -> FlowTimes:
    row = conn.execute(select(schedules).where(schedules.c.flow == flow)).mappings().one_or_none()
    return FlowTimes(flow) if row is None else FlowTimes(**row)


def times_of_flows(conn: Connection, flows: Sequence[str]) -> dict[str, FlowTimes]:
    """The schedules of several flows, by name."""
    known = {row[0]: FlowTimes(*row) for row in conn.execute(_IN_ORDER)}
    return {flow: known.get(flow, FlowTimes(flow)) for flow in flows}


def save_times(conn: Connection, times: FlowTimes) -> None:
    upsert(conn, schedules, {column.name: getattr(times, column.name) for column in schedules.columns})


def pause_flow(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """Pause a flow, and delete its due times that have no run."""
    save_times(conn, replace(times_of_flow(conn, flow), paused=True, by=by, at=at))
    conn.execute(delete(ticks).where(ticks.c.flow == flow, ticks.c.run.is_(None)))


def paused_flows(conn: Connection) -> set[str]:
    """The flows that are paused."""
    return set(conn.execute(select(schedules.c.flow).where(schedules.c.paused)).scalars())


def resume_flow(conn: Connection, flow: str, *, by: str, at: str) -> None:
    """Resume a flow; its times up to now count as handled."""
    save_times(conn, replace(times_of_flow(conn, flow), paused=False, by=by, at=at, done=at))


def add_ticks(conn: Connection, due: Sequence[Tick]) -> None:
    """Add due times. To add a time twice is an error."""
    if due:
        conn.execute(insert(ticks), [{**tick._asdict(), "run": None} for tick in due])


def ticks_without_run(conn: Connection) -> list[Tick]:
    """The due times without a run, oldest first."""
    query = select(ticks.c.flow, ticks.c.due, ticks.c.missed).where(ticks.c.run.is_(None)).order_by(ticks.c.due)
    return [Tick(*row) for row in conn.execute(query)]


def store_tick_run(conn: Connection, tick: Tick, run: str) -> None:
    """Store the run of a due time, or SKIPPED."""
    conn.execute(update(ticks).where(ticks.c.flow == tick.flow, ticks.c.due == tick.due).values(run=run))


def forget_ticks_before(conn: Connection, at: str) -> None:
    """Delete handled times before `at`."""
    conn.execute(delete(ticks).where(ticks.c.run.is_not(None), ticks.c.due < at))


# ── paused feeds ─────────────────────────────────────────────────────────────


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


def feed_pauses(conn: Connection) -> dict[str, FeedPause]:
    """The paused feeds by target."""
    query = select(settings.c.document).where(settings.c.name.startswith(FEED_PAUSE, autoescape=True))
    found = [orjson.loads(document) for document in conn.execute(query).scalars()]
    return {each["target"]: FeedPause(**{**each, "sources": tuple(each["sources"])}) for each in found}


def put_feed_pause(conn: Connection, pause: FeedPause) -> None:
    document = orjson.dumps(asdict(pause)).decode()
    upsert(conn, settings, {"name": FEED_PAUSE + pause.target, "document": document, "at": pause.since, "by": FEED})


def end_feed_pause(conn: Connection, target: str) -> None:
    forget_setting(conn, FEED_PAUSE + target)
