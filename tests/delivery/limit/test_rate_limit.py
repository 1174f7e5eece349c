"""The rate limit in the headers of a reply."""

from datetime import UTC, datetime

import pytest

from penstock.delivery.limit.rate_limit import (
    LONGEST_BLOCK,
    RETRY_AFTER_MISSING,
    SHORTEST_BLOCK,
    Allowance,
    allowance_in,
    block_s,
)

NOW = datetime(2026, 1, 1, 0, 16, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "allowance"),
    [
        ({}, None),
        ({"x-ratelimit-limit": "100"}, Allowance(100, None)),
        ({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "some"}, Allowance(300, None)),
        ({"x-ratelimit-limit": "100, 100;w=10"}, None),
        ({"x-ratelimit-remaining": "7"}, Allowance(50, 7)),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "300"}, Allowance(300, 7)),
        ({"x-ratelimit-remaining": "-1", "x-ratelimit-limit": "300"}, Allowance(300, 0)),
        ({"x-ratelimit-remaining": "some"}, None),
        ({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "0"}, Allowance(50, 7)),
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
