"""Every page is accessible in light and dark, checked by axe, and as narrow as a tablet."""

import re

import pytest

from support.ui.page_steps import begin, by_hand, fits, keep, samples, settled

COLOURS = ["color-contrast", "link-in-text-block"]
LISTS = (
    "flows",
    "flows?view=list",
    "destinations",
    "runs",
    "quarantine",
    "responses",
    "sources",
    "datasets",
    "credentials",
    "versions",
    "audit",
)
WINDOW, TABLET = {"width": 1440, "height": 900}, {"width": 820, "height": 1180}
PERSON = {"dataset": "contacts", "credential": "acme", "template": "upsert_person", "responses": True, "active": True}


@pytest.fixture(scope="package")  # like `place`: a worker of pytest-xdist can return to a module
def filled(place):
    """The addresses of a run, a record in quarantine and a reply."""
    place.call("POST", "/destinations", {"name": "looked-at", "value": PERSON})
    place.call("POST", "/flows", {"name": "seen", "value": {"destinations": ["looked-at"], "schedule": "0 2 * * *"}})
    run = place.call("POST", "/runs", {"target": "looked-at"})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] not in {"queued", "running"})
    delivery = place.call("GET", f"/runs/{run}/deliveries")["items"][0]["delivery"]
    held = place.call("GET", "/quarantine?destination=looked-at")["items"][0]["id"]
    return (
        *(f"/{name}" for name in LISTS),
        *(f"/settings?tab={tab}" for tab in ("people", "tokens", "alerts", "retention", "account")),
        *(f"/{kind}/new" for kind in ("destinations", "sources", "datasets", "credentials", "flows")),
        "/destinations/looked-at",
        "/destinations/looked-at/configure",
        f"/runs/{run}",
        f"/runs/{run}?tab=records",
        f"/runs/{run}/deliveries/{delivery}",
        f"/quarantine/{held}",
        "/sources/crm",
        "/datasets/contacts",
        "/credentials/acme",
        "/flows/seen",
        "/versions/1",
        "/nowhere/at/all",
    )


@pytest.mark.parametrize("half", [0, 1], ids=["first", "second"])
def test_every_page_is_accessible_in_light_and_dark_and_fits_a_tablet(page, filled, axe, half):
    found = {}
    for address in filled[half::2]:
        page.goto(address)
        settled(page)
        wrong = in_light_and_dark(page, axe)
        keep(page, "light", address)
        page.set_viewport_size(TABLET)
        keep(page, "tablet", address)
        if not fits(page):
            wrong.append("wider than a tablet")
        page.set_viewport_size(WINDOW)
        if wrong:
            found[address] = wrong
    assert found == {}


def in_light_and_dark(page, axe):
    """The findings of axe; in dark only those about colours, since nothing else differs."""
    _show(page, "dark")
    wrong = axe(page, COLOURS)
    _show(page, "light")
    return wrong + axe(page)


def _show(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.locator(f"html[data-mantine-color-scheme={scheme}]").wait_for(state="attached")


def test_each_step_of_the_wizard_is_accessible_in_light_and_dark(page, place, axe):
    begin(page)
    found = {"cards": in_light_and_dark(page, axe)}
    page.get_by_role("button", name=re.compile("^Upsert person")).click()
    samples(page).get_by_text("ada@example.com").first.wait_for()
    page.get_by_text("records would be quarantined").wait_for()
    found["template"] = in_light_and_dark(page, axe)
    samples(page).get_by_role("button", name="Test", exact=True).click()
    found["test"] = in_light_and_dark(page, axe)
    by_hand(page)
    page.get_by_role("combobox", name="Grouping").wait_for()
    found["manual request"] = in_light_and_dark(page, axe)
    page.get_by_role("button", name="Back", exact=True).click()
    page.get_by_role("button", name="Add credential").click()
    page.get_by_role("dialog").get_by_label("API key").wait_for()
    found["credential"] = in_light_and_dark(page, axe)
    assert {step: wrong for step, wrong in found.items() if wrong} == {}
