"""The machine of one batch: its request, and what follows from the verdict, until every record is settled.

A batch that is refused as a whole is halved until each refused record is alone. Records that a reply has no result
for are sent again. Both make further parts of the batch, which are sent one after the other. `delivered` and the
functions after it make the deliveries: a request with its attempts and its verdict, as the outcome of each record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import orjson

from penstock.delivery.machine.attempts import NEXT_LANE, Attempted, attempts
from penstock.delivery.machine.protocol import SettleRecords, Steps, Wait
from penstock.delivery.replies import ANY_IDS, ErrorQuoter, Positions, identifier_text
from penstock.delivery.retry import Again, GiveUp, RetryPolicy, Spent, repeat
from penstock.delivery.verdict import (
    Bisect,
    Halt,
    Judged,
    PerRecord,
    Poll,
    SameForAll,
    SentRequest,
    Unmatched,
    Verdict,
    judge,
    shared_outcome,
)
from penstock.model.delivery import Delivery, Lane, Settled
from penstock.model.outcome import SENT, Outcome, Refusal
from penstock.model.record import Payload, Replies, Request, RetryClass, Shape

RequestsFor = Callable[[Sequence[Payload]], Sequence[Request]]  # several for one batch: by grouping code only

FIRST = Spent(attempts=1)  # of records that a reply has no result for: the attempt with that reply
LOOK_IN_CUSTIFY = "check in Custify whether it arrived: then settle it, else resend it"


class BatchRules(NamedTuple):
    """How the batches of a destination are sent."""

    shape: Shape
    requests_for: RequestsFor
    policy: RetryPolicy
    quoter: ErrorQuoter
    lane: Lane = "live"


class _Part(NamedTuple):
    """Records of the batch that are sent in one request. `pause`: why and how long to wait before."""

    payloads: Sequence[Payload]
    lane: Lane
    request: Request | None = None  # None: it is made when the part is sent
    spent: Spent = FIRST
    pause: Again | None = None


def deliver(payloads: Sequence[Payload], rules: BatchRules, requests: Sequence[Request] | None = None) -> Steps[None]:
    """Settles every payload once. `requests` are what `rules.requests_for` made of them, when that is known already.

    There are several deliveries when the batch was halved (a delivery that only led to halves settles none), when
    there are several requests (then the last settles all), or when a reply had no result for some records. After a
    delivery with `stop` nothing is sent: the records that are left are settled as unsent.
    """
    if requests is None:
        requests = rules.requests_for(payloads)
    if len(requests) != 1:
        yield from _several(payloads, requests, rules)
        return
    parts = [_Part(payloads, rules.lane, requests[0])]  # the next one is the last
    delivery: Delivery | None = None
    while parts:
        part = parts.pop()
        if delivery is not None and delivery.stop is not None:
            delivery = not_sent(part.payloads, delivery)
            yield SettleRecords(delivery)
        else:
            delivery, further = yield from _send(part, rules)
            yield SettleRecords(delivery)
            parts += reversed(further)


def may_repeat(shape: Shape, *, whole: bool) -> bool:
    """Whether records may be sent again automatically. Which record grouping code puts where is not known here."""
    return shape.retry is RetryClass.IDEMPOTENT and (whole or shape.grouping.algorithm != "code")


def _send(part: _Part, rules: BatchRules) -> Steps[tuple[Delivery, list[_Part]]]:
    """The delivery of one part, and the parts that have to be sent because of its verdict."""
    if part.pause is not None:
        yield Wait(part.pause.after_s, part.pause.reason)
    payloads = part.payloads
    request = rules.requests_for(payloads)[0] if part.request is None else part.request
    attempted = yield from _attempts(request, len(payloads), rules, part.lane)
    verdict = _verdict(attempted, payloads, rules)
    if isinstance(verdict, Bisect):
        middle = len(payloads) // 2
        halves = [_Part(half, part.lane) for half in (payloads[:middle], payloads[middle:])]
        return delivered(request, attempted, verdict, ()), halves
    delivery = delivered(request, attempted, verdict, payloads)
    if not isinstance(verdict, Unmatched):
        return delivery, []
    pause = repeat(part.spent, rules.policy, attempted.ended.dice, verdict.refusal.reason)
    whole = len(delivery.missing) == len(payloads)
    if isinstance(pause, GiveUp) or not may_repeat(rules.shape, whole=whole):
        return without_results(delivery, rules.shape.retry, part.spent.attempts), []
    spent = Spent(part.spent.attempts + 1, part.spent.seconds + pause.after_s)
    return without_missing(delivery), [_Part(delivery.missing, NEXT_LANE[part.lane], None, spent, pause)]


def _attempts(request: Request, records: int, rules: BatchRules, lane: Lane) -> Steps[Attempted]:
    return attempts(request, rules.shape.retry, rules.policy, lane=lane, jobs=records)


def _verdict(attempted: Attempted, payloads: Sequence[Payload], rules: BatchRules) -> Verdict:
    sent = SentRequest(rules.shape, len(payloads), rules.quoter, attempted.attempts, partial(positions_of, payloads))
    return judge(attempted.answer, sent)


def _several(payloads: Sequence[Payload], requests: Sequence[Request], rules: BatchRules) -> Steps[None]:
    """Send the requests that grouping code made of one batch. Only the code knows which record is in which request.

    So all records share one outcome: sent when every request succeeded, else that of the first that did not.
    """
    rules = rules._replace(shape=replace(rules.shape, replies=Replies.STATUS))
    accepted = False
    for done, request in enumerate(requests):
        attempted = yield from _attempts(request, len(payloads), rules, rules.lane)
        verdict = _verdict(attempted, payloads, rules)
        is_last = done + 1 == len(requests)
        judged = shared_outcome(verdict, rules.shape.retry, done=done, accepted=accepted and is_last)
        is_last = is_last or judged.outcome not in SENT
        delivery = one_of_several(request, attempted, verdict, judged, payloads if is_last else ())
        yield SettleRecords(delivery)
        if is_last:
            return
        accepted = accepted or delivery.outcome is Outcome.ACCEPTED
    yield SettleRecords(no_request(payloads, rules.shape))


def delivered(
    request: Request,
    attempted: Attempted,
    verdict: Verdict,
    payloads: Sequence[Payload],
    *,
    requests: int | None = None,
) -> Delivery:
    """One request as a delivery that settles `payloads` (none, or all of the judged ones).

    `requests` replaces the number of HTTP requests, where others belong to it.
    """
    outcome, settled = _settled(verdict, payloads)
    return Delivery(
        request=request,
        attempts=attempted.attempts,
        requests=attempted.requests if requests is None else requests,
        duration_ms=attempted.duration_ms,
        sent_at=attempted.sent_at,
        last_sent_at=attempted.last_sent_at,
        outcome=outcome,
        reason=_reason(verdict),
        settled=settled,
        answer=attempted.answer,
        job=verdict.job if isinstance(verdict, Poll) else None,
        stop=verdict.stop if isinstance(verdict, Halt) else None,
        missing=_missing(verdict, payloads),
        missing_why=verdict.refusal if isinstance(verdict, Unmatched) else None,
    )


def one_of_several(
    request: Request, attempted: Attempted, verdict: Verdict, judged: Judged, payloads: Sequence[Payload]
) -> Delivery:
    """One of several requests that grouping code made of a batch; `payloads` share the outcome `judged`."""
    delivery = delivered(request, attempted, SameForAll(judged, _reason(verdict)), payloads)
    return replace(delivery, stop=verdict.stop) if isinstance(verdict, Halt) else delivery


def without_results(delivery: Delivery, retry: RetryClass, attempt_count: int) -> Delivery:
    """Settles the missing records of a delivery: in `attempt_count` attempts no reply had a result for them.

    They are quarantined, or unknown where a request must not be sent twice.
    """
    why = delivery.missing_why
    assert why is not None
    if attempt_count > 1:
        why = replace(why, reason=f"{why.reason}, after {attempt_count} attempts")
    outcome = Outcome.QUARANTINED
    if retry is RetryClass.ONCE:
        outcome = Outcome.UNKNOWN
        why = replace(why, accepted=LOOK_IN_CUSTIFY)
    settled = (*delivery.settled, *(Settled(payload, outcome, why) for payload in delivery.missing))
    return replace(delivery, outcome=outcome, reason=why.reason, settled=settled, missing=(), missing_why=None)


def without_missing(delivery: Delivery) -> Delivery:
    """The delivery without its missing records, which are sent again and settled by another delivery."""
    return replace(delivery, missing=(), missing_why=None)


def not_sent(payloads: Sequence[Payload], stopped: Delivery) -> Delivery:
    """A part of a batch for which no request was sent, because `stopped` ends the run."""
    assert stopped.stop is not None
    outcome, settled = _settled(Halt(stopped.stop), payloads)
    reason = stopped.stop.reason
    return Delivery(stopped.request, 0, 0, 0.0, stopped.sent_at, outcome, reason, settled, None, stop=stopped.stop)


def no_request(payloads: Sequence[Payload], shape: Shape) -> Delivery:
    """A batch from which grouping code made no request."""
    refusal = Refusal("code", "the grouping code made no request of this batch")
    settled = tuple(Settled(payload, Outcome.QUARANTINED, refusal) for payload in payloads)
    request = Request(shape.method, shape.url, shape.headers, None)
    return Delivery(request, 0, 0, 0.0, "", Outcome.QUARANTINED, refusal.reason, settled, None)


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


def _settled(verdict: Verdict, payloads: Sequence[Payload]) -> tuple[Outcome, tuple[Settled, ...]]:
    match verdict:
        case PerRecord(records):
            pairs = zip(payloads, records, strict=True)
            return verdict.outcome, tuple(Settled(payload, *judged) for payload, judged in pairs)
        case Unmatched(records):
            known = ((payload, judged) for payload, judged in zip(payloads, records, strict=True))
            settled = tuple(Settled(payload, *judged) for payload, judged in known if judged is not None)
            return Outcome.QUARANTINED, settled
        case SameForAll(judged):
            return judged.outcome, tuple(Settled(payload, *judged) for payload in payloads)
        case Poll():
            return Outcome.ACCEPTED, tuple(Settled(payload, Outcome.ACCEPTED) for payload in payloads)
        case Bisect(refusal):
            return Outcome.QUARANTINED, tuple(Settled(payload, Outcome.QUARANTINED, refusal) for payload in payloads)
        case Halt(stop):
            refusal = Refusal(stop.kind, stop.reason)
            return Outcome.UNSENT, tuple(Settled(payload, Outcome.UNSENT, refusal) for payload in payloads)


def _reason(verdict: Verdict) -> str:
    match verdict:
        case Halt(stop):
            return stop.reason
        case Bisect(refusal):
            return f"{refusal.reason}; the batch is halved to find the records refused"
        case Unmatched(refusal=refusal):
            return refusal.reason
        case SameForAll(reason=reason) | PerRecord(reason=reason) | Poll(reason=reason):
            return reason
