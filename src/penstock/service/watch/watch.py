"""`Watch`: the health, the metrics and the alerts of the service.

`watched` starts the telemetry of a service: logs, metrics, traces, and the periodic check of alerts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

from penstock.clock import iso
from penstock.model.errors import PenstockError, Problem
from penstock.model.events import Events, Span
from penstock.run.context import Context
from penstock.service.documents import AlertSettings
from penstock.service.model import Alert
from penstock.service.store import figures, work
from penstock.service.store.work import FeedPause
from penstock.service.watch import alert_settings, alerts
from penstock.service.watch.logs import LogEvents, start_logs
from penstock.service.watch.metrics import Metrics
from penstock.store.database import upsert
from penstock.store.runs import timeseries
from penstock.store.service_tables import tallies as table

if TYPE_CHECKING:
    from types import TracebackType

    from penstock.service.watch.traces import Traces


LOOK_AGAIN_S = 2.0  # earlier calls get the last result, because each check writes to the database
AT_ONCE = 20_000  # rows of the ledger that one transaction adds up
EVERY_S = 15.0  # between two checks of alerts
Alive = Callable[[], str | None]


@dataclass(slots=True)
class Watch:
    """The use-cases of monitoring. `ctx` returns the context with the current project."""

    ctx: Callable[[], Context]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _judged: tuple[float, tuple[Problem, ...]] | None = None
    _metrics: Metrics | None = None
    _alive: list[Alive] = field(default_factory=list)

    @property
    def metrics(self) -> Metrics:
        """The metrics of this process."""
        with self._lock:
            if self._metrics is None:
                self._metrics = Metrics(self.ctx)
            return self._metrics

    def depend_on(self, alive: Alive) -> None:
        """Make readiness depend on a part of this process; `alive` returns what is wrong with it, or None."""
        self._alive.append(alive)

    def not_ready(self) -> tuple[Problem, ...]:
        """The problems because of which this process should get no requests now; empty when it is ready."""
        ctx = self.ctx()
        with self._lock:
            now = ctx.clock.monotonic()
            if self._judged is None or now - self._judged[0] >= LOOK_AGAIN_S:
                self._judged = (now, tuple(_state_problems(ctx)))
            state = self._judged[1]
        parts = [alive() for alive in self._alive]
        hint = "see the log of this process"
        return (*state, *(Problem("worker", wrong, "not-alive", hint) for wrong in parts if wrong is not None))

    def alert_settings(self) -> AlertSettings:
        """Channels and rules; the URLs of channels are masked."""
        return alert_settings.read(self.ctx())

    def set_alerts(
        self, document: Mapping[str, Any], *, by: str, guard: Callable[[AlertSettings], None] = lambda _: None
    ) -> AlertSettings:
        """Replace channels and rules. `guard` receives the present settings, and raises if the writer read others."""
        return alert_settings.write(self.ctx(), document, by=by, guard=guard)

    def try_channels(self, only: str | None = None) -> dict[str, str | None]:
        """Send a test message to every channel, or to one; returns for each channel why it failed, or None."""
        ctx, channels = self.ctx(), self.alert_settings().channels
        if only is not None and only not in channels:
            raise ctx.unknown("channel", only, channels)
        title, body = "Penstock: test message", "This channel will receive alerts."
        return {
            name: alerts.send(ctx, name, title, body, tuple(channel.allowed_hosts))
            for name, channel in channels.items()
            if only in {None, name}
        }

    def alerts(self) -> list[Alert]:
        """All alerts: the raised ones first, then those that are over, each newest first."""
        with self.ctx().database.read() as conn:
            found = alerts.all_alerts(conn)
        return sorted(found.values(), key=lambda alert: (alert.state == "raised", alert.since), reverse=True)

    def tick(self) -> None:
        """Add up the ledger, check the alerts, and send messages. To be called every few seconds.

        Raises EnvironmentFailure when the state is unavailable.
        """
        ctx = self.ctx()
        self.fold()
        alerts.check(ctx)
        alerts.send_due(ctx)

    def fold(self) -> None:
        """Add up the new rows of the ledger, so that metrics and statistics stay cheap."""
        more = True
        while more:  # a long ledger that was never added up, in parts, so that others can write in between
            with self.ctx().database.begin() as conn:
                timeseries.fold_deliveries(conn)
                more = timeseries.fold(conn, AT_ONCE)


def _paused(pause: FeedPause) -> Problem:
    """The problem of a feed that fails, without the reason: readiness is public, the reason only for viewers."""
    message = f"records posted for {pause.target} have not been sent since {pause.since}, because its runs fail"
    hint = f"the page of the source {pause.sources[0]} shows why, and the time of the next attempt"
    return Problem(f"{pause.kind}s.{pause.target}", message, "feed-paused", hint)


def _state_problems(ctx: Context) -> list[Problem]:
    """The problems with the state database, and the feeds that are paused."""
    try:
        with ctx.database.begin() as conn:
            upsert(conn, table, {"name": "asked", "labels": "[]", "value": ctx.clock.now().timestamp()})
            current = figures.schema_is_current(conn)
            paused = work.feed_pauses(conn) if current else {}
    except PenstockError as error:
        return list(error.problems)
    if current:
        return [_paused(pause) for pause in paused.values()]
    message = f"the state database has another schema than this process (checked at {iso(ctx.clock.now())})"
    return [Problem(ctx.database.place, message, "other-schema", "restart this process with the newer Penstock")]


class Watchable(Protocol):
    """The parts of a ServiceApp that telemetry needs."""

    @property
    def watch(self) -> Watch:
        """Metrics and alerts."""
        ...

    @property
    def events(self) -> Events:
        """The listener of events."""
        ...

    def emit_to(self, events: Events) -> None:
        """Report events to `events` from now on."""
        ...


@dataclass(slots=True)
class ServiceEvents:
    """Passes events to the logs, the metrics of this process and, if enabled, the traces."""

    logs: LogEvents
    metrics: Metrics
    traces: Traces | None = None

    def emit(self, event: str, /, **facts: Any) -> None:
        self.metrics.events.labels(event).inc()
        self.logs.emit(event, **facts)

    def hide(self, secret: str | None) -> None:
        self.logs.hide(secret)

    def span(self, name: str, /, **facts: Any) -> AbstractContextManager[Span]:
        inner = None if self.traces is None else self.traces.span(name, **facts)
        return _Measured(self.metrics, name, facts, inner)


@dataclass(slots=True)
class _Measured:
    """A span that measures requests; `inner` is the span of the trace, None without traces."""

    metrics: Metrics
    name: str
    facts: dict[str, Any]
    inner: AbstractContextManager[Span] | None
    _span: Span | None = None
    _began: float = field(default_factory=time.perf_counter)

    def set(self, **facts: Any) -> None:
        self.facts.update(facts)
        if self._span is not None:
            self._span.set(**facts)

    def __enter__(self) -> Self:
        if self.inner is not None:
            self._span = self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.name == "request":
            labels = (self.facts["credential"], str(self.facts.get("status", "lost")))
            self.metrics.attempts.labels(*labels).observe(time.perf_counter() - self._began)
        if self.inner is not None:
            self.inner.__exit__(kind, error, trace)


@contextmanager
def watched(app: Watchable, environ: Mapping[str, str], stream: TextIO | None = None) -> Iterator[None]:
    """Start the telemetry of a service for the block. InputError for an unknown setting of the environment."""
    with ExitStack() as stack:
        events = ServiceEvents(start_logs(environ, stream), app.watch.metrics)
        if _wants_traces(environ):
            from penstock.service.watch.traces import start_traces  # noqa: PLC0415 - an extra

            events.traces = start_traces(environ, events.logs.redactor.text)
            stack.callback(events.traces.close)
        app.emit_to(events)
        stop = threading.Event()
        thread = threading.Thread(target=_tick, args=(app, stop), daemon=True, name="penstock-watch")
        thread.start()
        stack.callback(thread.join, 10)
        stack.callback(stop.set)
        yield


def _tick(app: Watchable, stop: threading.Event) -> None:
    """Errors of the state database are ignored (`/readyz` reports them). A defect is logged; the loop continues."""
    while not stop.wait(EVERY_S):
        try:
            app.watch.tick()
        except PenstockError:
            continue
        except Exception as error:  # noqa: BLE001 - see above
            app.events.emit("defect", error=type(error).__name__, where="watch")


def _wants_traces(environ: Mapping[str, str]) -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    wanted = environ.get("PENSTOCK_TRACES", "").strip().lower()
    if wanted in {"off", "0", "false", "no"}:
        return False
    return wanted != "" or any(environ.get(name) for name in names)
