"""Sign-in: the first user, sessions and their end, and requests from pages of other sites."""

import base64
import hmac
import json
import time

import pytest

from support.kernel.event_listener import EventListener
from support.service.security_service import PASSWORD, code_of


@pytest.fixture
def listener(service):
    made = EventListener()
    service.app.emit_to(made)
    return made


SESSION = "/api/v1/session"
GOOD = {"name": "admin", "password": PASSWORD}


def test_the_first_user_is_created_by_a_link_that_works_once(empty):
    browser, token = empty.client(), empty.app.people.register.setup_link()
    before = browser.get(SESSION).json()
    assert (before["sign_in"], before["setup"], before["person"]) == (True, True, None)
    made = browser.post("/api/v1/setup", json={"token": token, "name": "Ada", "password": PASSWORD})
    assert made.json()["person"] == {"name": "ada", "role": "admin"}
    assert browser.get(SESSION).json()["setup"] is False
    assert browser.get("/api/v1/runs").status_code == 200
    again = empty.client().post("/api/v1/setup", json={"token": token, "name": "eve", "password": PASSWORD})
    assert (again.status_code, code_of(again)) == (403, "link-over")
    assert empty.app.people.register.setup_link() is None


def test_a_link_ends_after_a_day(empty):
    token = empty.app.people.register.setup_link()
    empty.clock.later_s = 24 * 3600 + 1
    reply = empty.client().post("/api/v1/setup", json={"token": token, "name": "ada", "password": PASSWORD})
    assert code_of(reply) == "link-over"
    assert empty.app.people.has_no_users()


def test_without_a_session_every_request_is_refused(service):
    reply = service.client().get("/api/v1/runs")
    assert (reply.status_code, code_of(reply)) == (401, "not-signed-in")


def test_a_session_begins_and_ends_everywhere(service):
    here, there = service.signed_in("viewer"), service.signed_in("viewer")
    assert here.get("/api/v1/runs").status_code == there.get("/api/v1/runs").status_code == 200
    assert here.delete(SESSION).status_code == 204
    assert here.get("/api/v1/runs").status_code == there.get("/api/v1/runs").status_code == 401
    assert service.signed_in("viewer").get("/api/v1/runs").status_code == 200


def test_a_session_ends_after_a_week(service):
    browser = service.signed_in("viewer")
    service.clock.later_s = 7 * 24 * 3600 + 1
    assert browser.get("/api/v1/runs").status_code == 401


def test_the_cookie_is_hidden_from_scripts_and_other_sites(service):
    reply = service.client().post(SESSION, json=GOOD)
    words = {word.strip().lower() for word in reply.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= words
    behind_proxy = service.client(**{"X-Forwarded-Proto": "https"}).post(SESSION, json=GOOD)
    assert behind_proxy.headers["set-cookie"].startswith("__Host-penstock_session=")
    assert "secure" in behind_proxy.headers["set-cookie"].lower()


@pytest.mark.parametrize("where", ["text", "signature"])
def test_a_changed_cookie_is_no_session(service, where):
    browser = service.signed_in("viewer")
    text, signature = browser.cookies["penstock_session"].split(".")
    changed = [text[:-2] + "AA", signature] if where == "text" else [text, "A" * len(signature)]
    other = service.client(Cookie=f"penstock_session={'.'.join(changed)}")
    assert other.get("/api/v1/runs").status_code == 401


def test_a_cookie_of_release_0_1_0_is_still_a_session(service):
    text = service.signed_in("viewer").cookies["penstock_session"].split(".")[0]
    content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) | {"issued": int(time.time())}
    former = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=")
    signature = hmac.digest(service.app.people._keys["session"], former, "sha256")
    cookie = f"{former.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert service.client(Cookie=f"penstock_session={cookie}").get("/api/v1/runs").status_code == 200


def test_a_write_with_a_session_needs_the_csrf_header(service):
    browser = service.signed_in("admin")
    value = browser.headers.pop("X-Penstock-CSRF")
    path = "/api/v1/destinations/it/pause"
    assert (browser.post(path).status_code, code_of(browser.post(path))) == (403, "cross-site")
    another = service.signed_in("viewer").headers["X-Penstock-CSRF"]
    assert browser.post(path, headers={"X-Penstock-CSRF": another}).status_code == 403
    assert browser.post(path, headers={"X-Penstock-CSRF": value}).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.127.0.0.1"},
    ],
)
def test_pages_of_other_sites_change_nothing(service, open_service, headers):
    for client in (service.signed_in("admin"), open_service.client()):
        reply = client.post("/api/v1/destinations/it/pause", headers=headers)
        assert (reply.status_code, code_of(reply)) == (403, "cross-site")
    assert code_of(service.client().post(SESSION, json=GOOD, headers=headers)) == "cross-site"


def test_a_page_of_penstock_may_write(service):
    browser = service.signed_in("operator")
    for headers in ({"Origin": service.url}, {"Sec-Fetch-Site": "same-origin", "Origin": service.url}):
        assert browser.post("/api/v1/destinations/it/pause", headers=headers).status_code == 204


