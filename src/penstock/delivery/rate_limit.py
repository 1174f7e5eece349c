"""`RateWindow`: how many requests may be sent now under Custify's fixed window. Pure: the time is a parameter.

It is driven by events, each with its time: a request is to be sent (`take`), it has ended (`end`), it has not left
(`give_back`), it was answered by 429 (`block`). `Budget` has the queue and the clock.

Custify's OpenAPI 1.5.7: 100 requests per window of 10 s; the window starts with its first request; over it, 429 with
`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `Retry-After` (counted from the window's first request).

The window starts at the server, at a moment that the client does not see. It started before the earliest reply to one
of its requests arrived, and not before the first of them was sent. So the next window is open for certain at *earliest
reply + per*, and may be open since *first request + per*. A request that was in flight in between may count in either
window, and is charged to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import NamedTuple

from penstock.delivery.retry import retry_after_s

MARGIN = 0.002  # of a window, for clocks that tick differently: costs 0.2 % of the rate limit
RETRY_AFTER_MISSING = 10.0  # seconds; the fallback of Custify's own MCP server
SHORTEST_BLOCK = 0.25  # seconds; `Retry-After: 0` must not become a storm of requests
LONGEST_BLOCK = 600.0  # seconds; a longer wait is split


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """One request's place in the window: when it was taken (seconds, monotonic) and what it counts."""

    at: float
    cost: int


class RequestEnd(NamedTuple):
    """A request that is over, and when."""

    at: float
    taken: Taken


class Allowance(NamedTuple):
    """The limit in the latest reply headers."""

    limit: int
    remaining: int


class RateWindow:
    """The rate limit of one credential: `limit` requests per fixed window of `per` seconds."""

    def __init__(self, limit: int, per: float) -> None:
        self.limit = limit
        self.per = per
        self.blocked_until = -inf
        self._opened = -inf  # requests taken since then belong to this window or a later one
        self._first = inf  # the window cannot have begun earlier than this
        self._answered = inf  # the window has begun by then: the earliest end of a request taken since it opened
        self._last_end = -inf
        self._used = 0
        self._remaining: int | None = None  # the lowest that was reported in this window
        self._in_flight: list[Taken] = []
        self._cost_in_flight = 0
        self._late: list[RequestEnd] = []  # over, but perhaps counted in the next window already

    def take(self, now: float, cost: int = 1) -> Taken | None:
        """A place for a request that is sent now; None if there is none before `opens`."""
        if now < self.blocked_until:
            return None
        if now >= self.opens():
            self._open(now)
        if self._left() < cost:
            return None
        taken = Taken(now, cost)
        self._used += cost
        self._first = min(self._first, now)
        self._in_flight.append(taken)
        self._cost_in_flight += cost
        return taken

    def opens(self) -> float:
        """The time when the next window opens; inf if that depends on a reply."""
        if self.blocked_until > self._opened:
            return self.blocked_until
        certain = self._answered + self.per * (1 + MARGIN)
        if self._in_flight:
            return certain
        clear = self._last_end + self.per * (1 + MARGIN) if self._used else inf
        carried = sum(ended.taken.cost for ended in self._late)
        # At `clear`, every window that counted one of our requests has ended.
        return clear if (clear - certain) * self.limit < carried * self.per else certain

    def expected(self) -> float:
        """The time when a waiting request can be sent, as far as known."""
        return self.opens()

    def end(self, taken: Taken, now: float, allowance: Allowance | None = None) -> None:
        """The request has ended with a reply, whose headers have `allowance`, or without one."""
        self._leave(taken)
        self._last_end = max(self._last_end, now)
        if now > self._first + self.per:
            self._late.append(RequestEnd(now, taken))
        if allowance is not None:
            self.limit = allowance.limit
        if taken.at < self._opened:
            return  # it is about a window that has ended
        self._answered = min(self._answered, now)
        if allowance is not None:
            self._remaining = (
                allowance.remaining if self._remaining is None else min(self._remaining, allowance.remaining)
            )

    def give_back(self, taken: Taken) -> None:
        """The request was not sent."""
        self._leave(taken)
        self._used = max(0, self._used - taken.cost)
        if not self._used:
            self._first = inf

    def block(self, until: float) -> None:
        """After a 429: no request is sent before `until`, and then a new window begins."""
        self.blocked_until = max(self.blocked_until, until)

    def changed(self, queue: object) -> None:
        """Does nothing, because the window has only one budget, which calls `opens`."""

    def _left(self) -> int:
        own = self.limit - self._used
        if self._remaining is None:
            return own
        return min(own, self._remaining - self._cost_in_flight)

    def _leave(self, taken: Taken) -> None:
        self._in_flight.remove(taken)
        self._cost_in_flight -= taken.cost

    def _open(self, now: float) -> None:
        settled = not self._in_flight and now >= self._last_end + self.per * (1 + MARGIN)
        late = [] if settled or self.blocked_until > self._opened else self._late
        carried = [*self._in_flight, *(ended.taken for ended in late)]
        self._used = sum(taken.cost for taken in carried)
        self._first = max(self._first + self.per, min(taken.at for taken in carried)) if carried else inf
        self._late = [ended for ended in late if ended.at > self._first + self.per]
        self._opened = now
        self._answered = inf
        self._remaining = None


def allowance_in(headers: Mapping[str, str], limit: int) -> Allowance | None:
    """The allowance in the headers of a reply; `limit` is used if they have no limit. Header names are lower-case."""
    if "x-ratelimit-remaining" not in headers:
        return None
    try:
        remaining = int(headers["x-ratelimit-remaining"])
        limit = int(headers.get("x-ratelimit-limit", limit))
    except ValueError:
        return None
    return Allowance(limit, max(0, remaining)) if limit > 0 else None


def block_s(retry_after: str | None, now: datetime) -> float:
    """For how many seconds no request is sent after a 429 with this `Retry-After` header."""
    seconds = retry_after_s(retry_after, now)
    return RETRY_AFTER_MISSING if seconds is None else min(max(seconds, SHORTEST_BLOCK), LONGEST_BLOCK)
