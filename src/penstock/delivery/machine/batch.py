"""The machine of one batch: its request, and what follows from the verdict, until every record is settled.

A batch that is refused as a whole is halved until each refused record is alone. Records that a reply has no result
for are sent again. Both make further parts of the batch, which are sent one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from penstock.delivery.machine.attempts import NEXT_LANE, Attempted, attempts
from penstock.delivery.machine.deliveries import (
    delivered,
    no_request,
    not_sent,
    one_of_several,
    positions_of,
    without_missing,
    without_results,
)
from penstock.delivery.machine.protocol import SettleRecords, Steps, Wait
from penstock.delivery.replies import ErrorQuoter
from penstock.delivery.retry import Again, GiveUp, RetryPolicy, Spent, repeat
from penstock.delivery.verdict import Bisect, SentRequest, Unmatched, Verdict, judge, shared_outcome
from penstock.model.delivery import Delivery, Lane
from penstock.model.outcome import SENT, Outcome
from penstock.model.record import Payload, Replies, Request, RetryClass, Shape

RequestsFor = Callable[[Sequence[Payload]], Sequence[Request]]  # several for one batch: by grouping code only

FIRST = Spent(attempts=1)  # of records that a reply has no result for: the attempt with that reply


class BatchRules(NamedTuple):
    """How the batches of a destination are sent. `cost_per_record`: the API counts a request for each record."""

    shape: Shape
    requests_for: RequestsFor
    policy: RetryPolicy
    quoter: ErrorQuoter
    lane: Lane = "live"
    cost_per_record: bool = False


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
    cost = records if rules.cost_per_record else 1
    return attempts(request, rules.shape.retry, rules.policy, lane=lane, cost=cost)


def _verdict(attempted: Attempted, payloads: Sequence[Payload], rules: BatchRules) -> Verdict:
    sent = SentRequest(rules.shape, len(payloads), rules.quoter, attempted.attempts, partial(positions_of, payloads))
    return judge(attempted.answer, sent)


def _several(payloads: Sequence[Payload], requests: Sequence[Request], rules: BatchRules) -> Steps[None]:
    """Grouping code made several requests of one batch: which record went where, only the code knows.

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
