"""Sign-in by an identity provider that signs real tokens, and every kind of wrong token."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from penstock.main import execute
from penstock.model.errors import PenstockError
from penstock.service.model import AuditFilter
from penstock.service.people.identity_provider import read_sign_on
from support.servers.identity_provider import ADA, CLIENT, SECRET, new_key, running_provider
from support.service.security_service import code_of, running

BEGIN = "/api/v1/session/oidc"
ADAS = "ada@example.com"


@pytest.fixture
def provider():
    with running_provider() as made:
        yield made


@pytest.fixture
def opened(tmp_path, provider):
    """Starts the service with these settings besides the usual ones."""
    stack = []

    def start(**more):
        settings = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, **more}
        environ = {f"PENSTOCK_OIDC_{name}": text for name, text in settings.items()}
        stack.append(running(tmp_path, environ=environ))
        service = stack[-1].__enter__()
        provider.now = lambda: service.clock.now().timestamp()
        return service

    yield start
    for each in stack:
        each.__exit__(None, None, None)


def through(browser: httpx.Client, start: str = BEGIN) -> httpx.Response:
    """Follow the redirects to the provider and back, as a browser does; returns the reply of the callback."""
    there = browser.get(start)
    assert there.status_code == 303, there.text
    back = httpx.get(there.headers["location"])
    return browser.get(back.headers["location"])


def refusal(reply: httpx.Response) -> str:
    """The error code for the sign-in page. Asserts that nobody is signed in."""
    assert reply.status_code == 303, reply.text
    place = urlsplit(reply.headers["location"])
    assert (place.netloc, place.path) == ("", "/sign-in")
    assert "penstock_session" not in reply.headers.get("set-cookie", "")
    return parse_qs(place.query)["refused"][0]


def person(browser: httpx.Client):
    return browser.get("/api/v1/session").json()["person"]


def test_a_user_is_found_by_verified_address_first_and_by_subject_afterwards(opened, provider):
    service = opened(LABEL="Acme")
    service.app.people.register.add("ada", "editor", email="Ada@Example.com")
    browser = service.client()
    current = browser.get("/api/v1/session").json()
    assert current["oidc"] == {"label": "Acme", "url": BEGIN}
    reply = through(browser, f"{current['oidc']['url']}?to=/runs%3Fstatus%3Dfailed")
    assert (reply.status_code, reply.headers["location"]) == (303, "/runs?status=failed")
    session = browser.get("/api/v1/session").json()
    assert session["person"] == {"name": "ada", "role": "editor"}
    headers = {"X-Penstock-CSRF": session["csrf"]}
    assert browser.post("/api/v1/destinations/it/pause", headers=headers).status_code == 204
    provider.who["email"] = "ada.married@example.com"
    again = service.client()
    through(again)
    assert person(again)["name"] == "ada"
    entries = service.app.people.audit.page(AuditFilter())
    assert {entry.who for entry in entries if "oidc" in entry.action} == {"ada"}


def test_the_cookies_of_a_sign_in_are_hidden_from_scripts_and_no_secret_is_returned(opened, provider):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    browser = service.client(**{"X-Forwarded-Proto": "https"})
    there = browser.get(BEGIN)
    begun = there.headers["set-cookie"].lower()
    assert begun.startswith("__host-penstock_sign_on=")
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {word.strip() for word in begun.split(";")}
    asked = parse_qs(urlsplit(there.headers["location"]).query)
    assert asked["redirect_uri"][0].startswith("https://")
    assert len(asked["state"][0]) >= 32
    assert len(asked["nonce"][0]) >= 32
    for secret in (asked["state"][0], asked["nonce"][0], SECRET):
        assert secret not in begun
    assert SECRET not in there.headers["location"]


def test_an_unknown_user_is_refused_unless_users_are_created_at_sign_in(opened, provider):
    service = opened()
    browser = service.client()
    assert refusal(through(browser)) == "unknown-subject"
    assert person(browser) is None
    assert service.app.people.register.everybody() == []


def test_an_unknown_user_becomes_a_viewer_if_users_are_created_at_sign_in(opened, provider):
    service = opened(CREATE="yes")
    browser = service.client()
    through(browser)
    assert person(browser) == {"name": ADAS, "role": "viewer"}
    provider.who = {**ADA, "sub": "s-2"}  # another user, who now has the address
    other = service.client()
    through(other)
    assert person(other)["name"] == "ada"
    provider.who = {"sub": "s-3", "preferred_username": "ada"}
    third = service.client()
    through(third)
    assert person(third)["name"] == "s-3"


@pytest.mark.parametrize(
    "who",
    [{**ADA, "email_verified": False}, {**ADA, "email_verified": None}, {"sub": "s", "preferred_username": "ada"}],
)
def test_an_unverified_address_signs_in_nobody(opened, provider, who):
    service = opened()
    service.app.people.register.add("ada", "admin", email=ADAS)
    provider.who = who
    assert refusal(through(service.client())) == "unknown-subject"


def test_an_unverified_address_is_trusted_only_if_the_settings_say_so(opened, provider):
    service = opened(TRUST_EMAIL="yes")
    service.app.people.register.add("ada", "viewer", email=ADAS)
    provider.who["email_verified"] = False
    provider.only_in_userinfo = ("email", "email_verified")
    browser = service.client()
    through(browser)
    assert person(browser)["name"] == "ada"


def test_roles_come_from_the_claim_but_the_last_admin_stays(opened, provider):
    service = opened(ROLE_CLAIM="groups", ROLES="crm staff=operator, crm-admins=admin", CREATE="yes")
    browser = service.client()

    def role(groups):
        provider.who["groups"] = groups
        through(browser)
        return person(browser)["role"]

    assert role(["crm-admins", "crm staff"]) == "admin"
    assert role(["crm staff"]) == "admin", "the last admin"
    service.app.people.register.add("grace", "admin")
    assert role(["crm staff", "unknown"]) == "operator"
    assert role("crm-admins") == "admin"
    assert role([]) == "viewer"


def test_a_user_without_a_role_cannot_sign_in(opened, provider):
    service = opened(ROLE_CLAIM="groups", ROLES="staff=operator", DEFAULT_ROLE="none", CREATE="yes")
    assert refusal(through(service.client())) == "unknown-subject"
    provider.who["groups"] = ["staff"]
    browser = service.client()
    through(browser)
    assert person(browser)["role"] == "operator"
    provider.who["groups"] = []
    assert refusal(through(service.client())) == "unknown-subject"


def test_an_admin_unlinks_a_user_from_the_identity_provider(opened, provider):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    service.add("admin", "admin")
    browser, admin = service.client(), service.signed_in("admin")
    through(browser)
    assert person(browser)["name"] == "ada"
    changed = admin.patch("/api/v1/people/ada", json={"sign_on": False, "email": ""})
    assert (changed.status_code, changed.json()["has_sign_on"]) == (200, False)
    assert person(browser) is None
    assert refusal(through(browser)) == "unknown-subject"


def test_a_command_unlinks_a_user_from_the_identity_provider(opened, provider, capsys):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    browser = service.client()
    through(browser)
    assert person(browser)["name"] == "ada"
    place = ["--database", f"sqlite:///{service.folder}/state.db", "--json"]
    assert execute(["people", "unlink", "ada", *place]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "ada", "has_sign_on": False}
    assert person(browser) is None
    assert [row.subject for row in service.app.people.register.everybody() if row.name == "ada"] == [None]
    assert execute(["audit", *place]) == 0
    assert "people unlink" in capsys.readouterr().out


WRONG = {
    "another nonce": lambda header, claims: claims.update(nonce="x" * 32),
    "no nonce": lambda header, claims: claims.pop("nonce"),
    "another audience": lambda header, claims: claims.update(aud="another"),
    "several audiences and no party": lambda header, claims: claims.update(aud=[CLIENT, "another"]),
    "another party": lambda header, claims: claims.update(azp="another"),
    "expired": lambda header, claims: claims.update(exp=claims["iat"] - 61),
    "no end": lambda header, claims: claims.pop("exp"),
    "from the future": lambda header, claims: claims.update(iat=claims["iat"] + 3600),
    "not yet": lambda header, claims: claims.update(nbf=claims["iat"] + 3600),
    "another issuer": lambda header, claims: claims.update(iss="https://evil.example"),
    "no subject": lambda header, claims: claims.pop("sub"),
    "an empty subject": lambda header, claims: claims.update(sub=""),
    "a number as subject": lambda header, claims: claims.update(sub=7),
    "not signed": lambda header, claims: header.update(alg="none"),
    "signed with the public key": lambda header, claims: header.update(alg="HS256"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_token_is_refused(opened, provider, wrong):
    service = opened()
    service.app.people.register.add("ada", "admin", email=ADAS)
    provider.bend = WRONG[wrong]
    browser = service.client()
    assert refusal(through(browser)) == "sign-on-refused"
    assert person(browser) is None
    assert service.app.people.register.everybody()[0].subject is None


def test_a_token_signed_by_another_key_is_refused_and_a_new_key_is_fetched(opened, provider):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    browser = service.client()
    through(browser)
    provider.key = new_key("k1")  # signed by another key with the known id
    assert refusal(through(browser)) == "sign-on-refused"
    provider.key = new_key("k2")
    assert refusal(through(browser)) == "sign-on-refused"
    provider.published = provider.key
    service.clock.later_s += 11
    fresh = service.client()
    through(fresh)
    assert person(fresh)["name"] == "ada"


def test_the_reply_of_the_provider_must_belong_to_this_browsers_request(opened, provider):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    mine, thief = service.client(), service.client()
    there = mine.get(BEGIN)
    back = httpx.get(there.headers["location"]).headers["location"]
    assert refusal(thief.get(back)) == "sign-on-refused", "a browser that started no sign-in"
    thief.get(BEGIN)
    assert refusal(thief.get(back)) == "sign-on-refused", "a browser that started another sign-in"
    parts = dict(parse_qs(urlsplit(back).query))
    callback = f"{BEGIN}/callback"
    for query in ({"code": parts["code"][0]}, {"code": parts["code"][0], "state": "x"}, {"error": "access_denied"}):
        browser = service.client()
        browser.get(BEGIN)
        assert refusal(browser.get(callback, params=query)) == "sign-on-refused"
    assert mine.get(back).headers["location"] == "/"
    assert refusal(mine.get(back)) == "sign-on-refused", "an answer counts once"


def test_a_sign_in_that_takes_too_long_expires(opened, provider):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    browser = service.client()
    back = httpx.get(browser.get(BEGIN).headers["location"]).headers["location"]
    service.clock.later_s += 601
    assert refusal(browser.get(back)) == "sign-on-refused"


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "runs"]
)
def test_a_sign_in_redirects_only_to_pages_of_penstock(opened, provider, to):
    service = opened()
    service.app.people.register.add("ada", "viewer", email=ADAS)
    reply = through(service.client(), str(httpx.URL(BEGIN, params={"to": to})))
    assert reply.headers["location"] == "/"


def test_an_unreachable_or_wrong_identity_provider_is_reported(opened, provider):
    service = opened()
    provider.says = {"issuer": "https://evil.example"}
    assert refusal(service.client().get(BEGIN)) == "identity-provider"
    provider.says = {"token_endpoint": "http://evil.example/token"}
    assert refusal(service.client().get(BEGIN)) == "identity-provider"
    provider.says = {}
    assert service.client().get(BEGIN).headers["location"].startswith(provider.issuer)


def test_without_settings_or_without_sign_in_there_is_no_identity_provider(service, open_service):
    for each in (service, open_service):
        assert each.client().get("/api/v1/session").json()["oidc"] is None
        for path in (BEGIN, f"{BEGIN}/callback?code=x&state=y"):
            reply = each.client().get(path)
            assert (reply.status_code, code_of(reply)) == (404, "unknown-setting")


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"ISSUER": ""}, "ISSUER"),
        ({"ISSUER": "http://idp.example"}, "ISSUER"),
        ({"CLIENT_ID": ""}, "CLIENT_ID"),
        ({"SCOPES": "email"}, "SCOPES"),
        ({"ROLES": "staff"}, "ROLES"),
        ({"ROLES": "staff=king"}, "ROLES"),
        ({"DEFAULT_ROLE": "king"}, "DEFAULT_ROLE"),
        ({"CREATE": "perhaps"}, "CREATE"),
        ({"CLIENT_SECRET_FILE": "/nowhere"}, "CLIENT_SECRET_FILE"),
        ({"REDIRECT_URL": "idp.example/x"}, "REDIRECT_URL"),
        ({"ISUER": "https://idp.example"}, "ISUER"),
    ],
)
def test_wrong_settings_are_reported_by_name_without_their_values(settings, place):
    usual = {"ISSUER": "https://idp.example", "CLIENT_ID": "penstock"}
    with pytest.raises(PenstockError) as caught:
        read_sign_on({f"PENSTOCK_OIDC_{name}": text for name, text in {**usual, **settings}.items()})
    assert caught.value.problems[0].path == f"PENSTOCK_OIDC_{place}"


def test_the_client_secret_may_be_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("from-a-file\n")
    usual = {"ISSUER": "https://idp.example", "CLIENT_ID": "penstock", "CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    found = read_sign_on({f"PENSTOCK_OIDC_{name}": text for name, text in usual.items()})
    assert (found.client.client_secret, found.label) == ("from-a-file", "idp.example")
    assert "from-a-file" not in repr(found)