def test_failed_sign_ins_are_delayed_and_counted_before_the_password_is_checked(service):
    client = service.client()
    wrong = {"name": "admin", "password": "wrong password"}
    assert {client.post(SESSION, json=wrong).status_code for _ in range(5)} == {401}
    refused = client.post(SESSION, json=GOOD)
    assert (refused.status_code, code_of(refused)) == (429, "too-many-tries")
    assert refused.headers["Retry-After"] == "1"
    service.clock.later_s = 1.1
    assert client.post(SESSION, json=wrong).status_code == 401
    assert client.post(SESSION, json=wrong).headers["Retry-After"] == "2"
    for _ in range(12):
        service.clock.later_s += 61  # a name is never locked for longer, so its owner can sign in
        assert client.post(SESSION, json=wrong).status_code == 401
    service.clock.later_s += 61
    assert client.post(SESSION, json=GOOD).status_code == 200
    assert client.post(SESSION, json=wrong).status_code == 401  # a successful sign-in resets the count


def test_one_address_cannot_try_many_names(service):
    client = service.client()
    codes = [client.post(SESSION, json={"name": f"p{n}", "password": "wrong password"}).status_code for n in range(21)]
    assert codes == [401] * 20 + [429]
    for _ in range(14):
        service.clock.later_s += 901
        assert client.post(SESSION, json={"name": "x", "password": "wrong password"}).status_code == 401
    refused = client.post(SESSION, json={"name": "admin", "password": PASSWORD})
    assert 60 < int(refused.headers["Retry-After"]) <= 900


def test_good_sign_ins_are_not_counted(service):
    client = service.client()
    assert {client.post(SESSION, json=GOOD).status_code for _ in range(25)} == {200}


def test_a_password_is_stored_as_an_expensive_hash(true_hashes, empty):
    empty.add("ada", "viewer")
    (ada,) = empty.app.people.register.everybody()
    assert ada.password.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert empty.signed_in("ada").get("/api/v1/runs").status_code == 200


def test_an_unknown_name_gets_the_same_reply_as_a_wrong_password(service):
    client = service.client()
    replies = [
        client.post(SESSION, json={"name": name, "password": "wrong password"}) for name in ("admin", "nobody-here")
    ]
    assert replies[0].json() == replies[1].json()
    assert replies[0].status_code == replies[1].status_code == 401


def test_without_sign_in_everyone_on_this_machine_is_admin(open_service):
    opened = open_service.client().get(SESSION).json()
    assert (opened["sign_in"], opened["setup"], opened["person"]["role"], opened["csrf"]) == (
        False,
        False,
        "admin",
        None,
    )
    elsewhere = open_service.client(Host="evil.example")
    for path in (SESSION, "/api/v1/runs", "/api/v1/openapi.json"):
        assert code_of(elsewhere.get(path)) == "cross-site"


def test_every_response_has_security_headers(service):
    client = service.signed_in("admin")
    for path in ("/api/v1/runs", "/api/v1/nothing", "/healthz", "/api/v1/runs?limit=0", "/"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
    assert client.get("/api/v1/runs").headers["cache-control"] == "no-store"


def test_sign_ins_are_logged_with_the_user_and_never_with_the_typed_name(service, listener):
    service.client().post(SESSION, json=GOOD)
    service.client().post(SESSION, json=GOOD | {"password": "a wrong password"})
    service.client().post(SESSION, json={"name": PASSWORD, "password": "x"})
    keyed = {"Authorization": "Bearer pst_wrong", "Idempotency-Key": "one"}
    assert service.client(**keyed).post("/api/v1/runs", json={"target": "it"}).status_code == 401
    assert listener.of("signin.accepted") == [{"who": "admin", "by": "password"}]
    refused = [(event["who"], event["by"]) for event in listener.of("signin.refused")]
    assert refused == [("admin", "password"), (None, "password"), (None, "token")]
    assert {event["client"] for event in listener.of("signin.refused")} == {"127.0.0.1"}
    assert PASSWORD not in str(listener.all)


def test_a_delayed_sign_in_is_logged(service, listener):
    for _ in range(8):
        last = service.client().post(SESSION, json=GOOD | {"password": "a wrong password"})
    assert last.status_code == 429
    assert {event["who"] for event in listener.of("signin.delayed")} == {"admin"}


def test_changes_and_refused_changes_are_logged_with_the_user(service, listener):
    admin = service.signed_in("admin")
    assert admin.post("/api/v1/flows/all/pause").status_code < 300
    assert admin.post("/api/v1/flows/nothing/pause").status_code == 404
    viewer = service.signed_in("viewer")
    assert viewer.post("/api/v1/flows/all/pause").status_code == 403
    action = "POST /flows/{name}/pause"
    assert admin.post("/api/v1/runs", json={"wrong": 1}).status_code == 400
    assert listener.of("change.made") == [{"who": "admin", "action": action, "what": "name=all"}]
    assert [(event["who"], event["what"], event["status"]) for event in listener.of("change.refused")] == [
        ("admin", "name=nothing", 404),
        ("viewer", "name=all", 403),
        ("admin", "", 400),
    ]
    assert all(event["reason"] for event in listener.of("change.refused"))


def test_a_reused_idempotency_key_is_no_refused_change_of_an_unknown_route(service, listener):
    admin = service.signed_in("admin")
    admin.headers["Idempotency-Key"] = "one"
    assert admin.post("/api/v1/flows/all/pause").status_code < 300
    assert admin.post("/api/v1/flows/all/resume").status_code == 409
    assert listener.of("change.refused") == []
