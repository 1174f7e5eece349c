"""The parts of delivery together, against the sandbox and its request log."""

import asyncio

import orjson
import pytest

from penstock.clock import SystemClock
from penstock.delivery.check import check_credential
from penstock.delivery.http.client import Client
from penstock.delivery.lookup import LookupClient
from penstock.delivery.sender import Sender
from penstock.model.delivery import Connection
from penstock.model.outcome import Outcome
from penstock.model.record import Grouping, Lookup, Payload, Replies, Shape
from penstock.model.spec import RateLimit
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.delivery_client import every, one_body, poll, polling_of
from support.servers.sandbox import running_sandbox

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox("--rate", "off", "--job-delay", "0") as started:
        yield started


def person(number, **fields) -> Payload:
    text = orjson.dumps({"user_id": f"u{number}", "email": f"u{number}@x.io", **fields})
    return Payload(number, f"u{number}", text, number)


def people(base: str) -> Shape:
    return Shape("POST", f"{base}/people", (("Content-Type", "application/json"),))


async def test_the_window_of_the_sandbox_is_filled_and_not_exceeded(sandbox):
    sandbox.reset()
    sandbox.settings(rate="20/0.5s", latency=5)
    where = people(sandbox.url)
    loop = asyncio.get_running_loop()
    budget = budget_in_memory(RateLimit(20, 0.5), CLOCK)
    async with Client(Connection("acme", sandbox.url, sandbox.api_key), budget, CLOCK) as client:
        sender = Sender(client, CLOCK)
        began = loop.time()
        sends = (every(sender.deliver([person(n)], where, one_body(where))) for n in range(100))
        deliveries = [delivery for each in await asyncio.gather(*sends) for delivery in each]
        took = loop.time() - began
    sandbox.settings(rate="off", latency=0)
    assert {delivery.outcome for delivery in deliveries} == {Outcome.DELIVERED}
    assert [entry["status"] for entry in sandbox.requests()] == [200] * 100
    assert took < 4.0  # five windows, so 2.0 s and a little; windows filled by half would take 4.5 s


async def test_the_credential_check_finds_the_base_url_of_the_sandbox(sandbox):
    sandbox.reset()
    bases = (f"{sandbox.url}/nowhere", sandbox.flat_url.rstrip("/"), sandbox.url)
    connections = [Connection("acme", base, sandbox.api_key) for base in bases]
    result = await check_credential(connections, budget_in_memory(RateLimit(), CLOCK), CLOCK)
    assert (result.ok, result.base_url) == (True, sandbox.flat_url.rstrip("/"))


async def test_a_native_batch_becomes_a_job_with_a_result_per_record(sandbox):
    sandbox.reset()
    grouping = Grouping("property", "jobs", {"returnJobId": True}, prefix=b'{"type":"people","payload":', suffix=b"}")
    where = Shape("POST", f"{sandbox.url}/batch", grouping=grouping, size=100, replies=Replies.JOBS)

    def requests_for(some):
        jobs = b",".join(grouping.prefix + payload.text + grouping.suffix for payload in some)
        (request,) = one_body(where)(some)
        return [
            type(request)(request.method, request.url, request.headers, b'{"jobs":[' + jobs + b'],"returnJobId":true}')
        ]

    payloads = [person(1), Payload(2, "u2", b'{"name":"nobody"}', 2), person(3)]
    async with Client(
        Connection("acme", sandbox.url, sandbox.api_key), budget_in_memory(RateLimit(), CLOCK), CLOCK
    ) as client:
        (taken,) = await every(Sender(client, CLOCK).deliver(payloads, where, requests_for))
        assert taken.job is not None
        assert {settled.outcome for settled in taken.settled} == {Outcome.ACCEPTED}
        ended = await poll(client, CLOCK, polling_of(client), taken.job, payloads)
    assert ended is not None
    assert [s.outcome for s in ended.settled] == [Outcome.DELIVERED, Outcome.QUARANTINED, Outcome.DELIVERED]
    assert "user_id" in ended.settled[1].refusal.reason
    ids = {each["user_id"]: each["id"] for each in sandbox.state()["people"]}
    assert [s.remote_id for s in ended.settled] == [ids["u1"], None, ids["u3"]]


async def test_ids_are_looked_up_in_the_sandboxs_own_envelopes(sandbox):
    sandbox.reset()

    class Nothing:
        def get(self, lookup):
            return None

        def put(self, found):
            pass

        def forget(self, lookup):
            pass

    where = people(sandbox.url)
    async with Client(
        Connection("acme", sandbox.url, sandbox.api_key), budget_in_memory(RateLimit(), CLOCK), CLOCK
    ) as client:
        sender = Sender(client, CLOCK)
        sends = (every(sender.deliver([person(n)], where, one_body(where))) for n in range(12))
        made = {d.settled[0].payload.key: d.settled[0].remote_id for each in await asyncio.gather(*sends) for d in each}
        lookups = [Lookup("entity", "person", "user_id", f"u{n}") for n in range(12)]
        one = Lookup("entity", "person", "email", "u3@x.io")
        absent = Lookup("entity", "company", "company_id", "c1")
        found = await LookupClient(client, Nothing(), CLOCK).resolve([one])
        found |= await LookupClient(client, Nothing(), CLOCK).resolve([*lookups, absent])
    assert found[one] == made["u3"]
    assert [found[lookup] for lookup in lookups] == [made[f"u{n}"] for n in range(12)]
    assert "no company with company_id c1" in found[absent].reason
