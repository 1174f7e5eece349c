"""Look-ups of Custify's own ids: one by one or from the list, cached; a missing object is refused."""

from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.delivery.lookup import LookupClient
from penstock.model.delivery import Lost
from penstock.model.outcome import Refusal
from penstock.model.record import Lookup
from support.kernel.delivery_client import client_of
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import ScriptedServer, cut, reply


class Known(dict):
    """What was found in earlier runs."""

    def put(self, found):
        self.update(found)

    def forget(self, lookup):
        self.pop(lookup, None)


def company(number):
    return Lookup("entity", "company", "company_id", f"c{number}")


def account(count, *, wrap=False):
    """An account with that many companies and people, in the shapes that Custify's clients meet."""
    both = [{"id": f"id-{n}", "company_id": f"c{n}", "user_id": f"c{n}", "email": f"P{n}@x.io"} for n in range(count)]

    def answer(seen):
        url = urlsplit(seen.target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        kind = "companies" if url.path.startswith("/company") else "people"
        if url.path.endswith("/all"):
            size, page = int(query["itemsPerPage"]), int(query["page"])
            found = both[size * (page - 1) : size * page]
        else:
            ((name, value),) = query.items()
            found = [each for each in both if each[name].lower() == value.lower()]
        body = {kind: found, "total": count if url.path.endswith("/all") else len(found)}
        return reply(200, [body] if wrap or kind == "people" else body)

    return answer


async def resolved(lookups, *, answer=None, script=(), known=None):
    clock = ImpatientClock()
    async with ScriptedServer(list(script), answer) as server, client_of(server.url, clock=clock) as client:
        found = await LookupClient(client, Known() if known is None else known, clock).resolve(lookups)
        return found, [seen.target for seen in server.log]


async def test_a_company_is_found_by_its_company_id():
    found, asked = await resolved([company(3)], answer=account(10))
    assert found == {company(3): "id-3"}
    assert asked == ["/company?company_id=c3"]


@pytest.mark.parametrize(("by", "value"), [("user_id", "c4"), ("email", "p4@X.io")])
async def test_a_person_is_found_by_id_or_email(by, value):
    lookup = Lookup("entity", "person", by, value)
    found, _ = await resolved([lookup], answer=account(10))
    assert found == {lookup: "id-4"}


async def test_the_value_is_encoded_in_the_url():
    _, asked = await resolved([Lookup("x", "person", "email", "a+b&c@x.io")], answer=account(1))
    assert asked == ["/people?email=a%2Bb%26c%40x.io"]


@pytest.mark.parametrize(
    "step",
    [
        reply(200, {"companies": [], "total": 0}),
        reply(404, {"message": "not found"}),
        reply(200, {"companies": [{"id": "id-7", "company_id": "c7"}], "total": 1}),  # the filter was ignored
        reply(200, b""),
    ],
)
async def test_a_missing_object_is_refused_with_the_reason(step):
    found, _ = await resolved([company(3)], script=[step])
    refusal = found[company(3)]
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.field, refusal.value) == ("lookup", "company_id", "c3")
    assert "no company with company_id c3" in refusal.reason


@pytest.mark.parametrize("count", [1, 2, 30])
async def test_no_look_up_is_requested_twice(count):
    wanted = [company(n) for n in range(count)] * 3
    _, asked = await resolved([*wanted, *(w._replace(target="other") for w in wanted)], answer=account(5000))
    singles = [target for target in asked if "/all" not in target]
    assert len(singles) == len(set(singles)) <= count


async def test_many_look_ups_read_the_list():
    found, asked = await resolved([company(n) for n in range(500)], answer=account(700))
    assert found == {company(n): f"id-{n}" for n in range(500)}
    assert asked == [f"/company/all?itemsPerPage=200&page={page}" for page in (1, 2, 3, 4)]


async def test_a_few_look_ups_in_a_large_account_are_requested_one_by_one():
    _, asked = await resolved([company(n + 300) for n in range(20)], answer=account(50_000))
    assert len(asked) == 21


async def test_many_look_ups_in_small_groups_also_read_the_list():
    clock = ImpatientClock()
    async with ScriptedServer(answer=account(4000)) as server, client_of(server.url, clock=clock) as client:
        directory = LookupClient(client, Known(), clock)
        for number in range(1000):
            found = await directory.resolve([company(4 * number)])
            assert found[company(4 * number)] == f"id-{4 * number}"
        assert len(server.log) < 3 * 20


async def test_found_ids_are_stored_for_the_next_run():
    known = Known()
    await resolved([company(1)], answer=account(3), known=known)
    found, asked = await resolved([company(1)], answer=account(3), known=known)
    assert (found, asked) == ({company(1): "id-1"}, [])


async def test_a_forgotten_id_is_looked_up_again():
    clock = ImpatientClock()
    async with ScriptedServer(answer=account(3)) as server, client_of(server.url, clock=clock) as client:
        directory = LookupClient(client, Known(), clock)
        for _ in range(2):
            await directory.resolve([company(1)])
        directory.forget(company(1))
        await directory.resolve([company(1)])
        assert len(server.log) == 2


async def test_a_look_up_without_a_reply_is_a_loss():
    found, asked = await resolved([company(1)], script=[cut()] * 9)
    assert isinstance(found[company(1)], Lost)
    assert len(asked) == 6


async def test_a_refused_credential_is_a_loss_and_no_refusal_of_the_record():
    found, _ = await resolved([company(1)], script=[reply(401, {"message": "invalid API-KEY"})])
    assert isinstance(found[company(1)], Lost)
    assert "invalid API-KEY" in found[company(1)].reason


async def test_a_look_up_that_is_always_answered_503_is_a_refusal():
    found, asked = await resolved([company(1)], script=[reply(503)] * 9)
    assert isinstance(found[company(1)], Refusal)
    assert len(asked) == 6
