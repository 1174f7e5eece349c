"""Drafts are restored after a reload and a lost connection."""

import re
import sqlite3

from playwright.sync_api import expect

from support.ui.page_steps import begin, done, pick, samples, write

AGAIN = re.compile("Your unsaved changes were restored")
STORED = "() => Object.values(localStorage).join()"


def test_the_draft_of_a_source_is_stored_without_its_password(page, place):
    with sqlite3.connect(place.folder / "crm.db") as database:
        database.execute("create table customers (id text, mail text)")
        database.execute("insert into customers values ('c-1', 'ada@example.com')")
    page.goto("/sources/new?way=sql")
    page.get_by_label("Name", exact=True).fill("customers-db")
    page.get_by_label("Database URL").fill("postgresql://ada:s3cret@127.0.0.1/crm")
    page.get_by_label("Table", exact=True).fill("customers")
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("Name", exact=True)).to_have_value("customers-db")
    expect(page.get_by_label("Table", exact=True)).to_have_value("customers")
    expect(page.get_by_label("Database URL")).to_have_value("postgresql://ada:@127.0.0.1/crm")
    assert "s3cret" not in page.evaluate(STORED)

    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Table", exact=True)).to_have_value("")
    expect(page.get_by_text(AGAIN)).to_have_count(0)
    page.get_by_label("Name", exact=True).fill("customers-db")
    page.get_by_label("Database URL").fill(f"sqlite:///{place.folder}/crm.db")
    page.get_by_role("button", name="Check connection").click()  # which tables there are
    page.get_by_role("button", name="customers", exact=True).click()
    page.get_by_role("button", name="Check connection").click()
    page.get_by_text("2 columns, first 1 record").wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="customers-db").wait_for()
    assert place.call("GET", "/sources/customers-db")["value"]["table"] == "customers"
    page.goto("/sources/new?way=sql")  # saved, so it is no longer a draft
    expect(page.get_by_label("Table", exact=True)).to_have_value("")


def test_drafts_of_datasets_and_flows_are_stored(page, place):
    page.goto("/datasets/new?source=crm")
    preview = page.get_by_role("region", name="Preview").first
    preview.get_by_text("ada@example.com").wait_for()
    page.get_by_role("switch", name="Shape the records with SQL").focus()
    page.keyboard.press("Space")
    write(page, "SQL of the dataset", "select id, upper(email) as email\nfrom source")
    preview.get_by_text("ADA@EXAMPLE.COM").wait_for()
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    preview.get_by_text("ADA@EXAMPLE.COM").wait_for()
    page.get_by_label("Name", exact=True).fill("loud")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="loud", exact=True).wait_for()
    assert "upper(email)" in place.call("GET", "/datasets/loud")["value"]["sql"]

    value = {"dataset": "contacts", "credential": "acme", "template": "upsert_person", "fields": {"email": "email"}}
    place.call("POST", "/destinations", {"name": "kept-stop", "value": value})
    page.goto("/flows/new")
    pick(page, "Add a destination", "kept-stop")
    page.get_by_role("radio", name="On new data").focus()
    page.keyboard.press("Space")
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_role("link", name="kept-stop")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("kept-flow")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="kept-flow").wait_for()
    assert place.call("GET", "/flows/kept-flow")["value"]["schedule"] == "on new data"


def test_the_draft_of_a_credential_is_stored_without_its_key(page, place):
    page.goto("/credentials/new?connector=http")
    page.get_by_label("Name", exact=True).fill("other-api")
    page.get_by_role("textbox", name="API key").fill("k-very-secret")
    page.get_by_label("Base URL").fill(place.sandbox["flat_url"])
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("Name", exact=True)).to_have_value("other-api")
    expect(page.get_by_label("Base URL")).to_have_value(place.sandbox["flat_url"])
    expect(page.get_by_role("textbox", name="API key")).to_have_value("")
    assert "k-very-secret" not in page.evaluate(STORED)
    page.get_by_role("textbox", name="API key").fill(place.sandbox["api_key"])
    page.get_by_role("button", name="Check and add").click()
    page.get_by_role("heading", name="other-api").wait_for()

    # and "HTTP API" sends to it with a manual request
    page.goto("/destinations/new")
    pick(page, "Which records?", "contacts")
    page.get_by_role("button", name=re.compile("^HTTP API")).click()
    page.get_by_role("radio", name=re.compile("^other-api")).click()
    page.get_by_role("textbox", name="URL", exact=True).fill("/people")
    panel = samples(page)
    expect(panel.get_by_label("Body of request 1", exact=True)).to_contain_text("ada@example.com")
    expect(panel.get_by_label("Headers").first).not_to_contain_text(place.sandbox["api_key"])
    done(page, "by-http")
    assert place.call("GET", "/destinations/by-http")["value"]["credential"] == "other-api"


