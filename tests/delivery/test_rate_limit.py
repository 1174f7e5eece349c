"""The window of the rate limit, driven by events with their times."""

import random
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.rate_limit import (
    LONGEST_BLOCK,
    RETRY_AFTER_MISSING,
    SHORTEST_BLOCK,
    Allowance,
    RateWindow,
    allowance_in,
    block_s,
)
from support.kernel.shared_budget import FixedWindow

NOW = datetime(2026, 1, 1, 0, 16, 40, tzinfo=UTC)


def play(window, server, until, concurrency, latency):
    """Requests leave as soon as the window has a place and fewer than `concurrency` are under way."""
    events, numbers = [(0.0, 0, "look", None)], count(1)
    under_way = 0
    while events:
        now, _, kind, of = heappop(events)
        if now > until:
            break
        if kind == "arrive":
            taken, down = of
            heappush(events, (now + down, next(numbers), "end", (taken, *server.answer(now))))
        elif kind == "end":
            taken, status, headers = of
            under_way -= 1
            if status == 429:
                window.block(now + block_s(headers["retry-after"], NOW))
            window.end(taken, now, allowance_in(headers, window.limit))
        while under_way < concurrency:
            taken = window.take(now)
            if taken is None:
                break
            up, down = latency()
            under_way += 1
            heappush(events, (now + up, next(numbers), "arrive", (taken, down)))
        opens = window.opens()
        if now < opens < inf:
            heappush(events, (opens, next(numbers), "look", None))


@given(
    seed=st.integers(0, 2**32),
    limit=st.integers(1, 40),
    concurrency=st.integers(1, 30),
    slowest=st.one_of(st.floats(0, 0.05), st.floats(0, 2.0)),
    headers=st.booleans(),
)
def test_with_any_latency_the_server_refuses_no_request(seed, limit, concurrency, slowest, headers):
    dice = random.Random(seed)
    server = FixedWindow(limit, 5.0, headers=headers)
    play(RateWindow(limit, 5.0), server, 40.0, concurrency, lambda: (slowest * dice.random(), slowest * dice.random()))
    assert server.refused == 0


@pytest.mark.parametrize("headers", [False, True])
def test_nearly_the_whole_limit_is_used(headers):
    server = FixedWindow(100, 10.0, headers=headers)
    play(RateWindow(100, 10.0), server, 99.9, 10, lambda: (0.01, 0.01))
    assert server.refused == 0
    assert sum(server.per_window) >= 980


def test_the_place_of_a_request_that_was_not_sent_is_free_again():
    window = RateWindow(2, 10.0)
    for _ in range(50):
        window.give_back(window.take(0.0, 2))
    assert window.take(0.0, 2) is not None
    assert window.take(0.0) is None


def test_after_a_429_no_request_is_sent_until_the_block_ends_and_then_a_whole_window_is_available():
    window = RateWindow(2, 10.0)
    taken = window.take(0.0)
    window.block(7.0)
    window.end(taken, 0.1)
    assert (window.take(6.9), window.opens(), window.expected()) == (None, 7.0, 7.0)
    assert [window.take(7.0) is None for _ in range(3)] == [False, False, True]


def test_the_next_window_opens_after_the_first_reply():
    window = RateWindow(1, 10.0)
    taken = window.take(0.0)
    assert window.opens() == inf
    window.end(taken, 0.5)
    assert window.opens() == pytest.approx(10.5, abs=0.03)


def test_the_window_leaves_room_for_other_clients_of_the_same_limit():
    window = RateWindow(100, 10.0)
    window.end(window.take(0.0), 0.1, Allowance(100, 2))
    assert [window.take(0.2) is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("headers", "allowance"),
    [
        ({}, None),
        ({"x-ratelimit-limit": "100"}, None),
        ({"x-ratelimit-remaining": "7"}, Allowance(50, 7)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "300"}, Allowance(300, 7)),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-limit": "300"}, Allowance(300, 0)),
        ({"x-ratelimit-remaining": "some"}, None),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "0"}, None),
    ],
)
def test_the_limit_is_read_from_reply_headers(headers, allowance):
    assert allowance_in(headers, 50) == allowance


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (None, RETRY_AFTER_MISSING),
        ("soon", RETRY_AFTER_MISSING),
        ("Thu, 01 Jan 2026 00:16:53 GMT", 13.0),
        ("Thu, 01 Jan 2026 00:16:53 -0000", RETRY_AFTER_MISSING),  # of an unknown time zone
        ("0", SHORTEST_BLOCK),
        ("99999", LONGEST_BLOCK),
    ],
)
def test_how_long_a_429_blocks_all_requests(header, seconds):
    assert block_s(header, NOW) == seconds


def test_a_request_that_may_count_in_two_windows_counts_in_both():
    window = RateWindow(3, 10.0)
    window.end(window.take(0.0), 0.0)
    slow = [window.take(9.9), window.take(9.9)]
    assert window.take(9.9) is None
    window.end(slow[0], 10.1)  # counted before or after the turn of the window at the server
    assert window.take(10.03) is not None, "two are charged to the new window, one place is left"
    assert window.take(10.03) is None


def test_a_request_of_the_last_window_does_not_open_the_next_one():
    window = RateWindow(2, 10.0)
    first, slow = window.take(0.0), window.take(0.0)
    window.end(first, 0.1)
    assert window.take(10.2) is not None
    window.end(slow, 10.3)
    assert window.opens() == inf, "no request of this window has ended"
