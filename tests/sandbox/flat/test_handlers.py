# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""The flat dialect: the requirement page's paths and bodies, custify-api section 4."""

import json

import pytest


@pytest.fixture
def acme(sandbox):
    sandbox.call("POST /api/company", '{"company_id": "c1", "name": "Acme"}')
    sandbox.call("POST /api/people", '{"user_id": "u1", "company_id": "c1"}')
    return sandbox


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("people", '{"user_id": "u2", "email": "b@example.com", "name": "B", "phone": "1", "plan": "pro"}', 200),
        (
            "people",
            '{"email": "b@example.com", "signed_up_at": "2026-01-01", "churned_at": "2026-01-01T00:00:00Z"}',
            200,
        ),
        ("people", '{"user_id": "u2", "company_id": "unknown", "address": {"street": "x"}, "tags": ["a"]}', 200),
        ("people", '{"user_id": "u2", "name": "%s"}' % ("x" * 300), 200),
        ("people", '{"name": "B"}', 400),
        ("people", '{"user_id": 7}', 400),
        ("people", '{"user_id": "u2", "name": 7}', 400),
        ("people", '{"user_id": "u2", "signed_up_at": "soon"}', 400),
        ("people", '{"user_id": "u2", "churned_at": 1767225600}', 400),
        ("people", '{"user_id": "u2", "company_id": true}', 400),
        ("people", '[{"user_id": "u2"}]', 400),
        ("company", '{"company_id": "c2", "mrr": 99.5, "size": 5, "churned_at": "2026-01-01", "tier": 1}', 200),
        ("company", '{"company_id": 2, "size": 3000000000}', 200),
        ("company", '{"name": "Acme"}', 400),
        ("company", '{"company_id": "c2", "mrr": "99"}', 400),
        ("company", '{"company_id": "c2", "size": true}', 400),
        (
            "subscription",
            '{"company_id": "c1", "plan": "pro", "mrr": 9, "start_date": "2026-01-01", "status": "active"}',
            200,
        ),
        ("subscription", '{"plan": "pro"}', 400),
        ("subscription", '{"company_id": "c1", "renewal_date": "next year"}', 400),
        ("invoice", '{"company_id": "c1", "amount": 9.5, "status": "paid", "due_date": "2026-01-01"}', 200),
        ("invoice", '{"company_id": "c1", "amount": "9.5"}', 400),
        ("invoice", '{"amount": 9.5}', 400),
        ("deal", '{"company_id": "c1", "name": "D", "stage": "won", "value": 5.5, "close_date": "2026-01-01"}', 200),
        ("deal", '{"company_id": "c1", "close_date": "Q3"}', 400),
        ("event", '{"name": "login", "created_at": "2026-01-01", "user_id": "u1", "company_id": "c1", "n": 1}', 202),
        ("event", '{"name": "login", "created_at": "2026-01-01", "company_id": "c1"}', 202),
        ("event", '{"name": "login", "created_at": "2026-01-01", "user_id": "none"}', 404),
        ("event", '{"name": "login", "user_id": "u1"}', 400),
        ("event", '{"name": "login", "created_at": "2026-01-01"}', 400),
        (
            "task",
            '{"name": "Call", "due_date": "2026-01-01", "assignee_email": "a@example.com", "company_id": "c1"}',
            200,
        ),
        ("task", '{"name": "Call", "person_id": "u1"}', 200),
        ("task", '{"name": "Call", "person_id": "none"}', 404),
        ("task", '{"company_id": "c1"}', 400),
        ("task", '{"name": "Call", "due_date": "soon"}', 400),
        ("note", '{"text": "Hi", "company_id": "c1", "created_at": "2026-01-01"}', 200),
        ("note", '{"text": "Hi", "person_id": "u1"}', 200),
        ("note", '{"text": "Hi", "company_id": "none"}', 404),
        ("note", '{"text": "Hi"}', 400),
        ("note", '{"company_id": "c1"}', 400),
        ("custom_object", '{"type": "usage", "company_id": "c1", "n": 1, "deep": {"a": 1}}', 200),
        ("custom_object", '{"type": "usage", "company_id": "none"}', 404),
        ("custom_object", '{"company_id": "c1"}', 400),
        ("custom_object", '{"type": "usage"}', 400),
    ],
)
def test_valid_and_invalid_bodies(acme, line, body, status):
    before = acme.stats()["objects"]
    got = acme.call(f"POST /api/{line}", body)
    assert got.status == status, got.body
    assert (acme.stats()["objects"] == before) == (status >= 400)


