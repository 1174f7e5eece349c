# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Tasks, notes, comments, money, custom data, tickets, tags: custify-api sections 2 and 3."""

import pytest

OTHER = "6b054f0991941777f3ffffff"


@pytest.fixture
def ids(sandbox):
    """Custify's ids of one company and one person, to stand for COMPANY and PERSON in bodies."""
    company = sandbox.call("POST /company", '{"company_id": "c1", "name": "Acme"}').json()["id"]
    person = sandbox.call("POST /people", '{"user_id": "u1", "companies": [{"company_id": "c1"}]}').json()["id"]
    return {"COMPANY": company, "PERSON": person}


@pytest.fixture
def post(sandbox, ids):
    def post(line, body=None):
        for name, internal in ids.items():
            line = line.replace(name, internal)
            body = None if body is None else body.replace(name, internal)
        return sandbox.call(line, body)

    return post


TASK = '"name": "Call", "priority": "high", "status": "open"'


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        # tasks
        ("POST /task", "{TASK}", 200),
        ("POST /task", '{TASK, "dueDate": "2026-01-01T00:00:00Z", "description": "<b>x</b>", "tags": ["a"]}', 200),
        ("POST /task", '{TASK, "assignedTo": "ada@example.com", "collaborators": [], "showInPortal": false}', 200),
        ("POST /task", '{TASK, "company_id": "c1", "user_id": "u1", "externalId": "t1"}', 200),
        ("POST /task", '{TASK, "company": "COMPANY", "people": "PERSON"}', 200),
        ("POST /task", '{TASK, "checklist": [{"name": "a", "completed": false, "dueDate": "2026-01-01T00:00:00Z"}]}', 200),
        ("POST /task", '{TASK, "dueDate": "2026-01-01"}', 400),
        ("POST /task", '{TASK, "checklist": [{"name": "a", "dueDate": "2026-01-01"}]}', 400),
        ("POST /task", '{TASK, "checklist": [{"name": "a", "done": false}]}', 400),
        ("POST /task", '{TASK, "due_date": "2026-01-01"}', 400),
        ("POST /task", '{TASK, "dueDate": "tomorrow"}', 400),
        ("POST /task", '{TASK, "user_id": "none"}', 404),
        ("POST /task", '{TASK, "company": "c1"}', 400),
        ("POST /task", '{TASK, "company": "%s"}' % OTHER, 404),
        ("POST /task", '{"priority": "high", "status": "open"}', 400),
        ("POST /task", '{"name": "Call", "status": "open"}', 400),
        ("POST /task", '{"name": "Call", "priority": "high"}', 400),
        ("POST /task", '{"name": "Call", "priority": "urgent", "status": "open"}', 400),
        ("POST /task", '{"name": "Call", "priority": "low", "status": "closed"}', 400),
        ("POST /task", '{"name": "Call", "priority": "low", "status": "not relevant"}', 200),
        # notes
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
        # comments
        ("POST /comment/Task/%s" % OTHER, '{"text": "x"}', 404),
        ("POST /comment/Deal/%s" % OTHER, '{"text": "x"}', 400),
        # money
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "plan": "pro", "mrr": 99.5}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "user_id": "u1", "startedAt": "2026-01-01T00:00:00Z"}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "metadata": {"status": "trialing"}}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "status": "active"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "start_date": "2026-01-01"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "nextBillingAt": "01/02/2026"}', 400),
        ("POST /financial/subscription", '{"company_id": "c1", "plan": "pro"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "mrr": "99"}', 400),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "total": 12.5, "status": "paid"}', 200),
        ("POST /financial/invoice", '{"externalId": "i1", "company": "COMPANY", "paidAt": "2026-01-01T00:00:00Z"}', 200),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "amount": 12.5}', 400),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "due_date": "2026-01-01"}', 400),
        ("POST /financial/invoice", '{"total": 5}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "company_id": "c1", "name": "D", "value": 5, "status": "won"}', 200),
        ("POST /financial/deal", '{"externalId": "d1", "value": 5.5}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "value": 2147483648}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "stage": "won"}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "close_date": "2026-01-01"}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "user_id": "none"}', 404),
        ("POST /financial/deal", '{"externalId": null}', 400),
        ("POST /financial/deal/%s" % OTHER, '{"value": 5}', 404),
        # custom data
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "usage", "data_id": "1", "data": {"n": 1}}', 200),
        ("POST /custom_data/companies/COMPANY", '{"data_type": "usage", "data_id": 1, "data": {"deep": {"a": [1]}}}', 200),
        ("POST /custom_data/people?user_id=u1", '{"data_type": "usage", "data_id": "1", "data": {}}', 200),
        ("POST /custom_data/people/PERSON", '[{"data_type": "a", "data_id": "1", "data": {}}]', 200),
        ("POST /custom_data/companies?company_id=none", '{"data_type": "a", "data_id": "1", "data": {}}', 404),
        ("POST /custom_data/people?user_id=none", '{"data_type": "a", "data_id": "1", "data": {}}', 404),
        ("POST /custom_data/companies", '{"data_type": "a", "data_id": "1", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_id": "1", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1"}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1", "data": {}, "n": 1}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1", "data": [1]}', 400),
        ("POST /custom_data/companies?company_id=c1", '[{"data_type": "a", "data_id": "1", "data": {}}, {}]', 400),
        # tags and tickets
        ("POST /tag", '{"name": "vip", "category": "people"}', 200),
        ("POST /tag", '{"name": "vip", "category": "persons"}', 400),
        ("POST /people/tag", '{"ids": ["PERSON"], "tag": "vip", "type": "add"}', 200),
        ("POST /people/tag", '{"ids": ["u1"], "tag": "vip", "type": "add"}', 400),
        ("POST /ticket", '{"externalId": "k1", "title": "Broken", "company": "c1", "replies": [{"body": "x"}]}', 200),
        ("POST /ticket", '{"externalId": "k1", "replies": [{"type": "sms"}]}', 400),
        ("PUT /ticket/none", '{"title": "x"}', 404),
    ],
)  # fmt: skip
def test_bodies_good_and_bad(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body.replace("{TASK", "{" + TASK))
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


