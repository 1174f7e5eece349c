"""The machine of a batch job: polls it to its end, and sends records again for which it has no result.

A 202 is not a success yet. Every poll costs a request of the rate limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from penstock.delivery.machine.attempts import NEXT_LANE, Attempted, attempts
from penstock.delivery.machine.batch import (
    FIRST,
    BatchRules,
    deliver,
    delivered,
    may_repeat,
    positions_of,
    without_results,
)
from penstock.delivery.machine.protocol import Moment, RenderAgain, RenderStored, Steps, TimePassed, Wait, until_settled
from penstock.delivery.replies import ErrorQuoter, error_text
from penstock.delivery.retry import DEFAULT_POLICY, Again, GiveUp, Spent, repeat
from penstock.delivery.verdict import Halt, Judged, SameForAll, Verdict, judge_job, worst
from penstock.model.delivery import Delivery, Lane, Reply, Settled, Stop, Waiting
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Rendered, Request, RetryClass

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.25, 5.0, 1.6
POLLS_WITH_404 = 3  # a job may take a moment to be known


class Polling:
    """How the jobs of one credential are polled.

    It learns how long jobs usually take, so that most are polled once. `timeout` is in seconds: a job that has not
    ended by then is left to the next run.
    """

    def __init__(self, url: str, quoter: ErrorQuoter, timeout: float) -> None:
        self.quoter = quoter
        self.timeout = timeout
        self.first_pause = FIRST_PAUSE
        self._url = url  # with `{job}`

    def request(self, job: str) -> Request:
        """One poll."""
        return Request("GET", self._url.format(job=quote(job, safe="")), (("Accept", "application/json"),), None)

    def learn(self, took: float, *, at_once: bool) -> None:
        """Poll the next job after the time that this one took; a little sooner if it may have ended earlier."""
        aim = took * 0.8 if at_once else took
        self.first_pause = min(max(FIRST_PAUSE, (self.first_pause + aim) / 2), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class SentJob:
    """A job that the API has accepted. `render` makes the payloads again, by row, where they were not stored."""

    id: str
    payloads: Sequence[Payload]
    rules: BatchRules
    render: RenderStored | None = None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """`delivery` settles every record of the job, unless its `stop` is set; `repeats` counts what was sent again."""

    delivery: Delivery
    repeats: int


def end_of_job(job: SentJob, polling: Polling, spent: Spent = FIRST) -> Steps[JobEnd | None]:
    """The end of all records of the job; None when a job has not ended in time.

    Records without a result are sent again, if that is safe, until the retries are used up; then they are quarantined.
    Nothing is final before every record has its end: after None or a stop, the first job can be polled again.
    """
    polled = yield from poll_job(job.id, job.payloads, polling, job.rules.lane)
    if polled is None:
        return None
    delivery, moment = polled
    if delivery.stop is not None or not delivery.missing:
        return JobEnd(delivery, 0)
    step = _next(job, delivery, spent, moment)
    if isinstance(step, GiveUp):
        return JobEnd(without_results(delivery, job.rules.shape.retry, spent.attempts), 0)
    yield Wait(step.after_s, step.reason)
    return (yield from _resent(job, delivery, polling, Spent(spent.attempts + 1, spent.seconds + step.after_s)))


def poll_job(
    job: str, payloads: Sequence[Payload], polling: Polling, lane: Lane = "live"
) -> Steps[tuple[Delivery, Moment] | None]:
    """The end of a job as a delivery that settles its records, and when; None when it has not ended in time.

    Records that the job gives no result for are in the delivery's `missing`.
    A delivery with `stop` (the credential was refused) settles no record: the job has to be polled again later.
    """
    request = polling.request(job)
    pause, polls, requests = polling.first_pause, 0, 0
    began: float | None = None
    while True:
        event = yield Wait(pause, "the batch job has not ended", Waiting("batch job", pause, job=job))
        assert isinstance(event, TimePassed)
        began = event.moment.seconds - pause if began is None else began
        pause = min(max(FIRST_PAUSE, pause * (GROWTH if polls else 0.5)), LONGEST_PAUSE)
        attempted = yield from attempts(request, RetryClass.IDEMPOTENT, DEFAULT_POLICY, lane=lane)
        polls += 1
        requests += attempted.requests
        took = attempted.ended.seconds - began
        verdict = _judge(attempted, payloads, polls, polling.quoter)
        if verdict is not None:
            polling.learn(took, at_once=polls == 1)
            settles = () if isinstance(verdict, Halt) else payloads
            return delivered(request, attempted, verdict, settles, requests=requests), attempted.ended
        if took >= polling.timeout:
            return None


def _judge(attempted: Attempted, payloads: Sequence[Payload], polls: int, quoter: ErrorQuoter) -> Verdict | None:
    """What a poll means for the records; None: poll again."""
    answer = attempted.answer
    if not isinstance(answer, Reply) or answer.status >= 500 or answer.status == 429:
        return None  # the job is still there
    quoted = quoter.quote(answer.status, error_text(answer))
    if answer.status in {401, 403}:
        return Halt(Stop("credential", f"the credential was refused: {quoted}", quoted))
    if 200 <= answer.status < 300:
        return judge_job(answer, len(payloads), quoter, partial(positions_of, payloads))
    if polls < POLLS_WITH_404:
        return None
    reason = f"its batch job is not known any more: {quoted}"
    refusal = Refusal("no answer", reason, accepted="check in Custify whether it arrived")
    return SameForAll(Judged(Outcome.UNKNOWN, refusal), reason)


def _next(job: SentJob, polled: Delivery, spent: Spent, moment: Moment) -> Again | GiveUp:
    """Whether the records without a result are sent again."""
    whole = len(polled.missing) == len(job.payloads) and job.render is None
    if not may_repeat(job.rules.shape, whole=whole):
        return GiveUp("it must not be sent again automatically")
    return repeat(spent, DEFAULT_POLICY, moment.dice, "no result")


def _resent(job: SentJob, polled: Delivery, polling: Polling, spent: Spent) -> Steps[JobEnd | None]:
    """The end of the job whose records without a result are sent again now, and followed to their end."""
    ends, repeats = [polled], 1
    left, refused = yield from _rendered(job, polled.missing)
    if not left:
        return JobEnd(_together(ends, refused), 0)
    sending = deliver(left, job.rules._replace(lane=NEXT_LANE[job.rules.lane]))
    while (delivery := (yield from until_settled(sending))) is not None:
        end = JobEnd(delivery, 0)
        if delivery.job is not None:
            again = SentJob(delivery.job, [one.payload for one in delivery.settled], job.rules)
            inner = yield from end_of_job(again, polling, spent)
            if inner is None:
                return None
            requests = inner.delivery.requests + delivery.requests
            end = replace(inner, delivery=replace(inner.delivery, requests=requests))
        if end.delivery.stop is not None:
            return JobEnd(replace(end.delivery, settled=()), 0)
        ends.append(end.delivery)
        repeats += end.repeats
    return JobEnd(_together(ends, refused), repeats)


def _rendered(job: SentJob, missing: Sequence[Payload]) -> Steps[tuple[list[Payload], list[Settled]]]:
    """What is sent again, and what the present settings refuse."""
    if job.render is None:
        return list(missing), []
    rendered = yield RenderAgain(missing, job.render)
    assert isinstance(rendered, Rendered)
    payloads = [
        payload._replace(ordinal=missing[payload.ordinal].ordinal, parts=missing[payload.ordinal].parts)
        for payload in rendered.payloads
    ]
    refused = [Settled(missing[one.ordinal], Outcome.QUARANTINED, one.refusal) for one in rendered.refused]
    return payloads, refused


def _together(ends: Sequence[Delivery], refused: Sequence[Settled]) -> Delivery:
    """Several ends as one: the last reply, the sum of the requests, every record once."""
    settled = (*(one for end in ends for one in end.settled), *refused)
    return replace(
        ends[-1],
        requests=sum(end.requests for end in ends),
        outcome=worst(one.outcome for one in settled),
        settled=settled,
        missing=(),
        missing_why=None,
    )
