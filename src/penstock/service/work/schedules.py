"""The times at which flows are due, and `Schedules`, which requests their runs.

The functions on times are pure. `Schedules` requests runs at these times, or when the data of a flow is new; it is safe
to call from several workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice, takewhile
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.config.flows import NoSchedule, read_schedule
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.schedule import Cron, Every, OnNewData, Schedule
from penstock.model.spec import CatchUp, FileSource, FlowSpec, ResponseSource, SourceSpec, SqlSource, WebhookSource
from penstock.run.context import Context
from penstock.service.store import work
from penstock.service.store.work import FlowTimes, Tick
from penstock.sources.files.source_files import files_identity, matching_files
from penstock.store.runs import deliveries
from penstock.store.runs.runs import OPEN_STATES

MOST = 100  # missed times that are listed
ON_TIME = timedelta(seconds=60)  # a time that is due for less than this was not missed
MINUTE = timedelta(minutes=1)
ASKED_BY = "schedule"
DATABASES_EVERY_S = 15.0  # how often a database is checked for new data
HANDLED_TIMES_FOR = timedelta(days=35)  # for which handled times are stored
NOT_DUE_FOR = timedelta(seconds=30)  # at most, since the clock or the offset of the time zone may change


class Due(NamedTuple):
    """A scheduled time at which a run is due. `missed` earlier times had no run and get none."""

    at: datetime
    missed: int


def next_after(schedule: Schedule, zone: str | None, after: datetime) -> datetime | None:
    """The first time of the schedule after `after`; None for a schedule without times."""
    if isinstance(schedule, Cron):
        from cronsim import CronSim  # noqa: PLC0415 - loaded only for flows with cron fields

        moments: Iterator[datetime] = CronSim(schedule.fields, after.astimezone(_zone(zone)))
        return next((moment.astimezone(UTC) for moment in moments), None)
    if isinstance(schedule, Every):
        step = schedule.seconds
        return datetime.fromtimestamp((int(after.timestamp() // step) + 1) * step, UTC)
    return None


def next_at(ctx: Context, flow: FlowSpec, times: FlowTimes) -> str | None:
    """The next scheduled time of a flow in ISO 8601; None if it has none."""
    if flow.schedule is None or times.paused:
        return None
    moment = next_after(read_schedule(flow.schedule), flow.timezone, ctx.clock.now())
    return None if moment is None else iso(moment)


def upcoming(text: str, zone: str | None, after: datetime, most: int) -> list[datetime]:
    """The next times of a schedule such as `every 15m`. InputError for an invalid schedule."""
    try:
        schedule = read_schedule(text)
        _zone(zone)
    except NoSchedule as error:
        raise InputError(Problem("schedule", str(error), "bad-schedule", error.hint, text)) from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "use a time zone such as Europe/Berlin or UTC"
        raise InputError(Problem("timezone", f"there is no time zone {zone}", "unknown-value", hint, zone)) from None
    moments: list[datetime] = []
    while len(moments) < most and (moment := next_after(schedule, zone, moments[-1] if moments else after)) is not None:
        moments.append(moment)
    return moments


def passed(schedule: Schedule, zone: str | None, after: datetime, now: datetime) -> list[datetime]:
    """The times after `after` up to `now`, newest first, at most `MOST`."""
    return list(islice(takewhile(lambda moment: moment > after, _backwards(schedule, zone, now)), MOST))


def to_run(moments: list[datetime], now: datetime, catch_up: CatchUp, *, busy: bool) -> list[Due]:
    """The passed times (newest first) that get a run; the flow's `catch_up` decides about missed ones."""
    if not moments:
        return []
    if catch_up == "all":
        return [Due(moment, 0) for moment in reversed(moments)]
    if catch_up == "none" and (busy or now - moments[0] > ON_TIME):
        return []
    return [Due(moments[0], 0 if catch_up == "none" else len(moments) - 1)]


