"""A user sends a dataset to Custify in the browser and fixes the records in quarantine."""

import json
import re

import pytest
from playwright.sync_api import expect

from support.ui.page_steps import begin, done, fits, keep, pick, samples, settled, write


def test_send_to_destination_from_an_empty_form_to_a_fixed_record(page, place):
    page.goto("/destinations")
    page.get_by_role("link", name="Send to destination").first.click()
    pick(page, "Which records?", "contacts")
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("radio", name=re.compile("^acme")).click()
    page.get_by_role("button", name=re.compile("^Upsert person")).click()

    panel = samples(page)
    panel.get_by_text("ada@example.com").first.wait_for()
    page.get_by_text("1 of 3 records would be quarantined").wait_for()  # the contract check, while editing

    page.reload()  # nothing that was begun is lost
    page.get_by_text("Your unsaved changes were restored.").wait_for()
    panel.get_by_text("ada@example.com").first.wait_for()

    panel.get_by_role("button", name="Test", exact=True).click()  # a sample, edited in place
    person = {"user_id": "8", "email": "grace@example.com", "name": "Edited manually"}
    write(page, "Body of request 1", json.dumps({"jobs": [{"type": "people", "payload": person}]}))
    panel.get_by_role("button", name="Send test data").click()
    panel.get_by_text(re.compile(r"Reply 20\d after")).wait_for()
    place.until(lambda: any(one.get("name") == "Edited manually" for one in place.admin("GET", "/state")["people"]))

    done(page, "walked")
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("3 records in").wait_for()  # the plan
    dialog.get_by_text("1 would be quarantined").wait_for()
    dialog.get_by_role("button", name="Activate").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("in quarantine").first.wait_for()
    page.get_by_text(re.compile("2 delivered")).first.wait_for()

    page.get_by_role("row", name=re.compile("delivered")).first.focus()  # run → request → what it carried
    page.keyboard.press("Enter")
    page.get_by_text("007").first.wait_for()

    page.goto("/quarantine?destination=walked")
    page.get_by_role("link", name="email: email").click()
    page.get_by_role("link", name="9").click()
    page.get_by_text("not-an-address").first.wait_for()
    record = page.get_by_label("Record", exact=True).last
    expect(record).to_contain_text("not-an-address")
    write(page, "Record", record.inner_text().replace("not-an-address", "nobody@example.com"))
    page.get_by_role("button", name="Save the edit").click()
    bytes_ = page.get_by_label("Payload to resend", exact=True)
    expect(bytes_).to_contain_text("nobody@example.com")  # the new bytes
    page.get_by_role("button", name="Resend", exact=True).click()
    page.get_by_text("Resending: a new run is queued").wait_for()
    page.goto("/destinations/walked")
    page.get_by_text("1 delivered").first.wait_for()
    assert any(one.get("email") == "nobody@example.com" for one in place.admin("GET", "/state")["people"])


def test_an_unknown_outcome_is_settled_and_a_group_is_discarded(page, place):
    value = {"dataset": "anything", "credential": "page", "template": "create_task", "fields": {"name": "name"}}
    place.call("POST", "/destinations", {"name": "tasks", "value": {**value, "active": True, "concurrency": 1}})
    place.admin("POST", "/faults", ["cut=after,path=/task,times=2"])
    page.goto("/destinations/tasks")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text(re.compile("2 unknown")).first.wait_for()
    page.goto("/quarantine?destination=tasks")
    page.get_by_role("link").filter(has_text=re.compile("reply|answer|lost|unknown|connection")).first.click()
    page.get_by_role("link", name="r-1").click()
    page.get_by_text("The reply was lost.").wait_for()
    page.get_by_role("button", name="Mark as delivered").click()
    page.get_by_text("Marked as delivered").wait_for()
    page.goto("/quarantine?destination=tasks")
    page.get_by_role("link").filter(has_text=re.compile("reply|answer|lost|unknown|connection")).first.click()
    page.get_by_role("button", name="Discard 1 record").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("This version of the record is never sent.").wait_for()  # the consequence, before it is done
    dialog.get_by_role("button", name="Discard 1 record").click()
    page.get_by_text("1 record discarded").wait_for()
    assert place.call("GET", "/quarantine?destination=tasks")["items"] == []


def test_a_version_shows_its_differences_by_setting_and_can_be_restored(page, place):
    value = {"dataset": "contacts", "credential": "acme", "template": "upsert_person", "exclude": ["seats"]}
    place.call("POST", "/destinations", {"name": "versioned", "value": value})
    before = place.call("GET", "/versions?limit=1")["items"][0]["version"]
    place.call("PATCH", "/destinations/versioned", {"exclude": ["seats", "company"]})
    page.goto(f"/versions/{before + 1}")
    page.get_by_role("heading", name="Destination versioned: changed").wait_for()
    row = page.get_by_role("row", name=re.compile("Exclude attributes"))
    expect(row.get_by_role("cell")).to_have_text(["seats", "seats, company"])
    page.get_by_text("All settings").click()
    page.get_by_role("heading", name="Destination versioned").wait_for()
    expect(page.get_by_role("row", name=re.compile("Template upsert_person")).first).to_be_visible()
    page.goto(f"/versions/{before}")
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    page.get_by_text(f"Restored version {before}").wait_for()
    assert place.call("GET", "/destinations/versioned")["value"]["exclude"] == ["seats"]


