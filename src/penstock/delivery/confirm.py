"""Batch jobs are polled to their end: 202 is not success yet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from penstock.clock import Clock
from penstock.delivery.attempts import Attempts, Tried
from penstock.delivery.client import Client
from penstock.delivery.retry import RetryPolicy
from penstock.delivery.sending import delivered, positions_of
from penstock.delivery.verdict import Halt, Judged, Same, Verdict, judge_job
from penstock.delivery.words import own_words, voice_of
from penstock.model.delivery import Delivery, Reply, Stop, Waiting
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Request, RetryClass

CONFIRM_TIMEOUT = 600.0  # seconds; then the records stay accepted, and the next run polls first
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.25, 5.0, 1.6
PATIENCE_WITH_404 = 3  # polls; a job may take a moment to be known


class Confirmer:
    """Polls the jobs of one credential, patiently: every poll costs a request of the allowance.

    It learns how long jobs usually take, so that most are asked about once.
    """

    def __init__(
        self, client: Client, clock: Clock, *, timeout: float = CONFIRM_TIMEOUT, path: str = "/batch/{job}"
    ) -> None:
        self._client = client
        self._clock = clock
        self._timeout = timeout
        self._path = path
        self._attempts = Attempts(client, clock, RetryPolicy())
        self._voice = voice_of(client.connection)
        self._usual = FIRST_PAUSE

    async def poll(self, job: str, payloads: Sequence[Payload]) -> Delivery | None:
        """The end of a job as a delivery that settles its records; None when it has not ended in time.

        Records that the job gives no result for are in the delivery's `missing`.
        A delivery with `stop` (the credential was refused) settles no record: the job has to be polled again later.
        """
        url = self._client.connection.base_url + self._path.format(job=quote(job, safe=""))
        request = Request("GET", url, (("Accept", "application/json"),), None)
        began = self._clock.monotonic()
        pause, polls, requests = self._usual, 0, 0
        while self._clock.monotonic() - began < self._timeout:
            with self._client.attempt_log.pause(Waiting("batch job", pause, job=job)):
                await self._clock.sleep(pause)
            pause = min(max(FIRST_PAUSE, pause * (GROWTH if polls else 0.5)), LONGEST_PAUSE)
            tried = await self._attempts.make(request, RetryClass.IDEMPOTENT)
            polls += 1
            requests += tried.requests
            verdict = self._judge(tried, payloads, polls)
            if verdict is not None:
                self._learn(self._clock.monotonic() - began, at_once=polls == 1)
                settles = () if isinstance(verdict, Halt) else payloads
                return delivered(request, tried, verdict, settles, requests=requests)
        return None

    def _judge(self, tried: Tried, payloads: Sequence[Payload], polls: int) -> Verdict | None:
        """What the poll says of the records; None: ask again."""
        answer = tried.answer
        if not isinstance(answer, Reply) or answer.status >= 500 or answer.status == 429:
            return None  # the job is still there
        said = self._voice.quote(answer.status, own_words(answer))
        if answer.status in {401, 403}:
            return Halt(Stop("credential", f"the credential was refused: {said}", said))
        if 200 <= answer.status < 300:
            return judge_job(answer, len(payloads), self._voice, partial(positions_of, payloads))
        if polls < PATIENCE_WITH_404:
            return None
        reason = f"its batch job is not known any more: {said}"
        refusal = Refusal("no answer", reason, accepted="a look at Custify: did it arrive?")
        return Same(Judged(Outcome.UNKNOWN, refusal), reason)

    def _learn(self, took: float, *, at_once: bool) -> None:
        """The next job is asked about when this one had ended; a little sooner if it may have ended earlier."""
        aim = took * 0.8 if at_once else took
        self._usual = min(max(FIRST_PAUSE, (self._usual + aim) / 2), LONGEST_PAUSE)
