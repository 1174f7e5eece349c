"""OpenTelemetry traces: run → batch → request. An extra (`penstock[otel]`), imported only where traces are enabled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from penstock.model.errors import InputError, Problem
from penstock.version import __version__


@dataclass(frozen=True, slots=True)
class TraceSpan:
    """A span of the library. Texts are redacted before they are sent."""

    span: Any
    clean: Callable[[str], str]

    def set(self, **facts: Any) -> None:
        for name, value in facts.items():
            if value is not None:
                plain = value if isinstance(value, bool | int | float) else self.clean(str(value))
                self.span.set_attribute(f"penstock.{name}", plain)


@dataclass(frozen=True, slots=True)
class Traces:
    """The tracer of this process."""

    provider: Any
    clean: Callable[[str], str]

    @contextmanager
    def span(self, name: str, /, **facts: Any) -> Iterator[TraceSpan]:
        """A span for the block. An error is recorded only by its type, because its message can contain a record."""
        tracer = self.provider.get_tracer("penstock", __version__)
        begun = tracer.start_as_current_span(f"penstock.{name}", record_exception=False, set_status_on_exception=False)
        with begun as span:
            made = TraceSpan(span, self.clean)
            made.set(**facts)
            try:
                yield made
            except BaseException as error:
                made.set(error=type(error).__name__)
                raise

    def close(self) -> None:
        """Send the remaining spans."""
        self.provider.shutdown()


def start_traces(environ: Mapping[str, str], clean: Callable[[str], str]) -> Traces:
    """Send traces to the OTLP/HTTP endpoint of the environment. InputError when the extra is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        hint = "run pip install 'penstock[otel]', or unset PENSTOCK_TRACES"
        raise InputError(Problem("PENSTOCK_TRACES", "traces need the extra otel", "not-installed", hint)) from None
    name = environ.get("OTEL_SERVICE_NAME", "penstock")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider, clean)
