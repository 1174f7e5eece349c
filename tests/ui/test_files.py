"""A user writes a dataset to a file in the browser: folder, name, content, test, run."""

import re

from playwright.sync_api import expect

from support.ui.page_steps import done, pick, samples


def test_a_dataset_is_written_to_a_file_from_an_empty_form(page, place):
    page.goto("/destinations/new")
    pick(page, "Which records?", "contacts")
    page.get_by_role("button", name=re.compile("^File")).click()
    page.get_by_role("button", name="Add credential").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("disk")
    assert dialog.get_by_label("API key").count() == 0
    dialog.get_by_label("Folder").fill("exports")
    dialog.get_by_role("button", name="Check", exact=True).click()
    dialog.get_by_text("there is no such folder").first.wait_for()
    dialog.get_by_role("button", name="Add without check").click()

    page.get_by_label("File name").fill("contacts.xlsx")
    wrong = page.get_by_text("“contacts.xlsx” has no known extension. End it with .ndjson, .csv or .parquet.")
    wrong.wait_for()
    page.get_by_role("button", name="Done").click()  # it is not saved
    expect(page.get_by_label("File name")).to_be_focused()
    expect(wrong).to_have_count(1)
    page.get_by_label("File name").fill("contacts.csv")
    panel = samples(page)
    panel.get_by_text("exports/contacts.csv").first.wait_for()
    panel.get_by_text("ada@example.com").first.wait_for()
    panel.get_by_role("button", name="Test", exact=True).click()
    panel.get_by_role("button", name="Send test data").click()
    panel.get_by_text("Written to a file beside the real one").wait_for()
    assert page.get_by_label("Parallel requests").count() == 0, "what is about an API is not shown"

    done(page, "to disk")
    page.get_by_role("button", name="Activate").click()
    page.get_by_role("dialog").get_by_role("button", name="Activate").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_text(re.compile("3 delivered")).first.wait_for()
    page.get_by_role("link", name="to disk").first.click()
    page.get_by_role("heading", name="Write time").wait_for()
    assert page.get_by_role("button", name="Count what is new in Custify").count() == 0
    page.goto("/credentials/disk")
    page.get_by_label("Folder").wait_for()
    assert page.get_by_text("API key").count() == 0
