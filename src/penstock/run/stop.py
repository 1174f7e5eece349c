"""The reasons for which a run stops before its end: a person, the fuse, the credential, the host."""

from __future__ import annotations

import asyncio
import signal as signals
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from penstock.clock import Clock
from penstock.delivery.limit.budget import Budget
from penstock.delivery.limit.rate_limit import Taken
from penstock.model.delivery import Lane, Lost, Reply, Stop
from penstock.model.errors import Problem
from penstock.model.spec import FuseSpec

T = TypeVar("T")

GAVE_WAY: Literal["gave way"] = "gave way"
StopKind = Literal["cancelled", "fuse", "canary", "credential", "unreachable", "input", "error", "gave way"]


class Stopped(Exception):  # noqa: N818 - it is a signal, raised where a request would have to wait or leave
    """The run is stopping: nothing new may be sent."""


@dataclass(slots=True)
class StopSignal:
    """Set once; the first reason counts. Waiting tasks get `Stopped`; requests in flight end normally."""

    kind: StopKind | None = None
    reason: str = ""
    found: str | None = None  # the error text of the API
    problems: tuple[Problem, ...] = ()  # what is wrong with the input or the configuration
    _waiting: set[asyncio.Task[Any]] = field(default_factory=set)
    _part: StopSignal | None = None

    def part(self) -> StopSignal:
        """A signal that is set when this one is, and may be set alone."""
        self._part = StopSignal(self.kind, self.reason, self.found, self.problems)
        return self._part

    def stop(self, kind: StopKind, reason: str, found: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        if self.kind is None:
            self.kind, self.reason, self.found, self.problems = kind, reason, found, problems
            for task in self._waiting:
                task.cancel()
            if self._part is not None:
                self._part.stop(kind, reason, found, problems)

    @property
    def is_set(self) -> bool:
        return self.kind is not None

    @property
    def phase(self) -> str | None:
        """What a run does that is stopping; None: it is not."""
        if self.kind == GAVE_WAY:
            return "giving way to another run after the requests in flight"
        return "stopping after the requests in flight" if self.is_set else None

    async def unless_stopped(self, wait: Awaitable[T]) -> T:
        """Wait for something that the run's end may interrupt; raises Stopped then."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await wait
        except asyncio.CancelledError:
            if not self.is_set:
                raise
            task.uncancel()
            raise Stopped from None
        finally:
            self._waiting.discard(task)


@dataclass(frozen=True, slots=True)
class StoppableClock:
    """A clock whose `sleep` raises `Stopped` as soon as the run stops."""

    clock: Clock
    signal: StopSignal

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def dice(self) -> float:
        return self.clock.dice()

    async def sleep(self, seconds: float) -> None:
        if self.signal.is_set:
            raise Stopped
        await self.signal.unless_stopped(self.clock.sleep(seconds))


@dataclass(frozen=True, slots=True)
class StoppableBudget:
    """A credential's budget whose queue empties with `Stopped` as soon as the run stops."""

    budget: Budget
    signal: StopSignal

    async def acquire(self, lane: Lane, jobs: int = 1) -> Taken:
        if self.signal.is_set:
            raise Stopped
        taken = self.budget.at_once(lane, jobs)
        if taken is not None:
            return taken
        return await self.signal.unless_stopped(self.budget.acquire(lane, jobs))

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None:
        self.budget.observe(taken, status, headers)

    def lost(self, taken: Taken) -> None:
        self.budget.lost(taken)

    def give_back(self, taken: Taken) -> None:
        self.budget.give_back(taken)


LEAST_UNANSWERED = 10  # requests in a row; and never less than two for each that may be in flight


@dataclass(slots=True)
class UnansweredRequests:
    """Counts the requests in a row that got no reply, although they were sent: the host is there and does not answer.

    `concurrency` of them may be lost in one moment, when a connection breaks; that does not stop a run.
    """

    concurrency: int
    in_a_row: int = 0

    def count(self, answer: Reply | Lost | None) -> Stop | None:
        """Count a request by its last attempt; the reason to stop the run, if there is one."""
        if not isinstance(answer, Lost):
            self.in_a_row = 0 if isinstance(answer, Reply) else self.in_a_row
            return None
        self.in_a_row += 1
        if self.in_a_row < max(LEAST_UNANSWERED, 2 * self.concurrency):
            return None
        return Stop("unreachable", f"{self.in_a_row} requests in a row got no answer: {answer.reason}")


@dataclass(slots=True)
class Fuse:
    """Counts records that the API refuses, for the setting `fuse`."""

    spec: FuseSpec | None
    decided: int = 0
    refused: int = 0
    in_a_row: int = 0

    def count(self, *, refused: bool) -> None:
        """Count a record with an outcome."""
        self.decided += 1
        self.refused += refused
        self.in_a_row = self.in_a_row + 1 if refused else 0

    def stop_reason(self) -> str | None:
        """Why the run must stop; None if it need not."""
        if self.spec is None:
            return None
        if self.in_a_row >= self.spec.in_a_row:
            return f"the fuse: the API refused {self.in_a_row} records in a row"
        if self.decided >= self.spec.after and self.refused / self.decided >= self.spec.ratio:
            return f"the fuse: the API refused {self.refused} of {self.decided} records"
        return None


@contextmanager
def stopped_by_signals(stop: Callable[[], None], *, wanted: bool) -> Iterator[None]:
    """For the block, SIGINT and SIGTERM call `stop` if `wanted`; a second one ends the process at once."""
    if not wanted:
        yield
        return
    loop = asyncio.get_running_loop()

    def stop_once() -> None:
        stop()
        for number in (signals.SIGINT, signals.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signals.SIGINT, signals.SIGTERM):
        loop.add_signal_handler(number, stop_once)
    try:
        yield
    finally:
        for number in (signals.SIGINT, signals.SIGTERM):
            loop.remove_signal_handler(number)
