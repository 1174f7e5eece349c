"""Destinations in the browser: each of the ten templates, and manual requests with each grouping."""

import json
import re

import pytest
from playwright.sync_api import expect

from support.ui.page_steps import begin, by_hand, done, pick, samples, write

TEMPLATES = {
    "Upsert person": ("upsert_person", "/batch", "custom_attributes"),
    "Upsert company": ("upsert_company", "/batch", "custom_attributes"),
    "Upsert subscription": ("upsert_subscription", "/financial/subscription", "nextBillingAt"),
    "Upsert invoice": ("upsert_invoice", "/financial/invoice", "total"),
    "Upsert deal": ("upsert_deal", "/financial/deal", "wonAt"),
    "Insert event": ("insert_event", "/batch", "deduplication_id"),
    "Create task": ("create_task", "/task", "dueDate"),
    "Create note": ("create_note", "/note", "text"),
    "Upsert custom data object": ("upsert_custom_object", "/batch", "data_type"),
    "Send batch": ("send_batch", "/batch", "jobs"),
}


@pytest.mark.parametrize("title", TEMPLATES)
def test_a_destination_is_created_with_each_template(page, place, title):
    template, path, member = TEMPLATES[title]
    begin(page, "anything")
    page.get_by_role("button", name=re.compile(f"^{title}")).click()

    panel = samples(page)
    panel.get_by_text(re.compile(rf"{re.escape(path)}$")).first.wait_for()
    panel.get_by_text(f'"{member}"').first.wait_for()
    page.get_by_text("All 2 records pass").wait_for()  # the contract check, over the whole dataset

    panel.get_by_role("button", name="Test", exact=True).click()
    panel.get_by_role("button", name="Send test data").click()
    panel.get_by_text(re.compile(r"Reply 20\d after")).wait_for()

    name = template.replace("_", "-")
    done(page, name)
    saved = place.call("GET", f"/destinations/{name}")
    assert (saved["value"]["template"], saved["state"]["state"]) == (template, "draft")


def test_a_template_in_every_detail(page, place):
    begin(page, "anything")
    pick(page, "Template", "Upsert person")  # the pull-down, grouped
    panel = samples(page)
    panel.get_by_text("ada@example.com").first.wait_for()

    plan = page.get_by_role("group", name="Plan", exact=True)
    expect(plan).to_contain_text("Suggested by name")
    pick(page, "Mapping of Plan", "Constant")
    plan.get_by_label("Value for Plan").fill("gold")
    panel.get_by_text('"gold"').first.wait_for()
    panel.get_by_text("changed", exact=True).first.wait_for()
    panel.get_by_text("Difference", exact=True).first.click()  # against the last version, line by line
    panel.locator(".cm-deletedChunk").first.wait_for()
    phone = page.get_by_role("group", name="Phone", exact=True)
    pick(page, "Mapping of Phone", "Column, with a default")
    phone.get_by_label("Default for Phone").fill("none")

    page.get_by_role("radiogroup", name="Other columns").get_by_text("Chosen").click()
    page.get_by_role("combobox", name="Columns to send").click()
    page.get_by_role("option", name="stage").click()
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Exclude attributes").fill("text")
    page.keyboard.press("Enter")
    pick(page, "Records to send", "All: every record in every run")
    pick(page, "Batching", "One record per request")
    pick(page, "Runs", "On its own schedule")
    pick(page, "Repeats", "every hour")
    expect(panel.get_by_role("button", name=re.compile("POST"))).to_have_count(2)
    done(page, "detailed")

    value = place.call("GET", "/destinations/detailed")["value"]
    assert value["fields"]["plan"] == {"value": "gold"}
    assert value["fields"]["phone"]["default"] == "none"
    assert (value["attributes"], value["exclude"], value["mode"], value["batch"]) == (
        ["stage"],
        ["plan", "text"],
        "all",
        "off",
    )
    assert place.call("GET", "/flows/detailed-schedule")["value"]["schedule"] == "0 * * * *"


