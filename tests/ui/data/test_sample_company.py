"""A new user loads the sample company, activates its draft and watches the run on the canvas."""

import re

import pytest
from playwright.sync_api import expect

from support.service.service_process import ServiceProcess


@pytest.fixture(scope="module")
def nobody(tmp_path_factory):
    """An empty service."""
    with ServiceProcess(tmp_path_factory.mktemp("nobody")) as served:
        served.begin_empty()
        yield served


def test_a_newcomer_loads_the_sample_company_activates_the_draft_and_watches(new_page, nobody):
    page = new_page(nobody)
    page.goto("/")
    page.get_by_text("No source yet").wait_for()
    page.get_by_role("button", name="Load sample company").click()
    page.get_by_role("article", name="Dataset people").wait_for()
    states = {one["name"]: one["state"]["state"] for one in nobody.call("GET", "/destinations")["items"]}
    (draft,) = (name for name, state in states.items() if state == "draft")
    card = page.get_by_role("article", name=f"Destination {draft}")
    expect(card).to_contain_text("draft")

    people = page.get_by_role("article", name="Dataset people")
    for item, there in (
        ("View records", "/datasets/people"),
        ("Shape with SQL", "/datasets/new"),
        ("Send to destination", "/destinations/new"),
    ):
        people.get_by_role("button", name="Use people in…").click()
        page.get_by_role("menuitem", name=item).click()
        expect(page).to_have_url(re.compile(re.escape(there)))
        page.goto("/flows")

    sent = page.get_by_role("article", name="Destination companies")
    sent.get_by_role("link", name="partial").wait_for()  # it is being sent, and one company is wrong on purpose
    sent.get_by_role("link", name="1 in quarantine", exact=True).wait_for()
    (whole,) = nobody.call("GET", "/runs?limit=1")["items"]
    nobody.until(lambda: nobody.call("GET", f"/runs/{whole['run']}")["status"] == "partial", within_s=90)
    card.get_by_role("link", name=draft).click()
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("at your rate limit this takes").wait_for()
    dialog.get_by_role("button", name="Activate").click()
    page.get_by_text(f"{draft} is active").wait_for()
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("heading", name=re.compile("^r-")).wait_for()
    page.goto("/flows")
    expect(card).to_contain_text("active")
    card.get_by_role("link", name=re.compile("succeeded|delivered, |partial")).wait_for()  # by itself, when it is over
    run = nobody.call("GET", f"/runs?target={draft}")["items"][0]
    assert run["records"]["delivered"] + run["records"]["accepted"] > 0