def _backwards(schedule: Schedule, zone: str | None, now: datetime) -> Iterator[datetime]:
    if isinstance(schedule, Cron):
        from cronsim import CronSim  # noqa: PLC0415

        start = (now + MINUTE).astimezone(_zone(zone))
        yield from (moment.astimezone(UTC) for moment in CronSim(schedule.fields, start, reverse=True) if moment <= now)
    elif isinstance(schedule, Every):
        last = int(now.timestamp() // schedule.seconds)
        yield from (datetime.fromtimestamp(n * schedule.seconds, UTC) for n in range(last, 0, -1))


def _zone(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or "UTC")


# ── requests for the runs that are due ───────────────────────────────────────


class RunRequests(Protocol):
    """Requests runs: `work.requests.WorkRequests`."""

    def request(self, conn: Connection, ctx: Context, spec: FlowSpec, *, trigger: str, asked_by: str) -> str:
        """Request a run of a flow in the caller's transaction; returns the run's id."""
        ...


class Early(NamedTuple):
    """The time until which a rule has nothing due, if the times up to `done` are handled."""

    rule: str
    done: str
    until: datetime


@dataclass(slots=True)
class Schedules:
    """`tick` requests the runs that are due; call it every few seconds."""

    ctx: Callable[[], Context]
    work: RunRequests
    _looked: dict[str, tuple[float, str]] = field(default_factory=dict)  # flow → time and data at the last check
    _failed: dict[str, str] = field(default_factory=dict)  # flow → the last reported error
    _early: dict[str, Early] = field(default_factory=dict)  # by flow

    def tick(self) -> None:
        """Check all flows once."""
        ctx = self.ctx()
        flows = [flow for flow in ctx.project.flows.values() if flow.schedule is not None]
        with ctx.database.read() as conn:  # all at once: there may be hundreds
            known = work.times_of_flows(conn, [flow.name for flow in flows])
        for flow in flows:
            if not self._is_early(ctx, flow, known[flow.name]):
                try:
                    self._look_at(ctx, flow, known[flow.name])
                except PenstockError as error:
                    self._report_failure(ctx, flow, str(error))
        with ctx.database.read() as conn:
            due = work.ticks_without_run(conn)
        if due:
            self._request_runs(ctx, due)

    # ── due times ────────────────────────────────────────────────────────────

    def _is_early(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> bool:
        """Whether a recent result says that nothing is due: to compute the times of hundreds of flows takes long."""
        early = self._early.get(flow.name)
        return early is not None and early[:2] == (_rule(flow), times.done) and ctx.clock.now() < early.until

    def _look_at(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> None:
        if times.paused:
            return
        if isinstance(read_schedule(str(flow.schedule)), OnNewData):
            self._look_at_data(ctx, flow, times)
        elif times.rule != _rule(flow) or times.done is None:  # a new schedule counts from now
            with ctx.database.begin() as conn:
                now = iso(ctx.clock.now())
                work.save_times(conn, replace(work.times_of_flow(conn, flow.name), rule=_rule(flow), done=now))
        elif _due(flow, times.done, ctx.clock.now()):
            self._note(ctx, flow)
        else:
            latest = ctx.clock.now() + NOT_DUE_FOR
            at = next_after(read_schedule(str(flow.schedule)), flow.timezone, datetime.fromisoformat(times.done))
            self._early[flow.name] = Early(_rule(flow), times.done, latest if at is None else min(at, latest))

    def _note(self, ctx: Context, flow: FlowSpec) -> None:
        """Store the due times, once for all workers."""
        with ctx.database.begin() as conn:
            times = work.times_of_flow(conn, flow.name)
            now = ctx.clock.now()
            moments = [] if times.paused or times.done is None else _due(flow, times.done, now)
            if not moments:
                return
            busy = work.of_target(conn, "flow", flow.name, OPEN_STATES) is not None
            ticks = [Tick(flow.name, iso(due.at), due.missed) for due in to_run(moments, now, flow.catch_up, busy=busy)]
            work.add_ticks(conn, ticks)
            work.save_times(conn, replace(times, done=iso(moments[0])))
            work.forget_ticks_before(conn, iso(now - HANDLED_TIMES_FOR))
        if not ticks:
            why = "a run is in progress, or the time was missed and catch_up is none"
            ctx.events.emit("schedule.skipped", flow=flow.name, due=iso(moments[0]), reason=why)

    def _look_at_data(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> None:
        """Store a due time if the data differs from that of the last run and has stopped changing."""
        now = ctx.clock.monotonic()
        at, before = self._looked.get(flow.name, (-DATABASES_EVERY_S, ""))
        if now - at < DATABASES_EVERY_S and not _is_quick(ctx, flow):
            return
        found = _state_of_data(ctx, flow)
        self._looked[flow.name] = (now, found)
        self._failed.pop(flow.name, None)
        if found in (times.seen, "") or (found != before and _is_quick(ctx, flow)):
            return
        with ctx.database.begin() as conn:
            times = work.times_of_flow(conn, flow.name)
            if not times.paused and times.seen != found:
                work.add_ticks(conn, [Tick(flow.name, iso(ctx.clock.now()))])
                work.save_times(conn, replace(times, seen=found))

    # ── requests for runs ──────────────────────────────────────────────────────

    def _request_runs(self, ctx: Context, due: list[Tick]) -> None:
        """Request a run for each due time. With `catch_up: all`, a time waits while a run of its flow is queued."""
        for tick in due:
            flow = ctx.project.flows.get(tick.flow)
            try:
                with ctx.database.begin() as conn:
                    if tick in work.ticks_without_run(conn):
                        self._settle(conn, ctx, flow, tick)
            except InputError as error:  # no destination of it is active
                with ctx.database.begin() as conn:
                    work.store_tick_run(conn, tick, work.SKIPPED)
                ctx.events.emit("schedule.skipped", flow=tick.flow, due=tick.due, reason=str(error))

    def _settle(self, conn: Connection, ctx: Context, flow: FlowSpec | None, tick: Tick) -> None:
        if flow is None or flow.schedule is None:  # it was deleted in the meantime
            work.store_tick_run(conn, tick, work.SKIPPED)
            return
        if flow.catch_up == "all" and work.of_target(conn, "flow", flow.name, ["queued", "handed"]) is not None:
            return
        trigger = "new-data" if isinstance(read_schedule(flow.schedule), OnNewData) else "schedule"
        run = self.work.request(conn, ctx, flow, trigger=trigger, asked_by=ASKED_BY)
        work.store_tick_run(conn, tick, run)
        ctx.events.emit("schedule.due", flow=flow.name, due=tick.due, missed=tick.missed, run=run)

    def _report_failure(self, ctx: Context, flow: FlowSpec, reason: str) -> None:
        """Report an error once, not every few seconds."""
        if self._failed.get(flow.name) != reason:
            self._failed[flow.name] = reason
            ctx.events.emit("schedule.failed", flow=flow.name, reason=reason)


def _rule(flow: FlowSpec) -> str:
    return f"{flow.schedule} | {flow.timezone}"


def _due(flow: FlowSpec, done: str, now: datetime) -> list[datetime]:
    return passed(read_schedule(str(flow.schedule)), flow.timezone, datetime.fromisoformat(done), now)


def _sources(ctx: Context, flow: FlowSpec) -> dict[str, SourceSpec]:
    project = ctx.project
    datasets = [project.datasets[project.destinations[name].dataset] for name in flow.destinations]
    return {dataset.source: project.sources[dataset.source] for dataset in datasets}


def _is_quick(ctx: Context, flow: FlowSpec) -> bool:
    """Whether a check for new data is cheap: files, and sources in the state database."""
    return all(source.traits.is_quick for source in _sources(ctx, flow).values())


def _state_of_data(ctx: Context, flow: FlowSpec) -> str:
    """The identity of a flow's data now; empty if there is none. `intake.feed` handles posted records."""
    digest, project, known = blake2b(digest_size=12), ctx.project, False
    for name in sorted(_sources(ctx, flow)):
        source = project.sources[name]
        if isinstance(source, WebhookSource):
            continue
        found = _identity(ctx, source)
        known = known or found is not None
        digest.update(f"{name}\0{found}\0".encode())
    return digest.hexdigest() if known else ""


def _identity(ctx: Context, source: SourceSpec) -> str | None:
    """A text that changes when the source has something new; None where that cannot be known without reading it.

    Raises InputError or EnvironmentFailure when the source cannot be reached.
    """
    if isinstance(source, FileSource):
        return files_identity(matching_files(source, ctx.reach))
    if isinstance(source, ResponseSource):
        with ctx.database.read() as conn:
            newest = deliveries.newest_response(conn, source.destination)
        return None if newest == 0 else str(newest)
    if isinstance(source, SqlSource) and source.cursor is not None:
        from penstock.sources.source import open_rows  # noqa: PLC0415 - Arrow; files are looked at without

        return open_rows(source, ctx.resolve, ctx.reach).newest(source.cursor, ctx.clock.now())
    return None