def test_manual_requests_with_each_grouping(page, place):
    begin(page)
    by_hand(page)
    panel = samples(page)
    body = panel.get_by_label("Body of request 1", exact=True)
    expect(body).to_contain_text("ada@example.com")

    url = page.get_by_role("textbox", name="URL", exact=True)
    url.fill("/batch?of=")
    url.press_sequentially("{comp")
    page.get_by_role("option", name=re.compile(r"record\.company")).click()  # completion of macros
    expect(url).to_have_value("/batch?of={record.company}")
    panel.get_by_text("/batch?of=acme").first.wait_for()

    pick(page, "Grouping", "Property of an object")
    expect(body).to_contain_text('"batch"')
    page.get_by_label("Other properties, as a JSON object").fill('{"origin": "walk"}')
    expect(body).to_contain_text('"walk"')
    page.get_by_label("Records per request").fill("2")
    expect(panel.get_by_role("button", name=re.compile("POST"))).to_have_count(2)

    pick(page, "Grouping", "Python code")
    write(page, "def batch(records): return the body, or a list of bodies", "def batch(records):\n    return {oops\n")
    page.locator(".cm-lintRange-error, .cm-lint-marker-error").first.wait_for()  # at its line
    write(
        page,
        "def batch(records): return the body, or a list of bodies",
        'def batch(records):\n    return {"n": len(records), "first": records[0]["id"]}\n',
    )
    expect(body).to_contain_text('"007"')

    page.get_by_role("textbox", name="Request headers").fill("X-Trace:{run.id},X-From:walk")
    expect(panel.get_by_label("Headers").first).to_contain_text("X-From")
    pick(page, "Retries", "Safe to retry")
    pick(page, "Content format", "XML")
    page.get_by_label("Root element").fill("people")
    expect(body).to_contain_text("<people>")
    pick(page, "Content format", "JSON")
    page.get_by_label("Store replies as a source").check()
    done(page, "by-hand")
    value = place.call("GET", "/destinations/by-hand")["value"]
    assert value["responses"] is True
    assert value["request"]["idempotent"] is True
    assert value["request"]["batch"]["size"] == 2
    assert "len(records)" in json.dumps(value["request"]["batch"]["grouping"])


def test_samples_are_opened_and_nested_values_excluded(page, place):
    lines = ('{"id": "n-1", "home": {"street": "Elm 1", "city": "Bonn"}}', '{"id": "n-2", "home": {"street": "Oak 2"}}')
    (place.folder / "nested.ndjson").write_text("\n".join(lines))
    place.call("POST", "/sources", {"name": "nested", "value": {"type": "file", "path": "nested.ndjson"}})
    place.call("POST", "/datasets", {"name": "nested", "value": {"source": "nested", "key": "id"}})
    begin(page, "nested")
    by_hand(page, batched=False)
    panel = samples(page)
    expect(panel.get_by_label("Body of request 1", exact=True)).to_contain_text("Elm 1")
    panel.get_by_role("button", name=re.compile("POST")).nth(1).click()  # several, each opened by a click
    second = panel.get_by_label("Body of request 2", exact=True)
    expect(second).to_contain_text("Oak 2")
    page.get_by_role("combobox", name="Exclude attributes").click()
    page.get_by_role("option", name="home.street").click()
    expect(second).not_to_contain_text("Oak 2")
    expect(second).to_contain_text("n-2")
    expect(panel.get_by_label("Headers").first).not_to_contain_text(place.sandbox["api_key"])


def test_a_credential_is_added_and_checked_at_once(page, place, request):
    place.admin("POST", "/settings", {"rate": "1000/10s"})  # so that it says how much of its allowance is left
    request.addfinalizer(lambda: place.admin("POST", "/settings", {"rate": "off"}))
    page.goto("/destinations/new")
    pick(page, "Which records?", "contacts")
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("button", name="Add credential").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("second")
    dialog.get_by_label("API key").fill("a wrong one")
    dialog.get_by_label("Base URL").fill(place.sandbox["url"])
    dialog.get_by_role("button", name="Check and add").click()
    dialog.get_by_text(place.sandbox["url"]).first.wait_for()  # the base URL, and that it refused the key
    dialog.get_by_role("button", name="Add without check").wait_for()
    dialog.get_by_label("API key").fill(place.sandbox["api_key"])
    dialog.get_by_role("button", name="Check and add").click()
    dialog.wait_for(state="hidden")
    page.get_by_role("button", name="Back", exact=True).click()
    tile = page.get_by_role("radio", name=re.compile("^second"))
    expect(tile).to_contain_text("works")
    expect(tile).to_contain_text(re.compile(r"99\d of 1,000 requests left"))
    assert "a wrong one" not in page.content()