def test_a_flat_person_is_the_same_native_person(acme):
    acme.call(
        "POST /api/people",
        '{"user_id": "u1", "plan": "pro", "churned_at": "2026-01-01", "gender": "f", "zero": 0, "no": false}',
    )
    ((listed,), (company,)) = acme.call("GET /people?user_id=u1").json()[0]["people"], acme.state()["companies"]
    assert listed["companies"] == [company["id"]]
    assert listed["custom_attributes"] == {
        "plan": "pro",
        "churned_at": "2026-01-01",
        "gender": "f",
        "zero": 0,
        "no": False,
    }


def test_a_flat_company_is_the_same_native_company(acme):
    acme.call("POST /api/company", '{"company_id": "c1", "mrr": 99, "churned_at": "2026-01-01", "tier": "gold"}')
    (company,) = acme.call("GET /company?company_id=c1").json()["companies"]
    assert (company["monthly_revenue"], company["churned"]) == (99, False)
    assert company["custom_attributes"] == {"churned_at": "2026-01-01", "tier": "gold"}


def test_null_clears_in_flat_too(acme):
    acme.call("POST /api/company", '{"company_id": "c1", "name": "Acme", "tier": "gold", "plan": "pro"}')
    acme.call("POST /api/company", '{"company_id": "c1", "name": null, "tier": null}')
    (company,) = acme.state()["companies"]
    assert ("name" in company, company["plan"], company["custom_attributes"]) == (False, "pro", {})


def test_flat_people_are_matched_by_the_same_table(acme):
    acme.call("POST /api/people", '{"user_id": "u1", "email": "a@example.com"}')
    acme.call("POST /api/people", '{"user_id": "u2", "email": "a@example.com"}')
    assert [person["user_id"] for person in acme.state()["people"]] == ["u1", "u2"]


@pytest.mark.parametrize(
    ("kind", "body", "stored"),
    [
        (
            "subscription",
            '{"company_id": "c1", "plan": "pro", "start_date": "2026-01-01", "renewal_date": "2027-01-01", "status": "active", "seats": 5}',
            {
                "plan": "pro",
                "startedAt": "2026-01-01",
                "nextBillingAt": "2027-01-01",
                "metadata": {"status": "active", "seats": 5},
            },
        ),
        (
            "invoice",
            '{"company_id": "c1", "amount": 9.5, "due_date": "2026-01-01", "status": "paid", "po": "x"}',
            {"total": 9.5, "due_date": "2026-01-01", "status": "paid", "extras": {"po": "x"}},
        ),
        (
            "deal",
            '{"company_id": "c1", "name": "D", "stage": "won", "value": 5, "close_date": "2026-01-01"}',
            {"name": "D", "status": "won", "value": 5, "close_date": "2026-01-01"},
        ),
    ],
)
def test_money_is_stored_under_native_names_and_upserted(acme, kind, body, stored):
    for _ in range(2):
        acme.call(f"POST /api/{kind}", body)
    (kept,) = acme.state()[f"{kind}s"]
    company = acme.state()["companies"][0]["id"]
    assert {name: kept[name] for name in stored} == stored
    assert (kept["company"], kept["company_id"]) == (company, "c1")


