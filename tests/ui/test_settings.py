"""Signing in, the first time and again; people, tokens, retention and alerts, set in the browser."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import expect

from browsing import pick, samples
from served import Served

PASSWORD = "correct horse battery"
DESTINATION = """\
destinations:
  people: {dataset: contacts, credential: acme, template: upsert_person, fields: {email: email}}
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A service that people sign in to, with nobody there yet."""
    with Served(tmp_path_factory.mktemp("guarded"), options=(), more=DESTINATION) as served:
        served.begin()
        yield served


@pytest.fixture(scope="module")
def ada(browser, guarded):
    """The first person, who sets it up by the one-time link: what their browser keeps."""
    context = browser.new_context(base_url=guarded.url)
    page = context.new_page()
    page.goto(guarded.told["setup_url"])
    page.get_by_label("Your name").fill("ada")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_text("Use at least 12 characters").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, again").fill(PASSWORD)
    page.get_by_role("button", name="Create administrator").click()
    page.get_by_role("heading", name="Flows").wait_for()
    kept = context.storage_state()
    context.close()
    return kept


def test_whoever_is_not_signed_in_comes_back_to_where_they_wanted(new_page, guarded, ada, forgiven):
    forgiven += ["status of 400", "status of 401"]
    page = new_page(guarded)
    page.goto("/destinations/people")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("Name", exact=True).fill("ada")
    page.get_by_label("Password", exact=True).fill("something else")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("name or password is wrong").wait_for()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="people").wait_for()


def test_a_session_that_ends_under_a_form_takes_nothing_away(new_page, guarded, ada, forgiven):
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


def test_people_are_let_in_and_shut_out(new_page, guarded, ada, forgiven):
    forgiven.append("status of 401")
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings")
    page.get_by_role("button", name="Add person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("grace")
    pick(page, "Role", "Viewer")
    dialog.get_by_role("button", name="Add person").click()
    link = page.get_by_label("One-time link").input_value()
    page.get_by_role("button", name="Done").click()

    other = new_page(guarded)
    other.goto(link)
    other.get_by_role("heading", name="Choose your password").wait_for()
    expect(other.get_by_label("Your name")).to_have_value("grace")
    other.get_by_label("Password", exact=True).fill("another horse battery")
    other.get_by_label("Password, again").fill("another horse battery")
    other.get_by_role("button", name="Set the password and sign in").click()
    other.get_by_role("heading", name="Flows").wait_for()

    pick(page, "Role: grace", "Operator")
    page.get_by_text("grace is operator").wait_for()
    page.get_by_role("button", name="Actions of grace").click()
    page.get_by_role("menuitem", name="New password link").click()
    page.get_by_role("dialog").get_by_role("button", name="Make the link").click()
    assert page.get_by_label("One-time link").input_value() != link
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Actions of grace").click()
    page.get_by_role("menuitem", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.get_by_text("grace is removed").wait_for()
    other.goto("/runs")
    other.get_by_role("heading", name="Sign in").wait_for()


def test_a_token_is_seen_once_and_revoked(new_page, guarded, ada):
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings?tab=tokens")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("nightly job")
    pick(page, "Expires", "in 30 days")
    page.get_by_role("button", name="Create token").click()
    token = page.get_by_label("The token, shown this once").input_value()
    assert token.startswith("pst_")
    answer = page.request.get("/api/v1/destinations", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    assert answer.ok
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("in 30 days").or_(page.get_by_text("in 29 days"))).to_be_visible()
    assert token not in page.content()
    page.get_by_role("button", name="Revoke nightly job").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.get_by_text("nightly job is revoked").wait_for()
    refused = page.request.get("/api/v1/destinations", headers={"Authorization": f"Bearer {token}", "Cookie": ""})
    assert refused.status == 401


def test_retention_is_a_form(new_page, guarded, ada):
    page = new_page(guarded, storage_state=ada)
    page.goto("/settings?tab=retention")
    page.get_by_label("Replies: days").fill("7")
    page.get_by_label("Audit: Keep for ever").press("Space")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).wait_for()
    page.reload()
    expect(page.get_by_label("Replies: days")).to_have_value("7 days")
    expect(page.get_by_label("Audit: Keep for ever")).to_be_checked()


@pytest.fixture
def channel():
    """A place that takes alerts: its address, and what came."""
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
    ops.get_by_role("combobox", name="Hosts inside the network that it may reach").fill("127.0.0.1")
    page.keyboard.press("Enter")
    page.get_by_label("A run ended with records held or unknown").press("Space")
    page.get_by_label("More records held than", exact=True).fill("50")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved", exact=True).wait_for()
    ops.get_by_text(re.compile("sealed: json://")).wait_for()
    page.get_by_role("button", name="Send a test").click()
    page.get_by_text("ops took the message").wait_for()
    assert len(came) == 1
    page.reload()
    expect(page.get_by_label("A run ended with records held or unknown")).to_be_checked()
    expect(page.get_by_label("More records held than", exact=True)).to_have_value("50 records")


def test_a_person_changes_their_password(new_page, guarded, ada, forgiven):
    # the last one here: it ends the session that the others use
    forgiven += ["status of 400", "status of 401"]
    page = new_page(guarded)
    page.goto("/settings?tab=account")
    page.get_by_label("Name", exact=True).fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for old, new in ((PASSWORD, "another staple battery"), ("another staple battery", PASSWORD)):  # and back
        page.get_by_label("Present password").fill(old)
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password, again").fill(new)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_label("Present password")).to_have_value("")
    expect(page.get_by_text("Your password is changed").first).to_be_visible()
