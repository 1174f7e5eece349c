"""`Schedules`: requests runs of flows at their times, or when their data is new. Safe to call from several workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.config.flows import read_schedule
from penstock.model.errors import InputError, PenstockError
from penstock.model.spec import FileSource, FlowSpec, OnNewData, ResponseSource, SourceSpec, SqlSource, WebhookSource
from penstock.run.context import Context
from penstock.service.store import pauses, work
from penstock.service.store.pauses import FlowTimes, Tick
from penstock.service.work.cron import next_after, passed, to_run
from penstock.service.work.requests import WorkRequests
from penstock.sources.files.source_files import files_identity, matching_files
from penstock.store.runs import deliveries
from penstock.store.runs.runs import OPEN_STATES

ASKED_BY = "schedule"
DATABASES_EVERY_S = 15.0  # how often a database is checked for new data
KEPT = timedelta(days=35)
WORKED_OUT_FOR = timedelta(seconds=30)  # at most, since the clock or the offset of the time zone may change


class Early(NamedTuple):
    """The time until which a rule has nothing due, if the times up to `done` are handled."""

    rule: str
    done: str
    until: datetime


@dataclass(slots=True)
class Schedules:
    """`tick` requests the runs that are due; call it every few seconds."""

    ctx: Callable[[], Context]
    work: WorkRequests
    _looked: dict[str, tuple[float, str]] = field(default_factory=dict)  # flow → time and data at the last check
    _failed: dict[str, str] = field(default_factory=dict)  # flow → the last reported error
    _early: dict[str, Early] = field(default_factory=dict)  # by flow

    def tick(self) -> None:
        """Check all flows once."""
        ctx = self.ctx()
        flows = [flow for flow in ctx.project.flows.values() if flow.schedule is not None]
        with ctx.database.read() as conn:  # all at once: there may be hundreds
            known = pauses.times_of_all(conn, [flow.name for flow in flows])
        for flow in flows:
            if not self._is_early(ctx, flow, known[flow.name]):
                try:
                    self._look_at(ctx, flow, known[flow.name])
                except PenstockError as error:
                    self._tell_failure(ctx, flow, str(error))
        with ctx.database.read() as conn:
            due = pauses.waiting(conn)
        if due:
            self._ask(ctx, due)

    # ── due times ────────────────────────────────────────────────────────────

    def _is_early(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> bool:
        """Whether a recent result says that nothing is due: to compute the times of hundreds of flows takes long."""
        kept = self._early.get(flow.name)
        return kept is not None and kept[:2] == (_rule(flow), times.done) and ctx.clock.now() < kept.until

    def _look_at(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> None:
        if times.paused:
            return
        if isinstance(read_schedule(str(flow.schedule)), OnNewData):
            self._look_at_data(ctx, flow, times)
        elif times.rule != _rule(flow) or times.done is None:  # a new schedule counts from now
            with ctx.database.begin() as conn:
                now = iso(ctx.clock.now())
                pauses.save(conn, replace(pauses.times_of(conn, flow.name), rule=_rule(flow), done=now))
        elif _due(flow, times.done, ctx.clock.now()):
            self._note(ctx, flow)
        else:
            latest = ctx.clock.now() + WORKED_OUT_FOR
            at = next_after(read_schedule(str(flow.schedule)), flow.timezone, datetime.fromisoformat(times.done))
            self._early[flow.name] = Early(_rule(flow), times.done, latest if at is None else min(at, latest))

    def _note(self, ctx: Context, flow: FlowSpec) -> None:
        """Store the due times, once for all workers."""
        with ctx.database.begin() as conn:
            times = pauses.times_of(conn, flow.name)
            now = ctx.clock.now()
            moments = [] if times.paused or times.done is None else _due(flow, times.done, now)
            if not moments:
                return
            busy = work.of_target(conn, "flow", flow.name, OPEN_STATES) is not None
            ticks = [Tick(flow.name, iso(due.at), due.missed) for due in to_run(moments, now, flow.catch_up, busy=busy)]
            pauses.add_ticks(conn, ticks)
            pauses.save(conn, replace(times, done=iso(moments[0])))
            pauses.forget_before(conn, iso(now - KEPT))
        if not ticks:
            why = "a run is in progress, or the time was missed and catch_up is none"
            ctx.events.tell("schedule.skipped", flow=flow.name, due=iso(moments[0]), reason=why)

    def _look_at_data(self, ctx: Context, flow: FlowSpec, times: FlowTimes) -> None:
        """Store a due time if the data differs from that of the last run and has stopped changing."""
        now = ctx.clock.monotonic()
        at, before = self._looked.get(flow.name, (-DATABASES_EVERY_S, ""))
        if now - at < DATABASES_EVERY_S and not _is_quick(ctx, flow):
            return
        found = _news(ctx, flow)
        self._looked[flow.name] = (now, found)
        self._failed.pop(flow.name, None)
        if found in (times.seen, "") or (found != before and _is_quick(ctx, flow)):
            return
        with ctx.database.begin() as conn:
            times = pauses.times_of(conn, flow.name)
            if not times.paused and times.seen != found:
                pauses.add_ticks(conn, [Tick(flow.name, iso(ctx.clock.now()))])
                pauses.save(conn, replace(times, seen=found))

    # ── requests for runs ──────────────────────────────────────────────────────

    def _ask(self, ctx: Context, due: list[Tick]) -> None:
        """Request a run for each due time. With `catch_up: all`, a time waits while a run of its flow is queued."""
        for tick in due:
            flow = ctx.project.flows.get(tick.flow)
            try:
                with ctx.database.begin() as conn:
                    if tick in pauses.waiting(conn):
                        self._settle(conn, ctx, flow, tick)
            except InputError as error:  # no destination of it is active
                with ctx.database.begin() as conn:
                    pauses.settle(conn, tick, pauses.SKIPPED)
                ctx.events.tell("schedule.skipped", flow=tick.flow, due=tick.due, reason=str(error))

    def _settle(self, conn: Connection, ctx: Context, flow: FlowSpec | None, tick: Tick) -> None:
        if flow is None or flow.schedule is None:  # it was deleted in the meantime
            pauses.settle(conn, tick, pauses.SKIPPED)
            return
        if flow.catch_up == "all" and work.of_target(conn, "flow", flow.name, ["queued", "handed"]) is not None:
            return
        trigger = "new-data" if isinstance(read_schedule(flow.schedule), OnNewData) else "schedule"
        run = self.work.ask(conn, ctx, flow, trigger=trigger, asked_by=ASKED_BY)
        pauses.settle(conn, tick, run)
        ctx.events.tell("schedule.due", flow=flow.name, due=tick.due, missed=tick.missed, run=run)

    def _tell_failure(self, ctx: Context, flow: FlowSpec, reason: str) -> None:
        """Report an error once, not every few seconds."""
        if self._failed.get(flow.name) != reason:
            self._failed[flow.name] = reason
            ctx.events.tell("schedule.failed", flow=flow.name, reason=reason)


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


def _news(ctx: Context, flow: FlowSpec) -> str:
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
        from penstock.sources.open import open_rows  # noqa: PLC0415 - Arrow; files are looked at without

        return open_rows(source, ctx.resolve, ctx.reach).newest(source.cursor, ctx.clock.now())
    return None
