"""The decision whether and when a request is retried. Pure: the random number and the elapsed time are passed in."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.model.delivery import Lost, Reply
from penstock.model.record import RetryClass

TRANSIENT = frozenset({408, 425})  # and every 5xx
NOTHING_DONE = frozenset({425, 429})  # the API reports that it did nothing


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient to be. All times in seconds."""

    base: float = 0.25  # the first pause; doubles with every attempt
    clamp: float = 20.0  # no pause is longer; jitter comes after the clamp
    attempts: int = 6
    patience: float = 120.0  # for attempts and pauses together; waiting for the rate limit does not count
    held: float = 600.0  # after a 429


@dataclass(frozen=True, slots=True)
class Spent:
    """What one request has cost so far. `attempts` and `seconds` leave out what was answered 429."""

    attempts: int = 0
    seconds: float = 0.0
    held: float = 0.0  # seconds since the first 429
    asked: float | None = None  # seconds, the Retry-After of the last reply


@dataclass(frozen=True, slots=True)
class Again:
    after_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    reason: str


def decide(answer: Reply | Lost, retry: RetryClass, spent: Spent, policy: RetryPolicy, dice: float) -> Again | GiveUp:
    """Try again, or take `answer` as the end. `dice` is in [0, 1)."""
    if isinstance(answer, Reply) and answer.status == 429:
        return _held(spent, policy)
    refusal = _final(answer, retry)
    if refusal is not None:
        return GiveUp(refusal)
    return repeat(spent, policy, dice, answer.reason if isinstance(answer, Lost) else str(answer.status))


def repeat(spent: Spent, policy: RetryPolicy, dice: float, reason: str) -> Again | GiveUp:
    """Try again for `reason` while the policy's attempts and patience last. `dice` is in [0, 1)."""
    if spent.attempts >= policy.attempts:
        return GiveUp(f"{spent.attempts} attempts")
    pause = min(policy.clamp, policy.base * 2.0 ** (spent.attempts - 1)) * (0.5 + dice / 2)
    if spent.asked is not None:
        pause = max(pause, spent.asked)
    if spent.seconds + pause > policy.patience:
        return GiveUp(f"{spent.attempts} attempts in {spent.seconds:.0f} s")
    return Again(pause, reason)


def _held(spent: Spent, policy: RetryPolicy) -> Again | GiveUp:
    if spent.held + (spent.asked or 0.0) > policy.held:
        return GiveUp(f"over the rate limit for {spent.held:.0f} s")
    return Again(0.0, "429: the budget holds everybody back until the API takes requests again")


def _final(answer: Reply | Lost, retry: RetryClass) -> str | None:
    """Why `answer` is the end whatever was spent; None when it may be tried again."""
    if isinstance(answer, Lost):
        if answer.kind == "tls":
            return "no secure connection; trying again would not change the certificate"
        if answer.kind == "barred":
            return "the address is inside the network, and no allow-list names it"
        if not answer.nothing_sent and retry is RetryClass.ONCE:
            return "it may have been done, and must not be done twice"
        return None
    if answer.status not in TRANSIENT and answer.status < 500:
        return "answered"
    if retry is RetryClass.ONCE and answer.status not in NOTHING_DONE:
        return "it may have been done, and must not be done twice"
    return None
