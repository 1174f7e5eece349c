"""One request with all its attempts, up to the reply or loss that is final."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from penstock.clock import Clock, iso
from penstock.delivery.budget import retry_after
from penstock.delivery.http.client import Before, Client
from penstock.delivery.retry import GiveUp, RetryPolicy, Spent, decide
from penstock.model.delivery import Lane, Lost, Reply, Waiting
from penstock.model.record import Request, RetryClass

NEXT_LANE: Mapping[Lane, Lane] = {"test": "test", "live": "retry", "retry": "retry", "backfill": "backfill"}


@dataclass(frozen=True, slots=True)
class Tried:
    """The last reply or loss of a request, with its attempts.

    `requests` counts the attempts of which a byte may have left. `duration_ms` is the time of the attempts without
    the pauses between them. `sent_at` is when the first attempt went out.
    """

    answer: Reply | Lost
    attempts: int
    requests: int
    duration_ms: float
    sent_at: str


class Attempts:
    """Makes attempts until `retry.decide` has enough."""

    def __init__(self, client: Client, clock: Clock, policy: RetryPolicy) -> None:
        self._client = client
        self._clock = clock
        self._policy = policy

    async def make(
        self, request: Request, retry: RetryClass, *, lane: Lane = "live", before: Before | None = None, cost: int = 1
    ) -> Tried:
        """Send, and send again as long as that is allowed. `before` is awaited once, before the first byte."""
        answer = await self._client.send(request, lane=lane, before=before, cost=cost)
        sent_at = iso(self._clock.now() - timedelta(milliseconds=answer.duration_ms))
        attempts, requests, duration = 1, _left(answer), answer.duration_ms
        spent, log = Spent(), self._client.attempt_log
        held_since: float | None = None
        while not _plain(answer):
            now = self._clock.monotonic()
            if _is_429(answer):
                held_since = now if held_since is None else held_since
            spent = self._reckon(spent, answer, 0.0 if held_since is None else now - held_since)
            step = decide(answer, retry, spent, self._policy, self._clock.dice())
            if isinstance(step, GiveUp):
                log.add(request, attempts, answer, None)
                break
            log.add(request, attempts, answer, step.after_s)
            status = answer.status if isinstance(answer, Reply) else None
            with log.pause(Waiting("retry", step.after_s, attempts + 1, status)):
                await self._clock.sleep(step.after_s)
            spent = Spent(spent.attempts, spent.seconds + step.after_s, spent.held)
            answer = await self._client.send(request, lane=NEXT_LANE[lane], cost=cost)
            attempts += 1
            requests += _left(answer)
            duration += answer.duration_ms
        if attempts > 1 and _plain(answer):
            log.add(request, attempts, answer, None)
        return Tried(answer, attempts, requests, duration, sent_at)

    def _reckon(self, spent: Spent, answer: Reply | Lost, held: float) -> Spent:
        asked = retry_after(answer.headers.get("retry-after"), self._clock) if isinstance(answer, Reply) else None
        if _is_429(answer):
            return Spent(spent.attempts, spent.seconds, held, asked)
        return Spent(spent.attempts + 1, spent.seconds + answer.duration_ms / 1000, held, asked)


def _plain(answer: Reply | Lost) -> bool:
    return isinstance(answer, Reply) and 200 <= answer.status < 300


def _is_429(answer: Reply | Lost) -> bool:
    return isinstance(answer, Reply) and answer.status == 429


def _left(answer: Reply | Lost) -> int:
    return 0 if isinstance(answer, Lost) and answer.nothing_sent else 1
