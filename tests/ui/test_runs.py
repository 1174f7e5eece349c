"""Runs in the browser: the first records, filters, progress, cancel and resume, requests and records, charts, downloads."""

import csv
import io
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect
from pyarrow import parquet

from support.ui.page_steps import pick

PERSON = {
    "dataset": "contacts",
    "credential": "page",
    "template": "upsert_person",
    "fields": {"user_id": "id", "email": "email"},
    "batch": "off",
    "concurrency": 1,
    "responses": True,
    "active": True,
}
OVER = {"succeeded", "partial", "failed", "cancelled"}


@pytest.fixture(scope="package")  # like `place`: a worker of pytest-xdist can return to a module
def ran(place):
    """A run that has ended, with one record of three in quarantine."""
    place.call("POST", "/destinations", {"name": "told", "value": PERSON})
    run = place.call("POST", "/runs", {"target": "told"})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] in OVER)
    return run


def test_runs_are_found_and_charted(page, ran):
    page.goto("/runs?charts=off")
    page.get_by_role("row", name=re.compile(ran)).wait_for()
    page.get_by_role("button", name="Show charts").click()
    for chart in ("Records by outcome", "Request time"):
        page.get_by_role("figure", name=chart).locator("svg.recharts-surface").first.wait_for()
    expect(page.get_by_role("meter", name="Rate limit of page")).to_be_visible()
    page.get_by_role("radio", name="7 days").focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("hours=168"))

    pick(page, "Status", "failed")
    expect(page.get_by_role("row", name=re.compile(ran))).to_have_count(0)
    pick(page, "Status", "partial")
    page.get_by_label("Target").fill("told")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("target=told"))
    page.reload()  # the address has the whole state of the list
    row = page.get_by_role("row", name=re.compile(ran))
    row.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ran).wait_for()


def test_from_a_run_to_a_request_to_a_record(new_page, place, ran):
    page = new_page(timezone_id="Asia/Kolkata")
    page.goto(f"/runs/{ran}")
    started = page.locator("time").first
    began = datetime.fromisoformat(started.get_attribute("datetime"))
    assert started.get_attribute("title") == f"{began.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"  # on hover
    expect(started).to_contain_text(f"{began.astimezone(ZoneInfo('Asia/Kolkata')):%H:%M:%S}")
    page.get_by_role("row", name=re.compile("delivered")).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Request", exact=True)).to_contain_text("ada@example.com")
    expect(page.get_by_role("group", name="Headers of the request")).to_contain_text(re.compile("json", re.IGNORECASE))
    expect(page.get_by_label("Reply", exact=True)).to_be_visible()
    assert place.sandbox["api_key"] not in page.content()
    page.go_back()

    page.get_by_role("tab", name="Records").click()
    pick(page, "Outcome", "quarantined")
    held = page.get_by_role("row", name=re.compile("not-an-address|quarantined")).last
    expect(held).to_contain_text("email")
    page.reload()
    expect(page.get_by_role("row", name=re.compile("quarantined")).last).to_contain_text("email")
    pick(page, "Outcome", "delivered")
    page.get_by_role("row", name=re.compile("007")).get_by_role("link").click()  # and back to its request
    expect(page.get_by_label("Request", exact=True)).to_contain_text("ada@example.com")


def test_a_run_is_downloaded(page, ran):
    page.goto(f"/runs/{ran}")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Records as CSV").click()
    rows = list(csv.DictReader(io.StringIO(coming.value.path().read_text(encoding="utf-8"))))
    assert sorted(row["outcome"] for row in rows) == ["delivered", "delivered", "quarantined"]
    with page.expect_download() as coming:
        page.get_by_role("link", name="Records as PARQUET").click()
    assert coming.value.suggested_filename.endswith(".parquet")
    assert parquet.read_table(coming.value.path()).num_rows == 3


