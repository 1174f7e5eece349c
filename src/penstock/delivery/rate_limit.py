"""`RateWindow`: how many requests may be sent now under Custify's fixed window. Pure: the time is passed in.

Custify's OpenAPI 1.5.7: 100 requests per window of 10 s; the window starts with its first request; over it, 429 with
`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `Retry-After` (counted from the window's first request).

The window starts at the server, at a moment that the client does not see. It started before the earliest reply to one
of its requests arrived, and not before the first of them was sent. So the next window is open for certain at *earliest
reply + per*, and may be open since *first request + per*. A request that was in flight in between may count in either
window, and is charged to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import NamedTuple

MARGIN = 0.002  # of a window, for clocks that tick differently: costs 0.2 % of the rate limit


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
        self._flying: list[Taken] = []
        self._flying_cost = 0
        self._late: list[RequestEnd] = []  # over, but perhaps counted in the next window already

    def take(self, now: float, cost: int = 1) -> Taken | None:
        """A place for a request that is sent now, or None; `opens` is then the time to try again."""
        if now < self.blocked_until:
            return None
        if now >= self.opens():
            self._turn(now)
        if self._left() < cost:
            return None
        taken = Taken(now, cost)
        self._used += cost
        self._first = min(self._first, now)
        self._flying.append(taken)
        self._flying_cost += cost
        return taken

    def opens(self) -> float:
        """When the next window opens; inf when only a reply can tell."""
        if self.blocked_until > self._opened:
            return self.blocked_until
        certain = self._answered + self.per * (1 + MARGIN)
        if self._flying:
            return certain
        clear = self._last_end + self.per * (1 + MARGIN) if self._used else inf
        carried = sum(ended.taken.cost for ended in self._late)
        # A little patience ends all doubt: by `clear` every window that saw one of our requests is over.
        return clear if (clear - certain) * self.limit < carried * self.per else certain

    def expected(self) -> float:
        """When a request that waits may go, as far as is known."""
        return self.opens()

    def end(self, taken: Taken, now: float, told: Allowance | None = None) -> None:
        """The request has ended: with a reply (`told` has its headers' limit) or lost."""
        self._leave(taken)
        self._last_end = max(self._last_end, now)
        if now > self._first + self.per:
            self._late.append(RequestEnd(now, taken))
        if told is not None:
            self.limit = told.limit
        if taken.at < self._opened:
            return  # it is about a window that has ended
        self._answered = min(self._answered, now)
        if told is not None:
            self._remaining = told.remaining if self._remaining is None else min(self._remaining, told.remaining)

    def give_back(self, taken: Taken) -> None:
        """The request never left."""
        self._leave(taken)
        self._used = max(0, self._used - taken.cost)
        if not self._used:
            self._first = inf

    def block(self, until: float) -> None:
        """After a 429: no request is sent before `until`, and then a new window begins."""
        self.blocked_until = max(self.blocked_until, until)

    def changed(self, queue: object) -> None:
        """It serves one budget, which knows by itself when to ask again."""

    def _left(self) -> int:
        own = self.limit - self._used
        if self._remaining is None:
            return own
        return min(own, self._remaining - self._flying_cost)

    def _leave(self, taken: Taken) -> None:
        self._flying.remove(taken)
        self._flying_cost -= taken.cost

    def _turn(self, now: float) -> None:
        settled = not self._flying and now >= self._last_end + self.per * (1 + MARGIN)
        late = [] if settled or self.blocked_until > self._opened else self._late
        carried = [*self._flying, *(ended.taken for ended in late)]
        self._used = sum(taken.cost for taken in carried)
        self._first = max(self._first + self.per, min(taken.at for taken in carried)) if carried else inf
        self._late = [ended for ended in late if ended.at > self._first + self.per]
        self._opened = now
        self._answered = inf
        self._remaining = None