def test_a_lost_connection_loses_no_input(page, place, forgiven):
    forgiven.append("ERR_INTERNET_DISCONNECTED")
    begin(page)
    page.get_by_role("button", name=re.compile("^Upsert person")).click()
    samples(page).get_by_text("ada@example.com").first.wait_for()
    page.context.set_offline(True)
    name = page.get_by_role("group", name="Name", exact=True)
    pick(page, "Mapping of Name", "Constant")
    name.get_by_label("Value for Name").fill("typed without a line")
    page.get_by_text("Penstock does not answer.").wait_for()
    page.get_by_label("Name of the destination").fill("offline")
    page.get_by_role("button", name="Done").click()  # it cannot be saved now, and says so
    expect(page.get_by_label("Name of the destination")).to_have_value("offline")
    page.context.set_offline(False)
    expect(page.get_by_text("Penstock does not answer.")).to_have_count(0)
    samples(page).get_by_text("typed without a line").first.wait_for()
    done(page, "offline")
    saved = place.call("GET", "/destinations/offline")["value"]
    assert saved["fields"]["name"] == {"value": "typed without a line"}


def test_drafts_of_saved_resources_are_stored_and_conflicts_resolved(page, place, forgiven):
    forgiven.append("status of 412")
    account = {"connector": "custify", "base_url": place.sandbox["url"], "api_key": place.sandbox["api_key"]}
    person = {"dataset": "kept-data", "credential": "kept-account", "template": "upsert_person"}
    for kind, name, value in (
        ("credentials", "kept-account", account),
        ("sources", "kept-file", {"type": "file", "path": "contacts.csv"}),
        ("datasets", "kept-data", {"source": "kept-file", "key": "id", "sql": "select id, email from source"}),
        ("destinations", "kept-to", {**person, "fields": {"email": "email"}}),
        ("flows", "kept-run", {"destinations": ["kept-to"]}),
    ):
        place.call("POST", f"/{kind}", {"name": name, "value": value})
    save = page.get_by_role("button", name="Save", exact=True)

    page.goto("/sources/kept-file")
    page.get_by_label("Delimiter").fill(",")
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("Delimiter")).to_have_value(",")
    save.click()
    page.get_by_text("kept-file is saved").wait_for()
    expect(save).to_have_count(0)
    assert place.call("GET", "/sources/kept-file")["value"]["delimiter"] == ","
    page.get_by_role("button", name="Undo").last.click()
    page.get_by_text("Undone").wait_for()
    expect(page.get_by_label("Delimiter")).to_have_value("")
    assert "delimiter" not in place.call("GET", "/sources/kept-file")["value"]
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_text("1 resource uses it: kept-data.").wait_for()  # the consequence, in numbers
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()

    page.goto("/datasets/kept-data?tab=settings")  # edited as a form, then by another
    write(page, "SQL of the dataset", "select id, upper(email) as email from source")
    page.get_by_role("region", name="Preview").first.get_by_text("ADA@EXAMPLE.COM").wait_for()
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("SQL of the dataset", exact=True).last).to_contain_text("upper(email)")
    place.call("PATCH", "/datasets/kept-data", {"types": {"id": "text"}})
    save.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("row", name=re.compile("SQL"))).to_contain_text("upper(email)")
    expect(dialog.get_by_role("row", name=re.compile("Column types"))).to_contain_text("text")
    dialog.get_by_role("button", name="Use theirs").click()
    expect(page.get_by_label("SQL of the dataset", exact=True).last).not_to_contain_text("upper(email)")
    expect(save).to_have_count(0)

    page.goto("/flows/kept-run")  # by another while it is open: what was typed stays on the screen
    page.get_by_role("radio", name="Times").focus()
    page.keyboard.press("Space")
    page.get_by_label("Cron fields").fill("15 4 * * *")
    place.call("PATCH", "/flows/kept-run", {"schedule": "on new data"})
    page.get_by_text("Another user saved a change meanwhile").wait_for()  # by itself
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("Cron fields")).to_have_value("15 4 * * *")
    save.click()
    dialog.get_by_role("button", name="Overwrite with mine").click()
    page.get_by_text("kept-run is saved").wait_for()
    assert place.call("GET", "/flows/kept-run")["value"]["schedule"] == "15 4 * * *"

    page.goto("/credentials/kept-account")
    page.get_by_label("Request timeout").fill("45s")
    page.get_by_label("Base URL").fill(place.sandbox["url"].replace("127.0.0.1", "localhost"))
    page.get_by_label("API key, again").fill("k-not-to-keep")
    page.reload()
    page.get_by_text(AGAIN).wait_for()
    expect(page.get_by_label("Request timeout")).to_have_value("45s")
    expect(page.get_by_label("API key, again")).to_have_value("")
    assert "k-not-to-keep" not in page.evaluate(STORED)
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Request timeout")).to_have_value("")
    assert page.evaluate("() => Object.keys(localStorage).filter(one => one.startsWith('penstock.draft.'))") == []
