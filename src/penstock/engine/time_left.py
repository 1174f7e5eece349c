"""How long a run still takes, from what it has done so far and from the rate limit. Pure."""

from __future__ import annotations

from penstock.model.spec import RateLimit

LEAST_S = 1.0  # of a run before anything is said


def time_left(decided: int, total: int | None, requests: int, elapsed_s: float, limit: RateLimit) -> float | None:
    """Seconds until the end; None while it cannot be known.

    `decided` of `total` records have their outcome, after `requests` requests in `elapsed_s` seconds. The rest takes as
    many requests a record as those did: it takes at least as long as the limit gives places for them, since the first
    window of a run is used up at once and says nothing of those that follow.
    """
    if total is None or decided == 0 or elapsed_s < LEAST_S:
        return None
    left = max(0, total - decided)
    by_pace = left * elapsed_s / decided
    by_limit = left * requests / decided * limit.per / limit.requests
    return round(max(by_pace, by_limit), 1)
