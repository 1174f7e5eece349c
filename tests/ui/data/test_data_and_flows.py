"""From a file on this computer to a flow with a schedule: sources, datasets, the canvas and the search in Chromium."""

import re
import urllib.request

from playwright.sync_api import expect

from support.kernel.workbooks import table, workbook
from support.ui.page_steps import pick, write

SEATS = b"seat,mail,team\n1,ADA@example.com,acme\n2,grace@example.com,acme\n"


def test_a_file_is_uploaded_and_shaped_with_sql(page, place):
    page.goto("/sources")
    page.get_by_role("link", name="New source").first.click()
    file = {"name": "seats.csv", "mimeType": "text/csv", "buffer": SEATS}
    page.get_by_label("File to upload").set_input_files(file)
    page.get_by_text("3 columns, first 2 records").wait_for()  # before anything is saved
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="Create dataset").click()

    preview = page.get_by_role("region", name="Preview").first
    preview.get_by_text("ADA@example.com").wait_for()
    page.get_by_role("switch", name="Shape the records with SQL").focus()
    page.keyboard.press("Space")
    write(page, "SQL of the dataset", "select seat, lower(mial) as mail\nfrom source")
    page.get_by_text(re.compile("line 1, column 20 of the SQL")).first.wait_for()  # the error, at its place
    write(page, "SQL of the dataset", "select seat, lower(mail) as mail\nfrom source")
    preview.get_by_text("ada@example.com").wait_for()
    if page.get_by_role("button", name="Create").is_disabled():
        pick(page, "Key", "seat")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="seats", exact=True).wait_for()
    page.get_by_role("region", name="Sample records").get_by_text("ada@example.com").wait_for()
    saved = place.call("GET", "/datasets/seats")["value"]
    assert saved["key"] == "seat"
    assert "lower(mail)" in saved["sql"]

    page.get_by_role("button", name="Use seats in…").click()  # + of the dataset
    page.get_by_role("menuitem", name="Send to destination").click()
    expect(page.get_by_role("combobox", name="Which records?")).to_have_value("seats")


def test_a_workbook_is_uploaded_and_a_sheet_is_chosen_by_name_or_number(page, place):
    people = table(("id", "name"), (1, "Ada"), (2, "Bob"))
    book = workbook({"Cover": table(("note",), ("x",)), "People": people, "1": table(("a", "b", "c"), (1, 2, 3))})
    page.goto("/sources/new")
    page.get_by_text("Excel").first.wait_for()  # the field lists the formats
    page.get_by_label("File to upload").set_input_files({"name": "book.xlsx", "mimeType": "", "buffer": book})
    page.get_by_text(re.compile(r"book\.xlsx is uploaded \(.*, Excel\)")).wait_for()
    page.get_by_text("1 column, first 1 record").wait_for()
    expect(page.get_by_label("Delimiter")).to_have_count(0)
    page.get_by_label("Sheet name").fill("Peple")
    page.get_by_text("did you mean People?").first.wait_for()
    page.get_by_label("Sheet number").fill("2")
    page.get_by_text("2 columns, first 2 records").wait_for()
    expect(page.get_by_label("Sheet name")).to_have_value("")
    page.get_by_label("Sheet name").fill("1")  # digits, and not the number of a sheet
    page.get_by_text("3 columns, first 1 record").wait_for()
    page.get_by_label("Sheet name").fill("People")
    page.get_by_text("2 columns, first 2 records").wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="book", exact=True).wait_for()
    assert place.call("GET", "/sources/book")["value"]["sheet"] == "People"


def test_a_file_is_dropped_and_another_is_read_from_the_server(page, place):
    page.goto("/sources/new")
    held = page.evaluate_handle(
        """text => {
            const held = new DataTransfer();
            held.items.add(new File([text], "dropped.csv", {type: "text/csv"}));
            return held;
        }""",
        SEATS.decode(),
    )
    page.get_by_text("Drop a file here, or choose one").dispatch_event("drop", {"dataTransfer": held})
    page.get_by_text("dropped.csv is uploaded").wait_for()
    page.get_by_text("3 columns, first 2 records").wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="dropped", exact=True).wait_for()

    page.goto("/sources/new?way=file")
    page.get_by_label("Path", exact=True).fill("nowhere.csv")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("These settings do not work").wait_for()
    page.get_by_label("Path", exact=True).fill("contacts.csv")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("6 columns, first 3 records").wait_for()
    page.get_by_label("Name", exact=True).fill("from-the-server")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="from-the-server").wait_for()
    assert place.call("GET", "/sources/from-the-server")["value"]["path"] == "contacts.csv"


