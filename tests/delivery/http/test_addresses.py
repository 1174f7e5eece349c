"""Requests cannot reach addresses inside the network, in any spelling and by any name."""

import socket

import pytest
from aiohttp.abc import AbstractResolver

from penstock.delivery.http.addresses import barred, check_spelling
from penstock.delivery.http.client import Client
from penstock.delivery.retry import GiveUp, RetryPolicy, Spent, decide
from penstock.model.delivery import Connection, Lost, Reply
from penstock.model.errors import InputError
from penstock.model.record import Request, RetryClass
from penstock.run.connection.leased_window import budget_in_memory
from support.kernel.delivery_client import KEY, ROOMY
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import ScriptedServer, reply

INSIDE = (
    "127.0.0.1 127.9.9.9 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1 100.100.100.200 "
    "168.63.129.16 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.250 255.255.255.255 192.0.0.192 198.18.0.1 240.0.0.1 "
    ":: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 "
    "::ffff:a00:1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1::1 2002:a9fe:a9fe::"
).split()
OUTSIDE = "8.8.8.8 1.1.1.1 172.32.0.1 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1".split()
ACME = Connection("acme", "https://api.acme.test", KEY)


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_with_an_inside_address_is_barred_even_if_it_also_has_an_outside_one(address):
    assert address in barred("api.acme.test", 443, [address], ACME)
    assert address in barred("api.acme.test", 443, ["8.8.8.8", address], ACME)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_name_with_an_outside_address_is_allowed(address):
    assert barred("api.acme.test", 443, [address], ACME) is None


@pytest.mark.parametrize("allowed", ["api.acme.test", "api.acme.test:443"])
def test_allowed_hosts_allows_only_the_listed_host(allowed):
    open_to_one = Connection("acme", "https://acme.test", KEY, allowed_hosts=(allowed,))
    assert barred("api.acme.test", 443, ["10.0.0.1"], open_to_one) is None
    assert barred("acme.test", 443, ["10.0.0.1"], open_to_one) is not None


def test_a_base_url_on_localhost_allows_only_loopback_addresses():
    sandbox = Connection("acme", "http://localhost:8080", KEY)
    assert barred("localhost", 8080, ["127.0.0.1", "::1"], sandbox) is None
    assert barred("localhost", 8080, ["169.254.169.254"], sandbox) is not None


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "127.1", "127.0.0.1.", "0"])
def test_an_ipv4_address_in_an_unusual_spelling_is_refused(host):
    with pytest.raises(InputError, match="another spelling of the address"):
        check_spelling(host, ACME)


@pytest.mark.parametrize("host", ["127.0.0.1", "8.8.8.8", "acme.test", "::1", "7.acme.test"])
def test_a_usual_spelling_of_a_host_is_accepted(host):
    check_spelling(host, ACME)


class Names(AbstractResolver):
    """Name servers that return the given addresses, one list for each look-up."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked += 1
        address = self.answers.pop(0)
        return [{"hostname": host, "host": address, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self):
        pass


async def ask(server, names):
    """One request to a name, at the port of a real server on this machine."""
    base = f"https://api.acme.test:{server.url.rpartition(':')[2]}"
    connection = Connection("acme", base, KEY, timeout=5.0)
    async with Client(connection, budget_in_memory(ROOMY, ImpatientClock()), ImpatientClock(), names=names) as client:
        return await client.send(Request("GET", f"{base}/x", (), None)), client


async def test_nothing_is_sent_to_a_name_that_resolves_to_this_machine_and_there_is_no_retry():
    async with ScriptedServer() as server:
        answer, client = await ask(server, Names("127.0.0.1"))
        assert server.log == []
    assert isinstance(answer, Lost)
    assert (answer.kind, answer.nothing_sent, client.requests) == ("barred", True, 0)
    assert "allowed_hosts" in answer.reason
    assert isinstance(decide(answer, RetryClass.IDEMPOTENT, Spent(1), RetryPolicy(), 0.0), GiveUp)


async def test_a_name_is_resolved_once_and_the_connection_goes_to_the_checked_address():
    async with ScriptedServer([reply(200, b"{}", {"Connection": "close"})] * 2) as server:
        port = server.url.rpartition(":")[2]
        sandbox = Connection("acme", f"http://localhost:{port}", KEY, timeout=5.0)
        names = Names("127.0.0.1", "169.254.169.254")  # rebinding: the second answer would lead elsewhere
        request = Request("GET", f"http://localhost:{port}/x", (), None)
        async with Client(sandbox, budget_in_memory(ROOMY, ImpatientClock()), ImpatientClock(), names=names) as client:
            answers = [await client.send(request) for _ in range(2)]  # two connections
        assert len(server.log) == 2
    assert all(isinstance(answer, Reply) for answer in answers)
    assert names.asked == 1


async def test_a_name_that_resolves_to_a_new_address_is_checked_again():
    async with ScriptedServer() as server:
        port = server.url.rpartition(":")[2]
        sandbox = Connection("acme", f"http://localhost:{port}", KEY, timeout=5.0)
        names = Names("127.0.0.1", "169.254.169.254")
        request = Request("GET", f"http://localhost:{port}/x", (), None)
        async with Client(sandbox, budget_in_memory(ROOMY, ImpatientClock()), ImpatientClock(), names=names) as client:
            assert isinstance(await client.send(request), Reply)
        async with Client(sandbox, budget_in_memory(ROOMY, ImpatientClock()), ImpatientClock(), names=names) as client:
            answer = await client.send(request)
    assert isinstance(answer, Lost)
    assert answer.kind == "barred"
