"""The machine of one request: which attempts it makes, with which pauses, and when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.machine.attempts import NEXT_LANE, attempts
from penstock.delivery.machine.protocol import LogAttempt, Reserve, Send, Wait
from penstock.delivery.retry import RetryPolicy
from penstock.model.delivery import Lost, Reply, Waiting
from penstock.model.record import Request, RetryClass
from support.kernel.machine_simulator import Simulator, lost, reply

ONCE, IDEMPOTENT = RetryClass.ONCE, RetryClass.IDEMPOTENT
REQUEST = Request("POST", "https://api.custify.com/people", (), b"{}")
POLICY = RetryPolicy()

seconds = st.floats(0.0, 40.0)
headers = st.none() | st.integers(0, 400).map(str) | st.just("Thu, 01 Jan 2026 00:20:00 GMT") | st.just("soon")


@st.composite
def replies(draw, statuses=(200, 202, 204, 302, 400, 401, 404, 408, 413, 422, 425, 500, 503)):
    header = draw(headers)
    named = {} if header is None else {"retry_after": header}
    return reply(draw(st.sampled_from(statuses)), seconds=draw(seconds), **named)


losses = st.builds(
    lost,
    st.sampled_from(["refused", "dns", "tls", "timeout", "cut", "barred"]),
    nothing_sent=st.booleans(),
    seconds=seconds,
)
limited = st.integers(0, 30).map(lambda wait: reply(429, retry_after=str(wait))) | st.just(reply(429))
answers = st.one_of(replies(), losses, limited)
scripts = st.lists(answers, max_size=20).map(tuple)


def run(script, retry=IDEMPOTENT, policy=POLICY, **options):
    simulator = Simulator(tuple(script))
    return simulator.run(attempts(REQUEST, retry, policy, **options)), simulator


def is_429(answer):
    return isinstance(answer, Reply) and answer.status == 429


def test_a_request_that_succeeds_at_once_is_one_attempt():
    result, simulator = run([reply(200, seconds=0.5)], lane="backfill", jobs=7)
    assert simulator.commands == [Reserve(REQUEST, "backfill", 7), Send(REQUEST, 1)]
    assert (result.attempts, result.requests, result.duration_ms, result.answer.status) == (1, 1, 500.0, 200)
    assert result.sent_at == result.last_sent_at == "2026-01-01T00:16:40.000Z"


def test_the_last_attempt_of_several_has_a_moment_of_its_own():
    result, _ = run([reply(429, retry_after="60"), lost()], ONCE)
    assert (result.sent_at, result.last_sent_at) == ("2026-01-01T00:16:40.000Z", "2026-01-01T00:17:40.100Z")


def test_the_commands_after_a_503():
    busy, good = reply(503), reply(200)
    result, simulator = run([busy, good])
    assert simulator.commands == [
        Reserve(REQUEST, "live", 1),
        Send(REQUEST, 1),
        LogAttempt(REQUEST, 1, busy, 0.1875),
        Wait(0.1875, "503", Waiting("retry", 0.1875, 2, 503)),
        Reserve(REQUEST, "retry", 1),
        Send(REQUEST, 2),
        LogAttempt(REQUEST, 2, good, None),
    ]
    assert (result.attempts, result.requests, result.duration_ms) == (2, 2, 200.0)


def test_an_attempt_that_sent_nothing_is_not_counted_as_a_request():
    result, _ = run([lost("refused", nothing_sent=True), reply(200)])
    assert (result.attempts, result.requests) == (2, 1)


@given(script=scripts, retry=st.sampled_from(RetryClass), lane=st.sampled_from(sorted(NEXT_LANE)))
def test_every_attempt_is_reserved_and_numbered_and_later_ones_have_the_lane_of_retries(script, retry, lane):
    _, simulator = run(script, retry, lane=lane)
    sent = [command for command in simulator.commands if isinstance(command, Reserve | Send)]
    assert [type(command) for command in sent] == [Reserve, Send] * (len(sent) // 2)
    assert [send.attempt for send in simulator.of(Send)] == list(range(1, len(sent) // 2 + 1))
    assert [place.lane for place in simulator.of(Reserve)] == [lane, *[NEXT_LANE[lane]] * (len(sent) // 2 - 1)]


@given(script=scripts)
def test_an_attempt_that_may_have_been_done_is_the_last_of_a_request_that_may_be_sent_once(script):
    _, simulator = run(script, ONCE)
    for answer in simulator.answers[:-1]:
        nothing_left = isinstance(answer, Lost) and answer.nothing_sent
        assert nothing_left or (isinstance(answer, Reply) and answer.status in {425, 429})


@given(
    script=scripts,
    policy=st.builds(RetryPolicy, attempts=st.integers(1, 8), patience=st.floats(0.1, 200.0)),
    dice=st.floats(0, 1, exclude_max=True),
)
def test_attempts_and_patience_stay_within_the_policy(script, policy, dice):
    simulator = Simulator(script, dice=dice)
    simulator.run(attempts(REQUEST, IDEMPOTENT, policy))
    counted = [answer for answer in simulator.answers if not is_429(answer)]
    assert len(counted) <= policy.attempts
    waits = [wait.seconds for wait in simulator.of(Wait)]
    spent = sum(answer.duration_ms / 1000 for answer in counted[:-1]) + sum(waits)
    assert not waits or spent <= policy.patience or all(wait == 0.0 for wait in waits)  # a 429 is not waited for here


@given(script=st.lists(st.one_of(replies(), losses), max_size=8), limits=st.lists(st.integers(0, 8), max_size=6))
def test_a_429_counts_neither_as_an_attempt_nor_as_patience(script, limits):
    """The same requests come to the same end at the same pauses, with 429 in between or not."""
    with_429 = list(script)
    for place in limits:
        with_429.insert(min(place, len(with_429)), reply(429, retry_after="1"))
    plain, expected = run(script)
    result, simulator = run(with_429)
    assert [answer for answer in simulator.answers if not is_429(answer)] == expected.answers
    assert [wait.seconds for wait in simulator.of(Wait) if wait.seconds] == [w.seconds for w in expected.of(Wait)]
    assert result.answer == plain.answer


def test_pauses_count_as_patience():
    _, simulator = run([reply(503, retry_after="50", seconds=5.0)] * 9, policy=RetryPolicy(patience=120.0))
    assert [wait.seconds for wait in simulator.of(Wait)] == [50.0, 50.0]


def test_429_is_final_after_ten_minutes():
    result, simulator = run([reply(429, retry_after="60")] * 100)
    assert result.answer.status == 429
    assert simulator.now - 1000.0 == pytest.approx(600, abs=61)


@given(script=scripts, retry=st.sampled_from(RetryClass))
def test_each_attempt_of_several_is_logged_and_a_single_success_is_not(script, retry):
    result, simulator = run(script, retry)
    logged = simulator.of(LogAttempt)
    alone = result.attempts == 1 and isinstance(result.answer, Reply) and result.answer.status < 300
    assert [log.answer for log in logged] == ([] if alone else simulator.answers)
    assert [log.again_in_s for log in logged[:-1]] == [wait.seconds for wait in simulator.of(Wait)]
    assert not logged or logged[-1].again_in_s is None
