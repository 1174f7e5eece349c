"""Reply envelopes and lists: custify-api sections 2.4 and 3."""

import json
from urllib.parse import quote

import pytest

COMPANY_FIELDS = {
    *("id", "company_id", "name", "website", "industry", "plan", "status", "size", "monthly_revenue", "churned"),
    *("signed_up_at", "owners_csm", "owners_account", "last_seen_at", "last_request_at", "custom_attributes", "tags"),
    "metrics",
}
PERSON_FIELDS = {
    *("id", "user_id", "email", "name", "phone", "signed_up_at", "session_count", "custom_attributes", "companies"),
    *("unsubscribed_from_emails", "unsubscribed_from_calls"),
}


@pytest.fixture
def one(sandbox):
    company = sandbox.call("POST /company", '{"company_id": "c1", "name": "Acme"}').json()["id"]
    person = sandbox.call(
        "POST /people",
        '{"user_id": "u1", "email": "ann+x@example.com", "session_count": 3, "companies": [{"company_id": "c1"}]}',
    ).json()["id"]
    return sandbox, company, person


@pytest.mark.parametrize(
    "line", ["GET /company?company_id=c1", "GET /company/COMPANY", "GET /company/all", "GET /api/company?company_id=c1"]
)
def test_companies_are_always_listed(one, line):
    sandbox, internal, _ = one
    got = sandbox.call(line.replace("COMPANY", internal)).json()
    assert set(got) == {"companies", "total"}
    (company,) = got["companies"]
    assert (company["id"], company["company_id"], company["name"], got["total"]) == (internal, "c1", "Acme", 1)
    assert company["metrics"] == {"people_count": 1, "health_scores": {}}
    assert set(company) >= COMPANY_FIELDS


@pytest.mark.parametrize(
    "line",
    [
        "GET /people?user_id=u1",
        "GET /people?email=ann%2Bx%40example.com",
        "GET /people/all",
        "GET /api/people?user_id=u1",
    ],
)
def test_people_are_listed_in_an_array(one, line):
    sandbox, company, internal = one
    (got,) = sandbox.call(line).json()
    (person,) = got["people"]
    assert (got["total"], person["id"], person["companies"]) == (1, internal, [company])
    assert set(person) >= PERSON_FIELDS


@pytest.mark.parametrize("path", ["people", "customer"])
def test_a_person_by_custifys_id_is_bare(one, path):
    sandbox, _, internal = one
    assert sandbox.call(f"GET /{path}/{internal}").json()["user_id"] == "u1"


def test_people_of_a_company_are_nested(one):
    sandbox, company, internal = one
    got = sandbox.call(f"GET /company/people/{company}").json()
    (person,) = got["people"]
    assert set(person) == {"id", "details", "activity"}
    assert (person["id"], person["details"]["user_id"], person["activity"]) == (
        internal,
        "u1",
        {"last_seen_at": None, "session_count": 3},
    )


def test_field_discovery_lists_standard_fields_too(one):
    sandbox, _, _ = one
    types = {field["name"]: field["fieldType"] for field in sandbox.call("GET /company/attributes").json()}
    assert (types["size"], types["churned"], types["signed_up_at"], types["name"]) == (
        "Number",
        "Boolean",
        "Date",
        "String",
    )
    assert "$unset" not in types
    assert not any(name.startswith("custom_attributes.") for name in types)


@pytest.fixture
def many(sandbox):
    jobs = [
        {"type": "company", "payload": {"company_id": f"c{n:02}", "size": n, "custom_attributes": {"odd": n % 2 == 1}}}
        for n in range(60)
    ]
    sandbox.call("POST /batch", json.dumps({"jobs": jobs}))
    return sandbox


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("", "c00", 20),
        ("?page=2", "c20", 20),
        ("?itemsPerPage=50&page=2", "c50", 10),
        ("?itemsPerPage=200", "c00", 60),
        ("?page=9", None, 0),
    ],
)
def test_pages(many, query, first, count):
    got = many.call(f"GET /company/all{query}").json()
    assert (got["total"], len(got["companies"])) == (60, count)
    assert [company["company_id"] for company in got["companies"]][:1] == ([] if first is None else [first])


