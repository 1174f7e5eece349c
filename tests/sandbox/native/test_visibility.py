"""Delayed visibility of created objects, and filters that are ignored."""

from urllib.parse import quote

import pytest

WRITES = [
    ("POST /people", '{"user_id": "u2", "email": "b@example.com", "companies": [{"company_id": "c1"}]}'),
    ("POST /company", '{"company_id": "c2"}'),
    ("POST /task", '{"name": "Call", "priority": "high", "status": "open", "externalId": "t1"}'),
    ("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company"}'),
    ("POST /api/note", '{"text": "Hi", "company_id": "c1", "created_at": "2026-01-01"}'),
    ("POST /financial/deal", '{"externalId": "d1"}'),
    ("POST /financial/deal", '{"externalId": "d2"}'),
    ("POST /financial/invoice", '{"externalId": "i1"}'),
    ("POST /custom_data/companies?company_id=c1", '{"data_type": "asset", "data_id": "a1", "data": {}}'),
    ("POST /ticket", '{"externalId": "k1"}'),
]
READS = [
    ("GET /people?user_id=u2", [{"people": [], "total": 0}]),
    ("GET /people?email=b%40example.com", [{"people": [], "total": 0}]),
    ("GET /company?company_id=c2", {"companies": [], "total": 0}),
    ("GET /task", {"tasks": [], "total": 0}),
    ("GET /task?externalId=t1", {"tasks": [], "total": 0}),
    ("GET /note", {"notes": [], "total": 0}),
    ("GET /note/COMPANY?createdByEntity=api", {"notes": [], "total": 0}),
    ("GET /financial/deal", {"deals": [], "total": 0}),
    ("GET /financial/invoice?externalId=i1", {"invoices": [], "total": 0}),
    ("GET /custom_data/companies?company_id=c1", {}),
    ("GET /custom_data/companies?company_id=c1&data_type=asset&data_id=a1", {}),
    ("GET /ticket", {"tickets": [], "total": 0}),
]


@pytest.fixture
def written(sandbox, post):
    sandbox.settings(visible_after="60s")
    sandbox.advance(60)  # the company and the person of every test are older
    for line, body in WRITES:
        assert post(line, body).status == 200
    return sandbox


@pytest.mark.parametrize(("line", "nothing"), READS)
def test_a_created_object_is_listed_after_the_delay(written, post, line, nothing):
    assert post(line).json() == nothing
    written.advance(59)
    assert post(line).json() == nothing
    written.advance(2)
    assert post(line).json() != nothing


@pytest.mark.parametrize(
    ("line", "early", "late"),
    [("GET /people/all", 1, 2), ("GET /company/all", 1, 2), ("GET /company/people/COMPANY", 1, 2)],
)
def test_totals_count_visible_objects(written, post, line, early, late):
    def total():
        got = post(line).json()
        return (got[0] if isinstance(got, list) else got)["total"]

    assert total() == early
    written.advance(61)
    assert total() == late


def test_what_is_not_listed_yet_is_stored(written, post):
    """The admin routes, reads by Custify's id and writes see it at once; a changed object stays visible."""
    state = written.state()
    assert [len(state[kind]) for kind in ("tasks", "notes", "deals", "custom_data")] == [1, 2, 2, 1]
    assert post(f"GET /task/{state['tasks'][0]['id']}").json()["total"] == 1
    assert post("POST /financial/deal", '{"externalId": "d1", "value": 5}').json()["id"] == state["deals"][0]["id"]
    assert post("POST /people", '{"user_id": "u1", "name": "Ann"}').status == 200
    assert post("GET /people?user_id=u1").json()[0]["total"] == 1
    written.settings(visible_after=0)
    assert post("GET /task").json()["total"] == 1


FILTERS = quote('[{"fieldName": "company_id", "filterType": "equals", "filterValue": "none"}]')


@pytest.mark.parametrize(
    ("line", "kind", "total"),
    [
        ("GET /task?externalId=none", "tasks", 2),
        ("GET /task?status=done&page=2&itemsPerPage=1", "tasks", 2),
        ("GET /note?createdByEntity=user_1&searchTerm=none&tags=x", "notes", 1),
        ("GET /financial/deal?externalId=none", "deals", 2),
        (f"GET /company/all?filters={FILTERS}", "companies", 1),
    ],
)
def test_ignored_filters_return_the_whole_list(sandbox, post, line, kind, total):
    for number in ("1", "2"):
        post("POST /task", '{"name": "Call", "priority": "high", "status": "open", "externalId": "t%s"}' % number)  # noqa: UP031
        post("POST /financial/deal", '{"externalId": "d%s"}' % number)  # noqa: UP031
    post("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company"}')
    assert post(line).json()["total"] == 0
    sandbox.settings(ignore_filters=True)
    got = post(line).json()
    assert (got["total"], len(got[kind])) == (total, 1 if "itemsPerPage" in line else total)


def test_ignored_filters_of_custom_data_and_of_a_single_deal(sandbox, post):
    """The whole list of the company; a single deal is the bare object, whichever was requested."""
    for data_type in ("asset", "seat"):
        post("POST /custom_data/companies?company_id=c1", '{"data_type": "%s", "data_id": "1", "data": {}}' % data_type)  # noqa: UP031
    post("POST /financial/deal", '{"externalId": "d1"}')
    filtered = "GET /custom_data/companies?company_id=c1&data_type=seat"
    assert set(post(filtered).json()) == {"seat"}
    sandbox.settings(ignore_filters=True)
    assert set(post(filtered).json()) == {"asset", "seat"}
    assert post("GET /financial/deal?externalId=d9").json()["externalIds"] == {"custify": "d1"}
    assert post("DELETE /custom_data/companies?company_id=c1&data_type=seat").json() == {"deleted": 1}
    assert post("DELETE /financial/deal?externalId=d9").status == 404
