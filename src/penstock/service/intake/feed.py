"""`Feed`: requests a run when enough posted records wait or one has waited long enough; deletes old posted records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from penstock.clock import iso
from penstock.model.errors import PenstockError
from penstock.model.record import ReadWindow, place_of
from penstock.model.runs import RunKind
from penstock.model.spec import DestinationSpec, FlowSpec, WebhookSource
from penstock.run.context import Context, is_active
from penstock.run.flow import in_order
from penstock.service.store import figures, work
from penstock.service.store.work import FeedPause
from penstock.service.work.backfills import gives_way, is_backfilled
from penstock.service.work.requests import WorkRequests
from penstock.store.project import pushed, resources
from penstock.store.runs import runs
from penstock.store.runs.runs import OPEN_STATES

ASKED_BY = "intake"
DELETE_EVERY_S = 60.0
LONGEST_WAIT_S = 300.0
AFTER_CANCEL_S = 2.0


@dataclass(slots=True)
class Behind:
    """A target with unread records; `since` is a monotonic time in seconds."""

    since: float


@dataclass(slots=True)
class Feed:
    """Requests runs of active destinations whose webhook source has new records. Call it several times a second.

    After a failed run it pauses for 2, 4, 8 … 300 s. It then requests a run only if no problem of the settings and the
    environment is known that would make it fail again.
    """

    ctx: Callable[[], Context]
    work: WorkRequests
    _behind: dict[str, Behind] = field(default_factory=dict)
    _pauses: dict[str, FeedPause] = field(default_factory=dict)
    _tips: dict[str, int] = field(default_factory=dict)
    _reported: dict[str, str] = field(default_factory=dict)  # by target: the reported reason why it was not run
    _deleted_at: float = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether records wait for more records, or for the end of a pause or run."""
        return bool(self._behind or self._pauses)

    def __call__(self) -> bool:
        """Whether it requested a run."""
        ctx = self.ctx()
        readers, now, requested = dict(_readers(ctx)), ctx.clock.monotonic(), False
        is_time = now - self._deleted_at > DELETE_EVERY_S
        if not readers and not is_time:
            return False
        with ctx.database.read() as conn:
            tips = pushed.tips(conn)
            self._pauses = work.feed_pauses(conn)
        if tips != self._tips or self._behind or self._pauses:
            self._tips = tips
            targets = _targets(ctx, readers)
            for target in self._pauses.keys() - targets.keys():
                self._resume(ctx, target)
            for target, specs in targets.items():
                if self._is_due(ctx, target, specs, readers, now):
                    requested = self._request(target) or requested
        if is_time:
            self._deleted_at = now
            delete_read_records(ctx)
        return requested

    def _is_due(
        self,
        ctx: Context,
        target: str,
        specs: list[DestinationSpec],
        readers: dict[str, WebhookSource],
        now: float,
    ) -> bool:
        waiting = 0
        for spec in specs:
            beside = is_backfilled(ctx.database, spec.name)
            place = _place(ctx, spec.name, readers[spec.name].name, beside=beside)
            waiting = max(waiting, self._tips.get(readers[spec.name].name, 0) - place)
        if waiting <= 0 or not any(is_active(ctx, spec)[0] for spec in specs):
            self._behind.pop(target, None)
            if target in self._pauses:
                self._resume(ctx, target)
            return False
        behind = self._behind.setdefault(target, Behind(now))
        flush = readers[specs[0].name].flush
        if waiting < flush.records and now - behind.since < flush.after:
            return False
        sources = tuple(dict.fromkeys(readers[spec.name].name for spec in specs))
        if self._has_to_wait(ctx, target, specs, sources):
            return False
        from penstock.service.intake.next_run import has_new_records  # noqa: PLC0415 - loads Arrow

        if any(has_new_records(ctx, spec) for spec in specs):
            return True
        self._behind.pop(target, None)
        return False

    def _has_to_wait(self, ctx: Context, target: str, specs: list[DestinationSpec], sources: tuple[str, ...]) -> bool:
        """Whether a run of the target is open, or the target is paused after a failed run."""
        kind: RunKind = "destination" if [spec.name for spec in specs] == [target] else "flow"
        pause = self._pauses.get(target)
        backfilled = kind == "destination" and is_backfilled(ctx.database, target)
        with ctx.database.read() as conn:
            here = [row for row in work.in_state(conn, OPEN_STATES) if (row.kind, row.target) == (kind, target)]
            if here and not (backfilled and len(here) == 1 and gives_way(conn, here[0], None)):
                return True
            newest = next(iter(figures.recent_runs(conn, target, kind, 1)), None)
        if newest is None or newest.finished_at is None:
            return pause is not None and self._is_paused(ctx, pause, specs)
        if newest.status == "cancelled":
            return _age(ctx, newest.finished_at) < AFTER_CANCEL_S
        if newest.status == "failed":
            if pause is None and _age(ctx, newest.finished_at) > LONGEST_WAIT_S:
                return False  # it failed long ago: newer records are tried
            if pause is None or (pause.run, pause.ended) != (newest.run, newest.finished_at):
                reason = newest.reason or next(self._known_problems(ctx, specs), newest.stopped_by or "an error")
                first = FeedPause(target, kind, sources, reason, newest.finished_at, 0.0, 0, "", "", None)
                self._pause(ctx, replace(pause or first, run=newest.run, ended=newest.finished_at), reason)
                return True
        elif pause is not None and newest.status in figures.COMPLETED:
            self._resume(ctx, target)  # a later run has succeeded
            return False
        return pause is not None and self._is_paused(ctx, pause, specs)

    def _is_paused(self, ctx: Context, pause: FeedPause, specs: list[DestinationSpec]) -> bool:
        """Whether the pause continues: its time has not passed, or the cause of the failure still exists."""
        if ctx.clock.now().timestamp() < pause.until and pause.version == ctx.version:
            return True
        problems = list(self._known_problems(ctx, specs))
        if len(problems) < sum(is_active(ctx, spec)[0] for spec in specs):
            return False
        self._pause(ctx, pause, problems[0])
        return True

    @staticmethod
    def _known_problems(ctx: Context, specs: list[DestinationSpec]) -> Iterator[str]:
        """The known problems that make runs of the active destinations fail."""
        from penstock.service.intake.next_run import known_problem  # noqa: PLC0415 - loads Arrow

        found = (known_problem(ctx, spec) for spec in specs if is_active(ctx, spec)[0])
        return (reason for reason in found if reason is not None)

    def _pause(self, ctx: Context, pause: FeedPause, reason: str) -> None:
        """Pause again, twice as long as the last time."""
        failures = pause.failures + 1
        wait = min(2.0**failures, LONGEST_WAIT_S)
        until = ctx.clock.now().timestamp() + wait
        made = replace(pause, failures=failures, until=until, reason=reason, version=ctx.version)
        with ctx.database.begin() as conn:
            work.put_feed_pause(conn, made)
        self._pauses[pause.target] = made
        if failures == 1 or reason != pause.reason:
            ctx.events.emit("intake.paused", target=pause.target, run=pause.run, reason=reason, wait_s=wait)

    def _resume(self, ctx: Context, target: str) -> None:
        del self._pauses[target]
        with ctx.database.begin() as conn:
            work.end_feed_pause(conn, target)
        ctx.events.emit("intake.resumed", target=target)

    def _request(self, target: str) -> bool:
        self._behind[target].since = self.ctx().clock.monotonic()
        try:
            pause = self._pauses.get(target)
            if pause is None:
                self.work.enqueue(target, trigger="intake", asked_by=ASKED_BY)
            else:  # the retries of a pause share one entry in the list of runs
                self.work.retry(pause.run, target, trigger="intake", asked_by=ASKED_BY)
        except PenstockError as error:
            if self._reported.get(target) != str(error):  # report a reason once
                self._reported[target] = str(error)
                self.ctx().events.emit("intake.not-run", target=target, reason=str(error))
            return False
        self._reported.pop(target, None)
        return True


