# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Matching of people and companies: custify-api sections 2.1 and 2.2."""

import pytest


@pytest.fixture
def people(sandbox):
    """One person with both ids, one with an e-mail only; returns a function that posts and lists the people."""
    sandbox.call("POST /people", '{"user_id": "u1", "email": "ann@example.com", "name": "Ann"}')
    sandbox.call("POST /people", '{"email": "bob@example.com", "name": "Bob"}')

    def post(body):
        ids = {person["name"]: person["id"] for person in sandbox.state()["people"]}
        got = sandbox.call("POST /people", body.replace("ANN", ids["Ann"]).replace("BOB", ids["Bob"]))
        return got.status, [(p.get("user_id"), p.get("email"), p.get("name")) for p in sandbox.state()["people"]]

    return post


ANN, BOB = ("u1", "ann@example.com", "Ann"), (None, "bob@example.com", "Bob")


@pytest.mark.parametrize(
    ("body", "after"),
    [
        # id: updates, and overwrites user_id and email
        ('{"id": "ANN", "user_id": "u9", "email": "new@example.com"}', [("u9", "new@example.com", "Ann"), BOB]),
        ('{"id": "BOB", "user_id": "u2"}', [ANN, ("u2", "bob@example.com", "Bob")]),
        ('{"id": "BOB", "name": "Bobby"}', [ANN, (None, "bob@example.com", "Bobby")]),
        # user_id: updates, and overwrites email
        ('{"user_id": "u1", "email": "new@example.com"}', [("u1", "new@example.com", "Ann"), BOB]),
        ('{"user_id": "u1", "email": "bob@example.com"}', [("u1", "bob@example.com", "Ann"), BOB]),
        # e-mail of a person without user_id: updates, and adopts the sent one
        ('{"user_id": "u2", "email": "bob@example.com"}', [ANN, ("u2", "bob@example.com", "Bob")]),
        ('{"email": "bob@example.com", "name": "B"}', [ANN, (None, "bob@example.com", "B")]),
        # e-mail alone, of a person with a user_id
        ('{"email": "ann@example.com", "name": "A"}', [("u1", "ann@example.com", "A"), BOB]),
        # e-mail of a person with another user_id: a second person
        (
            '{"user_id": "u3", "email": "ann@example.com", "name": "Ann 2"}',
            [ANN, BOB, ("u3", "ann@example.com", "Ann 2")],
        ),
        # nothing: created
        ('{"user_id": "u4"}', [ANN, BOB, ("u4", None, None)]),
        ('{"email": "c@example.com"}', [ANN, BOB, (None, "c@example.com", None)]),
        ('{"user_id": null, "email": "c@example.com"}', [ANN, BOB, (None, "c@example.com", None)]),
    ],
)
def test_people_are_matched_by_the_table(people, body, after):
    assert people(body) == (200, after)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"name": "x"}', 400),
        ("{}", 400),
        ('{"user_id": null}', 400),
        ('{"id": "6b054f0991941777f3ffffff", "user_id": "u1"}', 404),
        ('{"id": "123", "user_id": "u1"}', 400),
        ('{"id": "BOB", "user_id": "u1"}', 400),
        ('{"user_id": 5}', 400),
        ('{"user_id": ""}', 400),
    ],
)
def test_people_that_cannot_be_matched_or_created_are_refused(people, body, status):
    assert people(body) == (status, [ANN, BOB])


def test_the_old_ids_of_a_person_are_free_again(people):
    people('{"id": "ANN", "user_id": "u9", "email": "new@example.com"}')
    _, after = people('{"user_id": "u1", "name": "Other"}')
    assert after[-1] == ("u1", None, "Other")
    _, after = people('{"email": "ann@example.com", "name": "Third"}')
    assert after[-1] == (None, "ann@example.com", "Third")


def test_an_upsert_changes_only_what_it_names(sandbox):
    first = sandbox.call(
        "POST /people", '{"user_id": "u1", "name": "Ann", "custom_attributes": {"a": 1, "b": 2}}'
    ).json()
    second = sandbox.call("POST /people", '{"user_id": "u1", "phone": "1", "custom_attributes": {"b": 3}}').json()
    assert second["id"] == first["id"]
    assert (second["name"], second["phone"], second["custom_attributes"]) == ("Ann", "1", {"a": 1, "b": 3})