def test_a_run_is_watched_cancelled_and_resumed(page, place):
    place.call("POST", "/destinations", {"name": "slow", "value": {**PERSON, "mode": "all"}})
    place.admin("POST", "/faults", ["slow=8s,path=/people,times=1"])  # the second record waits meanwhile
    page.goto("/destinations/slow")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("heading", name="Progress").wait_for()
    page.get_by_text(re.compile("records a second")).wait_for()
    allowance = page.get_by_role("list", name="Rate limit in use")
    expect(allowance.get_by_role("meter", name="Rate limit of page")).to_be_visible()  # the rate against it
    expect(allowance).to_contain_text(re.compile(r"[\d.]+ % of 100 requests in 10 s"))
    page.get_by_role("button", name="Cancel run", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("The run stops after its current requests and can be resumed.").wait_for()
    expect(dialog.get_by_role("button", name="Cancel", exact=True)).to_have_count(0)  # no two buttons of one name
    dialog.get_by_role("button", name="Cancel run", exact=True).click()
    page.get_by_text("cancelled", exact=True).first.wait_for()
    page.get_by_text(re.compile("1 unsent")).first.wait_for()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text(re.compile("2 delivered")).first.wait_for()
    before = page.url
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url(lambda url: url != before)  # a run of its own
    page.get_by_text(re.compile("2 delivered")).first.wait_for()


def test_only_data_that_can_change_is_requested_again(page, place):
    asked: list[str] = []
    runs = [
        {
            "run": f"r-{number:04}",
            "destination": "far",
            "status": "running" if number == 0 else "succeeded",
            "records": {"read": number, "delivered": number},
            "requests": 1,
            "retries": 0,
            "duration_s": 1.0,
            "started_at": "2026-01-02T03:04:05Z",
            "finished_at": None,
            "notes": [],
            "deleted": 0,
            "trigger": "schedule",
            "asked_by": None,
        }
        for number in reversed(range(250))
    ]

    def answer(route):
        url = urlsplit(route.request.url)
        name = url.path.rpartition("/")[2]
        asked.append(name if name.startswith("r-") else parse_qs(url.query).get("cursor", ["first"])[0])
        if name.startswith("r-"):
            route.fulfill(json={**runs[-1], "status": "failed"})
            return
        start = int(parse_qs(url.query).get("cursor", ["0"])[0])
        rest = start + 100 if start + 100 < len(runs) else None
        route.fulfill(json={"items": runs[start : start + 100], "next": None if rest is None else str(rest)})

    page.route(re.compile(r"/api/v1/runs(\?|/r-|$)"), answer)
    page.goto("/runs?charts=off")
    page.get_by_role("row", name=re.compile("r-0249")).wait_for()
    last = page.get_by_role("row", name=re.compile("r-0000"))
    scroll = "to => { document.querySelector('table').parentElement.scrollTop = to }"
    place.until(lambda: page.evaluate(scroll, 1_000_000) or last.is_visible(), within_s=90)  # page after page
    below = "document.querySelector('table').parentElement.scrollTop"
    at = page.evaluate(below)
    asked.clear()
    runs.insert(0, {**runs[0], "run": "r-new"})
    expect(last).to_contain_text("failed")  # it was running
    assert set(asked) == {"first", "r-0000"}
    assert page.evaluate(below) >= at
    page.evaluate(scroll, 0)
    page.get_by_role("row", name=re.compile("r-new")).wait_for()


def test_a_run_shows_its_attempts_and_what_it_waits_for(page, place):
    place.call("POST", "/destinations", {"name": "flaky", "value": {**PERSON, "mode": "all"}})
    place.admin("POST", "/faults", ["status=503,path=/people,times=4,retry_after=2"])
    page.goto("/destinations/flaky")
    page.get_by_role("button", name="Run now").click()
    page.get_by_role("heading", name="Progress").wait_for()
    page.get_by_text(re.compile(r"The API answered 503: attempt \d in")).first.wait_for()
    attempts = page.get_by_role("table", name="Retried requests")
    first = attempts.get_by_role("row", name=re.compile("503")).first
    expect(first).to_contain_text("POST")
    expect(first).to_contain_text("again after")
    page.get_by_text(re.compile("2 delivered")).first.wait_for()


def test_after_a_resend_the_list_and_the_badge_follow_without_a_reload(page, place):
    place.call("POST", "/destinations", {"name": "resent-here", "value": {**PERSON, "mode": "all"}})
    place.admin("POST", "/faults", ["status=422,path=/people,times=2"])
    run = place.call("POST", "/runs", {"target": "resent-here"})["run"]
    place.until(lambda: place.call("GET", f"/runs/{run}")["status"] in OVER)

    def held():
        return sum(group["count"] for group in place.call("GET", "/quarantine/groups")["items"])

    before = held()
    page.goto("/quarantine?destination=resent-here")
    rows = page.get_by_role("table", name="By cause").get_by_role("row", name=re.compile("resent-here"))
    expect(rows).to_have_count(2)  # one record that our checks refuse, two that the API refused
    badge = page.get_by_label(re.compile(f"^{before} "))
    expect(badge.first).to_be_visible()
    page.get_by_role("button", name="Resend 3 records").click()
    page.get_by_role("dialog").get_by_role("button", name="Resend 3 records").click()
    place.until(lambda: held() == before - 2)
    expect(rows).to_have_count(1, timeout=8_000)
    expect(badge).to_have_count(0, timeout=8_000)


FIRST = {"credential": "page", "template": "upsert_person", "fields": {"user_id": "id"}, "batch": "off", "active": True}


def _people(place, name, number):
    rows = "".join(f"{name}-{each},{name}-{each}@example.com\n" for each in range(number))
    (place.folder / f"{name}.csv").write_text(f"id,email\n{rows}")
    place.call("PUT", f"/sources/{name}", {"type": "file", "path": f"{name}.csv"})
    place.call("PUT", f"/datasets/{name}", {"source": name, "key": "id"})


def _arrived(place, name):
    return sum(person.get("user_id", "").startswith(name) for person in place.admin("GET", "/state")["people"])


def test_the_first_ten_records_are_sent_and_then_as_many_as_typed(page, place, axe):
    _people(place, "careful", 25)
    place.call("PUT", "/destinations/careful", {**FIRST, "dataset": "careful", "canary": 5})
    page.goto("/destinations/careful")
    page.get_by_text("The first 5 are sent and judged before the rest").wait_for()
    page.get_by_role("button", name="Send the first 10").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("The run sends the first 10 records that have to be sent, and stops.").wait_for()
    assert axe(page) == []
    dialog.get_by_role("button", name="Send").click()
    page.get_by_text("10 delivered").first.wait_for()
    page.get_by_text("10 records; the next run with a limit begins after them").wait_for()
    page.get_by_role("button", name="Send the next 10").wait_for()
    assert _arrived(place, "careful") == 10
    page.get_by_role("button", name="Send the next 10").click()
    amount = dialog.get_by_label("Number of records")
    amount.fill("0")
    dialog.get_by_role("button", name="Send").click()
    expect(amount).to_be_focused()  # and nothing is sent
    amount.fill("3")
    dialog.get_by_role("button", name="Send").click()
    page.get_by_text("3 records; the next run with a limit begins after them").wait_for()
    page.get_by_text("3 delivered").first.wait_for()
    assert _arrived(place, "careful") == 13


def test_a_file_that_is_written_whole_has_no_first_records(page, place):
    _people(place, "written", 1)
    place.call("PUT", "/credentials/whole", {"connector": "file", "path": "out"})
    value = {"dataset": "written", "credential": "whole", "path": "all.csv", "active": True}
    place.call("PUT", "/destinations/written", value)
    page.goto("/destinations/written")
    page.get_by_role("button", name="Run now").wait_for()
    expect(page.get_by_role("button", name="Send the first 10")).to_have_count(0)
