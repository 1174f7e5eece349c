"""A project of 1,000 destinations and 500 flows in the browser: pages draw what is in view."""

import pytest
from playwright.sync_api import expect

from served import Served

DESTINATIONS, FLOWS = 1000, 500


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    lines = ["destinations:"]
    lines += [
        f"  d{n:04}: {{dataset: contacts, credential: page, template: upsert_person, fields: {{email: email}}}}"
        for n in range(DESTINATIONS)
    ]
    lines += ["flows:", *(f"  f{n:03}: {{destinations: [d{2 * n:04}, d{2 * n + 1:04}]}}" for n in range(FLOWS))]
    with Served(tmp_path_factory.mktemp("large"), more="\n".join(lines) + "\n") as served:
        served.begin()
        yield served


def elements(page):
    return page.evaluate("document.querySelectorAll('*').length")


def test_the_flows_are_drawn_as_far_as_they_are_in_view(new_page, large):
    page = new_page(large)
    page.goto("/flows")
    page.get_by_role("article", name="Source crm").wait_for()
    page.get_by_role("article", name="Destination d0000").wait_for()
    assert page.get_by_role("article").count() < 50
    assert elements(page) < 6000, "the lines to the 1,000 that one dataset feeds, and little else"

    page.get_by_placeholder(f"Find one of {FLOWS} flows").fill("f321")
    page.get_by_role("option", name="f321").click()
    page.get_by_role("article", name="Destination d0643").wait_for()
    expect(page.get_by_role("article")).to_have_count(4)

    page.goto("/flows?view=list")
    page.get_by_role("row", name="d0003").wait_for()
    assert elements(page) < 3000


def test_the_list_of_destinations_has_them_all_and_draws_what_is_in_view(new_page, large):
    page = new_page(large)
    page.goto("/destinations")
    table = page.get_by_role("table")
    expect(table).to_have_attribute("aria-rowcount", str(DESTINATIONS + 1))
    assert elements(page) < 3000
