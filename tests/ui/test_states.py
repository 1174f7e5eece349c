"""The pages while they are empty, loading or failed, and with much data and long names."""

import json
import re

import pytest

from support.service.service_process import ServiceProcess
from support.ui.many_runs import many_runs
from support.ui.page_steps import SHOTS, fits, keep, settled, visit

LISTS = (
    "/flows",
    "/flows?view=list",
    "/destinations",
    "/runs",
    "/quarantine",
    "/responses",
    "/sources",
    "/datasets",
    "/credentials",
    "/versions",
    "/audit",
    "/settings?tab=people",
    "/settings?tab=tokens",
    "/settings?tab=alerts",
    "/settings?tab=retention",
)
DETAILS = (
    "/destinations/people",
    "/destinations/people/configure",
    "/sources/contacts",
    "/datasets/people",
    "/credentials/{credential}",
    "/flows/everything",
    "/runs/{run}",
    "/versions/1",
)
SOME = ("/flows", "/runs", "/settings?tab=alerts")  # in a failing service each page tries again for seconds
LEADING = {"/flows", "/destinations", "/responses", "/sources", "/datasets", "/credentials"}
LONG = "customer-success-workspace-of-the-european-subsidiary-number-12"


@pytest.fixture(scope="module")
def filled(company):
    """The sample company, and the addresses of its details."""
    served, run = company
    credential = served.call("GET", "/credentials")["items"][0]["name"]
    entry = served.call("GET", "/quarantine?limit=1")["items"][0]["id"]
    delivery = served.call("GET", f"/runs/{run}/deliveries")["items"][0]["delivery"]
    more = (f"/runs/{run}?tab=records", f"/runs/{run}/deliveries/{delivery}", f"/quarantine/{entry}")
    return served, tuple(one.format(run=run, credential=credential) for one in DETAILS) + more


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with ServiceProcess(tmp_path_factory.mktemp("empty")) as served:
        served.begin_empty()
        yield served


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A hundred columns, ten thousand runs, names that do not end."""
    folder = tmp_path_factory.mktemp("large")
    columns = ["id", "email", *(f"a_measured_value_number_{n:03}" for n in range(98))]
    rows = [[str(n), f"p{n}@example.com", *(f"{n * 7919 + m}" for m in range(98))] for n in range(500)]
    (folder / "wide.csv").write_text("\n".join(",".join(row) for row in [columns, *rows]) + "\n")
    with ServiceProcess(folder) as served:
        served.begin()
        served.call("POST", "/sources", {"name": "wide", "value": {"type": "file", "path": "wide.csv"}})
        served.call("POST", "/datasets", {"name": "wide", "value": {"source": "wide", "key": "id"}})
        for kind, value in (
            ("sources", {"type": "file", "path": "contacts.csv"}),
            ("datasets", {"source": LONG, "key": "id"}),
            ("destinations", _to(LONG)),
        ):
            served.call("POST", f"/{kind}", {"name": LONG, "value": value})
        served.call("POST", "/flows", {"name": f"{LONG}_flow", "value": {"destinations": [LONG]}})
        served.call("POST", "/destinations", {"name": "wide", "value": _to("wide")})
        many_runs(served, 10_000)
        yield served


def _to(dataset):
    return {"dataset": dataset, "credential": "acme", "template": "upsert_person", "fields": {"email": "email"}}


def test_empty_leads_to_the_next_step(new_page, empty):
    page = new_page(empty)
    for address in LISTS:
        visit(page, address)
        settled(page)
        keep(page, "empty", address)
        if address in LEADING:
            assert page.locator("main").get_by_role("link").count() > 0, address


def test_loading_shows_placeholders_without_layout_shift(new_page, filled):
    served, details = filled
    page = new_page(served)
    page.route(re.compile("/api/v1/(?!session)"), lambda route: None)
    for address in (*LISTS, *details):
        visit(page, address)
        page.locator("main").get_by_role("status").first.wait_for()
        keep(page, "loading", address)


@pytest.mark.parametrize("status", [500, 403])
def test_a_failure_shows_what_to_do(new_page, filled, forgiven, status):
    forgiven.append(f"status of {status}")
    served, details = filled
    page = new_page(served)
    problem = {"code": "defect", "path": "", "message": "Something here went wrong.", "hint": "Try again."}
    body = json.dumps({"errors": [problem]})
    page.route(
        re.compile("/api/v1/(?!session)"),
        lambda route: route.fulfill(status=status, body=body, content_type="application/json"),
    )
    for address in (*LISTS, *details) if SHOTS else (*SOME, *details[:2]):
        page.goto(address)
        settled(page)
        if status == 500:
            page.get_by_role("button", name="Try again").first.wait_for()
        keep(page, f"failed{status}", address)
        assert page.locator("h1").count() == 1, address


def test_large_pages(new_page, large):
    page = new_page(large)
    wide = []
    for address in (
        *LISTS,
        "/datasets/wide",
        "/sources/wide",
        "/destinations/wide/configure",
        "/destinations/wide",
        f"/datasets/{LONG}",
        f"/destinations/{LONG}",
        f"/destinations/{LONG}/configure",
        f"/flows/{LONG}_flow",
        f"/sources/{LONG}",
    ):
        for width in (1440, 820):  # a window made narrower; test_pages.py does this with every page
            page.set_viewport_size({"width": width, "height": 900})
            if width == 1440:
                visit(page, address)
                settled(page)
            keep(page, f"large{width}", address)
            if not fits(page):
                wide.append((width, address))
    assert wide == []
