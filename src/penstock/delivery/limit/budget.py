"""`Budget`: queues the requests of one credential, and gives each a place when its rate limit permits it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from math import inf
from typing import NamedTuple, Protocol

from penstock.clock import Clock
from penstock.delivery.limit.batch_cost import AGREEING, CountedBatch, LearnedCost, is_evidence, learned
from penstock.delivery.limit.lanes import NONE, RANKS, LaneCounts, next_lane, of_lane, passed_over
from penstock.delivery.limit.rate_limit import Allowance, Taken, allowance_in, block_s
from penstock.model.delivery import Lane
from penstock.model.outcome import Note
from penstock.model.spec import BatchCost


class RateLimiter(Protocol):
    """A rate limit for the client: a `Budget`, or a wrapper that stops waiting when its run stops."""

    async def acquire(self, lane: Lane, jobs: int = 1) -> Taken:
        """Wait until a request with so many jobs can be sent."""
        ...

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None:
        """A reply came."""
        ...

    def lost(self, taken: Taken) -> None:
        """No reply came."""
        ...

    def give_back(self, taken: Taken) -> None:
        """The request was not sent."""
        ...


class WaitingRequests(NamedTuple):
    """The requests that wait in a budget."""

    lanes: tuple[int, ...]  # the ranks of their lanes, in order
    since: float  # monotonic second when the first of the most urgent lane began to wait
    least: int  # cost of the one that is sent next
    cost: int  # of all


class RequestQueue(Protocol):
    """The budget, as its window sees it."""

    def waiting(self) -> WaitingRequests | None:
        """The requests that wait; None when there are none."""
        ...

    def passed_elsewhere(self, passed: LaneCounts) -> None:
        """All processes together have sent so many requests while each lane waited."""
        ...

    def serve(self) -> None:
        """Send waiting requests if there are free places."""
        ...


class LimitWindow(Protocol):
    """Decides how many requests can be sent. Its methods are the events that change it. Times are monotonic seconds."""

    limit: int
    blocked_until: float
    batch_cost: BatchCost | None  # as learned by any process

    @property
    def is_alone(self) -> bool:
        """Whether no other budget uses the credential."""
        ...

    def take(self, now: float, cost: int, rank: int) -> Taken | None:
        """A place for a request of this lane that is sent now; None if it has to wait."""
        ...

    def opens(self) -> float:
        """The time to try again; inf if that depends on an event."""
        ...

    def expected(self) -> float:
        """The time when a waiting request can be sent, as far as known; inf if it is not known."""
        ...

    def end(self, taken: Taken, now: float, allowance: Allowance | None = None) -> None:
        """The request has ended with a reply, whose headers have `allowance`, or without one."""
        ...

    def give_back(self, taken: Taken) -> None:
        """The request was not sent."""
        ...

    def block(self, until: float) -> None:
        """A 429 came: no request is sent before `until`."""
        ...

    def changed(self, queue: RequestQueue) -> None:
        """A request of this queue was sent, has ended, or has begun to wait."""
        ...


class _Waiter(NamedTuple):
    """A request that waits."""

    since: float
    jobs: int
    place: asyncio.Future[Taken]


class Budget:
    """Permits requests as fast as the API allows, by lane (`lanes.py`). One per credential and event loop.

    `window` decides how many requests are permitted. `batch_cost` says what a batch counts as; None: it is learned.
    """

    def __init__(self, clock: Clock, window: LimitWindow, batch_cost: BatchCost | None = None) -> None:
        self._clock = clock
        self._window = window
        self._queues: tuple[deque[_Waiter], ...] = tuple(deque() for _ in RANKS)  # by rank
        self._passed = NONE
        self._batch_cost = batch_cost
        self._in_flight = 0
        self._remaining: int | None = None  # in the latest reply, if nothing was under way when it came
        self._single: tuple[Taken, int, int] | None = (
            None  # what alone is under way, its jobs, and what remained before
        )
        self._counted: list[CountedBatch] = []
        self._learned: LearnedCost | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = inf
        self._allowance: Allowance | None = None

    @property
    def blocked_until(self) -> float:
        """The monotonic second until which no request is sent; -inf when no 429 was ever seen."""
        return self._window.blocked_until

    def wait_s(self) -> float:
        """Seconds until the next waiting request may be sent; 0 when none waits."""
        if not self._lanes():
            return 0.0
        opens = self._window.expected()
        return 0.0 if opens == inf else max(0.0, opens - self._clock.monotonic())

    def allowance(self) -> Allowance | None:
        """The limit in the API's latest headers; None when there was none."""
        return self._allowance

    async def acquire(self, lane: Lane, jobs: int = 1) -> Taken:
        """Wait for a place; give it to `observe`, `lost` or `give_back` when the request is over."""
        taken = self.at_once(lane, jobs)
        if taken is not None:
            return taken
        place: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._queues[RANKS[lane]].append(_Waiter(self._clock.monotonic(), jobs, place))
        self.serve()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back(place.result())
            raise

    def at_once(self, lane: Lane, jobs: int = 1) -> Taken | None:
        """A place if one is free and no request waits for it; else None."""
        if self._lanes():
            return None
        taken = self._take(self._clock.monotonic(), jobs, RANKS[lane])
        if taken is not None:
            self._window.changed(self)
        return taken

    def notes(self) -> tuple[Note, ...]:
        """What this budget has learned about the rate limit."""
        if self._learned is None:
            return ()
        return (Note("rate_limit", "learned", f"batch_cost: {self._learned.cost}; {self._learned.reason}"),)

    def waiting(self) -> WaitingRequests | None:
        """The requests that wait for a place; None when there are none."""
        lanes = self._lanes()
        if not lanes:
            return None
        following = self._queues[next_lane(lanes, self._passed)][0]
        cost = sum(self._cost(waiter.jobs) for queue in self._queues for waiter in queue if not waiter.place.done())
        return WaitingRequests(tuple(lanes), self._queues[lanes[0]][0].since, self._cost(following.jobs), cost)

    def passed_elsewhere(self, passed: LaneCounts) -> None:
        """All processes together have sent so many requests while each lane waited."""
        first, second, third, fourth = map(max, self._passed, passed)
        self._passed = first, second, third, fourth

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None:
        """Apply what a reply's headers say about the limit. Header names are lower-case."""
        now = self._clock.monotonic()
        allowance = allowance_in(headers, self._window.limit)
        if allowance is not None:
            self._allowance = allowance
        self._learn(taken, None if status == 429 or allowance is None else allowance.remaining)
        if status == 429:
            self._window.block(now + block_s(headers.get("retry-after"), self._clock.now()))
        self._window.end(taken, now, allowance)
        self.serve()

    def lost(self, taken: Taken) -> None:
        """No reply came; the request may have been counted."""
        self._learn(taken, None)
        self._window.end(taken, self._clock.monotonic())
        self.serve()

    def give_back(self, taken: Taken) -> None:
        """The request was not sent."""
        self._learn(taken, None)
        self._window.give_back(taken)
        self.serve()

    def serve(self) -> None:
        """Give places to waiting requests by lane, and set the timer for the others."""
        if self._lanes():
            self._let_through()
        self._window.changed(self)

    def _lanes(self) -> list[int]:
        """The ranks of the lanes with a waiting request, in order; such a request is the first of its queue."""
        found = []
        for rank, queue in enumerate(self._queues):
            while queue and queue[0].place.done():
                queue.popleft()
            if queue:
                found.append(rank)
        return found

    def _let_through(self) -> None:
        now = self._clock.monotonic()
        while lanes := self._lanes():
            rank = next_lane(lanes, self._passed)
            waiter = self._queues[rank][0]
            taken = self._take(now, waiter.jobs, rank)
            if taken is None:
                break
            waiter.place.set_result(taken)
            self._passed = passed_over(self._passed, lanes, of_lane(rank, taken.cost))
        self._set_timer(now)

    def _take(self, now: float, jobs: int, rank: int) -> Taken | None:
        taken = self._window.take(now, self._cost(jobs), rank)
        if taken is not None:
            self._in_flight += 1
            is_single = self._in_flight == 1 and self._window.is_alone
            self._single = (taken, jobs, self._remaining) if is_single and self._remaining is not None else None
        return taken

    def _cost(self, jobs: int) -> int:
        """How many requests the API counts."""
        cost = self._batch_cost or self._window.batch_cost
        return min(jobs, self._window.limit) if cost == "jobs" else 1

    def _learn(self, taken: Taken, remaining: int | None) -> None:
        """A request has ended; `remaining` is what its reply says, None if it says nothing."""
        self._in_flight -= 1
        single, self._single = self._single, None
        self._remaining = remaining if self._in_flight == 0 else None
        if self._batch_cost is not None or remaining is None or single is None or single[0] is not taken:
            return
        counted = CountedBatch(single[1], single[2], remaining)
        if not self._window.is_alone or not is_evidence(counted):
            return
        self._counted = [*self._counted, counted][-AGREEING:]
        found = learned(self._counted)
        if found.cost is not None and found.cost != self._window.batch_cost:
            self._window.batch_cost, self._learned = found.cost, found

    def _set_timer(self, now: float) -> None:
        opens = self._window.opens() if self._lanes() else inf
        if self._timer is not None and not self._timer.done():
            if opens == self._timer_at:
                return
            self._timer.cancel()
        self._timer, self._timer_at = None, opens
        if opens < inf:
            self._timer = asyncio.get_running_loop().create_task(self._wake(max(0.0, opens - now)))

    async def _wake(self, after: float) -> None:
        await self._clock.sleep(after)
        self._timer = None
        self.serve()
