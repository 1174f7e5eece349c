"""`Budget`: queues the requests of one credential, and gives each a place when its rate limit permits it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import NamedTuple, Protocol, get_args

from penstock.clock import Clock
from penstock.delivery.rate_limit import Allowance, Taken, allowance_in, block_s
from penstock.model.delivery import Lane

RANKS: Mapping[Lane, int] = {lane: rank for rank, lane in enumerate(get_args(Lane))}


class RateLimiter(Protocol):
    """A rate limit for the client: a `Budget`, or a wrapper that stops waiting when its run stops."""

    async def acquire(self, lane: Lane, cost: int = 1) -> Taken:
        """Wait until a request can be sent."""
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

    rank: int  # of the lane of the first
    since: float  # monotonic second when the first began to wait
    least: int  # cost of the first
    cost: int  # of all


class RequestQueue(Protocol):
    """The budget, as its window sees it."""

    def waiting(self) -> WaitingRequests | None:
        """The requests that wait; None when there are none."""
        ...

    def serve(self) -> None:
        """Send waiting requests if there are free places."""
        ...


class LimitWindow(Protocol):
    """Decides how many requests can be sent. Its methods are the events that change it. Times are monotonic seconds."""

    limit: int
    blocked_until: float

    def take(self, now: float, cost: int = 1) -> Taken | None:
        """A place for a request that is sent now; None if it has to wait."""
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


class Budget:
    """Permits requests as fast as the API allows, those of urgent lanes first. One per credential and event loop.

    `window` decides which requests are permitted.
    """

    def __init__(self, clock: Clock, window: LimitWindow) -> None:
        self._clock = clock
        self._window = window
        self._waiting: list[tuple[int, int, float, int, asyncio.Future[Taken]]] = []  # heap: rank, number, since, cost
        self._numbers = count()
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = inf
        self._allowance: Allowance | None = None

    @property
    def blocked_until(self) -> float:
        """The monotonic second until which no request is sent; -inf when no 429 was ever seen."""
        return self._window.blocked_until

    def wait_s(self) -> float:
        """Seconds until the next waiting request may be sent; 0 when none waits."""
        if not self._waiting:
            return 0.0
        opens = self._window.expected()
        return 0.0 if opens == inf else max(0.0, opens - self._clock.monotonic())

    def allowance(self) -> Allowance | None:
        """The limit in the API's latest headers; None when there was none."""
        return self._allowance

    async def acquire(self, lane: Lane, cost: int = 1) -> Taken:
        """Wait for a place; give it to `observe`, `lost` or `give_back` when the request is over."""
        taken = self.at_once(cost)
        if taken is not None:
            return taken
        cost = min(cost, self._window.limit)
        place: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (RANKS[lane], next(self._numbers), self._clock.monotonic(), cost, place))
        self.serve()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back(place.result())
            raise

    def at_once(self, cost: int = 1) -> Taken | None:
        """A place if one is free and no request waits for it; else None."""
        if self._waiting:
            return None
        taken = self._window.take(self._clock.monotonic(), min(cost, self._window.limit))
        if taken is not None:
            self._window.changed(self)
        return taken

    def waiting(self) -> WaitingRequests | None:
        """The requests that wait for a place; None when there are none."""
        costs = [cost for _, _, _, cost, place in self._waiting if not place.done()]
        if not costs:
            return None
        rank, _, since, least, _ = min(request for request in self._waiting if not request[-1].done())
        return WaitingRequests(rank, since, min(least, self._window.limit), sum(costs))

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None:
        """Apply what a reply's headers say about the limit. Header names are lower-case."""
        now = self._clock.monotonic()
        allowance = allowance_in(headers, self._window.limit)
        if allowance is not None:
            self._allowance = allowance
        if status == 429:
            self._window.block(now + block_s(headers.get("retry-after"), self._clock.now()))
        self._window.end(taken, now, allowance)
        self.serve()

    def lost(self, taken: Taken) -> None:
        """No reply came; the request may have been counted."""
        self._window.end(taken, self._clock.monotonic())
        self.serve()

    def give_back(self, taken: Taken) -> None:
        """The request was not sent."""
        self._window.give_back(taken)
        self.serve()

    def serve(self) -> None:
        """Give places to waiting requests by lane, and set the timer for the others."""
        if self._waiting:
            self._let_through()
        self._window.changed(self)

    def _let_through(self) -> None:
        now = self._clock.monotonic()
        while self._waiting:
            *_, cost, place = self._waiting[0]
            if not place.done():
                taken = self._window.take(now, min(cost, self._window.limit))
                if taken is None:
                    break
                place.set_result(taken)
            heappop(self._waiting)
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        opens = self._window.opens() if self._waiting else inf
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
