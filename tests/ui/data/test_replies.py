"""Replies as records, the audit log, and the plan before the first run."""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from support.ui.page_steps import pick, samples, write

OVER = {"succeeded", "partial", "failed", "cancelled"}
PERSON = {"credential": "page", "template": "upsert_person", "fields": {"user_id": "id", "email": "email"}}
LONG = "id,email\n" + "".join(
    f"p-{number},{'x' if number % 5 == 0 else f'p{number}@example.com'}\n" for number in range(40)
)


def run(place, name):
    started = place.call("POST", "/runs", {"target": name})["run"]
    place.until(lambda: place.call("GET", f"/runs/{started}")["status"] in OVER, within_s=90)
    return started


def test_a_reply_is_followed_shaped_and_sent_on(page, place):
    value = {**PERSON, "dataset": "contacts", "batch": "off", "responses": True, "active": True}
    place.call("POST", "/destinations", {"name": "asks", "value": value})
    page.goto("/responses/asks")
    page.get_by_text(re.compile("[Nn]o rep")).first.wait_for()
    started = run(place, "asks")
    page.goto("/responses")
    page.get_by_role("link", name="asks", exact=True).click()
    page.get_by_role("row", name=re.compile("delivered")).first.focus()
    page.keyboard.press("Enter")
    reply = page.get_by_role("complementary", name="Reply")
    expect(reply.get_by_role("link", name=started, exact=True)).to_be_visible()
    page.reload()  # the open reply is in the address
    reply.get_by_role("link", name=re.compile(rf"^{started}-\d+$")).click()
    expect(page.get_by_label("Request", exact=True)).to_contain_text("@example.com")

    page.goto("/responses/asks")
    page.get_by_role("button", name="Use asks.responses in…").click()
    page.get_by_role("menuitem", name="Shape with SQL").click()
    preview = page.get_by_role("region", name="Preview").first
    write(page, "SQL of the dataset", "select delivery, outcome, 'again@example.com' as email\nfrom source")
    preview.get_by_text("again@example.com").first.wait_for()
    page.get_by_label("Name", exact=True).fill("told-back")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="told-back").wait_for()
    page.get_by_role("button", name="Use told-back in…").click()
    page.get_by_role("menuitem", name="Send to destination").click()
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("radio", name=re.compile("^page")).click()
    page.get_by_role("button", name=re.compile("^Upsert person")).click()
    samples(page).get_by_text("again@example.com").first.wait_for()


@pytest.fixture(scope="package")  # like `place`: a worker of pytest-xdist can return to a module
def long(place):
    """Forty people, every fifth without an address."""
    (place.folder / "long.csv").write_text(LONG)
    place.call("POST", "/sources", {"name": "long", "value": {"type": "file", "path": "long.csv"}})
    place.call("POST", "/datasets", {"name": "long", "value": {"source": "long", "key": "id"}})


def test_a_draft_shows_its_plan(page, place, long):
    value = {**PERSON, "dataset": "long", "batch": "off"}
    place.call("POST", "/destinations", {"name": "planned", "value": value})
    page.goto("/destinations/planned")
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("40 records in 32 requests; at your rate limit this takes")
    expect(dialog).to_contain_text("32 to create or update")
    expect(dialog).to_contain_text("0 unchanged (skipped)")
    expect(dialog).to_contain_text("8 would be quarantined; the first 5:")
    expect(dialog.get_by_role("listitem").filter(has_text="p-0").last).to_contain_text("email")
    dialog.get_by_role("button", name="Back").click()
    dialog.wait_for(state="hidden")
    assert place.call("GET", "/destinations/planned")["state"]["state"] == "draft"
    page.get_by_role("button", name="Activate").click()
    dialog.get_by_role("button", name="Activate").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_text(re.compile("32 delivered")).first.wait_for()
    page.goto("/destinations/planned")
    page.get_by_text("0 to create or update, 32 unchanged (skipped)").wait_for()
    page.get_by_role("link", name="8 records in quarantine").wait_for()


