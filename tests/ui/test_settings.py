"""Sign-in, users, tokens, retention and alerts in the browser."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import expect

from support.servers.identity_provider import CLIENT, SECRET, running_provider
from support.service.service_process import ServiceProcess
from support.ui.page_steps import pick, samples

PASSWORD = "correct horse battery"
DESTINATION = """\
destinations:
  people: {dataset: contacts, credential: acme, template: upsert_person, fields: {email: email}}
"""


@pytest.fixture(scope="module")
def provider():
    """An identity provider."""
    with running_provider() as made:
        yield made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, provider):
    """A service without users, with sign-in by password or by the identity provider."""
    sign_on = {"ISSUER": provider.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "LABEL": "Acme"}
    environ = {f"PENSTOCK_OIDC_{name}": text for name, text in sign_on.items()}
    with ServiceProcess(tmp_path_factory.mktemp("guarded"), options=(), more=DESTINATION, environ=environ) as served:
        served.begin()
        yield served


@pytest.fixture(scope="module")
def ada(browser, guarded):
    """The first user, who was created by the one-time link: the stored state of their browser."""
    context = browser.new_context(base_url=guarded.url)
    page = context.new_page()
    page.goto(guarded.ready_document["setup_url"])
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_text("Use at least 12 characters").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Repeat password").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    page.get_by_role("heading", name="Flows").wait_for()
    kept = context.storage_state()
    context.close()
    return kept


def let_in(admin, name, **more):
    """Add another user, for one test, with the administrator's session."""
    headers = {"X-Penstock-CSRF": admin.request.get("/api/v1/session").json()["csrf"]}
    made = admin.request.post("/api/v1/people", data={"name": name, "role": "editor", **more}, headers=headers)
    assert made.ok, made.text()


def sign_in(page, name, password=PASSWORD):
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_sign_in_leads_back_to_the_requested_page(new_page, guarded, ada, forgiven):
    forgiven += ["status of 400", "status of 401"]
    page = new_page(guarded)
    page.goto("/destinations/people")
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, "ada", "something else")
    page.get_by_text("name or password is wrong").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="people").wait_for()