def test_a_task_with_a_known_external_id_is_a_second_task(post):
    for _ in range(2):
        post("POST /task", '{%s, "externalId": "t1"}' % TASK)
    got = post("GET /task?externalId=t1").json()
    assert (got["total"], len(got["tasks"])) == (2, 2)


def test_a_task_is_changed_by_its_id(post):
    task = post("POST /task", '{%s, "assignedTo": "ada@example.com", "company_id": "c1"}' % TASK).json()
    assert (task["assignedToName"], task["assignedToEmail"]) == ("Ada Lovelace", "ada@example.com")
    assert (task["company_id"], task["completedAt"]) == ("c1", None)
    line = f"PUT /task/{task['id']}"
    assert post(line, '{"status": "done"}').json()["completedAt"] is not None
    assert post(line, '{"_id": "%s", "name": "Call again"}' % task["id"]).json()["name"] == "Call again"
    assert post(line, '{"_id": "%s", "name": "x"}' % OTHER).status == 400
    assert post(line, '{"status": "closed"}').status == 400
    assert post(f"PUT /task/{OTHER}", '{"status": "done"}').status == 404
    got = post(f"GET /task/{task['id']}").json()
    assert (got["total"], got["tasks"][0]["name"]) == (1, "Call again")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=open", ["a"]),
        ("status=done", ["b"]),
        ("company=COMPANY", ["b"]),
        ("tags=x", ["a"]),
        ("assignedTo=nobody", []),
    ],
)
def test_tasks_are_filtered(post, query, names):
    post("POST /task", '{"name": "a", "priority": "low", "status": "open", "tags": ["x"]}')
    post("POST /task", '{"name": "b", "priority": "low", "status": "done", "company_id": "c1"}')
    assert [task["name"] for task in post(f"GET /task?{query}").json()["tasks"]] == names


def test_assignees_by_id_only_is_a_setting(sandbox, post):
    sandbox.settings(assignee="id")
    body = '{%s, "assignedTo": "%s"}'
    got = post("POST /task", body % (TASK, "ada@example.com"))
    assert (got.status, got.json()["message"]) == (400, '"assignedTo" must be a valid id')
    known = post("GET /task/filtersAvailableValues").json()["assignedTo"]
    (ada,) = [user["id"] for user in known if user["email"] == "ada@example.com"]
    assert post("POST /task", body % (TASK, ada)).json()["assignedToEmail"] == "ada@example.com"


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


