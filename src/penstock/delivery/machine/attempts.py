"""The machine of one request: attempts, until a reply or a loss is final."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from penstock.clock import iso
from penstock.delivery.machine.protocol import ConnectionLost, LogAttempt, Moment, Replied, Reserve, Send, Steps, Wait
from penstock.delivery.retry import Again, GiveUp, RetryPolicy, Spent, decide, retry_after_s
from penstock.model.delivery import Lane, Lost, Reply, Waiting
from penstock.model.record import Request, RetryClass

NEXT_LANE: Mapping[Lane, Lane] = {"test": "test", "live": "retry", "retry": "retry", "backfill": "backfill"}
NOTHING = Spent()


class Attempted(NamedTuple):
    """The final reply or loss of a request, with its attempts.

    `requests` counts the attempts of which a byte may have left. `duration_ms` is the time of the attempts without
    the pauses between them. `sent_at` is when the first attempt went out, `last_sent_at` the last one, which
    ended at `ended`.
    """

    answer: Reply | Lost
    attempts: int
    requests: int
    duration_ms: float
    sent_at: str
    last_sent_at: str
    ended: Moment


def attempts(
    request: Request, retry: RetryClass, policy: RetryPolicy, *, lane: Lane = "live", jobs: int = 1
) -> Steps[Attempted]:
    """Sends the request, and again as long as `retry.decide` says so. The attempts after the first are retries."""
    so_far: Attempted | None = None
    spent, first_429 = NOTHING, None
    while True:
        yield Reserve(request, lane, jobs)
        event = yield Send(request, 1 if so_far is None else so_far.attempts + 1)
        assert isinstance(event, (Replied, ConnectionLost))
        answer, moment = event
        so_far = _after(so_far, answer, moment)
        if _succeeded(answer):
            break
        if first_429 is None and _is_429(answer):
            first_429 = moment.seconds
        spent = _spent(spent, answer, moment, first_429)
        step = decide(answer, retry, spent, policy, moment.dice)
        yield LogAttempt(request, so_far.attempts, answer, step.after_s if isinstance(step, Again) else None)
        if isinstance(step, GiveUp):
            return so_far
        status = answer.status if isinstance(answer, Reply) else None
        yield Wait(step.after_s, step.reason, Waiting("retry", step.after_s, so_far.attempts + 1, status))
        spent = Spent(spent.attempts, spent.seconds + step.after_s, spent.rate_limited_s)
        lane = NEXT_LANE[lane]
    if so_far.attempts > 1:
        yield LogAttempt(request, so_far.attempts, answer, None)
    return so_far


def _after(so_far: Attempted | None, answer: Reply | Lost, moment: Moment) -> Attempted:
    """The request with one more attempt."""
    left = 0 if isinstance(answer, Lost) and answer.nothing_sent else 1
    sent_at = iso(moment.now - timedelta(milliseconds=answer.duration_ms))
    if so_far is None:
        return Attempted(answer, 1, left, answer.duration_ms, sent_at, sent_at, moment)
    duration = so_far.duration_ms + answer.duration_ms
    return Attempted(answer, so_far.attempts + 1, so_far.requests + left, duration, so_far.sent_at, sent_at, moment)


def _spent(spent: Spent, answer: Reply | Lost, moment: Moment, first_429: float | None) -> Spent:
    """The attempts and seconds so far, with this answer. A 429 counts neither as an attempt nor as patience."""
    limited = 0.0 if first_429 is None else moment.seconds - first_429
    header = answer.headers.get("retry-after") if isinstance(answer, Reply) else None
    retry_after = retry_after_s(header, moment.now)
    if _is_429(answer):
        return Spent(spent.attempts, spent.seconds, limited, retry_after)
    return Spent(spent.attempts + 1, spent.seconds + answer.duration_ms / 1000, limited, retry_after)


def _succeeded(answer: Reply | Lost) -> bool:
    return isinstance(answer, Reply) and 200 <= answer.status < 300


def _is_429(answer: Reply | Lost) -> bool:
    return isinstance(answer, Reply) and answer.status == 429
