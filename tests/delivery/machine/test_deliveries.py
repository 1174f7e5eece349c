"""A request with its attempts and its verdict, as the outcome of each of its records."""

import pytest

from penstock.delivery.machine.attempts import Attempted
from penstock.delivery.machine.deliveries import (
    delivered,
    no_request,
    not_sent,
    one_of_several,
    positions_of,
    without_missing,
    without_results,
)
from penstock.delivery.machine.protocol import Moment
from penstock.delivery.verdict import Bisect, Each, Halt, Judged, Poll, Same, Unmatched
from penstock.model.delivery import Stop
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Request, RetryClass
from support.kernel.delivery_client import payloads, shape
from support.kernel.machine_simulator import START, URL, reply

REQUEST = Request("POST", URL, (), b"[]")
ATTEMPTED = Attempted(reply(200), 3, 2, 250.0, "2026-01-01T00:00:00.000Z", Moment(START, 1.0, 0.5))
REFUSAL = Refusal("422", "no name")
STOP = Stop("credential", "the credential was refused")
GOOD, BAD = Judged(Outcome.DELIVERED, None, "aa"), Judged(Outcome.QUARANTINED, REFUSAL)


def outcomes(delivery):
    return [settled.outcome.value for settled in delivery.settled]


@pytest.mark.parametrize(
    ("verdict", "outcome", "each", "reason"),
    [
        (Same(GOOD, "200 OK"), "delivered", ["delivered"] * 2, "200 OK"),
        (Each((GOOD, BAD), "200 OK: …"), "quarantined", ["delivered", "quarantined"], "200 OK: …"),
        (Unmatched((None, GOOD), REFUSAL), "quarantined", ["delivered"], "no name"),
        (Poll("j1", "202"), "accepted", ["accepted"] * 2, "202"),
        (
            Bisect(REFUSAL),
            "quarantined",
            ["quarantined"] * 2,
            "no name; the batch is halved to find the records refused",
        ),
        (Halt(STOP), "unsent", ["unsent"] * 2, "the credential was refused"),
    ],
)
def test_what_a_verdict_makes_of_the_records(verdict, outcome, each, reason):
    delivery = delivered(REQUEST, ATTEMPTED, verdict, payloads(2))
    assert (delivery.outcome.value, outcomes(delivery), delivery.reason) == (outcome, each, reason)
    assert (delivery.attempts, delivery.requests, delivery.duration_ms, delivery.status) == (3, 2, 250.0, 200)
    assert delivery.job == ("j1" if isinstance(verdict, Poll) else None)
    assert delivery.stop == (STOP if isinstance(verdict, Halt) else None)
    assert delivery.missing == ((payloads(1)[0],) if isinstance(verdict, Unmatched) else ())
    assert delivery.missing_why == (REFUSAL if isinstance(verdict, Unmatched) else None)


def test_custifys_own_id_comes_with_its_record():
    (settled,) = delivered(REQUEST, ATTEMPTED, Each((GOOD,), ""), payloads(1), requests=9).settled
    assert settled.remote_id == "aa"


@pytest.mark.parametrize(
    ("retry", "attempts", "outcome", "reason"),
    [
        (RetryClass.IDEMPOTENT, 1, "quarantined", "no name"),
        (RetryClass.IDEMPOTENT, 6, "quarantined", "no name, after 6 attempts"),
        (RetryClass.ONCE, 1, "unknown", "no name"),
    ],
)
def test_records_that_never_get_a_result(retry, attempts, outcome, reason):
    first = delivered(REQUEST, ATTEMPTED, Unmatched((None, GOOD), REFUSAL), payloads(2))
    delivery = without_results(first, retry, attempts)
    assert [(s.payload.key, s.outcome.value) for s in delivery.settled] == [("k1", "delivered"), ("k0", outcome)]
    assert (delivery.reason, delivery.settled[-1].refusal.reason) == (reason, reason)
    assert (delivery.missing, delivery.missing_why) == ((), None)


def test_missing_records_are_left_to_another_delivery():
    delivery = without_missing(delivered(REQUEST, ATTEMPTED, Unmatched((None, GOOD), REFUSAL), payloads(2)))
    assert (outcomes(delivery), delivery.missing, delivery.missing_why) == (["delivered"], (), None)


def test_after_a_stop_the_rest_is_unsent_by_no_request():
    stopped = delivered(REQUEST, ATTEMPTED, Halt(STOP), payloads(1))
    rest = not_sent(payloads(2), stopped)
    assert (outcomes(rest), rest.attempts, rest.requests, rest.answer) == (["unsent", "unsent"], 0, 0, None)
    assert (rest.stop, rest.settled[0].refusal) == (STOP, Refusal("credential", STOP.reason))


def test_grouping_code_that_makes_no_request():
    delivery = no_request(payloads(2), shape(URL, size=2, algorithm="code"))
    assert (outcomes(delivery), delivery.requests) == (["quarantined"] * 2, 0)
    assert delivery.settled[0].refusal.rule == "code"


def test_one_of_several_requests_keeps_its_own_reason_and_stop():
    first = one_of_several(REQUEST, ATTEMPTED, Same(GOOD, "200 OK"), GOOD, ())
    assert (first.settled, first.reason, first.stop) == ((), "200 OK", None)
    unsent = Judged(Outcome.UNSENT, Refusal("credential", STOP.reason))
    last = one_of_several(REQUEST, ATTEMPTED, Halt(STOP), unsent, payloads(2))
    assert (outcomes(last), last.stop) == (["unsent", "unsent"], STOP)


def test_an_identifier_of_two_records_names_neither():
    some = [
        Payload(0, "k0", b'{"user_id": "ann", "email": "a@x.io"}', 0),
        Payload(1, "k1", b'{"payload": {"user_id": "bob", "email": "a@x.io"}}', 1),
        Payload(2, ("k", "2"), b"[1]", 2),
        Payload(3, "ann", b"", 3),
    ]
    assert positions_of(some) == {"k0": 0, "k1": 1, "bob": 1}