def test_the_menu_copies_runs_pauses_and_deletes(page, place, forgiven):
    forgiven.append("status of 400")  # a value to begin at is refused
    begin(page)
    page.get_by_role("button", name=re.compile("^Upsert person")).click()
    done(page, "menu")
    page.get_by_role("button", name="Actions for menu").click()
    page.get_by_role("menuitem", name="Copy").click()
    page.get_by_label("Name of the copy").fill("menu-two")
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    page.get_by_role("heading", name="menu-two").wait_for()
    place.call("POST", "/destinations/menu-two/activate")
    page.reload()
    page.get_by_role("button", name="Actions for menu-two").click()
    page.get_by_role("menuitem", name="Read again").click()
    page.get_by_role("dialog").get_by_label("From a value of the cursor").check()
    page.get_by_role("dialog").get_by_label("Value of the cursor", exact=True).fill("2026-01-31")
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    page.get_by_text("has no cursor").first.wait_for()
    page.get_by_role("dialog").get_by_label("From the beginning: every record").check()
    page.get_by_role("dialog").get_by_role("button", name="Run").click()
    page.wait_for_url(re.compile("/runs/r-"))
    page.go_back()
    page.get_by_role("button", name="Actions for menu-two").click()
    page.get_by_role("menuitem", name="Pause").click()
    page.get_by_text("paused", exact=True).first.wait_for()
    page.get_by_role("button", name="Actions for menu-two").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("menu-two is deleted").wait_for()
    page.get_by_role("button", name="Undo").last.click()
    page.get_by_text("Undone").wait_for()
    assert place.call("GET", "/destinations/menu-two")["state"]["state"] in {"draft", "paused"}


COMPARED = {"template": "upsert_person", "attributes": ["seats"], "fields": {"user_id": "id", "name": "name"}}


def test_drift_in_custify_is_seen_by_field_and_record_and_fixed(page, place, axe):
    (place.folder / "drift.csv").write_text("id,name,seats\nd1,One,5\nd2,Two,6\nd3,Three,7\n")
    place.call("PUT", "/sources/drift", {"type": "file", "path": "drift.csv"})
    place.call("PUT", "/datasets/drift", {"source": "drift", "key": "id"})
    place.call("PUT", "/destinations/drift", {**COMPARED, "dataset": "drift", "credential": "acme", "active": True})
    run = place.call("POST", "/runs", {"target": "drift"})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] == "succeeded")
    for body in ({"user_id": "d1", "custom_attributes": {"seats": 9}}, {"user_id": "d2", "name": "2"}):
        place.custify("POST", "/people", body)
    place.custify("DELETE", "/people?user_id=d3")

    page.goto("/destinations/drift")
    page.get_by_role("link", name="Compare with Custify").click()
    page.get_by_text("Not compared yet").wait_for()
    page.get_by_role("button", name="Compare now").click()
    summary = page.get_by_role("region", name="Last comparison")
    summary.get_by_text("3 records differ or are missing.").wait_for()
    fields = page.get_by_role("region", name="By field")
    fields.get_by_role("button", name="custom_attributes.seats: 1 difference").click()
    row = fields.get_by_role("row", name="d1")
    expect(row).to_contain_text("5")
    expect(row).to_contain_text("9")
    fields.get_by_role("button", name="name: 1 difference").click()
    fields.get_by_role("row", name="d2").get_by_text("Two").wait_for()
    page.get_by_role("region", name="Missing in Custify").get_by_text("d3").wait_for()
    settled(page)
    keep(page, "comparison", "/destinations/drift/compare")
    assert axe(page) == []

    page.get_by_role("link", name="Run of this comparison").click()
    page.get_by_text("3 records differ").wait_for()
    assert page.get_by_role("button", name="Run now").count() == 0, "it would send"
    page.get_by_role("link", name="Last comparison of drift").click()
    summary.get_by_role("button", name="Fix 3 records").click()
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    summary.get_by_text("All of this was fixed.").wait_for()
    page.get_by_role("button", name="Compare now").click()
    summary.get_by_text("Custify has what was sent.").wait_for()
    assert fits(page)


TWICE = "id,email\ntw-1,two@example.com\ntw-2,two@example.com\ntw-3,three@example.com\n"


@pytest.fixture
def twice(place):
    (place.folder / "twice.csv").write_text(TWICE)
    place.call("PUT", "/sources/twice", {"type": "file", "path": "twice.csv"})
    place.call("PUT", "/datasets/twice", {"source": "twice", "key": "id"})
    value = {"template": "upsert_person", "fields": {"user_id": "id", "email": "email"}, "attributes": "none"}
    place.call("PUT", "/destinations/twice", {**value, "dataset": "twice", "credential": "acme"})
    return "twice"


def test_the_dialog_before_activation_says_who_would_be_there_twice_and_leads_to_them(page, twice):
    page.goto(f"/destinations/{twice}")
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1 e-mail belongs to several user ids").wait_for()
    settled(page)
    dialog.get_by_role("link", name="Show these people").click()
    table = page.get_by_role("table", name="E-mails of several user ids")
    table.get_by_text("two@example.com").wait_for()
    table.get_by_text("tw-1, tw-2").wait_for()
    page.get_by_text("User ids from id, e-mails from email").wait_for()


def test_the_page_of_a_destination_reads_custify_when_it_is_requested(page, place, twice):
    def reads():
        return [each for each in place.admin("GET", "/requests") if each["method"] == "GET"]

    before = len(reads())
    page.goto(f"/destinations/{twice}")
    page.get_by_text("3 to create or update").wait_for()
    assert len(reads()) == before
    page.get_by_role("button", name="Count what is new in Custify").click()
    page.get_by_text(re.compile("^3 to create, 0 to update")).wait_for()
    assert len(reads()) > before
    settled(page)
