"""Nothing invalid is saved: the error is shown at its field, and what was typed stays."""

import re

import yaml
from playwright.sync_api import expect

from support.ui.page_steps import begin, by_hand, pick, samples, write


def names(place, kind):
    return {each["name"] for each in place.call("GET", f"/{kind}")["items"]}


def test_a_request_with_broken_further_properties_is_not_saved(page, place):
    begin(page)
    page.get_by_text("Advanced", exact=True).click()
    expect(page.get_by_label("URL", exact=True)).to_have_value("")
    expect(page.get_by_label("Send several records in one request")).not_to_be_checked()
    page.get_by_label("Name of the destination").fill("with-props")
    page.get_by_label("URL", exact=True).fill("/batch")
    page.get_by_label("Send several records in one request").check()
    pick(page, "Grouping", "Property of an object")
    props = page.get_by_label("Other properties, as a JSON object")
    props.fill('{"origin": ')
    page.get_by_role("button", name="Done").click()
    expect(props).to_be_focused()
    expect(page.get_by_text("This is not a JSON object")).to_be_visible()
    page.reload()
    expect(props).to_have_value('{"origin": ')  # what was typed is there again
    page.get_by_role("button", name="Done").click()
    expect(props).to_be_focused()
    assert "with-props" not in names(place, "destinations")
    props.fill('{"origin": 0}')
    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="with-props", exact=True).wait_for()
    made = place.call("GET", "/destinations/with-props")["value"]["request"]["batch"]["grouping"]
    assert made["other_props"] == {"origin": 0}


def test_a_new_request_shows_no_error_before_anything_is_typed(page, place):
    begin(page)
    page.get_by_text("Advanced", exact=True).click()
    url = page.get_by_role("textbox", name="URL", exact=True)
    page.get_by_text("Enter the URL. Your payload appears here.").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(url).not_to_have_attribute("aria-invalid", "true")
    page.get_by_label("Name of the destination").fill("untouched")
    page.get_by_role("button", name="Done").click()
    expect(url).to_be_focused()
    expect(page.get_by_text("URL is required.")).to_have_count(1)
    expect(page.get_by_text("the text is empty")).to_have_count(0)
    expect(page.get_by_text("destination untouched")).to_have_count(0)
    assert "untouched" not in names(place, "destinations")
    url.fill("/people")
    expect(page.get_by_text("URL is required.")).to_have_count(0)
    samples(page).get_by_text("ada@example.com").first.wait_for()
    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="untouched", exact=True).wait_for()


def test_a_problem_of_a_request_is_shown_once_at_its_field(page):
    begin(page)
    by_hand(page, "http://", batched=False)
    expect(page.get_by_role("textbox", name="URL", exact=True)).to_have_attribute("aria-invalid", "true")
    samples(page).get_by_text("Correct the marked fields. Your payload appears here.").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)  # no list beside the field


def test_long_text_later_columns_and_company_links_are_chosen_in_the_form(page, place):
    begin(page, dataset="anything")
    pick(page, "Template", "Upsert person")
    page.get_by_label("Name of the destination").fill("choosy")
    page.get_by_role("group", name="E-mail").wait_for()
    expect(page.get_by_role("switch", name="Cut long text in E-mail")).to_have_count(
        0
    )  # an e-mail address cannot be cut
    page.get_by_role("switch", name="Cut long text in Name").check(force=True)
    expect(page.get_by_text("Custify accepts 255 characters.").first).to_be_visible()
    pick(page, "New columns", "Send")
    pick(page, "When a person changes company", "Add the new company, remove the old link")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="choosy", exact=True).wait_for()
    exported = yaml.safe_load(place.export())["destinations"]["choosy"]
    assert exported["fields"]["name"] == {"column": "name", "truncate": True}
    assert (exported["new_columns"], exported["company_link"]) == ("send", "replace")

    page.goto("/destinations/choosy/configure")
    page.get_by_role("switch", name="Cut long text in Name").uncheck(force=True)
    pick(page, "New columns", "Do not send, report in the run")
    pick(page, "When a person changes company", "Add the new company, keep the old link")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("choosy is saved").wait_for()
    exported = yaml.safe_load(place.export())["destinations"]["choosy"]
    assert exported["fields"]["name"] == "name"
    assert not exported.keys() & {"new_columns", "company_link"}


def test_how_a_request_without_an_answer_is_settled_is_chosen_in_the_form(page, place):
    begin(page)
    by_hand(page, "/things", batched=False)
    page.get_by_label("Name of the destination").fill("settled")
    page.get_by_role("textbox", name="Value of the idempotency header").fill("{run.id}")
    expect(page.get_by_text("differ when the same record is sent or looked up again")).to_be_visible()
    page.get_by_role("textbox", name="Value of the idempotency header").fill("{record.id}")
    page.get_by_role("textbox", name="Check after a lost reply › URL").fill("/things/{record.id}")
    page.get_by_role("textbox", name="Check after a lost reply › JSONPath").fill("$.id")
    pick(page, "When a request gets no answer", "Keep its records for a person")
    page.get_by_label("Wait before concluding that a record is not there").fill("1m")
    page.get_by_label("Wait for a batch job").fill("30s")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="settled", exact=True).wait_for()
    exported = yaml.safe_load(place.export())["destinations"]["settled"]
    assert (exported["on_unknown"], exported["settle_after"], exported["confirm_timeout"]) == ("hold", "1m", "30s")
    assert exported["request"]["idempotency"] == {"value": "{record.id}"}
    assert exported["request"]["settle"] == {"url": "/things/{record.id}", "found": "$.id"}


