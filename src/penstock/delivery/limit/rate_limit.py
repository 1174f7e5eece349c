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
    """The limit in the latest reply headers; `remaining` is None if they have the limit alone."""

    limit: int
    remaining: int | None


def allowance_in(headers: Mapping[str, str], limit: int) -> Allowance | None:
    """The allowance in the headers of a reply; `limit` is used if they have no limit. Header names are lower-case."""
    given, remaining = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
    given = given if given is not None and given > 0 else None
    if given is None and remaining is None:
        return None
    return Allowance(limit if given is None else given, None if remaining is None else max(0, remaining))


def _number(headers: Mapping[str, str], name: str) -> int | None:
    """The header as a number; None if it is missing or anything else, such as a list of limits."""
    try:
        return int(headers[name])
    except (KeyError, ValueError):
        return None


def block_s(retry_after: str | None, now: datetime) -> float:
    """For how many seconds no request is sent after a 429 with this `Retry-After` header."""
    seconds = retry_after_s(retry_after, now)
    return RETRY_AFTER_MISSING if seconds is None else min(max(seconds, SHORTEST_BLOCK), LONGEST_BLOCK)