def test_the_encoding_of_a_file_is_chosen_by_what_a_line_reads(page, place):
    page.goto("/sources/new")
    data = "Report of today\nid,name,seats\nc1,Peña,5\nc2,Núñez,\\N\n".encode("cp1252")
    page.get_by_label("File to upload").set_input_files({"name": "west.csv", "mimeType": "text/csv", "buffer": data})
    choices = page.get_by_role("group", name="Choose the encoding in which this line is correct")
    choices.get_by_text("c1,Peña,5").wait_for()
    expect(page.get_by_role("button", name="Create")).to_be_visible()
    choices.get_by_role("button", name="cp1252").click()
    expect(page.get_by_label("Encoding", exact=True)).to_have_value("cp1252")
    page.get_by_text("line 2 has 3 cells, the header has 1").wait_for()
    page.get_by_label("Lines before the header").fill("1")
    page.get_by_text("3 columns, first 2 records").wait_for()
    nulls = page.get_by_role("combobox", name="Null values")
    nulls.fill("\\N")
    nulls.press("Enter")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="west", exact=True).wait_for()
    saved = place.call("GET", "/sources/west")["value"]
    assert (saved["encoding"], saved["skip_lines"], saved["null_values"]) == ("cp1252", 1, ["\\N"])


def test_a_webhook_shows_its_key_once_and_its_first_record(page):
    page.goto("/sources/new?way=webhook")
    page.get_by_label("Name", exact=True).fill("signups")
    page.get_by_role("button", name="Create").click()
    page.get_by_text("Waiting for the first record").wait_for()
    page.get_by_role("button", name="Create key").click()
    key = page.get_by_role("dialog").get_by_role("textbox", name="New key").input_value()
    page.keyboard.press("Escape")
    address = page.get_by_text(re.compile("^http.*/hooks/signups$")).inner_text()
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, b'{"id": "first-one"}', headers), timeout=30) as reply:
        assert reply.status == 200
    page.get_by_text("1 record received").wait_for()  # by itself
    page.get_by_text("first-one").wait_for()
    page.reload()
    page.get_by_text("A key is stored").wait_for()
    assert key not in page.content()


def test_a_flow_has_its_destinations_its_times_and_its_place_on_the_canvas(page, place):
    value = {"dataset": "contacts", "credential": "acme", "template": "upsert_person"}
    fields = {"user_id": "id", "email": "email"}
    for name in ("first-stop", "second-stop"):
        place.call("POST", "/destinations", {"name": name, "value": {**value, "fields": fields}})
    page.goto("/flows/new")
    page.get_by_label("Name", exact=True).fill("mornings")
    for name in ("first-stop", "second-stop"):
        pick(page, "Add a destination", name)
    page.get_by_role("button", name="Move second-stop up").click()
    page.get_by_role("radio", name="Times").focus()
    page.keyboard.press("Space")
    page.get_by_label("Cron fields").fill("30 25 * * *")
    page.get_by_text("this is not a schedule").first.wait_for()  # reported before it is saved
    page.get_by_label("Cron fields").fill("30 6 * * 1-5")
    expect(page.get_by_role("combobox", name="Repeats")).to_have_value("Monday to Friday")
    page.get_by_text(re.compile("06:30|:30:00")).first.wait_for()  # the next times
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").wait_for()
    saved = place.call("GET", "/flows/mornings")
    assert saved["value"]["destinations"] == ["second-stop", "first-stop"]
    assert saved["value"]["schedule"] == "30 6 * * 1-5"
    assert saved["state"]["paused"] is True

    page.goto("/flows?flow=mornings")
    page.get_by_role("article", name="Destination first-stop").wait_for()
    page.get_by_role("article", name="Dataset contacts").wait_for()
    assert page.get_by_role("article", name="Dataset anything").count() == 0  # another's
    page.get_by_role("radio", name="List").focus()  # the same, row by row
    page.keyboard.press("Space")
    expect(page.get_by_role("row", name=re.compile("crm.*contacts.*first-stop.*draft"))).to_be_visible()

    page.keyboard.press("ControlOrMeta+k")
    expect(page.get_by_role("dialog").get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.insert_text("second-st")
    page.get_by_role("dialog").get_by_text("second-stop", exact=True).wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="second-stop").wait_for()


def test_an_account_is_checked_before_it_is_saved(page, place, forgiven):
    page.goto("/credentials/new")
    page.get_by_label("Name", exact=True).fill("checked")
    page.get_by_role("textbox", name="API key").fill("wrong")
    page.get_by_label("Base URL").fill(place.sandbox["url"])
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("the key is refused").first.wait_for()
    assert "checked" not in [one["name"] for one in place.call("GET", "/credentials")["items"]]
    page.get_by_role("textbox", name="API key").fill(place.sandbox["api_key"])
    page.get_by_role("button", name="Check and add").click()
    page.get_by_role("heading", name="checked").wait_for()
    page.get_by_text(f"{place.sandbox['url']} answers").wait_for()

    forgiven.append("status of 400")
    moved = place.sandbox["url"].replace("127.0.0.1", "localhost")  # the sealed key does not move along by itself
    page.get_by_label("Base URL").fill(moved)
    page.get_by_label("API key, again").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("which it was not given for").first.wait_for()
    page.get_by_label("API key, again").fill(place.sandbox["api_key"])
    page.get_by_role("button", name="Save", exact=True).click()
    place.until(lambda: place.call("GET", "/credentials/checked")["value"]["base_url"] == moved)
    expect(page.get_by_label("API key, again")).to_be_hidden()
    assert "api_key" not in place.call("GET", "/credentials/checked")["value"]
