"""People and their API tokens, over HTTP and by commands."""

import json
from datetime import timedelta

import pytest

from penstock.clock import iso
from penstock.main import execute
from support.service.security_service import PASSWORD, code_of


@pytest.fixture
def penstock(empty, capsys):
    """Runs a command on the service's state; returns its document."""

    def run(*arguments, code=0):
        ended = execute([*arguments, "--json", "--database", f"sqlite:///{empty.folder}/state.db"])
        printed = capsys.readouterr()
        assert ended == code, printed.err + printed.out
        return json.loads(printed.out)

    return run


def test_a_user_whom_an_admin_adds_chooses_a_password(service):
    admin, new = service.signed_in("admin"), service.client()
    made = admin.post("/api/v1/people", json={"name": "Grace", "role": "editor", "email": "grace@example.com"})
    assert (made.status_code, made.json()["name"], made.json()["has_password"]) == (201, "grace", False)
    token = made.json()["link"].partition("#token=")[2]
    wrong = new.post("/api/v1/setup", json={"token": token, "name": "eve", "password": PASSWORD})
    assert code_of(wrong) == "wrong-name"
    signed = new.post("/api/v1/setup", json={"token": token, "name": "grace", "password": PASSWORD})
    assert signed.json()["person"] == {"name": "grace", "role": "editor"}
    assert code_of(admin.post("/api/v1/people", json={"name": "GRACE", "role": "viewer"})) == "name-taken"
    assert [row["name"] for row in admin.get("/api/v1/people").json()["items"]].count("grace") == 1
    assert admin.get("/api/v1/people/grace").json()["email"] == "grace@example.com"
    nobody = admin.get("/api/v1/people/eve")
    assert (nobody.status_code, code_of(nobody)) == (404, "unknown-person")


@pytest.mark.parametrize("name", ["", " ", "me", "Ada Lovelace", "../x", "x" * 65, "é", "=cmd", "a\nb"])
def test_names_that_can_be_confused_are_refused(service, name):
    reply = service.signed_in("admin").post("/api/v1/people", json={"name": name, "role": "viewer"})
    assert (reply.status_code, code_of(reply)) == (400, "wrong-value")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "viewerviewer1"[:11], "x" * 1001])
def test_weak_passwords_are_refused(service, password):
    reply = service.signed_in("admin").patch("/api/v1/people/viewer", json={"password": password})
    assert code_of(reply) == "weak-password"


def test_the_last_admin_stays(service):
    admin = service.signed_in("admin")
    for reply in (admin.delete("/api/v1/people/admin"), admin.patch("/api/v1/people/admin", json={"role": "editor"})):
        assert (reply.status_code, code_of(reply)) == (409, "last-admin")
    assert admin.patch("/api/v1/people/editor", json={"role": "admin"}).status_code == 200
    assert admin.delete("/api/v1/people/admin").status_code == 204
    assert admin.get("/api/v1/people").status_code == 401


def test_a_new_role_applies_at_once(service):
    browser = service.signed_in("editor")
    assert browser.delete("/api/v1/flows/all").status_code == 204
    service.signed_in("admin").patch("/api/v1/people/editor", json={"role": "viewer"})
    assert browser.delete("/api/v1/flows/all").status_code == 403


def test_an_old_cookie_of_a_removed_user_is_refused(service):
    browser, admin = service.signed_in("viewer"), service.signed_in("admin")
    admin.delete("/api/v1/people/viewer")
    service.add("viewer", "admin")
    assert browser.get("/api/v1/runs").status_code == 401


def test_a_new_password_ends_the_other_sessions(service):
    here, there = service.signed_in("viewer"), service.signed_in("viewer")
    new = "another long password"
    wrong = here.post("/api/v1/people/me/password", json={"old": "not my password", "new": new})
    assert (wrong.status_code, code_of(wrong)) == (400, "wrong-password")
    changed = here.post("/api/v1/people/me/password", json={"old": PASSWORD, "new": new})
    assert changed.json()["person"]["name"] == "viewer"
    assert (here.get("/api/v1/runs").status_code, there.get("/api/v1/runs").status_code) == (200, 401)
    signed_in = service.client().post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
    assert signed_in.status_code == 401


