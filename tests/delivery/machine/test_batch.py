"""The machine of one batch: whatever the replies, every record is settled once."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.delivery.machine.attempts import Attempted
from penstock.delivery.machine.batch import (
    deliver,
    delivered,
    may_repeat,
    no_request,
    not_sent,
    one_of_several,
    positions_of,
    without_missing,
    without_results,
)
from penstock.delivery.machine.protocol import Moment, Reserve, Send, SettleRecords, Wait
from penstock.delivery.retry import RetryPolicy
from penstock.delivery.verdict import Bisect, Halt, Judged, PerRecord, Poll, SameForAll, Unmatched
from penstock.model.delivery import Lost, Reply, Stop
from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Replies, Request, RetryClass
from support.kernel.delivery_client import one_body, payloads, shape
from support.kernel.machine_simulator import START, URL, Simulator, lost, reply, rules_of

ONCE, IDEMPOTENT = RetryClass.ONCE, RetryClass.IDEMPOTENT


def items(*results, status=200):
    return reply(status, json.dumps({"results": results}).encode())


ANSWERS = {
    "200": reply(200),
    "200 first only": items({"index": 0, "status": "ok"}),
    "200 one failed": items({"index": 0, "status": "ok"}, {"index": 1, "error": "not valid"}),
    "200 results for nobody": items({"status": "ok"}, {"status": "ok"}, {"error": "x"}, {"error": "y"}),
    "202 job": reply(202, b'{"id": "j1"}'),
    "400": reply(400),
    "400 with results": items({"index": 0, "error": "not valid"}, status=400),
    "401": reply(401),
    "404": reply(404),
    "413": reply(413),
    "422": reply(422),
    "425": reply(425),
    "429": reply(429, retry_after="2"),
    "500": reply(500),
    "503": reply(503, retry_after="3"),
    "cut": lost("cut"),
    "slow": lost("timeout", seconds=30.0),
    "refused": lost("refused", nothing_sent=True),
    "tls": lost("tls", nothing_sent=True),
}
scripts = st.lists(st.sampled_from(sorted(ANSWERS)), max_size=40)
shapes = st.builds(
    lambda retry, replies, algorithm: shape(URL, retry=retry, replies=replies, size=100, algorithm=algorithm),
    st.sampled_from(RetryClass),
    st.sampled_from(Replies),
    st.sampled_from(["array", "code"]),
)


def code_of(number):
    """Grouping code that makes so many requests of a batch."""
    return lambda _: [Request("POST", URL, (), b"[%d]" % body) for body in range(number)]


def run(script, count, where, requests_for=None, **settings):
    simulator = Simulator(tuple(ANSWERS[name] for name in script))
    simulator.run(deliver(payloads(count), rules_of(where, requests_for, **settings)))
    return simulator


def may_have_been_done(answer):
    if isinstance(answer, Lost):
        return not answer.nothing_sent
    return answer.status not in {425, 429}


@given(script=scripts, count=st.integers(1, 9), where=shapes, requests=st.integers(0, 3))
@example(["422", "401"], 4, shape(URL, size=4), 1)
@example(["200 first only", "401"], 2, shape(URL, size=2, replies=Replies.ITEMS), 1)
def test_every_record_is_settled_once(script, count, where, requests):
    by_code = where.grouping.algorithm == "code"
    simulator = run(script, count, where, code_of(requests) if by_code else None)
    assert sorted(simulator.outcomes) == list(range(count))
    assert {len(outcomes) for outcomes in simulator.outcomes.values()} == {1}
    assert all(delivery.missing == () for delivery in simulator.deliveries)
    for delivery in simulator.deliveries:
        for settled in delivery.settled:
            assert (settled.refusal is not None) == (settled.outcome.value in {"quarantined", "unknown", "unsent"})


@given(script=scripts, count=st.integers(1, 9), replies=st.sampled_from(Replies), requests=st.integers(1, 3))
@example(["200 first only"], 3, Replies.ITEMS, 1)
def test_a_batch_that_may_be_sent_once_is_not_retried_if_it_may_have_been_done(script, count, replies, requests):
    where = shape(URL, retry=ONCE, replies=replies, size=100, algorithm="code" if requests > 1 else "array")
    simulator = run(script, count, where, code_of(requests) if requests > 1 else None)
    done = set()
    for send, answer in zip(simulator.of(Send), simulator.answers, strict=True):
        body = json.loads(send.request.body)
        records = set(body) if requests > 1 else {record["n"] for record in body}  # by code: one number a request
        assert not records & done
        if may_have_been_done(answer):
            done |= records


@given(script=scripts, count=st.integers(1, 9), where=shapes)
@example(["422", "401"], 8, shape(URL, size=8))
def test_after_a_stop_nothing_is_sent(script, count, where):
    simulator = run(script, count, where)
    stops = [
        n for n, c in enumerate(simulator.commands) if isinstance(c, SettleRecords) and c.delivery.stop is not None
    ]
    if stops:
        rest = simulator.commands[stops[0] :]
        assert all(isinstance(command, SettleRecords) and command.delivery.stop is not None for command in rest)
        after = [settled.outcome.value for command in rest for settled in command.delivery.settled]
        assert set(after) == {"unsent"}


@given(script=scripts, count=st.integers(1, 9), where=shapes, policy=st.builds(RetryPolicy, attempts=st.integers(1, 4)))
def test_no_request_is_sent_more_often_than_the_policy_says(script, count, where, policy):
    """A request: the attempts that follow one another with one body. A 429 is no attempt."""
    simulator = run(script, count, where, policy=policy)
    in_a_row = 0
    for send, answer in zip(simulator.of(Send), simulator.answers, strict=True):
        in_a_row = in_a_row if send.attempt > 1 else 0
        in_a_row += not (isinstance(answer, Reply) and answer.status == 429)
        assert in_a_row <= policy.attempts


@given(count=st.integers(1, 64), data=st.data())
def test_halving_finds_exactly_the_records_that_are_refused(count, data):
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    status = data.draw(st.sampled_from([400, 413, 422]))

    def answer(request):
        sent = json.loads(request.body)
        numbers = {one["n"] for one in (sent if isinstance(sent, list) else [sent])}
        return reply(status) if numbers & bad else reply(200)

    where = shape(URL, size=max(2, count))
    simulator = Simulator(answer=answer)
    simulator.run(deliver(payloads(count), rules_of(where)))
    expected = {n: ["quarantined" if n in bad else "delivered"] for n in range(count)}
    assert simulator.outcomes == expected
    assert list(simulator.outcomes) == list(range(count)), "in the order of the batch"
    depth = max(1, (count - 1).bit_length())
    assert len(simulator.of(Send)) <= 1 + 2 * depth * len(bad)


@given(
    script=st.lists(st.sampled_from(sorted(set(ANSWERS) - {"429"})), max_size=12),
    count=st.integers(1, 5),
    data=st.data(),
)
def test_a_429_changes_no_outcome(script, count, data):
    where = data.draw(shapes)
    with_429 = list(script)
    for place in data.draw(st.lists(st.integers(0, 12), max_size=4)):
        with_429.insert(min(place, len(with_429)), "429")
    plain, limited = run(script, count, where), run(with_429, count, where)
    assert limited.outcomes == plain.outcomes


@given(script=scripts, count=st.integers(1, 9), where=shapes, steps=st.integers(0, 30))
def test_a_machine_that_is_closed_settles_nothing_more(script, count, where, steps):
    simulator = Simulator(tuple(ANSWERS[name] for name in script))
    machine = deliver(payloads(count), rules_of(where))
    event = None
    for _ in range(steps):
        try:
            command = machine.send(event)
        except StopIteration:
            break
        simulator.commands.append(command)
        event = simulator.perform(command)
    machine.close()
    with pytest.raises(StopIteration):
        machine.send(None)
    assert {len(outcomes) for outcomes in simulator.outcomes.values()} <= {1}


def test_records_without_a_result_are_sent_again_alone_after_a_pause():
    where = shape(URL, size=3, replies=Replies.ITEMS)
    first = items({"index": 1, "status": "ok"})
    simulator = Simulator((first, reply(200, b'{"results": [{"status": "ok"}, {"status": "ok"}]}')))
    simulator.run(deliver(payloads(3), rules_of(where, lane="backfill")))
    kinds = [type(command).__name__ for command in simulator.commands]
    assert kinds == ["Reserve", "Send", "SettleRecords", "Wait", "Reserve", "Send", "SettleRecords"]
    assert [send.request.body for send in simulator.of(Send)] == [b'[{"n":0},{"n":1},{"n":2}]', b'[{"n":0},{"n":2}]']
    assert [len(delivery.settled) for delivery in simulator.deliveries] == [1, 2]
    assert "the reply does not say which result is whose" in simulator.of(Wait)[0].reason


@pytest.mark.parametrize("most", [1, 2, 6])
def test_records_that_never_get_a_result_are_sent_as_often_as_the_policy_says(most):
    where = shape(URL, size=3, replies=Replies.ITEMS)
    simulator = Simulator(
        answer=lambda _: items({"status": "ok"}, {"status": "ok"}, {"status": "ok"}, {"status": "ok"})
    )
    simulator.run(deliver(payloads(3), rules_of(where, policy=RetryPolicy(attempts=most))))
    assert len(simulator.of(Send)) == most
    assert set(simulator.outcomes) == {0, 1, 2}
    assert [delivery.settled == () for delivery in simulator.deliveries] == [*[True] * (most - 1), False]


@pytest.mark.parametrize(
    ("script", "retry", "outcome", "sent"),
    [
        (["200", "200", "200"], IDEMPOTENT, "delivered", 3),
        (["200", "202 job", "200"], IDEMPOTENT, "accepted", 3),
        (["200", "422", "200"], IDEMPOTENT, "quarantined", 2),
        (["401", "200", "200"], ONCE, "unsent", 1),
        (["200", "401", "200"], IDEMPOTENT, "unsent", 2),
        (["200", "401", "200"], ONCE, "unknown", 2),
        (["200", "cut", "200"], ONCE, "unknown", 2),
    ],
)
def test_several_requests_end_with_the_first_that_does_not_succeed(script, retry, outcome, sent):
    simulator = run(script, 2, shape(URL, retry=retry, size=2, algorithm="code"), code_of(3))
    assert simulator.outcomes == {0: [outcome], 1: [outcome]}
    assert len(simulator.of(Send)) == sent


def test_a_place_is_reserved_for_all_jobs_of_a_batch():
    simulator = run(["200"], 5, shape(URL, size=5))
    assert [place.jobs for place in simulator.of(Reserve)] == [5]


def test_the_requests_of_a_batch_are_made_once_when_they_are_known():
    where = shape(URL, size=2)
    requests = one_body(where)(payloads(2))

    def never(_):
        raise AssertionError("made again")

    simulator = Simulator()
    simulator.run(deliver(payloads(2), rules_of(where, never), requests))
    assert [send.request for send in simulator.of(Send)] == requests


@pytest.mark.parametrize(
    ("retry", "algorithm", "whole", "allowed"),
    [
        (IDEMPOTENT, "array", False, True),
        (IDEMPOTENT, "code", True, True),
        (IDEMPOTENT, "code", False, False),
        (ONCE, "array", True, False),
    ],
)
def test_which_records_may_be_sent_again(retry, algorithm, whole, allowed):
    assert may_repeat(shape(URL, retry=retry, size=9, algorithm=algorithm), whole=whole) is allowed


REQUEST = Request("POST", URL, (), b"[]")
ATTEMPTED = Attempted(
    reply(200), 3, 2, 250.0, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z", Moment(START, 1.0, 0.5)
)
REFUSAL = Refusal("422", "no name")
STOP = Stop("credential", "the credential was refused")
GOOD, BAD = Judged(Outcome.DELIVERED, None, "aa"), Judged(Outcome.QUARANTINED, REFUSAL)


def outcomes(delivery):
    return [settled.outcome.value for settled in delivery.settled]


@pytest.mark.parametrize(
    ("verdict", "outcome", "each", "reason"),
    [
        (SameForAll(GOOD, "200 OK"), "delivered", ["delivered"] * 2, "200 OK"),
        (PerRecord((GOOD, BAD), "200 OK: …"), "quarantined", ["delivered", "quarantined"], "200 OK: …"),
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
def test_the_outcome_of_the_records_by_verdict(verdict, outcome, each, reason):
    delivery = delivered(REQUEST, ATTEMPTED, verdict, payloads(2))
    assert (delivery.outcome.value, outcomes(delivery), delivery.reason) == (outcome, each, reason)
    assert (delivery.attempts, delivery.requests, delivery.duration_ms, delivery.status) == (3, 2, 250.0, 200)
    assert delivery.job == ("j1" if isinstance(verdict, Poll) else None)
    assert delivery.stop == (STOP if isinstance(verdict, Halt) else None)
    assert delivery.missing == ((payloads(1)[0],) if isinstance(verdict, Unmatched) else ())
    assert delivery.missing_why == (REFUSAL if isinstance(verdict, Unmatched) else None)


def test_custifys_own_id_comes_with_its_record():
    (settled,) = delivered(REQUEST, ATTEMPTED, PerRecord((GOOD,), ""), payloads(1), requests=9).settled
    assert settled.remote_id == "aa"


@pytest.mark.parametrize(
    ("retry", "attempts", "outcome", "reason"),
    [
        (RetryClass.IDEMPOTENT, 1, "quarantined", "no name"),
        (RetryClass.IDEMPOTENT, 6, "quarantined", "no name, after 6 attempts"),
        (RetryClass.ONCE, 1, "unknown", "no name"),
    ],
)
def test_records_without_a_result_after_all_attempts_are_quarantined_or_unknown(retry, attempts, outcome, reason):
    first = delivered(REQUEST, ATTEMPTED, Unmatched((None, GOOD), REFUSAL), payloads(2))
    delivery = without_results(first, retry, attempts)
    assert [(s.payload.key, s.outcome.value) for s in delivery.settled] == [("k1", "delivered"), ("k0", outcome)]
    assert (delivery.reason, delivery.settled[-1].refusal.reason) == (reason, reason)
    assert (delivery.missing, delivery.missing_why) == ((), None)


def test_missing_records_are_left_to_another_delivery():
    delivery = without_missing(delivered(REQUEST, ATTEMPTED, Unmatched((None, GOOD), REFUSAL), payloads(2)))
    assert (outcomes(delivery), delivery.missing, delivery.missing_why) == (["delivered"], (), None)


def test_after_a_stop_the_rest_is_unsent_without_a_request():
    stopped = delivered(REQUEST, ATTEMPTED, Halt(STOP), payloads(1))
    rest = not_sent(payloads(2), stopped)
    assert (outcomes(rest), rest.attempts, rest.requests, rest.answer) == (["unsent", "unsent"], 0, 0, None)
    assert (rest.stop, rest.settled[0].refusal) == (STOP, Refusal("credential", STOP.reason))


def test_grouping_code_without_requests_has_a_delivery_without_requests():
    delivery = no_request(payloads(2), shape(URL, size=2, algorithm="code"))
    assert (outcomes(delivery), delivery.requests) == (["quarantined"] * 2, 0)
    assert delivery.settled[0].refusal.rule == "code"


def test_one_of_several_requests_keeps_its_own_reason_and_stop():
    first = one_of_several(REQUEST, ATTEMPTED, SameForAll(GOOD, "200 OK"), GOOD, ())
    assert (first.settled, first.reason, first.stop) == ((), "200 OK", None)
    unsent = Judged(Outcome.UNSENT, Refusal("credential", STOP.reason))
    last = one_of_several(REQUEST, ATTEMPTED, Halt(STOP), unsent, payloads(2))
    assert (outcomes(last), last.stop) == (["unsent", "unsent"], STOP)


def test_an_identifier_that_two_records_have_identifies_neither():
    some = [
        Payload(0, "k0", b'{"user_id": "ann", "email": "a@x.io"}', 0),
        Payload(1, "k1", b'{"payload": {"user_id": "bob", "email": "a@x.io"}}', 1),
        Payload(2, ("k", "2"), b"[1]", 2),
        Payload(3, "ann", b"", 3),
    ]
    assert positions_of(some) == {"k0": 0, "k1": 1, "bob": 1}