def _age(ctx: Context, moment: str) -> float:
    """Seconds since a time in ISO 8601."""
    return (ctx.clock.now() - datetime.fromisoformat(moment)).total_seconds()


def _readers(ctx: Context) -> Iterator[tuple[str, WebhookSource]]:
    """The destinations whose records are posted, each with its source."""
    for name, spec in ctx.project.destinations.items():
        dataset = ctx.project.datasets.get(spec.dataset)
        source = ctx.project.sources.get(dataset.source) if dataset is not None else None
        if isinstance(source, WebhookSource):
            yield name, source


def _targets(ctx: Context, readers: dict[str, WebhookSource]) -> dict[str, list[DestinationSpec]]:
    """The targets to run, each with its destinations in order: flows in which all destinations have posted records, and
    such destinations that are in none of these flows.

    A destination of a paused flow is left out, unless another flow has it too.
    """
    found: dict[str, list[DestinationSpec]] = {}
    covered: set[str] = set()
    paused_destinations: set[str] = set()
    other_destinations: set[str] = set()
    with ctx.database.read() as conn:
        paused = work.paused_flows(conn)
    for name, flow in ctx.project.flows.items():
        (paused_destinations if name in paused else other_destinations).update(flow.destinations)
        if name not in paused and flow.destinations and all(each in readers for each in flow.destinations):
            found[name] = in_order(ctx, flow)
            covered.update(flow.destinations)
    covered |= paused_destinations - other_destinations
    alone = FlowSpec("", tuple(name for name in readers if name not in covered))
    found.update({spec.name: [spec] for spec in in_order(ctx, alone)})
    return found


def _place(ctx: Context, destination: str, source: str, *, beside: bool = False) -> int:
    """The id of the last record that a destination has sent; `beside`: or that the backfill of it has read."""
    with ctx.database.read() as conn:
        stored = resources.window_of(conn, destination)
        left = runs.unfinished_alone(conn, destination) if stored is None and beside else None
        stored = dict(left.window) if left is not None and left.window is not None else stored
    return place_of(None if stored is None else ReadWindow.from_json(stored), source)


def delete_read_records(ctx: Context) -> int:
    """Delete posted records that every destination has read and that are older than `retain`; returns how many.

    Drafts that have never run do not count. Records of deleted sources are deleted after a week.
    """
    with ctx.database.read() as conn:
        known = pushed.tips(conn)
    gone = 0
    for name, tip in known.items():
        source = ctx.project.sources.get(name)
        retain_s = source.retain if isinstance(source, WebhookSource) else WebhookSource(name).retain
        places = [tip]
        for destination, read in _readers(ctx):
            if read.name == name:
                place = _place(ctx, destination, name)
                if place or _is_wanted(ctx, destination):
                    places.append(place)
        before = iso(ctx.clock.now() - timedelta(seconds=retain_s))
        while True:
            with ctx.database.begin() as conn:
                count = pushed.delete_oldest(conn, name, min(places), before)
            gone += count
            if count < pushed.DELETED_AT_ONCE:
                break
    return gone


def _is_wanted(ctx: Context, destination: str) -> bool:
    """Whether a destination is active or paused: a paused one needs the records that arrive meanwhile."""
    active, _ = is_active(ctx, ctx.destination(destination))
    with ctx.database.read() as conn:
        return active or resources.switch_of(conn, destination) is not None
