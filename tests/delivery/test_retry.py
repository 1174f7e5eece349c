"""The decisions about retries."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.limit.rate_limit import SHORTEST_BLOCK
from penstock.delivery.retry import Again, GiveUp, RetryPolicy, Spent, decide, may_have_been_done, retry_after_s
from penstock.model.delivery import Lost, Reply
from penstock.model.record import RetryClass

POLICY = RetryPolicy()
ONCE, IDEMPOTENT = RetryClass.ONCE, RetryClass.IDEMPOTENT


def reply(status):
    return Reply(status, {}, b"", 1.0)


def lost(kind, *, nothing_sent):
    return Lost(kind, nothing_sent, "because", 1.0)


@pytest.mark.parametrize(
    ("answer", "once", "idempotent"),
    [
        *[
            (reply(status), False, False)
            for status in (200, 202, 204, 301, 302, 400, 401, 403, 404, 409, 413, 422, 423)
        ],
        *[(reply(status), False, True) for status in (408, 500, 502, 503, 504, 599)],
        *[(reply(status), True, True) for status in (425, 429)],
        (lost("refused", nothing_sent=True), True, True),
        (lost("dns", nothing_sent=True), True, True),
        (lost("timeout", nothing_sent=True), True, True),
        (lost("timeout", nothing_sent=False), False, True),
        (lost("cut", nothing_sent=False), False, True),
        (lost("tls", nothing_sent=True), False, False),
        (lost("barred", nothing_sent=True), False, False),
    ],
)
def test_which_requests_are_retried(answer, once, idempotent):
    for retry, again in ((ONCE, once), (IDEMPOTENT, idempotent)):
        step = decide(answer, retry, Spent(attempts=1), POLICY, 0.5)
        assert isinstance(step, Again) == again
        assert step.reason


@pytest.mark.parametrize(
    ("status", "maybe"), [(400, False), (408, True), (425, False), (429, False), (500, True), (503, True), (200, False)]
)
def test_after_which_refusals_a_request_may_have_been_done(status, maybe):
    assert may_have_been_done(status) is maybe


@pytest.mark.parametrize(("attempt", "pause"), [(1, 0.25), (2, 0.5), (3, 1.0), (4, 2.0), (5, 4.0)])
def test_pauses_double_with_each_attempt(attempt, pause):
    least = decide(reply(500), IDEMPOTENT, Spent(attempts=attempt), POLICY, 0.0)
    most = decide(reply(500), IDEMPOTENT, Spent(attempts=attempt), POLICY, 1.0)
    assert (least.after_s, most.after_s) == (pause / 2, pause)


def test_no_pause_is_longer_than_the_clamp():
    policy = RetryPolicy(attempts=100, patience=1e9)
    assert decide(reply(500), IDEMPOTENT, Spent(attempts=60), policy, 1.0).after_s == 20.0


@given(
    dice=st.floats(0, 1, exclude_max=True),
    status=st.sampled_from([408, 429, 500, 503]),
    retry_after=st.none() | st.floats(0, 1e6),
)
def test_every_request_ends(dice, status, retry_after):
    policy = RetryPolicy(rate_limited_s=60.0)
    limited = status == 429
    spent, waited = Spent(), 0.0
    for attempts in range(1, 300):
        limited_s = spent.rate_limited_s + (max(retry_after or 10.0, SHORTEST_BLOCK) if limited else 0.0)
        spent = Spent(0 if limited else attempts, spent.seconds + (0.0 if limited else 1.0), limited_s, retry_after)
        step = decide(reply(status), IDEMPOTENT, spent, policy, dice)
        if isinstance(step, GiveUp):
            break
        waited += step.after_s
        spent = Spent(spent.attempts, spent.seconds + step.after_s, spent.rate_limited_s, retry_after)
        assert limited or retry_after is None or step.after_s >= retry_after
    assert isinstance(step, GiveUp)
    assert waited <= policy.patience


@pytest.mark.parametrize(
    ("status", "just", "over"),
    [
        (500, Spent(attempts=5), Spent(attempts=6)),
        (500, Spent(attempts=1, seconds=119.75), Spent(attempts=1, seconds=119.76)),  # the pause is 0.25 s
        (429, Spent(rate_limited_s=600.0), Spent(rate_limited_s=600.5)),
        (429, Spent(rate_limited_s=590.0, retry_after=10.0), Spent(rate_limited_s=590.0, retry_after=10.5)),
    ],
)
def test_retries_end_after_the_patience_of_the_policy(status, just, over):
    assert isinstance(decide(reply(status), IDEMPOTENT, just, POLICY, 1.0), Again)
    assert isinstance(decide(reply(status), IDEMPOTENT, over, POLICY, 1.0), GiveUp)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("soon", None),
        ("-5", None),
        ("Thu, 01 Jan 2026 00:00:13 GMT", 13.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 00:00:13 -0000", None),
    ],
)
def test_the_seconds_of_a_retry_after_header(header, seconds):
    assert retry_after_s(header, datetime(2026, 1, 1, tzinfo=UTC)) == seconds
