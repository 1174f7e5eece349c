# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Notes and comments, native: custify-api sections 2 and 3."""

import pytest

OTHER = "6b054f0991941777f3ffffff"
TASK = '"name": "Call", "priority": "high", "status": "open"'


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company"}', 200),
        ("POST /note", '{"text": "Hi", "entity": "PERSON", "entityModel": "Customer", "sticky": true}', 200),
        ("POST /note", '{"text": "Hi", "subject": "S", "entity": "COMPANY", "entityModel": "Company", "tags": []}', 200),
        ("POST /note", '{"text": "Hi", "entity": "PERSON", "entityModel": "Company"}', 404),
        ("POST /note", '{"text": "Hi", "entity": "%s", "entityModel": "Company"}' % OTHER, 404),
        ("POST /note", '{"text": "Hi", "entity": "c1", "entityModel": "Company"}', 400),
        ("POST /note", '{"text": "Hi", "entity": "PERSON", "entityModel": "People"}', 400),
        ("POST /note", '{"text": "Hi", "company_id": "c1"}', 400),
        ("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company", "company_id": "c1"}', 400),
        ("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company", "created_at": "2026-01-01T00:00:00Z"}', 400),
        ("POST /note", '{"text": "", "entity": "COMPANY", "entityModel": "Company"}', 400),
        ("POST /note", '{"entity": "COMPANY", "entityModel": "Company"}', 400),
        ("POST /comment/Task/%s" % OTHER, '{"text": "x"}', 404),
        ("POST /comment/Deal/%s" % OTHER, '{"text": "x"}', 400),
    ],
)  # fmt: skip
def test_note_bodies(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body)
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


def test_notes_are_never_deduplicated(post):
    for _ in range(2):
        post("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company"}')
    got = post("GET /note/COMPANY").json()
    assert (got["total"], [note["text"] for note in got["notes"]]) == (2, ["Hi", "Hi"])
    wanted = {
        "id",
        "text",
        "entity",
        "entityModel",
        "company",
        "people",
        "createdByType",
        "externalProvider",
        "externalId",
        "created_at",
    }
    assert wanted <= set(got["notes"][0])


def test_notes_of_a_person_count_for_the_company(post, ids):
    post("POST /note", '{"text": "Hi", "entity": "PERSON", "entityModel": "Customer"}')
    for entity in ("PERSON", "COMPANY"):
        (note,) = post(f"GET /note/{entity}").json()["notes"]
        assert (note["people"], note["company"]) == ([ids["PERSON"]], [ids["COMPANY"]])


@pytest.mark.parametrize(
    ("query", "total"),
    [("", 2), ("?searchTerm=RENEW", 1), ("?createdByEntity=api", 2), ("?createdByEntity=user_1", 0), ("?tags=a", 1)],
)
def test_notes_are_searched(post, query, total):
    post("POST /note", '{"text": "renewal", "entity": "COMPANY", "entityModel": "Company", "tags": ["a"]}')
    post("POST /note", '{"text": "other", "entity": "COMPANY", "entityModel": "Company"}')
    assert post(f"GET /note{query}").json()["total"] == total


def test_a_note_is_changed_by_its_id(post):
    note = post("POST /note", '{"text": "Hi", "entity": "COMPANY", "entityModel": "Company"}').json()["id"]
    assert post(f"POST /note/{note}", '{"text": "Ho"}').json()["text"] == "Ho"
    assert post(f"POST /note/{note}", '{"text": null}').status == 400
    assert post(f"POST /note/{note}", '{"entity": "PERSON"}').status == 400
    assert post(f"POST /note/{OTHER}", '{"text": "Ho"}').status == 404


def test_comments_are_made_and_changed(sandbox, post):
    task = post("POST /task", "{%s}" % TASK).json()["id"]
    comment = post(f"POST /comment/Task/{task}", '{"text": "a"}').json()["id"]
    assert post(f"POST /comment/Task/{task}", '{"id": "%s", "text": "b"}' % comment).status == 200
    assert [known["text"] for known in sandbox.state()["comments"]] == ["b"]
