"""A project of 1,000 destinations and 500 flows in the browser: pages render only what is in view."""

import json
from contextlib import closing

import pytest
from playwright.sync_api import expect

from penstock.store.database import Database
from support.kernel.quarantine_rows import hold_many
from support.service.service_process import ServiceProcess

DESTINATIONS, FLOWS = 1000, 500


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    lines = ["destinations:"]
    lines += [
        f"  d{n:04}: {{dataset: contacts, credential: page, template: upsert_person, fields: {{email: email}}}}"
        for n in range(DESTINATIONS)
    ]
    lines += ["flows:", *(f"  f{n:03}: {{destinations: [d{2 * n:04}, d{2 * n + 1:04}]}}" for n in range(FLOWS))]
    with ServiceProcess(tmp_path_factory.mktemp("large"), more="\n".join(lines) + "\n") as served:
        served.begin()
        yield served


# the most cards that were in the page at any time, and the most elements
MOST = """
window.most = [0, 0];
const look = () => {
  const now = [document.querySelectorAll("article").length, document.querySelectorAll("*").length];
  window.most = window.most.map((most, i) => Math.max(most, now[i]));
};
document.addEventListener("DOMContentLoaded", () => new MutationObserver(look).observe(document, { childList: true, subtree: true }));
"""


def elements(page):
    return page.evaluate("document.querySelectorAll('*').length")


def test_only_flows_in_view_are_rendered(new_page, large):
    page = new_page(large)
    page.add_init_script(MOST)
    page.goto("/flows")
    page.get_by_role("article", name="Source crm").wait_for()
    page.get_by_role("article", name="Destination d0000").wait_for()
    assert page.get_by_role("article").count() < 50
    cards, whole = page.evaluate("window.most")
    assert cards < 50, "also at first, before anything is measured"
    assert whole < 1500

    canvas = page.get_by_role("application", name="Sources, datasets and destinations, connected from left to right")
    box = canvas.bounding_box()
    right, bottom = box["x"] + box["width"] - 40, box["y"] + box["height"] - 40
    page.mouse.move(right, bottom)
    page.mouse.down()
    page.mouse.move(right, box["y"] + 40, steps=5)
    page.mouse.up()
    page.get_by_role("article", name="Destination d0008").wait_for()
    page.get_by_role("article", name="Destination d0000").wait_for(state="detached")
    assert page.get_by_role("article").count() < 50

    page.get_by_placeholder(f"Find one of {FLOWS} flows").fill("f321")
    page.get_by_role("option", name="f321").click()
    page.get_by_role("article", name="Destination d0643").wait_for()
    expect(page.get_by_role("article")).to_have_count(4)

    page.goto("/flows?view=list")
    page.get_by_role("row", name="d0003").wait_for()
    assert elements(page) < 3000


def test_an_unchanged_overview_is_not_sent_again(new_page, large):
    page = new_page(large)
    with page.expect_response("**/api/v1/overview") as first:
        page.goto("/flows")
    assert first.value.status == 200
    assert len(first.value.body()) > 300_000
    with page.expect_response(lambda reply: reply.url.endswith("/overview") and reply.status == 304):
        page.get_by_role("article", name="Destination d0000").wait_for()


def test_the_list_of_destinations_has_all_and_renders_those_in_view(new_page, large):
    page = new_page(large)
    page.goto("/destinations")
    table = page.get_by_role("table")
    expect(table).to_have_attribute("aria-rowcount", str(DESTINATIONS + 1))
    assert elements(page) < 3000


def test_a_discard_of_many_records_shows_its_progress(new_page, large):
    with closing(Database.open(f"sqlite:///{large.folder / '.penstock' / 'state.db'}")) as database:
        hold_many(database, "d0000", 3000)

    def halfway(route):
        answer = route.fetch()
        items = [{**item, "discarded": 1000, "ended_at": None} for item in answer.json()["items"]]
        route.fulfill(response=answer, body=json.dumps({"items": items, "next": None}))

    page = new_page(large)
    page.goto("/quarantine?destination=d0000")
    page.get_by_role("link", name="required").click()
    page.route("**/quarantine/discards", halfway)
    page.get_by_role("button", name="Discard 3,000 records").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard 3,000 records").click()
    page.get_by_role("status").get_by_text("Discarding: 1,000 of 3,000 records done").wait_for()
    large.until(lambda: large.call("GET", "/quarantine?destination=d0000")["items"] == [])
    page.unroute("**/quarantine/discards")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    page.get_by_text("No record in quarantine").wait_for()
