"""The events that Penstock emits for logs and traces, by stable names. Imports nothing of Penstock.

The code that sees an event emits it (`ctx.events.tell("run.started", run=…)`); the listener decides where it goes.
The names are part of the public interface: people search and alert by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType, TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

Level = Literal["debug", "info", "warning", "error"]


class Kind(NamedTuple):
    """How much an event matters, and what it means."""

    level: Level
    meaning: str


EVENTS: Mapping[str, Kind] = MappingProxyType(
    {
        "service.started": Kind("info", "`serve` answers requests"),
        "service.stopped": Kind("info", "`serve` ended"),
        "http.request": Kind("info", "a request to the service was answered"),
        "defect": Kind("error", "an error that nobody expected, by place and kind"),
        "worker.started": Kind("info", "a worker takes runs"),
        "worker.stopped": Kind("info", "a worker ended in good order"),
        "worker.lost": Kind("warning", "a worker gave no sign of life; its runs are taken over"),
        "run.queued": Kind("info", "a run waits for a worker"),
        "run.started": Kind("info", "a run of a destination began, or went on after an interruption"),
        "run.ended": Kind("info", "a run of a destination came to its end, with its status and counts"),
        "run.failed": Kind("error", "a run could not be begun or ended by an error"),
        "run.taken-over": Kind("warning", "the run of a lost worker is continued by another"),
        "delivery.failed": Kind(
            "warning", "a request ended without success; the first 20 of a run are told one by one"
        ),
        "budget.blocked": Kind("warning", "the API answered 429: nobody sends with this credential for a while"),
        "schedule.due": Kind("info", "the time of a flow has come"),
        "schedule.skipped": Kind("info", "a due flow was not begun, with the reason"),
        "schedule.failed": Kind("error", "a due flow could not be begun"),
        "intake.refused": Kind("warning", "a webhook's request was refused, with the reason"),
        "intake.received": Kind("debug", "a webhook's records are durable"),
        "intake.not-run": Kind(
            "warning", "what waits for records of a webhook could not be run, with the reason, told once"
        ),
        "intake.paused": Kind("warning", "runs of what reads a webhook fail: the next is tried later, with the reason"),
        "intake.resumed": Kind("info", "what reads a webhook is no longer paused"),
        "intake.changed": Kind("warning", "the records of a webhook have other columns than before"),
        "signin.accepted": Kind("info", "a person signed in"),
        "signin.refused": Kind("warning", "a name and password, or a token, were refused"),
        "signin.delayed": Kind("warning", "too many tries: answers are held back"),
        "change.made": Kind("info", "a person changed the project, its settings or its people"),
        "change.refused": Kind("info", "a change was refused: it was wrong, or made against an old version"),
        "alert.raised": Kind("warning", "something needs a person"),
        "alert.over": Kind("info", "what needed a person is over"),
        "alert.undelivered": Kind("error", "a channel did not take a message; it is tried again"),
        "care.done": Kind("info", "what the retention calls old was removed"),
        "care.failed": Kind("error", "what is old could not be removed; it is tried again"),
    }
)


class Span(Protocol):
    """A piece of work with a beginning and an end."""

    def set(self, **facts: Any) -> None:
        """What is known of it only later."""
        ...


class Events(Protocol):
    """The listener of events. Every method may be called from any thread, and none fails its caller."""

    def tell(self, event: str, /, **facts: Any) -> None:
        """It has happened; `event` is a name of `EVENTS`."""
        ...

    def hide(self, secret: str | None) -> None:
        """From now on this text is shown nowhere."""
        ...

    def span(self, name: str, /, **facts: Any) -> AbstractContextManager[Span]:
        """A piece of work, for traces: `run`, `batch`, `request`."""
        ...


class _NoSpan:
    def set(self, **facts: Any) -> None:
        """Nobody listens."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nobody listens."""


NO_SPAN = _NoSpan()


class Silent:
    """Nobody listens: what every command does but `serve` and `worker`."""

    def tell(self, event: str, /, **facts: Any) -> None:
        """Does nothing."""

    def hide(self, secret: str | None) -> None:
        """Nothing is shown anyway."""

    def span(self, _name: str, /, **_facts: Any) -> AbstractContextManager[Span]:
        return NO_SPAN


SILENT = Silent()