def test_a_token_acts_for_its_owner_with_at_most_their_rights(service):
    browser = service.signed_in("editor")
    made = browser.post("/api/v1/tokens", json={"name": "ci", "role": "operator"}).json()
    assert made["token"].startswith("pst_")
    assert "token" not in browser.get("/api/v1/tokens").json()["items"][0]
    program = service.client(Authorization=f"Bearer {made['token']}")
    assert program.get("/api/v1/session").json()["person"] == {"name": "editor", "role": "operator"}
    assert program.post("/api/v1/destinations/it/pause").status_code == 204  # no cookie, so no other page's write
    assert program.delete("/api/v1/flows/all").status_code == 403
    assert code_of(browser.post("/api/v1/tokens", json={"name": "more", "role": "admin"})) == "wrong-value"
    service.app.people.register.change("editor", role="viewer")
    assert program.post("/api/v1/destinations/it/pause").status_code == 403
    assert browser.get("/api/v1/tokens").json()["items"][0]["used_at"] is not None
    assert browser.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert (program.get("/api/v1/runs").status_code, code_of(program.get("/api/v1/runs"))) == (401, "not-signed-in")


def test_a_token_expires(service):
    end = iso(service.clock.now() + timedelta(hours=1))
    _, text = service.app.people.register.add_token("viewer", "short", "viewer", end)
    program = service.client(Authorization=f"Bearer {text}")
    assert program.get("/api/v1/runs").status_code == 200
    service.clock.later_s = 3601
    assert program.get("/api/v1/runs").status_code == 401
    for wrong in ("yesterday", "2001-01-01"):
        reply = service.signed_in("viewer").post(
            "/api/v1/tokens", json={"name": "x", "role": "viewer", "expires_at": wrong}
        )
        assert reply.status_code == 400


def test_a_token_cannot_create_tokens_or_change_a_password(service):
    program = service.with_token("admin", "admin")
    assert program.post("/api/v1/tokens", json={"name": "x", "role": "admin"}).status_code == 403
    assert program.post("/api/v1/people/me/password", json={"old": PASSWORD, "new": PASSWORD + "!"}).status_code == 403
    assert program.delete("/api/v1/session").status_code == 403


def test_only_an_admin_manages_the_tokens_of_others(service):
    row, _ = service.app.people.register.add_token("editor", "ci", "editor")
    viewer, admin = service.signed_in("viewer"), service.signed_in("admin")
    assert viewer.get("/api/v1/tokens").json()["items"] == []
    assert code_of(viewer.delete(f"/api/v1/tokens/{row.id}")) == "unknown-token"
    assert admin.get("/api/v1/tokens").json()["items"][0]["owner"] == "editor"
    assert admin.delete(f"/api/v1/tokens/{row.id}").status_code == 204


def test_an_invalid_authorization_header_signs_in_nobody(service):
    for text in ("Bearer", "Bearer pst_", "Bearer nonsense", "Basic YWRtaW46YWRtaW4=", "pst_x"):
        assert service.client(Authorization=text).get("/api/v1/runs").status_code == 401


def test_the_commands_do_the_same(empty, penstock):
    service = empty
    first = penstock("people", "setup-link", "--url", "https://penstock.example")["link"]
    assert first.startswith("https://penstock.example/setup#token=")
    service.app.people.serve_at("http://127.0.0.1:4711")  # what `penstock serve` does when it answers
    second = penstock("people", "setup-link")["link"]
    assert second.startswith("http://127.0.0.1:4711/setup#token=")
    over = {"token": first.partition("=")[2], "name": "ada", "password": PASSWORD}
    assert code_of(service.client().post("/api/v1/setup", json=over)) == "link-over"
    good = {**over, "token": second.partition("=")[2]}
    assert service.client().post("/api/v1/setup", json=good).status_code == 200
    assert penstock("people", "setup-link") == {"link": None, "admins": ["ada"]}

    added = penstock("people", "add", "bob", "--role", "operator")
    assert (added["role"], added["link"].partition("#")[0]) == ("operator", "http://127.0.0.1:4711/setup")
    assert penstock("people", "role", "bob", "editor")["role"] == "editor"
    assert penstock("people", "remove", "ada", code=2)["errors"][0]["code"] == "last-admin"
    made = penstock("token", "add", "bob", "ci", "--role", "editor", "--expires", "2999-01-01")
    assert service.client(Authorization=f"Bearer {made['token']}").get("/api/v1/runs").status_code == 200
    assert penstock("token", "list")[0]["id"] == made["id"]
    penstock("token", "remove", made["id"])
    assert penstock("token", "list") == []
    assert "#token=" in penstock("people", "reset", "bob")["link"]
    penstock("people", "remove", "bob")
    assert [row["name"] for row in penstock("people", "list")] == ["ada"]
    printed = [entry["action"] for entry in penstock("audit")]
    assert printed[:4] == [
        "penstock people remove",
        "penstock people reset",
        "penstock token remove",
        "penstock token add",
    ]
    assert made["token"] not in json.dumps(penstock("audit"))
