"""The events that Penstock emits for logs and traces, by stable names.

The code where an event happens reports it (`ctx.events.emit("run.started", run=…)`); the listener decides what
to do with it. The names are part of the public interface: people search and alert by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

Level = Literal["debug", "info", "warning", "error"]


class Kind(NamedTuple):
    """The level of an event in logs, and its meaning."""

    level: Level
    meaning: str


EVENTS: Mapping[str, Kind] = MappingProxyType(
    {
        "service.started": Kind("info", "`serve` answers requests"),
        "service.stopped": Kind("info", "`serve` ended"),
        "http.request": Kind("info", "a request to the service was answered"),
        "defect": Kind("error", "an unexpected error, with its place and kind"),
        "worker.started": Kind("info", "a worker takes runs"),
        "worker.stopped": Kind("info", "a worker ended normally"),
        "worker.lost": Kind("warning", "a worker sent no heartbeat; other workers take over its runs"),
        "run.queued": Kind("info", "a run waits for a worker"),
        "run.started": Kind("info", "a run of a destination started, or continued after an interruption"),
        "run.gave-way": Kind("info", "a backfill lets another run of its destination go on, and continues after it"),
        "run.ended": Kind("info", "a run of a destination ended, with its status and counts"),
        "run.failed": Kind("error", "a run could not start, or an error ended it"),
        "ledger.not-exported": Kind(
            "warning", "the ledger could not be written to `ledger_to`; the next run tries again"
        ),
        "run.taken-over": Kind("warning", "another worker continues the run of a lost worker"),
        "delivery.failed": Kind(
            "warning", "a request ended without success; the first 20 of a run are logged one by one"
        ),
        "budget.blocked": Kind(
            "warning", "the API answered 429; no request is sent with this credential until the wait is over"
        ),
        "schedule.due": Kind("info", "a scheduled time of a flow has come"),
        "schedule.skipped": Kind("info", "a due flow was not started, with the reason"),
        "schedule.failed": Kind("error", "a due flow could not be started"),
        "intake.refused": Kind("warning", "a post to a webhook was refused, with the reason"),
        "intake.received": Kind("debug", "the records of a post are stored on disk"),
        "intake.not-run": Kind(
            "warning", "the run for received records could not be requested, with the reason; logged once"
        ),
        "intake.paused": Kind("warning", "runs for received records fail; the next try is later, with the reason"),
        "intake.resumed": Kind("info", "runs for received records are no longer paused"),
        "intake.changed": Kind("warning", "the records of a webhook have other columns than before"),
        "signin.accepted": Kind("info", "a user signed in"),
        "signin.refused": Kind("warning", "a password, a token or a sign-in by an identity provider was refused"),
        "signin.delayed": Kind("warning", "a sign-in was refused because of too many failed ones before it"),
        "change.made": Kind("info", "a user changed something: the project, settings, users, runs, the quarantine"),
        "change.refused": Kind("info", "a change was refused: not permitted, invalid, or based on an old version"),
        "alert.raised": Kind("warning", "an alert opened"),
        "alert.over": Kind("info", "an alert closed"),
        "alert.undelivered": Kind("error", "a channel did not accept a message; it is sent again"),
        "care.done": Kind("info", "data older than its retention period was removed"),
        "care.failed": Kind("error", "old data could not be removed; it is tried again"),
    }
)


class Span(Protocol):
    """A unit of work with a beginning and an end, for traces."""

    def set(self, **facts: Any) -> None:
        """Add facts that become known during the work."""
        ...


class Events(Protocol):
    """The listener of events. Every method can be called from any thread, and none raises."""

    def emit(self, event: str, /, **facts: Any) -> None:
        """Report that an event happened; `event` is a name in `EVENTS`."""
        ...

    def hide(self, secret: str | None) -> None:
        """Mask this text in all later output."""
        ...

    def span(self, name: str, /, **facts: Any) -> AbstractContextManager[Span]:
        """A block that is a unit of work: `run`, `batch` or `request`."""
        ...


class _NoSpan:
    def set(self, **facts: Any) -> None:
        """Does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Does nothing."""


NO_SPAN = _NoSpan()


class Silent:
    """A listener that does nothing: for all commands but `serve` and `worker`."""

    def emit(self, event: str, /, **facts: Any) -> None:
        """Does nothing."""

    def hide(self, secret: str | None) -> None:
        """Does nothing, because no text is shown."""

    def span(self, _name: str, /, **_facts: Any) -> AbstractContextManager[Span]:
        return NO_SPAN


SILENT = Silent()
