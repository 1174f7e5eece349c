"""The audit log has every change, and never its content."""

import csv
import io
import json

from support.service.security_service import PASSWORD, code_of


def audit_log(service, **wanted):
    reply = service.signed_in("admin").get("/api/v1/audit", params=wanted)
    assert reply.status_code == 200, reply.text
    return [entry for entry in reply.json()["items"] if entry["action"] != "POST /session"]


def test_a_change_is_logged_with_user_action_and_address(service):
    program = service.with_token("operator", "operator")
    assert program.post("/api/v1/destinations/it/pause").status_code == 204
    entry = audit_log(service)[0]
    assert entry["who"] == "operator"
    assert (entry["action"], entry["what"]) == ("POST /destinations/{name}/pause", "name=it")
    assert entry["from"].startswith("127.0.0.1, token t-")
    assert entry["result"] == "ok"


def test_a_test_send_is_logged(service):
    service.signed_in("operator").post("/api/v1/destinations/it/test", json={"sample": 1})
    assert any(entry["action"] == "POST /destinations/{name}/test" for entry in audit_log(service))


def test_reads_and_invalid_changes_are_not_logged(service):
    editor = service.signed_in("editor")
    editor.get("/api/v1/destinations/it/preview")
    assert editor.put("/api/v1/flows/all", json={"nonsense": 1}).status_code == 400
    assert audit_log(service) == []


def test_requests_refused_for_a_missing_right_are_logged(service):
    assert service.signed_in("viewer").post("/api/v1/destinations/it/pause").status_code == 403
    assert service.client().post("/api/v1/destinations/it/pause").status_code == 401
    entries = audit_log(service)
    assert [(entry["who"], entry["result"]) for entry in entries] == [
        ("nobody", "401 not-signed-in"),
        ("viewer", "403 not-allowed"),
    ]


def test_sign_ins_are_logged_without_what_was_typed(service):
    client = service.client()
    for name in ("viewer", "my password typed here"):
        assert client.post("/api/v1/session", json={"name": name, "password": "not the password"}).status_code == 401
    service.signed_in("viewer")
    entries = service.signed_in("admin").get("/api/v1/audit", params={"action": "POST /session"}).json()["items"]
    assert [(entry["who"], entry["result"]) for entry in entries] == [
        ("admin", "ok"),
        ("viewer", "ok"),
        ("nobody", "401 wrong-sign-in"),
        ("viewer", "401 wrong-sign-in"),
    ]
    assert "typed" not in json.dumps(entries)


def test_names_of_resources_in_a_body_are_logged_and_nothing_else_of_it(service):
    admin = service.signed_in("admin")
    body = {"name": "grace", "role": "viewer", "email": "grace@example.com", "password": PASSWORD}
    assert admin.post("/api/v1/people", json=body).status_code == 201
    entry = audit_log(service)[0]
    assert entry["what"] == "name=grace role=viewer"


def test_the_log_is_paged_and_filtered(service):
    operator = service.signed_in("operator")
    for _ in range(5):
        operator.post("/api/v1/destinations/it/pause")
    admin = service.signed_in("admin")
    seen, cursor = [], None
    while True:
        params = {"limit": 2, "person": "operator", **({} if cursor is None else {"cursor": cursor})}
        page = admin.get("/api/v1/audit", params=params).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == 6
    assert {entry["who"] for entry in seen} == {"operator"}
    assert [entry["id"] for entry in seen] == sorted((entry["id"] for entry in seen), reverse=True)
    assert audit_log(service, since="2999-01-01") == []
    assert code_of(admin.get("/api/v1/audit", params={"since": "soon"})) == "wrong-value"


def test_the_log_is_exported_whole_and_without_formulas(service):
    service.app.people.audit.note(who="=cmd|'/c calc'!A1", action="x", what="a,b\n@c", origin="+1", result="ok")
    service.signed_in("operator").post("/api/v1/destinations/it/pause")
    admin = service.signed_in("admin")
    lines = admin.get("/api/v1/audit/export").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == list(range(1, len(lines) + 1))
    reply = admin.get("/api/v1/audit/export", params={"format": "csv"})
    assert "attachment" in reply.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert rows[0]["who"] == "'=cmd|'/c calc'!A1"
    assert rows[0]["from"] == "'+1"
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