def test_the_plan_counts_requests_that_only_read(page, place):
    grouping = {"algorithm": "code", "code": 'def batch(records):\n    return {"batch": records}\n'}
    request = {"method": "POST", "url": "/batch", "batch": {"size": 2, "grouping": grouping}}
    value = {"dataset": "contacts", "credential": "acme", "request": request}
    place.call("POST", "/destinations", {"name": "by-code", "value": value})
    page.goto("/destinations/by-code/configure")
    expect(samples(page).get_by_role("button", name=re.compile("POST"))).to_have_count(2)
    page.goto("/destinations/by-code")
    page.get_by_role("button", name="Activate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 records in 4 requests")
    expect(dialog).to_contain_text("2 of the requests read only")


def test_a_group_in_quarantine_is_resent_and_fixed_in_its_source(page, place, long):
    for name in ("group-one", "group-two"):
        place.call("POST", "/destinations", {"name": name, "value": {**PERSON, "dataset": "long", "active": True}})
        run(place, name)
    page.goto("/quarantine?destination=group-one")
    page.get_by_role("row", name=re.compile("group-one")).get_by_role("link").click()
    page.get_by_role("link", name="p-5", exact=True).click()
    page.get_by_role("link", name="Change the mapping").click()  # which fixes all of them
    page.get_by_role("heading", name="group-one").wait_for()
    page.go_back()
    page.get_by_role("link", name="Quarantine").first.click()
    page.goto("/quarantine?destination=group-one")
    page.get_by_role("row", name=re.compile("group-one")).get_by_role("link").click()
    page.get_by_role("button", name="Resend 8 records").click()
    page.get_by_text("Resending: a new run is queued").wait_for()

    def runs(name):
        return place.call("GET", f"/runs?target={name}")["items"]

    place.until(lambda: len(runs("group-one")) == 2)

    # fixed in the source, all of them are sent
    (place.folder / "long.csv").write_text(LONG.replace(",x\n", ",mended@example.com\n"))
    place.until(lambda: all(one["status"] in OVER for one in runs("group-one")))
    for name in ("group-one", "group-two"):
        run(place, name)
    (place.folder / "long.csv").write_text(LONG)
    for name in ("group-one", "group-two"):
        assert place.call("GET", f"/destinations/{name}")["state"]["held"] == 0


def test_an_unknown_record_is_sent_again(page, place):
    value = {"dataset": "anything", "credential": "page", "template": "create_task", "fields": {"name": "name"}}
    place.call("POST", "/destinations", {"name": "again", "value": {**value, "active": True, "concurrency": 1}})
    before = len(place.admin("GET", "/state")["tasks"])
    place.admin("POST", "/faults", ["cut=before,path=/task,times=1"])
    page.goto("/destinations/again")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text(re.compile("1 unknown")).first.wait_for()
    page.goto("/quarantine?destination=again")
    page.get_by_role("button", name="Resend 1 record").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("The reply to 1 of them was lost").wait_for()  # the consequence in numbers
    dialog.get_by_role("button", name="Resend 1 record").click()
    page.get_by_text("Resending: a new run is queued").wait_for()
    place.until(lambda: place.call("GET", "/destinations/again")["state"]["held"] == 0)
    assert len(place.admin("GET", "/state")["tasks"]) == before + 2


def test_the_audit_log_is_listed_and_downloaded(page, place):
    place.call("POST", "/destinations", {"name": "audited", "value": {**PERSON, "dataset": "contacts"}})
    page.goto("/audit")
    page.get_by_role("row", name=re.compile("audited")).first.wait_for()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(coming.value.path().read_text(encoding="utf-8"))))
    assert any("audited" in row["what"] for row in rows)


def test_an_edit_is_undone_by_restoring_the_version_before(page, place):
    place.call("POST", "/destinations", {"name": "turned", "value": {**PERSON, "dataset": "contacts"}})
    page.goto("/destinations/turned/configure")
    samples(page).get_by_text("ada@example.com").first.wait_for()
    pick(page, "Records to send", "New: each key once, later changes are not sent")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("turned is saved").wait_for()
    page.goto("/versions")
    page.get_by_role("row", name=re.compile("turned")).nth(1).get_by_role("link").click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    page.get_by_text("Restored version").wait_for()
    assert "mode" not in place.call("GET", "/destinations/turned")["value"]
