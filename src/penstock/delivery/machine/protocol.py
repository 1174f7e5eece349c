"""The delivery of records as machines without I/O. Six terms describe it.

**Machine.** A generator that decides what is done next. It reads no clock, draws no random number and opens no
connection; its inputs are parameters and events. `attempts.py` has the machine of one request with all its
attempts, `batch.py` that of one batch, `jobs.py` that of a batch job. A machine runs another one by `yield from`.

**Command.** What a machine yields: one thing that has to be done before it continues.

**Event.** What happened. The machine receives it as the value of the `yield`.

    command           what the driver does                                 event
    Reserve           waits until the rate limit permits the request       Reserved
    Send              makes one attempt                                    Replied or ConnectionLost
    Wait              lets some seconds pass                               TimePassed
    SettleRecords     records a delivery with the outcome of its records   None
    RenderAgain       makes the payloads of stored records                 Rendered
    LogAttempt        shows an attempt in the progress of the run           None

**Driver.** Performs the commands of a machine in their order and gives the events back: the class `Driver` in
`sender.py` on asyncio, with a client, a rate limit and a clock; the tests by a script. A driver that must stop closes
the machine. The records that are not settled then are unsent.

**Verdict.** What the last reply or loss of a request means for each of its records (`verdict.py`). Whether there is
another attempt, and after which pause, is decided before (`retry.py`). Both are pure functions that return a value and
a reason.

**Settle.** To report the outcome of records. A machine settles every record once, in one of its deliveries, whatever
is replied or lost, and however long it takes.

A batch of one record, answered by 503 and then by 200:

    Reserve(request, "live")        → Reserved()
    Send(request, attempt=1)        → Replied(503, …)
    LogAttempt(1, again in 0.2 s)
    Wait(0.2, "503")                → TimePassed(…)
    Reserve(request, "retry")       → Reserved()
    Send(request, attempt=2)        → Replied(200, …)
    LogAttempt(2)
    SettleRecords(delivery)           one record delivered, in two attempts
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from penstock.model.delivery import Delivery, Lane, Lost, Reply, Waiting
from penstock.model.record import Payload, Rendered, Request

T = TypeVar("T")

RenderStored = Callable[[Sequence[Payload]], Awaitable[Rendered]]  # their rows are their places in the sequence


class Moment(NamedTuple):
    """When an event happened, and a random number for the decision that follows it."""

    now: datetime  # in UTC
    seconds: float  # monotonic
    dice: float  # in [0, 1)


# ── commands ─────────────────────────────────────────────────────────────────


class Reserve(NamedTuple):
    """Wait for a place in the rate limit. `jobs` is the number of records in the request."""

    request: Request
    lane: Lane
    jobs: int


class Send(NamedTuple):
    """Send the request whose place is reserved. `attempt` counts from 1."""

    request: Request
    attempt: int


class Wait(NamedTuple):
    """Let `seconds` pass. `shown` is what the progress of the run says meanwhile; None: nothing."""

    seconds: float
    reason: str
    shown: Waiting | None = None


class SettleRecords(NamedTuple):
    """Record what became of a request and of the records in `delivery.settled`."""

    delivery: Delivery


class RenderAgain(NamedTuple):
    """Make payloads again of which only the records were stored, with `render`."""

    payloads: Sequence[Payload]
    render: RenderStored


class LogAttempt(NamedTuple):
    """An attempt failed, or it is the last of several. `again_in_s` is the pause before the next; None: no next."""

    request: Request
    attempt: int
    answer: Reply | Lost
    again_in_s: float | None


Command = Reserve | Send | Wait | SettleRecords | RenderAgain | LogAttempt


# ── events ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Reserved:
    """The rate limit permits the request now."""


class Replied(NamedTuple):
    """A reply came."""

    answer: Reply
    moment: Moment


class ConnectionLost(NamedTuple):
    """No reply came. `answer` says why, and whether a byte of the request may have left."""

    answer: Lost
    moment: Moment


class TimePassed(NamedTuple):
    """The pause is over."""

    moment: Moment


Event = Reserved | Replied | ConnectionLost | TimePassed | Rendered

Steps = Generator[Command, Event | None, T]  # a machine whose result is a T


def until_settled(steps: Steps[None]) -> Steps[Delivery | None]:
    """Run a machine inside another one up to its next delivery, which is returned instead of settled.

    None is returned when `steps` have ended.
    """
    try:
        command = next(steps)
        while not isinstance(command, SettleRecords):
            command = steps.send((yield command))
    except StopIteration:
        return None
    return command.delivery
