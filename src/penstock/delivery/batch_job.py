"""A batch job followed to the end of each of its records: what it gives no result for is sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from penstock.clock import Clock
from penstock.delivery.confirm import Confirmer
from penstock.delivery.retry import Again, GiveUp, Spent, repeat
from penstock.delivery.sending import PATIENT, Sender, closed, may_repeat
from penstock.delivery.verdict import gravest
from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import Outcome
from penstock.model.record import Payload, Rendered, Request, Shape

FIRST = Spent(attempts=1)


@dataclass(frozen=True, slots=True)
class SentJob:
    """A job that the API has taken. `render` makes the payloads again where they were not kept: its rows are theirs."""

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
