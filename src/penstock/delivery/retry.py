"""The decision whether and when a request is retried. Pure: time and random number are parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from penstock.model.delivery import Lost, Reply
from penstock.model.record import RetryClass

TRANSIENT = frozenset({408, 425})  # and every 5xx
NOTHING_DONE = frozenset({425, 429})  # the API reports that it did nothing


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The bounds of retries. All times in seconds."""

    base: float = 0.25  # the first pause; doubles with every attempt
    clamp: float = 20.0  # no pause is longer; jitter comes after the clamp
    attempts: int = 6
    patience: float = 120.0  # for attempts and pauses together; waiting for the rate limit does not count
    rate_limited_s: float = 600.0  # from the first 429 on


DEFAULT_POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Spent:
    """The attempts and seconds of one request so far. Attempts that were answered 429 do not count."""

    attempts: int = 0
    seconds: float = 0.0
    rate_limited_s: float = 0.0  # since the first 429
    retry_after: float | None = None  # seconds, by the header of the last reply


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt, after a pause."""

    after_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt."""

    reason: str


def decide(answer: Reply | Lost, retry: RetryClass, spent: Spent, policy: RetryPolicy, dice: float) -> Again | GiveUp:
    """Whether to try again, or `answer` is final. `dice` is a random number in [0, 1)."""
    if isinstance(answer, Reply) and answer.status == 429:
        return _after_429(spent, policy)
    refusal = _final(answer, retry)
    if refusal is not None:
        return GiveUp(refusal)
    return repeat(spent, policy, dice, answer.reason if isinstance(answer, Lost) else str(answer.status))


def repeat(spent: Spent, policy: RetryPolicy, dice: float, reason: str) -> Again | GiveUp:
    """Try again for `reason` while the policy's attempts and patience last. `dice` is in [0, 1)."""
    if spent.attempts >= policy.attempts:
        return GiveUp(f"{spent.attempts} attempts")
    pause = min(policy.clamp, policy.base * 2.0 ** (spent.attempts - 1)) * (0.5 + dice / 2)
    if spent.retry_after is not None:
        pause = max(pause, spent.retry_after)
    if spent.seconds + pause > policy.patience:
        return GiveUp(f"{spent.attempts} attempts in {spent.seconds:.0f} s")
    return Again(pause, reason)


def _after_429(spent: Spent, policy: RetryPolicy) -> Again | GiveUp:
    if spent.rate_limited_s + (spent.retry_after or 0.0) > policy.rate_limited_s:
        return GiveUp(f"over the rate limit for {spent.rate_limited_s:.0f} s")
    return Again(0.0, "429: no request is sent until the API accepts requests again")


def _final(answer: Reply | Lost, retry: RetryClass) -> str | None:
    """Why `answer` is final regardless of the attempts so far; None when another attempt is allowed."""
    if isinstance(answer, Lost):
        if answer.kind == "tls":
            return "no secure connection; trying again would not change the certificate"
        if answer.kind == "barred":
            return "the address is inside the network, and no allow-list names it"
        if not answer.nothing_sent and retry is RetryClass.ONCE:
            return "it may have been done, and must not be done twice"
        return None
    if not _is_transient(answer.status):
        return "answered"
    if retry is RetryClass.ONCE and may_have_been_done(answer.status):
        return "it may have been done, and must not be done twice"
    return None


def may_have_been_done(status: int) -> bool:
    """Whether the API may have executed a request to which it replied with this error status."""
    return _is_transient(status) and status not in NOTHING_DONE


def _is_transient(status: int) -> bool:
    return status in TRANSIENT or status >= 500


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds of a `Retry-After` header (seconds or an HTTP date); None if it is missing or invalid."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())
