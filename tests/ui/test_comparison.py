"""A user compares a destination with Custify in the browser, sees what was changed there, and fixes it."""

from playwright.sync_api import expect

from support.ui.page_steps import fits, keep, settled

PERSON = {"template": "upsert_person", "attributes": ["seats"], "fields": {"user_id": "id", "name": "name"}}


def test_drift_in_custify_is_seen_by_field_and_record_and_fixed(page, place, axe):
    (place.folder / "drift.csv").write_text("id,name,seats\nd1,One,5\nd2,Two,6\nd3,Three,7\n")
    place.call("PUT", "/sources/drift", {"type": "file", "path": "drift.csv"})
    place.call("PUT", "/datasets/drift", {"source": "drift", "key": "id"})
    place.call("PUT", "/destinations/drift", {**PERSON, "dataset": "drift", "credential": "acme", "active": True})
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

    summary.get_by_role("button", name="Fix 3 records").click()
    page.get_by_role("dialog").get_by_role("button", name="Send again").click()
    summary.get_by_text("All of this was fixed.").wait_for()
    page.get_by_role("button", name="Compare now").click()
    summary.get_by_text("Custify has what was sent.").wait_for()
    fits(page)
