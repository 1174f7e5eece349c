# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Tasks, native: custify-api sections 2 and 3."""

import pytest

OTHER = "6b054f0991941777f3ffffff"
TASK = '"name": "Call", "priority": "high", "status": "open"'


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
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
    ],
)  # fmt: skip
def test_task_bodies(sandbox, post, line, body, status):
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
