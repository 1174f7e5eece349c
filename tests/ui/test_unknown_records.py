"""A user finds out in the browser what became of records whose replies were lost, and approves what a mirror deletes."""

import re

import pytest
from playwright.sync_api import expect

from support.ui.page_steps import fits, keep, settled

TASKS = {"template": "create_task", "attributes": "none", "fields": {"name": "name"}}
TABLET = {"width": 820, "height": 1180}


@pytest.fixture
def lost(place):
    """Makes a destination whose four records are unknown: the third request did not arrive."""

    def make(name, credential):
        rows = "".join(f"{name}-{number},Call\n" for number in range(1, 5))  # the sandbox is that of all tests
        (place.folder / f"{name}.csv").write_text("id,name\n" + rows)
        place.call("PUT", f"/sources/{name}", {"type": "file", "path": f"{name}.csv"})
        place.call("PUT", f"/datasets/{name}", {"source": name, "key": "id"})
        value = {
            **TASKS,
            "dataset": name,
            "credential": credential,
            "on_unknown": "hold",
            "settle_after": "0s",
            "concurrency": 1,
        }
        place.call("PUT", f"/destinations/{name}", {**value, "active": True})
        lost_ones = [f"cut={way},method=POST,path=/task,times=1" for way in ("after", "after", "before", "after")]
        place.admin("POST", "/faults", lost_ones)
        run = place.call("POST", "/runs", {"target": name})["run"]
        place.until(lambda: place.call("GET", f"/runs/{run}")["status"] == "partial")
        place.admin("DELETE", "/faults")
        return [entry["id"] for entry in place.call("GET", f"/quarantine?destination={name}&outcome=unknown")["items"]]

    return make


def test_records_without_a_reply_are_looked_up_and_the_findings_are_shown(page, place, lost, axe):
    *_, last = lost("calls", "acme")
    place.call(
        "PATCH", f"/quarantine/{last}", {"changes": {"name": "Call again"}}
    )  # what was sent is not known any more
    place.admin("POST", "/faults", ["slow=2,method=GET,path=/task"])
    page.goto("/destinations/calls")
    panel = page.get_by_role("region", name="Unknown records")
    panel.get_by_text("4 records of calls were sent, and their replies were lost.").wait_for()
    settled(page)
    keep(page, "unknown", "/destinations/calls")
    wrong = axe(page)

    panel.get_by_role("button", name="Find out in Custify").click()
    panel.get_by_text(re.compile("Waiting for the run to start|looked up")).wait_for()
    place.admin("DELETE", "/faults")
    found = "2 had arrived, 1 was sent again, 1 could not be decided: a person edited it"
    panel.get_by_text(found).wait_for()
    panel.get_by_text("1 record of calls was sent, and its reply was lost.").wait_for()
    tasks = [task.get("externalId") or "" for task in place.admin("GET", "/state")["tasks"]]  # of other tests too
    assert sorted(each for each in tasks if each.startswith("calls-")) == [f"calls-{n}" for n in range(1, 5)]
    settled(page)
    keep(page, "looked-up", "/destinations/calls")
    wrong += axe(page)
    page.set_viewport_size(TABLET)
    assert fits(page)
    assert wrong == []

    panel.get_by_role("link", name="Requests of this run").click()
    page.get_by_text("2 unchanged").first.wait_for()
    page.goto(f"/quarantine/{last}")
    expect(page.get_by_role("main")).to_contain_text(re.compile("Read back *a person edited it"))


def test_the_group_of_unknown_records_is_emptied_from_the_quarantine(page, place, lost):
    lost("more-calls", "acme")
    page.goto("/quarantine?destination=more-calls")
    page.get_by_role("row").nth(1).get_by_role("link").click()
    page.get_by_role("row", name=re.compile("more-calls-1")).wait_for()
    panel = page.get_by_role("region", name="Unknown records")
    panel.get_by_role("button", name="Find out in Custify").click()
    panel.get_by_text("3 had arrived, 1 was sent again").wait_for()
    page.get_by_text("No record in quarantine").wait_for()
    assert place.call("GET", "/quarantine?destination=more-calls")["items"] == []


def test_an_account_that_cannot_be_read_has_the_reason_in_place_of_the_button(page, lost):
    lost("flat-calls", "page")
    page.goto("/destinations/flat-calls")
    panel = page.get_by_role("region", name="Unknown records")
    panel.get_by_text("This account uses the flat API, which cannot be read.").wait_for()
    assert panel.get_by_role("button").count() == 0


# ── mirrors ──

PERSON = {"template": "upsert_person", "fields": {"user_id": "id", "name": "name"}, "mode": "mirror", "active": True}


def rows(name, numbers):
    return "id,name\n" + "".join(f"{name}-{number:03},Ada\n" for number in numbers)


def test_the_keys_are_listed_and_exactly_these_are_deleted(page, place, axe):
    name = "leavers"
    (place.folder / f"{name}.csv").write_text(rows(name, range(60)))
    place.call("PUT", f"/sources/{name}", {"type": "file", "path": f"{name}.csv"})
    place.call("PUT", f"/datasets/{name}", {"source": name, "key": "id"})
    value = {**PERSON, "dataset": name, "credential": "acme", "on_delete": "delete"}
    place.call("PUT", f"/destinations/{name}", value)
    run = place.call("POST", "/runs", {"target": name})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] == "succeeded")
    (place.folder / f"{name}.csv").write_text(rows(name, range(2)))

    kept = place.call("POST", "/runs", {"target": name})["run"]
    place.until(lambda: place.call("GET", f"/runs/{kept}")["status"] == "partial")
    page.goto(f"/runs/{kept}")
    page.get_by_text("approve them on the page of the destination").first.wait_for()
    page.get_by_role("link", name=f"Look at them on the page of {name}, and approve there").click()
    panel = page.get_by_role("main")
    panel.get_by_text("58 records left the dataset. Their objects are permanently deleted in Custify.").wait_for()
    panel.get_by_text("Custify also deletes all events of these people.").wait_for()
    listed = panel.get_by_role("list", name="Keys that left the dataset")
    expect(listed.get_by_role("listitem")).to_have_count(50)
    settled(page)
    keep(page, "deletions", f"/destinations/{name}")
    wrong = axe(page)
    panel.get_by_role("button", name="Next page").click()
    expect(listed.get_by_role("listitem")).to_have_count(8)
    expect(listed).to_contain_text(f"{name}-059")
    assert fits(page)

    panel.get_by_role("button", name="Approve and delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(re.compile("/runs/r-"))
    approved = page.url.rsplit("/", 1)[1]
    place.until(lambda: place.call("GET", f"/runs/{approved}")["status"] == "succeeded")
    page.get_by_role("main").get_by_text("58 deleted").wait_for()
    assert wrong == []