@pytest.mark.parametrize("kind", ["subscription", "invoice", "deal"])
def test_money_is_upserted_by_external_id(sandbox, post, kind):
    first = post(f"POST /financial/{kind}", '{"externalId": "x1", "company_id": "c1"}').json()
    second = post(f"POST /financial/{kind}", '{"externalId": "x1", "user_id": "u1"}').json()
    assert first["id"] == second["id"]
    assert second["externalIds"] == {"custify": "x1"}
    assert "externalId" not in second
    (stored,) = sandbox.state()[f"{kind}s"]
    assert (stored["externalId"], stored["company_id"], stored["user_id"]) == ("x1", "c1", "u1")
    by_id = post(f"POST /financial/{kind}/{first['id']}", '{"company_id": null}').json()
    assert ("company_id" in by_id, by_id["externalIds"]) == (False, {"custify": "x1"})


@pytest.mark.parametrize("kind", ["subscription", "invoice", "deal"])
def test_exactly_one_financial_match_is_the_bare_object(post, kind):
    line = f"GET /financial/{kind}"
    assert post(line).json() == {f"{kind}s": [], "total": 0}
    post(f"POST /financial/{kind}", '{"externalId": "x1", "company_id": "c1"}')
    assert post(line).json()["externalIds"] == {"custify": "x1"}
    post(f"POST /financial/{kind}", '{"externalId": "x2"}')
    got = post(line).json()
    assert (got["total"], len(got[f"{kind}s"])) == (2, 2)
    assert post(f"{line}?externalId=x2").json()["externalIds"] == {"custify": "x2"}
    assert post(f"DELETE /financial/{kind}?externalId=x1").json() == {"deleted": 1}
    assert post(line).json()["externalIds"] == {"custify": "x2"}


def test_custom_data_is_unique_on_type_and_id(sandbox, post):
    line = "POST /custom_data/companies?company_id=c1"
    post(line, '{"data_type": "usage", "data_id": "1", "data": {"n": 1, "m": 1}}')
    post(line, '{"data_type": "usage", "data_id": "1", "data": {"n": 2}}')
    post(
        line, '[{"data_type": "usage", "data_id": "2", "data": {}}, {"data_type": "other", "data_id": "1", "data": {}}]'
    )
    kept = [(d["data_type"], d["data_id"], d["data"]) for d in sandbox.state()["custom_data"]]
    assert kept == [("usage", "1", {"n": 2}), ("usage", "2", {}), ("other", "1", {})]
    got = post("GET /custom_data/companies?company_id=c1").json()
    assert {kind: len(listed) for kind, listed in got.items()} == {"usage": 2, "other": 1}
    one = post("GET /custom_data/companies/COMPANY?data_type=usage&data_id=2").json()
    assert [d["data_id"] for d in one["usage"]] == ["2"]
    assert post("DELETE /custom_data/companies?company_id=c1&data_type=usage").json() == {"deleted": 2}
    assert list(post("GET /custom_data/companies/COMPANY").json()) == ["other"]


def test_tickets(post):
    post("POST /ticket", '{"externalId": "k1", "title": "a", "company": "c1", "replies": [{"body": "1"}]}')
    post("POST /ticket", '{"externalId": "k1", "title": "b"}')
    post("POST /ticket/k1/reply", '{"body": "2", "type": "outgoing"}')
    (ticket,) = post("GET /ticket/c1").json()["tickets"]
    assert (ticket["title"], [reply["body"] for reply in ticket["replies"]]) == ("b", ["1", "2"])
    assert post("PUT /ticket/k1", '{"replies": []}').json()["replies"] == []
    assert post("DELETE /ticket/k1").json() == {"deleted": 1}


def test_tags(sandbox, post):
    tag = post("POST /tag", '{"name": "vip", "category": "people"}').json()["id"]
    assert post(f"POST /tag/{tag}", '{"name": "VIP"}').json()["name"] == "VIP"
    assert post(f"GET /tag/{tag}").json()["total"] == 1
    assert post(f"DELETE /tag/{tag}").json() == {"deleted": 1}
    for how, tags in (("add", ["vip"]), ("add", ["vip"]), ("remove", [])):
        post("POST /people/tag", '{"ids": ["PERSON"], "tag": "vip", "type": "%s"}' % how)
        assert sandbox.state()["people"][0]["tags"] == tags