def test_links_are_additive_and_removable(sandbox):
    ids = [sandbox.call("POST /company", '{"company_id": "c%d"}' % n).json()["id"] for n in (1, 2)]

    def link(companies):
        return sandbox.call("POST /people", '{"user_id": "u1", "companies": %s}' % companies).json()["companies"]

    assert link('[{"company_id": "c1"}]') == ids[:1]
    assert link('[{"id": "%s"}]' % ids[1]) == ids
    assert link("[]") == ids
    assert link('[{"company_id": "c2", "remove": false}]') == ids
    assert link('[{"company_id": "c1", "remove": true}]') == ids[1:]
    assert link('[{"company_id": "c1", "remove": true}]') == ids[1:]
    assert sandbox.call("GET /company?company_id=c2").json()["companies"][0]["metrics"]["people_count"] == 1


@pytest.mark.parametrize(
    ("how", "status", "companies", "links"),
    [("skip", 200, [], 0), ("error", 400, [], None), ("create", 200, ["new"], 1)],
)
def test_a_link_to_an_unknown_company_is_a_setting(sandbox, how, status, companies, links):
    sandbox.settings(unknown_company=how)
    got = sandbox.call("POST /people", '{"user_id": "u1", "companies": [{"company_id": "new"}]}')
    assert got.status == status
    state = sandbox.state()
    assert [company["company_id"] for company in state["companies"]] == companies
    assert [len(person["companies"]) for person in state["people"]] == ([] if links is None else [links])
    assert len(state["warnings"]) == (how == "skip")


@pytest.mark.parametrize(
    ("body", "status", "after"),
    [
        ('{"company_id": "c1", "name": "New"}', 200, [("c1", "New")]),
        ('{"id": "ID", "name": "New"}', 200, [("c1", "New")]),
        ('{"id": "ID", "company_id": "c1", "name": "New"}', 200, [("c1", "New")]),
        ('{"id": "ID", "company_id": "c2", "name": "New"}', 400, [("c1", "Acme")]),
        ('{"id": "6b054f0991941777f3ffffff"}', 404, [("c1", "Acme")]),
        ('{"company_id": "c2"}', 200, [("c1", "Acme"), ("c2", None)]),
        ('{"name": "New"}', 400, [("c1", "Acme")]),
    ],
)
def test_companies_match_by_id_then_company_id_which_never_changes(sandbox, body, status, after):
    first = sandbox.call("POST /company", '{"company_id": "c1", "name": "Acme"}').json()
    assert sandbox.call("POST /company", body.replace("ID", first["id"]) if '"ID"' in body else body).status == status
    assert [(c["company_id"], c.get("name")) for c in sandbox.state()["companies"]] == after


def test_parents_are_additive_and_removable(sandbox):
    parent = sandbox.call("POST /company", '{"company_id": "p"}').json()["id"]
    body = '{"company_id": "c1", "parent_companies": [{"company_id": "p", "remove": %s}]}'
    assert sandbox.call("POST /company", body % "false").json()["parent_companies"] == [parent]
    assert sandbox.call("POST /company", body % "true").json()["parent_companies"] == []


def test_deleting_a_person_deletes_their_events(sandbox):
    sandbox.call("POST /people", '{"user_id": "u1"}')
    sandbox.call("POST /event", '{"name": "a", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}')
    got = sandbox.call("DELETE /people?user_id=u1")
    assert (got.status, got.json()) == (200, {"deleted": 1})
    assert (sandbox.state()["people"], sandbox.state()["events"]) == ([], [])
    assert sandbox.call("GET /people?user_id=u1").json() == [{"people": [], "total": 0}]


@pytest.mark.parametrize("line", ["DELETE /company?company_id=c1", "DELETE /company/ID"])
def test_deleting_a_company_unlinks_its_people(sandbox, line):
    internal = sandbox.call("POST /company", '{"company_id": "c1"}').json()["id"]
    sandbox.call("POST /people", '{"user_id": "u1", "companies": [{"company_id": "c1"}]}')
    assert sandbox.call(line.replace("ID", internal)).json() == {"deleted": 1}
    assert (sandbox.state()["companies"], sandbox.state()["people"][0]["companies"]) == ([], [])
