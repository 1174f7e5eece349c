"""Deliveries: a request with its attempts and its verdict, as the outcome of each of its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from penstock.delivery.machine.attempts import Attempted
from penstock.delivery.replies import ANY_IDS, Positions, identifier_text
from penstock.delivery.verdict import Bisect, Each, Halt, Judged, Poll, Same, Unmatched, Verdict
from penstock.model.delivery import Delivery, Settled
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Request, RetryClass, Shape

LOOK_IN_CUSTIFY = "a look at Custify: did it arrive? then settle it, or resend it"


def delivered(
    request: Request,
    attempted: Attempted,
    verdict: Verdict,
    payloads: Sequence[Payload],
    *,
    requests: int | None = None,
) -> Delivery:
    """One request as a delivery that settles `payloads` (none at all, or all that were judged).

    `requests` replaces the number of HTTP requests, where others belong to it.
    """
    outcome, settled = _settled(verdict, payloads)
    return Delivery(
        request=request,
        attempts=attempted.attempts,
        requests=attempted.requests if requests is None else requests,
        duration_ms=attempted.duration_ms,
        sent_at=attempted.sent_at,
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
    delivery = delivered(request, attempted, Same(judged, _reason(verdict)), payloads)
    return replace(delivery, stop=verdict.stop) if isinstance(verdict, Halt) else delivery


def without_results(delivery: Delivery, retry: RetryClass, attempts: int) -> Delivery:
    """Settles the missing records of a delivery, after `attempts` in which no reply had a result for them.

    They are quarantined, or unknown where a request must not be sent twice.
    """
    why = delivery.missing_why
    assert why is not None
    if attempts > 1:
        why = replace(why, reason=f"{why.reason}, after {attempts} attempts")
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
    """A batch of which grouping code made no request at all."""
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


def _reason(verdict: Verdict) -> str:
    match verdict:
        case Halt(stop):
            return stop.reason
        case Bisect(refusal):
            return f"{refusal.reason}; the batch is halved to find the records refused"
        case Unmatched(refusal=refusal):
            return refusal.reason
        case Same(reason=reason) | Each(reason=reason) | Poll(reason=reason):
            return reason
