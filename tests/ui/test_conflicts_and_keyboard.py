"""Lost connections, conflicts and the keyboard: no input is lost, and nothing is overwritten silently."""

import re

import pytest
from playwright.sync_api import expect

from support.service.service_process import ServiceProcess
from support.ui.page_steps import begin, done, samples

PERSON = {"dataset": "contacts", "credential": "acme", "template": "upsert_person", "fields": {"email": "email"}}


@pytest.fixture
def own_place(tmp_path):
    """A service that only this test stops and starts."""
    with ServiceProcess(tmp_path) as served:
        served.begin()
        yield served


def test_a_form_stays_while_the_service_is_down(new_page, own_place, forgiven):
    forgiven.append("ERR_CONNECTION_REFUSED")
    page = new_page(own_place)
    begin(page)
    page.get_by_role("button", name=re.compile("^Upsert person")).click()
    samples(page).get_by_text("ada@example.com").first.wait_for()
    other = new_page(own_place)
    other.goto("/sources/crm")  # one that is there already, edited meanwhile
    other.get_by_label("Delimiter").wait_for()
    port = own_place.stop()
    other.get_by_label("Delimiter").fill(",")
    name = page.get_by_role("group", name="Name", exact=True)
    name.get_by_role("combobox", name="Mapping of Name").click()
    page.get_by_role("option", name="Constant").click()
    name.get_by_label("Value for Name").fill("typed meanwhile")
    page.get_by_text("Penstock does not answer.").wait_for()
    own_place.serve(port)
    expect(page.get_by_text("Penstock does not answer.")).to_have_count(0)
    samples(page).get_by_text("typed meanwhile").first.wait_for()  # the sample was read again without a click
    page.reload()
    samples(page).get_by_text("typed meanwhile").first.wait_for()
    done(page, "survivor")
    other.reload()
    expect(other.get_by_label("Delimiter")).to_have_value(",")
    other.get_by_role("button", name="Save", exact=True).click()
    other.get_by_text("crm is saved").wait_for()


def test_a_conflict_of_two_users_shows_both_values(new_page, place, forgiven):
    forgiven.append("status of 412")
    place.call("POST", "/destinations", {"name": "shared", "value": PERSON})
    ada, grace = new_page(), new_page()
    for page in (ada, grace):
        page.goto("/destinations/shared/configure")
        samples(page).get_by_text("ada@example.com").first.wait_for()
    for page, column in ((ada, "seats"), (grace, "company")):
        page.get_by_role("combobox", name="Exclude attributes").fill(column)
        page.keyboard.press("Enter")
    ada.get_by_role("button", name="Save", exact=True).click()
    ada.get_by_text("shared is saved").wait_for()

    save = grace.get_by_role("button", name="Save", exact=True)
    save.click()
    dialog = grace.get_by_role("dialog")
    row = dialog.get_by_role("row", name=re.compile("Exclude attributes"))
    expect(row).to_contain_text('["seats"]')  # theirs
    expect(row).to_contain_text('["company"]')  # hers
    grace.keyboard.press("Escape")  # continues to edit: no input is lost or overwritten
    expect(grace.get_by_text("company", exact=True).first).to_be_visible()
    assert place.call("GET", "/destinations/shared")["value"]["exclude"] == ["seats"]
    save.click()
    dialog.get_by_role("button", name="Overwrite with mine").click()
    grace.get_by_text("shared is saved").wait_for()
    assert place.call("GET", "/destinations/shared")["value"]["exclude"] == ["company"]


def test_use_theirs_takes_the_saved_version(new_page, place, forgiven):
    forgiven.append("status of 412")
    place.call("POST", "/destinations", {"name": "yielded", "value": PERSON})
    page = new_page()
    page.goto("/destinations/yielded/configure")
    page.get_by_role("combobox", name="Exclude attributes").fill("company")
    page.keyboard.press("Enter")
    place.call("PATCH", "/destinations/yielded", {"exclude": ["seats"]})
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Use theirs").click()
    expect(page.get_by_text("seats", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    page.reload()
    expect(page.get_by_text("seats", exact=True).first).to_be_visible()


FOCUS = """element => {
    const at = document.activeElement;
    if (!element.isConnected) return "replaced";
    return element === at ? "here" : at.closest(".cm-content") ? "editor" : "elsewhere";
}"""


def reach(page, target, most=300, key="Tab"):
    """Tab as far as this element; an editor takes Tab for itself until Escape is pressed."""
    element = target.first.element_handle()
    for _ in range(most):
        at = element.evaluate(FOCUS)
        if at == "here":
            return
        if at == "replaced":  # by a new one in its place
            element = target.first.element_handle()
            continue
        if at == "editor":
            page.keyboard.press("Escape")
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not come to {target}")


def test_the_wizard_works_by_keyboard(page, place):
    page.goto("/destinations")
    page.get_by_role("heading", name="Destinations").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("link", name="Send to destination"))
    page.keyboard.press("Enter")
    records = page.get_by_role("combobox", name="Which records?")
    records.wait_for()
    reach(page, records)
    page.keyboard.type("contacts")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("button", name=re.compile("^Custify")))
    page.keyboard.press("Enter")
    tile = page.get_by_role("radio", name=re.compile("^acme"))
    tile.wait_for()
    reach(page, tile)
    page.keyboard.press("Enter")
    card = page.get_by_role("button", name=re.compile("^Upsert person"))
    card.wait_for()
    reach(page, card)
    page.keyboard.press("Enter")
    panel = samples(page)
    panel.get_by_text("ada@example.com").first.wait_for()
    way = page.get_by_role("combobox", name="Mapping of Phone")
    reach(page, way)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    reach(page, page.get_by_label("Name of the destination"), key="Shift+Tab")
    page.keyboard.type("by-keys")
    reach(page, page.get_by_label("Value for Phone"))
    page.keyboard.type("0123")
    panel.get_by_text("0123").first.wait_for()
    test = panel.get_by_role("button", name="Test", exact=True)
    reach(page, test)
    page.keyboard.press("Enter")
    reach(page, panel.get_by_label("Body of request 1", exact=True))
    reach(page, panel.get_by_role("button", name="Send test data"))
    page.keyboard.press("Enter")
    panel.get_by_text(re.compile(r"Reply 20\d after")).wait_for()
    reach(page, page.get_by_role("button", name="Done", exact=True), key="Shift+Tab")
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("button", name="Activate"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("3 records in").wait_for()
    reach(page, dialog.get_by_role("button", name="Activate"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("button", name="Run now"))
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("2 delivered")).first.wait_for()

    page.goto("/quarantine?destination=by-keys")  # a record in quarantine is fixed and resent
    for link in ("email: email", "9"):
        reach(page, page.get_by_role("link", name=link, exact=True))
        page.keyboard.press("Enter")
    reach(page, page.get_by_label("Record", exact=True).last)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text('{"id": "9", "email": "keys@example.com"}')
    reach(page, page.get_by_role("button", name="Save the edit"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Payload to resend", exact=True)).to_contain_text("keys@example.com")
    reach(page, page.get_by_role("button", name="Resend", exact=True), key="Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Resending: a new run is queued").wait_for()
    place.until(lambda: any(one.get("email") == "keys@example.com" for one in place.admin("GET", "/state")["people"]))