@pytest.mark.parametrize("query", ["itemsPerPage=201", "itemsPerPage=0", "itemsPerPage=x", "page=0", "page=-1"])
def test_bad_pages(many, query):
    assert many.call(f"GET /company/all?{query}").status == 400


def test_tasks_and_money_have_smaller_pages(sandbox):
    assert sandbox.call("GET /task?itemsPerPage=51").status == 400
    assert sandbox.call("GET /financial/deal?itemsPerPage=51").status == 400
    assert sandbox.call("GET /financial/deal?itemsPerPage=50").status == 200


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ([{"fieldName": "company_id", "fieldType": "String", "filterType": "equals", "filterValue": "c07"}], 1),
        ([{"fieldName": "company_id", "filterType": "contains", "filterValue": "C0"}], 10),
        ([{"fieldName": "size", "filterType": "greaterThan", "filterValue": 49}], 10),
        ([{"fieldName": "size", "filterType": "lessThan", "filterValue": 0}], 0),
        ([{"fieldName": "size", "filterType": "in", "filterValue": [1, 2, 99]}], 2),
        ([{"fieldName": "size", "filterType": "is_any_of", "filterValue": [1, 2, 99]}], 2),
        ([{"fieldName": "company_id", "filterType": "before", "filterValue": "c02"}], 2),
        ([{"fieldName": "company_id", "filterType": "after", "filterValue": "c02"}], 57),
        ([{"fieldName": "name", "filterType": "notExists"}], 60),
        (
            [
                {"fieldName": "custom_attributes.odd", "filterType": "equals", "filterValue": True},
                {"fieldName": "size", "filterType": "lessThan", "filterValue": 10},
            ],
            5,
        ),
    ],
)
def test_filters_are_combined_with_and(many, filters, total):
    assert many.call(f"GET /company/all?filters={quote(json.dumps(filters))}").json()["total"] == total


@pytest.mark.parametrize("filters", ["{", "{}", "[1]", '[{"fieldName": "x", "filterType": "resembles"}]'])
def test_bad_filters(many, filters):
    assert many.call(f"GET /company/all?filters={quote(filters)}").status == 400


@pytest.mark.parametrize(
    ("sorting", "first"),
    [
        ({"field": "size", "direction": "desc"}, ["c59", "c58", "c57"]),
        ({"field": "size", "direction": "asc"}, ["c00", "c01", "c02"]),
        ({"field": "custom_attributes.odd", "direction": "desc"}, ["c01", "c03", "c05"]),
        ({"field": "company_id"}, ["c00", "c01", "c02"]),
    ],
)
def test_lists_are_sorted_before_they_are_paged(many, sorting, first):
    got = many.call(f"GET /company/all?itemsPerPage=3&sorting={quote(json.dumps(sorting))}").json()
    assert [company["company_id"] for company in got["companies"]] == first


def test_people_without_the_field_are_last_in_either_direction(sandbox):
    for person in ('{"user_id": "u1"}', '{"user_id": "u2", "name": "B"}', '{"user_id": "u3", "name": "A"}'):
        sandbox.call("POST /people", person)
    for direction, names in (("asc", ["A", "B", None]), ("desc", ["B", "A", None])):
        sorting = quote(json.dumps({"field": "name", "direction": direction}))
        assert [p["name"] for p in sandbox.call(f"GET /people/all?sorting={sorting}").json()[0]["people"]] == names


@pytest.mark.parametrize("sorting", ["{", "[]", '{"direction": "asc"}', '{"field": "name", "direction": "up"}'])
def test_wrong_sorting(sandbox, sorting):
    assert sandbox.call(f"GET /company/all?sorting={quote(sorting)}").status == 400
