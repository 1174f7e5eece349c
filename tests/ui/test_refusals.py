"""The web UI has its own texts for refusals, with what to do in the web UI."""

import re

from playwright.sync_api import expect

OVER = {"succeeded", "partial", "failed"}
CSV = (
    b"id,email,plan,age\n1,no-mail,gold,30\n2,b@x.example," + b"x" * 300 + b",31\n",
    b"id,email,plan,age\n3,c@x.example,gold,old\n",
)
OTHER_INTERFACE = re.compile(
    r"datasets\.|destinations\.|`|penstock (schema|run|quarantine)|truncate: true|types:|exclude:"
)


def ran(place, name):
    run = place.call("POST", "/runs", {"target": name})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] in OVER)
    return run


def test_a_refusal_names_forms_and_buttons_of_the_web_ui(page, place):
    file = place.folder / "refused.csv"
    file.write_bytes(CSV[0])
    place.call("POST", "/sources", {"name": "refused", "value": {"type": "file", "path": str(file)}})
    place.call("POST", "/datasets", {"name": "refused", "value": {"source": "refused", "key": "id"}})
    fields = {"user_id": "id", "email": "email"}
    value = {"dataset": "refused", "credential": "acme", "template": "upsert_person", "fields": fields, "active": True}
    place.call("POST", "/destinations", {"name": "refused", "value": value})
    ran(place, "refused")
    file.write_bytes(CSV[0] + CSV[1].partition(b"\n")[2])
    run = ran(place, "refused")
    held = {entry["key"]: entry["id"] for entry in place.call("GET", "/quarantine?destination=refused")["items"]}
    assert sorted(held) == ["1", "2", "3"]

    page.goto(f"/quarantine/{held['1']}")
    expect(page.get_by_text("email: “no-mail” is not an e-mail address.").first).to_be_visible()
    expect(page.get_by_text("What to do:")).to_be_visible()
    page.goto(f"/quarantine/{held['2']}")
    expect(page.get_by_text("is longer than 255 characters").first).to_be_visible()
    expect(page.get_by_text("with SQL in the dataset's form").first).to_be_visible()
    page.goto(f"/quarantine/{held['3']}")
    expect(page.get_by_text("age: “old” is not of the type integer.").first).to_be_visible()
    expect(page.get_by_text("Press Detect again on the dataset's page").first).to_be_visible()

    places = [f"/quarantine/{entry}" for entry in held.values()]
    for address in (
        *places,
        "/quarantine?destination=refused",
        f"/runs/{run}?tab=records",
        "/destinations/refused/configure",
    ):
        page.goto(address)
        expect(
            page.get_by_text(re.compile("e-mail address|longer than|is not of the type integer")).first
        ).to_be_visible()
        written = page.locator("main").inner_text() + "".join(
            page.locator("main [title]").evaluate_all("all => all.map(one => one.title)")
        )
        assert OTHER_INTERFACE.search(written) is None, (address, OTHER_INTERFACE.search(written))
