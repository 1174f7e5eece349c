"""The check of a credential tries base URLs in order and chooses the one that responds as an API."""

from contextlib import AsyncExitStack

import pytest

from penstock.delivery.check import check_credential
from penstock.model.delivery import Connection
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.delivery_client import KEY, ROOMY
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import ScriptedServer, cut, raw, reply

GOOD = reply(200, {"companies": [], "total": 0}, {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99"})
PAGE = reply(200, b"<!doctype html><title>Custify</title>", content_type="text/html")
MOVED = reply(302, b"", {"Location": "https://app.custify.com/login"})
BAD_KEY = reply(401, {"message": "invalid API-KEY"})
NO_RIGHT = reply(403, {"message": "read-only"})
LIMITED = reply(429, {"message": "slow down"}, {"Retry-After": "3"})
BROKEN = reply(500, {"message": "oops"})


async def checked(*scripts):
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ScriptedServer([step] * 2)) for step in scripts]
        connections = [Connection("acme", server.url, KEY, timeout=2.0) for server in servers]
        clock = ImpatientClock()
        result = await check_credential(connections, budget_in_memory(ROOMY, clock), clock)
        chosen = next((n for n, server in enumerate(servers) if server.url == result.base_url), None)
        return result, chosen, servers


@pytest.mark.parametrize(
    ("scripts", "chosen", "ok"),
    [
        ([GOOD, GOOD], 0, True),
        ([PAGE, GOOD], 1, True),
        ([MOVED, GOOD], 1, True),
        ([BAD_KEY, GOOD], 1, True),
        ([NO_RIGHT, BAD_KEY], 0, False),
        ([BAD_KEY, NO_RIGHT], 1, False),
        ([BAD_KEY, LIMITED], 1, True),
        ([LIMITED, GOOD], 1, True),
        ([PAGE, BAD_KEY], 1, False),
        ([BAD_KEY, BAD_KEY], 0, False),
        ([reply(200, b""), GOOD], 1, True),
        ([reply(200, b"fine", content_type="text/plain"), GOOD], 1, True),
        ([reply(401, b"<html>who are you"), GOOD], 1, True),
        ([cut(), GOOD], 1, True),
        ([raw(b"SSH-2.0\r\n"), GOOD], 1, True),
        ([BROKEN, GOOD], 1, True),
        ([PAGE, MOVED], None, False),
        ([BROKEN], None, False),
    ],
)
async def test_which_base_url_is_chosen(scripts, chosen, ok):
    result, found, servers = await checked(*scripts)
    assert (found, result.ok, result.answered) == (chosen, ok, chosen is not None)
    assert [each["base_url"] for each in result.tried] == [server.url for server in servers][: len(result.tried)]
    assert KEY not in repr(result)


async def test_after_a_base_url_that_works_the_key_is_sent_to_no_other():
    _, _, servers = await checked(GOOD, GOOD)
    assert servers[1].log == []


async def test_the_check_only_reads():
    _, _, (server,) = await checked(GOOD)
    (seen,) = server.log
    assert (seen.method, seen.target, seen.body) == ("GET", "/company/all?itemsPerPage=1&page=1", b"")
    assert seen.headers["authorization"] == f"Bearer {KEY}"


async def test_the_check_reports_the_rate_limit():
    result, _, _ = await checked(GOOD)
    assert result.allowance == {"limit": 100, "remaining": 99}


async def test_the_check_reports_each_base_url_with_its_result():
    result, _, servers = await checked(PAGE, MOVED, BAD_KEY)
    assert [each["result"] for each in result.tried] == [
        "200: an HTML page, not an API",
        "302: a redirect to https://app.custify.com/login, not an API",
        "an API, but the key is refused (401: invalid API-KEY (Custify))",
    ]
    assert result.reason == f"{servers[2].url}: an API, but the key is refused (401: invalid API-KEY (Custify))"
