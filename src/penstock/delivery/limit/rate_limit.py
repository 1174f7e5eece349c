"""The rate limit in Custify's reply headers, and a request's place in it. Pure: the time is a parameter.

Custify's OpenAPI 1.5.7: 100 requests per window of 10 s; the window starts with its first request; over it, 429 with
`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `Retry-After` (counted from the window's first request). How many
requests may be sent now is decided in `run/connection/shared_rate_limit.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from penstock.delivery.retry import retry_after_s

RETRY_AFTER_MISSING = 10.0  # seconds; the fallback of Custify's own MCP server
SHORTEST_BLOCK = 0.25  # seconds; `Retry-After: 0` must not become a storm of requests
LONGEST_BLOCK = 600.0  # seconds; a longer wait is split


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """One request's place in the window: when it was taken (seconds, monotonic) and what it counts."""

    at: float
    cost: int


class Allowance(NamedTuple):
    """The limit in the latest reply headers."""

    limit: int
    remaining: int


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