def test_an_external_id_identifies_flat_money_if_given(acme):
    for plan in ("pro", "max"):
        acme.call("POST /api/subscription", '{"externalId": "s1", "company_id": "c1", "plan": "%s"}' % plan)
    assert [s["plan"] for s in acme.state()["subscriptions"]] == ["max"]
    assert acme.call("GET /financial/subscription?externalId=s1").json()["externalIds"] == {"custify": "s1"}


def test_flat_event_extras_are_metadata(acme):
    acme.call(
        "POST /api/event", '{"name": "login", "created_at": "2026-01-01", "user_id": "u1", "zero": 0, "f": false}'
    )
    (event,) = acme.state()["events"]
    assert (event["name"], event["metadata"]) == ("login", {"zero": 0, "f": False})


def test_flat_tasks_and_notes_are_never_deduplicated(acme):
    for _ in range(2):
        acme.call("POST /api/task", '{"name": "Call", "company_id": "c1", "assignee_email": "ada@example.com"}')
        acme.call("POST /api/note", '{"text": "Hi", "company_id": "c1", "person_id": "u1", "created_at": "2020-01-01"}')
    state = acme.state()
    person = state["people"][0]["id"]
    assert [(t["assignedToName"], t["status"], t["priority"]) for t in state["tasks"]] == [
        ("Ada Lovelace", "open", "medium")
    ] * 2
    assert [(n["entity"], n["created_at"]) for n in state["notes"]] == [(person, "2020-01-01")] * 2


def test_a_flat_person_id_may_be_custifys(acme):
    person = acme.state()["people"][0]["id"]
    acme.call("POST /api/note", json.dumps({"text": "Hi", "person_id": person}))
    acme.call("POST /api/task", json.dumps({"name": "Call", "person_id": person}))
    assert acme.state()["notes"][0]["entity"] == acme.state()["tasks"][0]["people"] == person


def test_custom_objects_are_custom_data(acme):
    acme.call("POST /api/custom_object", '{"type": "usage", "company_id": "c1", "n": 1}')
    acme.call("POST /api/custom_object", '{"type": "usage", "company_id": "c1", "n": 2}')
    acme.call("POST /api/custom_object", '{"type": "usage", "company_id": "c1", "data_id": "x", "n": 3}')
    kept = [(d["data_type"], d["data_id"], d["data"]) for d in acme.state()["custom_data"]]
    assert kept == [("usage", "c1", {"n": 2}), ("usage", "x", {"n": 3})]


def test_a_flat_batch_has_one_result_for_each_item(acme):
    items = [{"user_id": "u2", "company_id": "c1"}, {"company_id": "c2"}, {"name": "x"}, 5, {"email": "e@example.com"}]
    got = acme.call("POST /api/batch", json.dumps({"batch": items, "origin": "penstock"}))
    assert (got.status, got.json()["status"]) == (200, "completed")
    assert [(r["index"], r["type"], r["status"], r["statusCode"]) for r in got.json()["results"]] == [
        (0, "people", "success", 200),
        (1, "company", "success", 200),
        (2, "people", "error", 400),
        (3, "people", "error", 400),
        (4, "people", "success", 200),
    ]
    state = acme.state()
    assert [c["company_id"] for c in state["companies"]] == ["c1", "c2"]
    assert [p.get("user_id") for p in state["people"]] == ["u1", "u2", None]
    assert got.json()["results"][1]["id"] == state["companies"][1]["id"]


@pytest.mark.parametrize(("count", "status"), [(500, 200), (501, 400), (0, 400)])
def test_at_most_500_items(sandbox, count, status):
    body = json.dumps({"batch": [{"user_id": f"u{n}"} for n in range(count)]})
    assert sandbox.call("POST /api/batch", body).status == status
    assert len(sandbox.state()["people"]) == (count if status == 200 else 0)


@pytest.mark.parametrize(
    "raw", ["{}", '{"batch": {}}', "[]", '{"jobs": [{"type": "people", "payload": {"user_id": "u1"}}]}']
)
def test_invalid_flat_batches_are_refused(sandbox, raw):
    assert sandbox.call("POST /api/batch", raw).status == 400
