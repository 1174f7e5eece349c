"""The fixed window: custify-api section 1, "Rate limit"."""

import json

import pytest

from support.servers.sandbox import running_sandbox


@pytest.fixture
def limited(sandbox):
    sandbox.settings(rate="3/10s")
    return sandbox


def test_replies_have_the_remaining_requests(limited):
    left = [limited.call("GET /segment").headers["x-ratelimit-remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    assert limited.call("POST /people", "{}").headers["x-ratelimit-limit"] == "3"


def test_over_the_limit_is_429_with_headers_and_no_change(limited):
    for _ in range(3):
        limited.call("GET /segment")
    got = limited.call("POST /people", '{"user_id": "u1"}')
    assert got.status == 429
    assert got.json()["statusCode"] == 429
    shown = {name: got.headers[name] for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "retry-after")}
    assert shown == {"x-ratelimit-limit": "3", "x-ratelimit-remaining": "0", "retry-after": "10"}
    assert limited.state()["people"] == []


def test_the_window_starts_with_its_first_request_and_is_fixed(limited):
    limited.call("GET /segment")
    limited.advance(9)
    assert [limited.call("GET /segment").status for _ in range(3)] == [200, 200, 429]
    limited.advance(1.1)
    assert [limited.call("GET /segment").status for _ in range(4)] == [200, 200, 200, 429]


def test_waiting_for_retry_after_is_always_enough(limited):
    for _ in range(4):
        got = limited.call("GET /segment")
    limited.advance(float(got.headers["retry-after"]))
    assert limited.call("GET /segment").status == 200


def test_windows_and_refusals_are_counted(limited):
    for _ in range(5):
        limited.call("GET /segment")
    limited.advance(10)
    limited.call("GET /segment")
    stats = limited.stats()
    assert (stats["refused_429"], stats["max_per_window"], stats["requests"]) == (2, 3, 6)
    assert [(w["used"], w["refused"]) for w in stats["windows"]] == [(3, 2), (1, 0)]


def test_a_wrong_key_spends_nothing(limited):
    for _ in range(5):
        limited.call("GET /segment", key="wrong")
    assert limited.call("GET /segment").headers["x-ratelimit-remaining"] == "2"


def test_the_default_is_100_in_10_seconds():
    with running_sandbox() as own:
        assert own.settings()["rate"] == "100/10s"
        assert own.call("GET /segment").headers["x-ratelimit-limit"] == "100"


def test_without_a_limit_there_are_no_headers(sandbox):
    assert "x-ratelimit-limit" not in sandbox.call("GET /segment").headers


@pytest.mark.parametrize(("cost", "statuses"), [("1", [202, 202, 202, 429]), ("jobs", [202, 429, 200])])
def test_a_batch_costs_one_or_its_jobs(limited, cost, statuses):
    limited.settings(batch_cost=cost)
    two = json.dumps({"jobs": [{"type": "people", "payload": {"user_id": "u1"}}] * 2})
    for status in statuses:
        got = limited.call("POST /batch", two) if status != 200 else limited.call("GET /segment")
        assert got.status == status


@pytest.mark.parametrize("rate", ["100", "0/10s", "x/10s", "5/0s", "5/10d", ""])
def test_a_rate_is_written_as_requests_per_duration(sandbox, rate):
    with pytest.raises(AssertionError, match="400"):
        sandbox.settings(rate=rate)
