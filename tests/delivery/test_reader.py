"""Reading all objects of a kind from an API that changes meanwhile, fails, or does not do what was requested."""

import pytest

from penstock.delivery.machine.paged_list import CHANGED
from penstock.delivery.reader import ApiReader, FailedReadError, ObjectReader, ReadRefusedError
from support.kernel.delivery_client import client_of
from support.kernel.virtual_time import ImpatientClock
from support.servers.scripted_server import ScriptedServer, cut, reply


async def pages_of(script, kind="people", query=None, before=()):
    clock = ImpatientClock()
    async with ScriptedServer(script) as server, client_of(server.url, clock=clock) as client:
        objects = ObjectReader(ApiReader(client, clock, "backfill"), server.url, kind, query or {})
        return [page async for page in objects.pages(before)], [seen.target for seen in server.log]


def people(total, *numbers):
    return reply(200, [{"people": [{"id": f"p{n}"} for n in numbers], "total": total}])


async def test_a_total_that_changes_has_the_last_page_read_again_with_the_one_before():
    script = [people(4, 1, 2), people(3, 4), people(3, 2, 3), people(3, 4)]
    pages, targets = await pages_of(script)
    assert [each["id"] for page in pages for each in page.objects] == ["p1", "p2", "p4", "p3"]
    assert [target[-6:] for target in targets] == ["page=1", "page=2", "page=1", "page=2"]
    assert pages[-1].state.gap is None


async def test_a_total_that_changes_again_is_a_gap():
    script = [people(4, 1, 2), people(5, 3, 4), people(6, 1, 2), people(6, 3, 4), people(6, 5, 6)]
    pages, _ = await pages_of(script)
    assert [each["id"] for page in pages for each in page.objects] == [f"p{n}" for n in range(1, 7)]
    assert pages[-1].state.gap == CHANGED


async def test_a_read_continues_after_the_pages_that_were_read_before():
    pages, _ = await pages_of([people(4, 1, 2), people(4, 3, 4)])
    later, targets = await pages_of([people(4, 3, 4)], before=pages[:1])
    assert [each["id"] for page in later for each in page.objects] == ["p3", "p4"]
    assert targets == ["/people/all?itemsPerPage=200&page=2"]
    assert await pages_of([], before=pages) == ([], [])


async def test_both_types_of_segments_are_read_and_a_type_of_the_query_alone():
    def segments(*names):
        return reply(200, {"segments": [{"id": name} for name in names], "total": len(names)})

    pages, targets = await pages_of([segments("a"), segments("b")], "segments")
    assert [each["id"] for page in pages for each in page.objects] == ["a", "b"]
    assert [target.partition("&")[0] for target in targets] == ["/segment?type=company", "/segment?type=people"]
    assert [page.requests for page in pages] == [1, 2]
    _, targets = await pages_of([segments("a")], "segments", {"type": "people"})
    assert targets == ["/segment?type=people&itemsPerPage=50&page=1"]


async def test_custom_data_is_read_of_one_company_after_the_other():
    """Also of a company that has no id of ours; the reply does not say whose it is."""
    companies = reply(200, {"companies": [{"id": "a", "company_id": "c 1"}, {"id": "b"}], "total": 2})
    sites = [reply(200, {"site": [{"id": "s1", "data_id": "1"}]}), reply(200, {})]
    [page], targets = await pages_of([companies, *sites], "custom_data", {"data_type": "site"})
    assert page.objects in (
        [{"company_id": "c 1", "data_type": "site", "id": "s1", "data_id": "1"}],
        [{"company_id": None, "data_type": "site", "id": "s1", "data_id": "1"}],  # the server replies in any order
    )
    assert (page.requests, page.ids) == (3, ["a", "b"])
    assert targets[0] == "/company/all?itemsPerPage=200&page=1"
    assert sorted(targets[1:]) == [
        "/custom_data/companies/b?data_type=site",
        "/custom_data/companies?company_id=c+1&data_type=site",
    ]


async def test_custom_data_is_read_of_a_few_companies_at_a_time_and_continues_with_the_next_ones():
    companies = reply(200, {"companies": [{"id": f"c{n}", "company_id": f"{n}"} for n in range(25)], "total": 25})
    sites = [reply(200, {"site": [{"id": "s"}]})] * 25
    pages, _ = await pages_of([companies, *sites], "custom_data")
    assert [len(page.objects) for page in pages] == [10, 10, 5]
    assert [page.state.ended for page in pages] == [False, False, True]
    assert {page.requests for page in pages} == {26}
    [last], targets = await pages_of([companies, *sites[:5]], "custom_data", before=pages[:2])
    assert sorted(targets[1:]) == [f"/custom_data/companies?company_id={n}" for n in range(20, 25)]
    assert (last.state.ended, last.state.gap) == (True, None)


@pytest.mark.parametrize(
    ("step", "reason", "status"),
    [
        (reply(400, {"message": "no such filter"}), "the read failed: 400: no such filter (Custify)", 400),
        (reply(200, {"message": "hello"}), "the read did not return the objects that were requested", None),
        (reply(200, b"<html>", content_type="text/html"), "the reply to the read is not JSON", 200),
    ],
)
async def test_a_page_that_cannot_be_read_ends_the_read(step, reason, status):
    with pytest.raises(FailedReadError) as caught:
        await pages_of([people(4, 1, 2), step])
    assert (str(caught.value), caught.value.status) == (reason, status)


async def test_an_api_that_fails_for_a_while_is_requested_again():
    pages, targets = await pages_of([people(4, 1, 2), reply(503), cut(), people(4, 3, 4)])
    assert [each["id"] for page in pages for each in page.objects] == ["p1", "p2", "p3", "p4"]
    assert len(targets) == 4


async def test_a_key_that_is_refused_ends_the_read():
    with pytest.raises(ReadRefusedError, match="the credential was refused, at a read: 401"):
        await pages_of([people(4, 1, 2), reply(401, {"message": "no"})])