def test_an_ended_session_loses_no_input(new_page, guarded, ada, forgiven):
    forgiven.append("status of 401")
    page = new_page(guarded, storage_state=ada)
    page.goto("/destinations/people/configure")
    samples(page).get_by_text("ada@example.com").first.wait_for()
    page.context.clear_cookies()
    page.get_by_role("combobox", name="Exclude attributes").fill("seats")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Your session ended.").wait_for()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("ada")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    dialog.wait_for(state="hidden")
    expect(page.get_by_text("seats", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("people is saved").wait_for()


def test_sign_in_by_the_identity_provider(new_page, guarded, ada, provider, forgiven):
    forgiven.append(provider.issuer)
    provider.who = {"sub": "s-ida", "email": "ida@example.com", "email_verified": True}
    page = new_page(guarded)
    page.goto("/destinations/people")
    page.get_by_role("link", name="Continue with Acme").click()
    page.get_by_text("you are not a user of this Penstock.").wait_for()
    let_in(new_page(guarded, storage_state=ada), "ida", email="ida@example.com")
    page.get_by_role("link", name="Continue with Acme").click()
    page.get_by_role("heading", name="people").wait_for()  # the requested page
    page.get_by_role("button", name="ida").click()
    page.get_by_text("ida, editor").wait_for()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_drafts_are_deleted_when_another_user_signs_in(new_page, guarded, ada, forgiven):
    forgiven.append("status of 401")
    kept = "() => Object.keys(localStorage).filter(one => one.startsWith('penstock.draft.'))"
    admin = new_page(guarded, storage_state=ada)
    for name in ("alan", "lin"):
        let_in(admin, name, password=PASSWORD)
    page = new_page(guarded)
    page.goto("/sources/crm")
    sign_in(page, "alan")
    delimiter = page.get_by_label("Delimiter")
    delimiter.fill(";")
    guarded.until(lambda: page.evaluate(kept) == ["penstock.draft.edit.sources.crm"])
    page.get_by_role("button", name="alan").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.evaluate(kept) == []

    page.goto("/sources/crm")
    sign_in(page, "alan")
    expect(delimiter).to_have_value("")
    delimiter.fill(";")
    page.context.clear_cookies()
    delimiter.fill("|")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Your session ended.").wait_for()
    sign_in(dialog, "lin")  # another user of this browser sees neither the form nor its input
    page.get_by_role("heading", name="Flows").wait_for()
    assert page.evaluate(kept) == []
    page.goto("/sources/crm")
    expect(delimiter).to_have_value("")


def test_users_are_added_and_removed(new_page, guarded, ada, forgiven):
    forgiven.append("status of 401")
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings")
    page.get_by_role("button", name="Add user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("grace")
    pick(page, "Role", "Viewer")
    dialog.get_by_role("button", name="Add user").click()
    link = page.get_by_label("One-time link").input_value()
    page.get_by_role("button", name="Done").click()

    other = new_page(guarded)
    other.goto(link)
    other.get_by_role("heading", name="Choose your password").wait_for()
    expect(other.get_by_label("Your name")).to_have_value("grace")
    other.get_by_label("Password", exact=True).fill("another horse battery")
    other.get_by_label("Repeat password").fill("another horse battery")
    other.get_by_role("button", name="Set the password and sign in").click()
    other.get_by_role("heading", name="Flows").wait_for()

    pick(page, "Role: grace", "Operator")
    page.get_by_text("Role of grace: Operator").wait_for()
    page.get_by_role("button", name="Actions for grace").click()
    page.get_by_role("menuitem", name="New password link").click()
    page.get_by_role("dialog").get_by_role("button", name="Create link").click()
    assert page.get_by_label("One-time link").input_value() != link
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Actions for grace").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("grace is removed").wait_for()
    other.goto("/runs")
    other.get_by_role("heading", name="Sign in").wait_for()


def test_a_token_is_shown_once_and_revoked(new_page, guarded, ada):
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings?tab=tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Token name").fill("nightly job")
    pick(page, "Expires", "in 30 days")
    page.get_by_role("button", name="Create token").click()
    token = page.get_by_label("Token, shown once").input_value()
    assert token.startswith("pst_")
    answer = page.request.get("/api/v1/destinations", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    assert answer.ok
    page.get_by_role("button", name="Done").click()
    page.locator("time", has_text=re.compile(r"in (29|30) days")).wait_for()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke nightly job").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("nightly job is revoked").wait_for()
    refused = page.request.get("/api/v1/destinations", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    assert refused.status == 401


def test_retention_is_set_in_a_form(new_page, guarded, ada):
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings?tab=retention")
    page.get_by_label("Replies: days").fill("7")
    page.get_by_label("Audit: Store forever").press("Space")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).wait_for()
    page.reload()
    expect(page.get_by_label("Replies: days")).to_have_value("7 days")
    expect(page.get_by_label("Audit: Store forever")).to_be_checked()


@pytest.fixture
def channel():
    """A receiver of alerts: its address, and the received messages."""
    came: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, came
    server.shutdown()
    thread.join()
    server.server_close()


def test_alerts_are_a_form_with_a_test_message(new_page, guarded, ada, channel):
    port, came = channel
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings?tab=alerts")
    page.get_by_label("Name", exact=True).fill("ops")
    page.get_by_role("button", name="Add channel").click()
    ops = page.get_by_role("group", name="ops")
    ops.get_by_label("Address").fill(f"json://127.0.0.1:{port}/alerts")
    ops.get_by_role("combobox", name="Allowed hosts in the private network").fill("127.0.0.1")
    page.keyboard.press("Enter")
    page.get_by_label("A run ended with records in quarantine").press("Space")
    page.get_by_label("Records in quarantine, more than", exact=True).fill("50")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).wait_for()
    ops.get_by_text(re.compile("stored: json://")).wait_for()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("ops accepted the message").wait_for()
    assert len(came) == 1
    page.reload()
    expect(page.get_by_label("A run ended with records in quarantine")).to_be_checked()
    expect(page.get_by_label("Records in quarantine, more than", exact=True)).to_have_value("50 records")


def test_a_person_changes_their_password(new_page, guarded, ada, forgiven):
    forgiven += ["status of 400", "status of 401"]
    let_in(new_page(guarded, storage_state=ada), "mary", password=PASSWORD)
    page = new_page(guarded)
    page.goto("/settings?tab=account")
    sign_in(page, "mary")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("another staple battery")
    page.get_by_label("Repeat new password").fill("another staple battery")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_label("Current password")).to_have_value("")
    page.get_by_text("Password changed.").first.wait_for()
    page.context.clear_cookies()
    page.goto("/settings?tab=account")
    sign_in(page, "mary", "another staple battery")
    page.get_by_label("Current password").wait_for()
