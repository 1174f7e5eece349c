"""`Sender`: payloads to deliveries, in which every payload has exactly one outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import orjson

from penstock.clock import Clock
from penstock.delivery.attempts import NEXT_LANE, Attempts, Tried
from penstock.delivery.http.client import Before, Client
from penstock.delivery.replies import ANY_IDS, Positions, identifier_text, voice_of
from penstock.delivery.retry import GiveUp, RetryPolicy, Spent, repeat
from penstock.delivery.verdict import Bisect, Each, Halt, Judged, Poll, Question, Same, Unmatched, Verdict, judge
from penstock.model.delivery import Delivery, Lane, Settled, Stop
from penstock.model.outcome import SENT, Outcome, Refusal
from penstock.model.record import Payload, Replies, Request, RetryClass, Shape

PATIENT = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Parcel:
    """The payloads of one batch and what is known of them while they are in flight."""

    shape: Shape
    requests_for: Callable[[Sequence[Payload]], Sequence[Request]]
    lane: Lane
    before: Before | None
    spent: Spent = field(default=Spent(attempts=1))  # on records that replies gave no result for


class Sender:
    """Sends payloads and reports the outcome of each. `batch_cost` says whether a batch counts as one request."""

    def __init__(
        self, client: Client, clock: Clock, policy: RetryPolicy = PATIENT, *, batch_cost: Literal["1", "jobs"] = "1"
    ) -> None:
        self._attempts = Attempts(client, clock, policy)
        self._clock, self._policy = clock, policy
        self._voice = voice_of(client.connection)
        self._batch_cost = batch_cost

    async def deliver(
        self,
        payloads: Sequence[Payload],
        shape: Shape,
        requests_for: Callable[[Sequence[Payload]], Sequence[Request]],
        made: Sequence[Request] | None = None,
        *,
        lane: Lane = "live",
        before: Before | None = None,
    ) -> AsyncIterator[Delivery]:
        """Send the payloads of one batch; each delivery is reported as soon as it has ended.

        `made` is what `requests_for` made of all of them, when that is known already.

        Every payload is settled in exactly one of the deliveries: there are several when the batch was halved
        to find the records that the API refuses (a delivery that only led to halves settles none), when
        `requests_for` makes several requests of it (then the last settles all), or when the reply has no result for
        some records (then these are sent again). `before` is awaited once, before the first byte. A delivery with
        `stop` set ends the run; its payloads are unsent.
        """
        parcel = Parcel(shape, requests_for, lane, before)
        requests = requests_for(payloads) if made is None else made
        one = len(requests) == 1
        told = self._one(payloads, requests[0], parcel) if one else self._several(payloads, requests, parcel)
        async for delivery in told:
            yield delivery

    async def _one(self, payloads: Sequence[Payload], request: Request, parcel: Parcel) -> AsyncIterator[Delivery]:
        tried, verdict = await self._ask(payloads, request, parcel)
        if isinstance(verdict, Unmatched):
            async for delivery in self._unmatched(payloads, request, parcel, tried, verdict):
                yield delivery
            return
        if not isinstance(verdict, Bisect):
            yield delivered(request, tried, verdict, payloads)
            return
        yield delivered(request, tried, verdict, ())
        async for delivery in self._halves(payloads, parcel):
            yield delivery

    async def _unmatched(
        self, payloads: Sequence[Payload], request: Request, parcel: Parcel, tried: Tried, verdict: Unmatched
    ) -> AsyncIterator[Delivery]:
        """The records with a result are settled; the others are sent again as long as the policy lasts."""
        taken = delivered(request, tried, verdict, payloads)
        step = repeat(parcel.spent, self._policy, self._clock.dice(), verdict.refusal.reason)
        whole = len(taken.missing) == len(payloads)
        if isinstance(step, GiveUp) or not may_repeat(parcel.shape, whole=whole):
            yield closed(taken, parcel.shape, parcel.spent.attempts)
            return
        yield replace(taken, missing=(), missing_why=None)
        await self._clock.sleep(step.after_s)
        spent = Spent(parcel.spent.attempts + 1, parcel.spent.seconds + step.after_s)
        again = replace(parcel, lane=NEXT_LANE[parcel.lane], before=None, spent=spent)
        async for delivery in self._one(taken.missing, parcel.requests_for(taken.missing)[0], again):
            yield delivery

    async def _ask(self, payloads: Sequence[Payload], request: Request, parcel: Parcel) -> tuple[Tried, Verdict]:
        records = len(payloads)
        cost = records if self._batch_cost == "jobs" else 1
        tried = await self._attempts.make(
            request, parcel.shape.retry, lane=parcel.lane, before=parcel.before, cost=cost
        )
        question = Question(parcel.shape, records, self._voice, tried.attempts, partial(positions_of, payloads))
        return tried, judge(tried.answer, question)

    async def _halves(self, payloads: Sequence[Payload], parcel: Parcel) -> AsyncIterator[Delivery]:
        """Idempotent only: the halves of a batch that was refused as a whole; after a stop the rest is unsent."""
        middle = len(payloads) // 2
        last: Delivery | None = None
        for half in (payloads[:middle], payloads[middle:]):
            if last is not None and last.stop is not None:
                yield _not_sent(last.request, half, last.stop, last.sent_at)
                continue
            async for last in self.deliver(half, parcel.shape, parcel.requests_for, lane=parcel.lane):
                yield last

    async def _several(
        self, payloads: Sequence[Payload], requests: Sequence[Request], parcel: Parcel
    ) -> AsyncIterator[Delivery]:
        """Grouping code made several bodies of one batch: which record went where, only the code knows.

        So all records share one end: sent when every request was taken, else the end of the first that was not.
        """
        plain = replace(parcel, shape=replace(parcel.shape, replies=Replies.STATUS))
        accepted = False
        for number, request in enumerate(requests, start=1):
            tried, verdict = await self._ask(payloads, request, plain)
            judged = _shared(verdict, parcel.shape.retry, done=number - 1)
            last = number == len(requests) or judged.outcome not in SENT
            if last and accepted:
                judged = judged._replace(outcome=min(judged.outcome, Outcome.ACCEPTED, key=_gravity))
            delivery = delivered(request, tried, Same(judged, _words(verdict)), payloads if last else ())
            accepted = accepted or delivery.outcome is Outcome.ACCEPTED
            yield replace(delivery, stop=verdict.stop) if isinstance(verdict, Halt) else delivery
            plain = replace(plain, before=None)
            if last:
                return
        yield _no_request(payloads, parcel.shape)


def _gravity(outcome: Outcome) -> int:
    return {Outcome.DELIVERED: 2, Outcome.ACCEPTED: 1}.get(outcome, 0)


def _shared(verdict: Verdict, retry: RetryClass, *, done: int) -> Judged:
    """The one end of all records; `done` requests of the same batch were taken before."""
    match verdict:
        case Halt(stop) if done and retry is RetryClass.ONCE:
            reason = f"{done} requests of its batch were taken, then: {stop.reason}"
            return Judged(Outcome.UNKNOWN, Refusal("no answer", reason))
        case Halt(stop):
            return Judged(Outcome.UNSENT, Refusal(stop.kind, stop.reason))
        case Bisect(refusal):
            return Judged(Outcome.QUARANTINED, refusal)
        case Same(judged):
            return judged
        case _:
            return Judged(Outcome.ACCEPTED)


def _words(verdict: Verdict) -> str:
    match verdict:
        case Halt(stop):
            return stop.reason
        case Bisect(refusal):
            return f"{refusal.reason}; the batch is halved to find the records refused"
        case Unmatched(refusal=refusal):
            return refusal.reason
        case Same(reason=reason) | Each(reason=reason) | Poll(reason=reason):
            return reason


def delivered(
    request: Request, tried: Tried, verdict: Verdict, payloads: Sequence[Payload], *, requests: int | None = None
) -> Delivery:
    """What was tried and what it means, as one delivery that settles `payloads` (none at all, or all judged)."""
    outcome, settled = _settle(verdict, payloads)
    return Delivery(
        request=request,
        attempts=tried.attempts,
        requests=tried.requests if requests is None else requests,
        duration_ms=tried.duration_ms,
        sent_at=tried.sent_at,
        outcome=outcome,
        reason=_words(verdict),
        settled=settled,
        answer=tried.answer,
        job=verdict.job if isinstance(verdict, Poll) else None,
        stop=verdict.stop if isinstance(verdict, Halt) else None,
        missing=_missing(verdict, payloads),
        missing_why=verdict.refusal if isinstance(verdict, Unmatched) else None,
    )


def closed(delivery: Delivery, shape: Shape, attempts: int) -> Delivery:
    """Its missing records are not sent again: they are quarantined, or unknown where it could be done twice."""
    why = delivery.missing_why
    assert why is not None
    if attempts > 1:
        why = replace(why, reason=f"{why.reason}, after {attempts} attempts")
    outcome = Outcome.QUARANTINED
    if shape.retry is RetryClass.ONCE:
        outcome = Outcome.UNKNOWN
        why = replace(why, accepted="a look at Custify: did it arrive? then settle it, or resend it")
    settled = (*delivery.settled, *(Settled(payload, outcome, why) for payload in delivery.missing))
    return replace(delivery, outcome=outcome, reason=why.reason, settled=settled, missing=(), missing_why=None)


def may_repeat(shape: Shape, *, whole: bool) -> bool:
    """Whether records may be sent again by themselves. What grouping code makes of some of a batch, nobody knows."""
    return shape.retry is RetryClass.IDEMPOTENT and (whole or shape.grouping.algorithm != "code")


def positions_of(payloads: Sequence[Payload]) -> Positions:
    """Identifiers that exactly one of the payloads has → its position in the batch."""
    found: dict[str, int | None] = {}
    for position, payload in enumerate(payloads):
        record = orjson.loads(payload.text) if payload.text else {}
        places = [record, record.get("payload")] if isinstance(record, dict) else []
        key = payload.key if isinstance(payload.key, str) else None
        for value in [key, *(place.get(name) for place in places if isinstance(place, dict) for name in ANY_IDS)]:
            text = identifier_text(value)
            if text is not None:
                found[text] = position if found.get(text, position) == position else None
    return {text: position for text, position in found.items() if position is not None}


def _missing(verdict: Verdict, payloads: Sequence[Payload]) -> tuple[Payload, ...]:
    if not isinstance(verdict, Unmatched):
        return ()
    return tuple(payload for payload, judged in zip(payloads, verdict.records, strict=True) if judged is None)


def _settle(verdict: Verdict, payloads: Sequence[Payload]) -> tuple[Outcome, tuple[Settled, ...]]:
    match verdict:
        case Each(records):
            pairs = zip(payloads, records, strict=True)
            return verdict.outcome, tuple(Settled(payload, *judged) for payload, judged in pairs)
        case Unmatched(records):
            known = ((payload, judged) for payload, judged in zip(payloads, records, strict=True))
            settled = tuple(Settled(payload, *judged) for payload, judged in known if judged is not None)
            return Outcome.QUARANTINED, settled
        case Same(judged):
            return judged.outcome, tuple(Settled(payload, *judged) for payload in payloads)
        case Poll():
            return Outcome.ACCEPTED, tuple(Settled(payload, Outcome.ACCEPTED) for payload in payloads)
        case Bisect(refusal):
            return Outcome.QUARANTINED, tuple(Settled(payload, Outcome.QUARANTINED, refusal) for payload in payloads)
        case Halt(stop):
            refusal = Refusal(stop.kind, stop.reason)
            return Outcome.UNSENT, tuple(Settled(payload, Outcome.UNSENT, refusal) for payload in payloads)


def _not_sent(request: Request, payloads: Sequence[Payload], stop: Stop, at: str) -> Delivery:
    """The half of a batch whose turn never came: no attempt was made."""
    outcome, settled = _settle(Halt(stop), payloads)
    return Delivery(request, 0, 0, 0.0, at, outcome, stop.reason, settled, None, stop=stop)


def _no_request(payloads: Sequence[Payload], shape: Shape) -> Delivery:
    """Grouping code made no request at all of these records."""
    refusal = Refusal("code", "the grouping code made no request of this batch")
    settled = tuple(Settled(payload, Outcome.QUARANTINED, refusal) for payload in payloads)
    request = Request(shape.method, shape.url, shape.headers, None)
    return Delivery(request, 0, 0, 0.0, "", Outcome.QUARANTINED, refusal.reason, settled, None)
