"""The telemetry of a service: logs, metrics, traces, and the periodic check of alerts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TextIO

from penstock.model.errors import PenstockError
from penstock.model.events import Events, Span
from penstock.service.watch.logs import LogEvents, start_logs
from penstock.service.watch.metrics import Metrics

if TYPE_CHECKING:
    from types import TracebackType

    from penstock.service.watch.traces import Traces
    from penstock.service.watch.watch import Watch

EVERY_S = 15.0  # between two checks of alerts


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

    def tell_to(self, events: Events) -> None:
        """Report events to `events` from now on."""
        ...


@dataclass(slots=True)
class ServiceEvents:
    """Passes events to the logs, the metrics of this process and, if enabled, the traces."""

    logs: LogEvents
    metrics: Metrics
    traces: Traces | None = None

    def tell(self, event: str, /, **facts: Any) -> None:
        self.metrics.events.labels(event).inc()
        self.logs.tell(event, **facts)

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
        app.tell_to(events)
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
            app.events.tell("defect", error=type(error).__name__, where="watch")


def _wants_traces(environ: Mapping[str, str]) -> bool:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    wanted = environ.get("PENSTOCK_TRACES", "").strip().lower()
    if wanted in {"off", "0", "false", "no"}:
        return False
    return wanted != "" or any(environ.get(name) for name in names)
