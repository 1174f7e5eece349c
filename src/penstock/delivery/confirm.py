"""Batch jobs are polled to their end: 202 is not success yet."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from penstock.clock import Clock, iso
from penstock.delivery.attempts import Attempts
from penstock.delivery.client import Client
from penstock.delivery.retry import RetryPolicy
from penstock.delivery.verdict import Same, judge_job
from penstock.delivery.words import own_words, voice_of
from penstock.model.delivery import Delivery, Reply, Settled, Stop
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Request, RetryClass

CONFIRM_TIMEOUT = 600.0  # seconds; then the records stay accepted, and the next run polls first
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.25, 5.0, 1.6


class Confirmer:
    """Polls the jobs of one credential, patiently: every poll costs a request of the allowance."""

    def __init__(
        self, client: Client, clock: Clock, *, timeout: float = CONFIRM_TIMEOUT, path: str = "/batch/{job}"
    ) -> None:
        self._client = client
        self._clock = clock
        self._timeout = timeout
        self._path = path
        self._attempts = Attempts(client, clock, RetryPolicy())
        self._voice = voice_of(client.connection)

    async def poll(self, job: str, payloads: Sequence[Payload]) -> Delivery | None:
        """The end of a job as a delivery that settles its records; None when it has not ended in time."""
        url = self._client.connection.base_url + self._path.format(job=quote(job, safe=""))
        request = Request("GET", url, (("Accept", "application/json"),), None)
        give_up = self._clock.monotonic() + self._timeout
        pause, polls = FIRST_PAUSE, 0
        while self._clock.monotonic() < give_up:
            await self._clock.sleep(pause)
            pause = min(pause * GROWTH, LONGEST_PAUSE)
            polls += 1
            tried = await self._attempts.make(request, RetryClass.IDEMPOTENT)
            answer = tried.answer
            if isinstance(answer, Reply) and answer.status in (401, 403):
                reason = f"the credential is refused: {self._voice.quote(answer.status, own_words(answer))}"
                return self._end(request, answer, polls, (), (Outcome.ACCEPTED, reason), Stop("credential", reason))
            if not isinstance(answer, Reply) or answer.status >= 500 or answer.status == 429:
                continue  # the job is still there: ask again later
            ended = self._judge(request, answer, payloads, polls)
            if ended is not None:
                return ended
        return None

    def _judge(self, request: Request, answer: Reply, payloads: Sequence[Payload], polls: int) -> Delivery | None:
        if answer.status in (404, 410):
            reason = f"its batch job is not known any more: {self._voice.quote(answer.status, own_words(answer))}"
            refusal = Refusal("no-answer", reason, accepted="a look at Custify: did it arrive?")
            settled = tuple(Settled(payload, Outcome.UNKNOWN, refusal) for payload in payloads)
            return self._end(request, answer, polls, settled, (Outcome.UNKNOWN, reason))
        verdict = judge_job(answer, len(payloads), self._voice)
        if verdict is None:
            return None
        if isinstance(verdict, Same):
            outcome, settled = verdict.judged.outcome, tuple(Settled(payload, *verdict.judged) for payload in payloads)
        else:
            pairs = zip(payloads, verdict.records, strict=True)
            outcome, settled = verdict.outcome, tuple(Settled(payload, *judged) for payload, judged in pairs)
        return self._end(request, answer, polls, settled, (outcome, verdict.reason))

    def _end(
        self,
        request: Request,
        answer: Reply,
        polls: int,
        settled: tuple[Settled, ...],
        verdict: tuple[Outcome, str],
        stop: Stop | None = None,
    ) -> Delivery:
        return Delivery(
            request=request,
            attempts=1,
            requests=polls,
            duration_ms=answer.duration_ms,
            sent_at=iso(self._clock.now()),
            outcome=verdict[0],
            reason=verdict[1],
            settled=settled,
            answer=answer,
            stop=stop,
        )
