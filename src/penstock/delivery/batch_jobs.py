"""The polling of batch jobs to their end. A 202 is not a success yet.

A record for which the finished job has no result is sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from penstock.clock import Clock
from penstock.delivery.attempts import Attempts, Tried
from penstock.delivery.http.client import Client
from penstock.delivery.replies import own_words, voice_of
from penstock.delivery.retry import Again, GiveUp, RetryPolicy, Spent, repeat
from penstock.delivery.sender import PATIENT, Sender, closed, delivered, may_repeat, positions_of
from penstock.delivery.verdict import Halt, Judged, Same, Verdict, gravest, judge_job
from penstock.model.delivery import Delivery, Reply, Settled, Stop, Waiting
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Rendered, Request, RetryClass, Shape

CONFIRM_TIMEOUT = 600.0  # seconds; then the records stay accepted, and the next run polls first
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.25, 5.0, 1.6
PATIENCE_WITH_404 = 3  # polls; a job may take a moment to be known

FIRST = Spent(attempts=1)


class Confirmer:
    """Polls the jobs of one credential, patiently: every poll costs a request of the rate limit.

    It learns how long jobs usually take, so that most are polled once.
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
        """The result of the poll for the records; None: poll again."""
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


@dataclass(frozen=True, slots=True)
class SentJob:
    """A job that the API has accepted. `render` makes the payloads again, by row, where they were not stored."""

    id: str
    payloads: Sequence[Payload]
    shape: Shape
    requests_for: Callable[[Sequence[Payload]], Sequence[Request]]
    render: Callable[[Sequence[Payload]], Rendered] | None = None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """`delivery` settles every record of the job, unless its `stop` is set; `repeats` counts what was sent again."""

    delivery: Delivery
    repeats: int


class BatchJobs:
    """Follows the jobs of one credential. Raises what the clock raises when the run stops."""

    def __init__(self, confirmer: Confirmer, sender: Sender, clock: Clock) -> None:
        self._confirmer, self._sender, self._clock = confirmer, sender, clock

    async def end_of(self, job: SentJob, spent: Spent = FIRST) -> JobEnd | None:
        """The end of all records of the job; None when a job has not ended in time.

        Records without a result are sent again if that is harmless, as long as retries may go on, then quarantined.
        Nothing is final before every record has its end: after None or a stop, the first job can be polled again.
        """
        polled = await self._confirmer.poll(job.id, job.payloads)
        if polled is None:
            return None
        if polled.stop is not None or not polled.missing:
            return JobEnd(polled, 0)
        step = self._next(job, polled, spent)
        if isinstance(step, GiveUp):
            return JobEnd(closed(polled, job.shape, spent.attempts), 0)
        await self._clock.sleep(step.after_s)
        return await self._resent(job, polled, Spent(spent.attempts + 1, spent.seconds + step.after_s))

    def _next(self, job: SentJob, polled: Delivery, spent: Spent) -> Again | GiveUp:
        if not may_repeat(job.shape, whole=len(polled.missing) == len(job.payloads) and job.render is None):
            return GiveUp("it must not be sent again by itself")
        return repeat(spent, PATIENT, self._clock.dice(), "no result")

    async def _resent(self, job: SentJob, polled: Delivery, spent: Spent) -> JobEnd | None:
        ends, repeats = [polled], 1
        left, refused = _rendered(job, polled.missing)
        if not left:
            return JobEnd(_together(ends, refused), 0)
        async for delivery in self._sender.deliver(left, job.shape, job.requests_for, lane="retry"):
            end = JobEnd(delivery, 0)
            if delivery.job is not None:
                again = SentJob(delivery.job, [s.payload for s in delivery.settled], job.shape, job.requests_for)
                inner = await self.end_of(again, spent)
                if inner is None:
                    return None
                end = replace(inner, delivery=replace(inner.delivery, requests=inner.delivery.requests + 1))
            if end.delivery.stop is not None:
                return JobEnd(replace(end.delivery, settled=()), 0)
            ends.append(end.delivery)
            repeats += end.repeats
        return JobEnd(_together(ends, refused), repeats)


def _rendered(job: SentJob, missing: Sequence[Payload]) -> tuple[list[Payload], list[Settled]]:
    """What is sent again, and what the present settings refuse."""
    if job.render is None:
        return list(missing), []
    made = job.render(missing)
    payloads = [
        payload._replace(ordinal=missing[payload.ordinal].ordinal, parts=missing[payload.ordinal].parts)
        for payload in made.payloads
    ]
    refused = [Settled(missing[one.ordinal], Outcome.QUARANTINED, one.refusal) for one in made.refused]
    return payloads, refused


def _together(ends: Sequence[Delivery], refused: Sequence[Settled]) -> Delivery:
    """Several ends as one: the last reply, the sum of the requests, every record once."""
    settled = (*(one for end in ends for one in end.settled), *refused)
    return replace(
        ends[-1],
        requests=sum(end.requests for end in ends),
        outcome=gravest(one.outcome for one in settled),
        settled=settled,
        missing=(),
        missing_why=None,
    )
