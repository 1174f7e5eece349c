"""One credential's allowance, shared by everything that uses it in this process: the gate in front of every request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import Protocol, get_args

from penstock.clock import Clock
from penstock.delivery.limits import Allowance, Taken, Window
from penstock.model.delivery import Lane
from penstock.model.spec import RateLimit

RETRY_AFTER_MISSING = 10.0  # seconds; the fallback of Custify's own MCP server
SHORTEST_BLOCK = 0.25  # seconds; `Retry-After: 0` must not become a storm of requests
LONGEST_BLOCK = 600.0  # seconds; whoever is asked to wait longer asks again in between
RANKS: Mapping[Lane, int] = {lane: rank for rank, lane in enumerate(get_args(Lane))}


class Gate(Protocol):
    """What a client asks before every request; a `Budget`, or one that ends with its run."""

    async def acquire(self, lane: Lane, cost: int = 1) -> Taken: ...

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None: ...

    def lost(self, taken: Taken) -> None: ...

    def give_back(self, taken: Taken) -> None: ...


class Budget:
    """Lets requests through as fast as the API allows, and the urgent lanes first. One per credential and process."""

    def __init__(self, rate: RateLimit, clock: Clock) -> None:
        self._clock = clock
        self._window = Window(rate.requests, rate.per)
        self._waiting: list[tuple[int, int, int, asyncio.Future[Taken]]] = []  # heap: rank, number, cost
        self._numbers = count()
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = inf
        self._told: Allowance | None = None

    @property
    def blocked_until(self) -> float:
        """The monotonic second until which nobody sends; -inf when no 429 was ever seen."""
        return self._window.blocked_until

    def wait_s(self) -> float:
        """Seconds until the next of those who wait may go; 0 while nobody waits."""
        if not self._waiting:
            return 0.0
        opens = self._window.opens()
        return 0.0 if opens == inf else max(0.0, opens - self._clock.monotonic())

    def allowance(self) -> Allowance | None:
        """What the API's headers said last; None when they never did."""
        return self._told

    async def acquire(self, lane: Lane, cost: int = 1) -> Taken:
        """Wait for a place; give it to `observe`, `lost` or `give_back` when the request is over."""
        taken = self.at_once(cost)
        if taken is not None:
            return taken
        cost = min(cost, self._window.limit)
        place: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (RANKS[lane], next(self._numbers), cost, place))
        self._serve()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give_back(place.result())
            raise

    def at_once(self, cost: int = 1) -> Taken | None:
        """A place when there is one and nobody waits for it."""
        if self._waiting:
            return None
        return self._window.take(self._clock.monotonic(), min(cost, self._window.limit))

    def observe(self, taken: Taken, status: int, headers: Mapping[str, str]) -> None:
        """A reply came: obey what it says of the limit. Header names are lower-case."""
        now = self._clock.monotonic()
        told = None
        if "x-ratelimit-remaining" in headers:
            told = _told(headers, self._window.limit)
            self._told = told or self._told
        if status == 429:
            self._window.block(now + self._retry_after(headers.get("retry-after")))
        self._window.end(taken, now, told)
        self._serve()

    def lost(self, taken: Taken) -> None:
        """No reply came; the request may have been counted."""
        self._window.end(taken, self._clock.monotonic())
        self._serve()

    def give_back(self, taken: Taken) -> None:
        """The request never left."""
        self._window.give_back(taken)
        self._serve()

    def _retry_after(self, text: str | None) -> float:
        seconds = retry_after(text, self._clock)
        return RETRY_AFTER_MISSING if seconds is None else min(max(seconds, SHORTEST_BLOCK), LONGEST_BLOCK)

    def _serve(self) -> None:
        """Let through whoever may go, the first in rank first; set the alarm for the others."""
        if not self._waiting:
            return
        now = self._clock.monotonic()
        while self._waiting:
            *_, cost, place = self._waiting[0]
            if not place.done():
                taken = self._window.take(now, min(cost, self._window.limit))
                if taken is None:
                    break
                place.set_result(taken)
            heappop(self._waiting)
        self._set_alarm(now)

    def _set_alarm(self, now: float) -> None:
        opens = self._window.opens() if self._waiting else inf
        if self._alarm is not None and not self._alarm.done():
            if opens == self._alarm_at:
                return
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, opens
        if opens < inf:
            self._alarm = asyncio.get_running_loop().create_task(self._wake(max(0.0, opens - now)))

    async def _wake(self, after: float) -> None:
        await self._clock.sleep(after)
        self._alarm = None
        self._serve()


def retry_after(text: str | None, clock: Clock) -> float | None:
    """Seconds to wait by a `Retry-After` header (seconds or an HTTP date); None when it is missing or unreadable."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - clock.now()).total_seconds())


def _told(headers: Mapping[str, str], limit: int) -> Allowance | None:
    try:
        remaining = int(headers["x-ratelimit-remaining"])
        limit = int(headers.get("x-ratelimit-limit", limit))
    except ValueError:
        return None
    return Allowance(limit, max(0, remaining)) if limit > 0 else None
