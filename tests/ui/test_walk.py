"""A person sends a dataset to Custify in the browser: from nothing to delivered, with what is held mended."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)
AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
PLACES = (
    "/flows",
    "/destinations",
    "/runs",
    "/quarantine",
    "/sources",
    "/datasets",
    "/credentials",
    "/versions",
    "/audit",
    "/settings",
)


def test_send_to_destination_from_nothing_to_mended(page, tmp_path):
    page.goto("/destinations")
    page.get_by_role("link", name="Send to destination").first.click()
    page.get_by_role("combobox", name="Which records?").click()
    page.get_by_role("option", name="contacts").click()
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("radio", name=re.compile("^acme")).click()
    page.get_by_role("button", name=re.compile("^Upsert person")).click()

    samples = page.get_by_role("complementary", name="Sample payloads")
    samples.get_by_text("ada@example.com").first.wait_for()
    page.get_by_text("1 of 3 records would be quarantined").wait_for()  # the contract check, while editing

    page.reload()  # nothing that was begun is lost
    page.get_by_text("What you had begun is here again.").wait_for()
    samples.get_by_text("ada@example.com").first.wait_for()

    samples.get_by_role("button", name="Test", exact=True).click()
    samples.get_by_role("button", name="Send test data").click()
    samples.get_by_text(re.compile(r"Reply 20\d after")).wait_for()

    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="person").wait_for()
    page.get_by_text("draft", exact=True).first.wait_for()
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("3 records become").wait_for()
    dialog.get_by_role("button", name="Activate").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("partial", exact=True).first.wait_for()
    page.get_by_text(re.compile("2 delivered")).first.wait_for()

    page.goto("/quarantine")
    page.get_by_role("link", name="email: email").click()
    page.get_by_role("link", name="9").click()
    page.get_by_role("heading", name="9").wait_for()
    page.get_by_text("not-an-address").first.wait_for()


def test_by_hand_each_grouping_shows_its_request(page):
    page.goto("/destinations/new?dataset=contacts")
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("radio", name=re.compile("^acme")).click()
    page.get_by_text("By hand").click()
    samples = page.get_by_role("complementary", name="Sample payloads")
    samples.get_by_text("/people").first.wait_for()
    page.get_by_role("combobox", name="Grouping").click()
    page.get_by_role("option", name="Property of an object").click()
    samples.get_by_text("batch").first.wait_for()
    page.get_by_role("combobox", name="Grouping").click()
    page.get_by_role("option", name="Python code").click()
    samples.get_by_text("batch").first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(page, scheme):
    page.emulate_media(color_scheme=scheme)
    found = {}
    for place in PLACES:
        page.goto(place)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text())
        told = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        if told["violations"]:
            found[place] = [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in told["violations"]]
    assert found == {}