def test_a_number_out_of_its_bounds_is_not_saved(page, place):
    begin(page)
    pick(page, "Template", "Upsert person")
    page.get_by_label("Name of the destination").fill("too-many")
    requests = page.get_by_label("Parallel requests")
    for text in ("", "0", "1000"):
        requests.fill(text)
        page.get_by_role("button", name="Done").click()
        expect(requests).to_be_focused()
        expect(page.get_by_text("Enter a number from 1 to 200")).to_be_visible()
    assert "too-many" not in names(place, "destinations")


def test_a_dataset_is_not_saved_with_a_key_that_its_sql_does_not_give(page, place, forgiven):
    forgiven.append("status of 400")  # the browser logs the refusal
    page.goto("/datasets/new?source=crm")
    page.get_by_label("Name", exact=True).fill("keyless")
    expect(page.get_by_role("combobox", name="Key").or_(page.get_by_label("Key")).first).to_be_visible()
    page.get_by_text("007").first.wait_for()  # the records are there, and so is the suggested key
    page.get_by_role("switch", name=re.compile("SQL")).check(force=True)
    write(page, "SQL of the dataset", "select name as person from source")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("there is no column id").first).to_be_visible()
    assert "keyless" not in names(place, "datasets")


def test_only_unmapped_columns_are_offered_to_exclude(page):
    begin(page)
    pick(page, "Template", "Upsert person")
    page.get_by_role("group", name="E-mail").wait_for()
    page.get_by_role("combobox", name="Exclude attributes").click()
    offered = page.get_by_role("option").filter(visible=True)
    expect(offered.filter(has_text="seats")).to_have_count(1)
    expect(offered.filter(has_text=re.compile("^email$"))).to_have_count(0)


def test_an_uploaded_file_is_replaced_by_a_newer_one(page, place):
    page.goto("/sources/new?way=upload")
    file = page.get_by_label("File to upload")
    file.set_input_files({"name": "leads.csv", "mimeType": "text/csv", "buffer": b"id,plan\n1,team\n"})
    page.get_by_text("leads.csv is uploaded").wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="leads", exact=True).wait_for()
    first = place.call("GET", "/sources/leads")["value"]["path"]
    file.set_input_files({"name": "leads.csv", "mimeType": "text/csv", "buffer": b"id,plan\n1,team\n2,free\n"})
    page.get_by_text("leads.csv is uploaded").wait_for()
    expect(page.get_by_role("cell", name="free").or_(page.get_by_text("free", exact=True)).first).to_be_visible()
    page.get_by_role("button", name="Save").click()
    place.until(lambda: place.call("GET", "/sources/leads")["value"]["path"] != first)


def test_a_source_of_custify_is_made_and_changed(page, place, axe):
    page.goto("/sources/new?way=custify")
    pick(page, "Credential", "acme")
    pick(page, "Objects", "Deals")
    parameters = page.get_by_role("combobox", name="Parameters")
    parameters.fill("company_id")
    parameters.press("Enter")
    page.get_by_text("is no parameter: write a name").wait_for()
    parameters.fill("company_id=acme")
    parameters.press("Enter")
    expect(page.get_by_text("is no parameter")).to_have_count(0)
    assert axe(page) == []
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name="deals", exact=True).wait_for()
    made = {"type": "custify", "credential": "acme", "object": "deals", "query": {"company_id": "acme"}}
    assert place.call("GET", "/sources/deals")["value"] == made
    pick(page, "Objects", "Companies")
    saves = []  # this save waits
    page.route("**/api/v1/sources/deals", lambda route: saves.append(route), times=1)  # noqa: PLW0108
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_text("columns, first").wait_for()
    saves.pop().continue_()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    assert place.call("GET", "/sources/deals")["value"] == {**made, "object": "companies"}
    page.get_by_text("columns, first").wait_for()


def test_the_canvas_keeps_the_focused_card_in_view_and_enter_opens_it(page, place):
    for number in range(12):
        value = {"dataset": "contacts", "credential": "acme", "template": "upsert_person"}
        place.call(
            "POST", "/destinations", {"name": f"canvas-{number}", "value": {**value, "fields": {"user_id": "id"}}}
        )
    page.set_viewport_size({"width": 1100, "height": 520})
    page.goto("/flows")
    page.get_by_role("article", name="Destination canvas-0").get_by_role("link").first.focus()
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        # the canvas moves in an animation: wait until what has the focus lies within it
        page.wait_for_function(
            """() => {
              const focused = document.activeElement, pane = document.querySelector('.react-flow');
              if (!pane.contains(focused) || focused.closest('.react-flow__controls')) return true;
              const a = focused.getBoundingClientRect(), b = pane.getBoundingClientRect();
              return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
            }"""
        )
        name = page.evaluate("document.activeElement.closest('article')?.getAttribute('aria-label') ?? ''")
        seen.add(name)
        if not page.evaluate("document.querySelector('.react-flow').contains(document.activeElement)"):
            break
    assert {f"Destination canvas-{number}" for number in range(1, 12)} <= seen
    page.get_by_role("article", name="Destination canvas-11").get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="canvas-11", exact=True).wait_for()
