"""The main pages as pictures, on the sample company: `PENSTOCK_PICTURES=write` keeps them in docs/images."""

import os
from pathlib import Path

import pytest

from support.service.service_process import ServiceProcess
from support.ui.page_steps import samples

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WRITE = os.environ.get("PENSTOCK_PICTURES") == "write"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """An empty service that loaded the sample company, ran it once, and has one destination left to activate."""
    with ServiceProcess(tmp_path_factory.mktemp("company")) as served:
        run = served.begin_company()
        yield served, run


PAGES = {
    "flows": ("/flows", "companies"),
    "destination": ("/destinations/people", "Next run"),
    "configure": ("/destinations/people/configure", "records would be quarantined"),
    "run": ("/runs/{run}", "delivered"),
    "runs": ("/runs", "partial"),
    "quarantine": ("/quarantine", "companies"),
    "dataset": ("/datasets/people", "u-0001"),
    "settings-alerts": ("/settings?tab=alerts", "A run failed"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_picture_of_each_main_page(new_page, company, name, tmp_path):
    served, run = company
    address, words = PAGES[name]
    page = new_page(served, color_scheme="light", device_scale_factor=1)
    page.goto(address.format(run=run))
    page.get_by_text(words).first.wait_for()
    page.wait_for_load_state("networkidle")
    if name in {"destination", "configure"}:
        samples(page).locator(".cm-content").first.wait_for()
    if name in {"destination", "runs"}:
        page.locator("svg.recharts-surface").nth(1).wait_for()  # drawn by a part that comes later
    overflow = "document.documentElement.scrollWidth > window.innerWidth"
    assert page.evaluate(overflow) is False  # nothing is pushed out of sight
    target = (IMAGES if WRITE else tmp_path) / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    page.screenshot(path=target)
    assert target.stat().st_size < 250_000


def test_a_tablet_sees_it_too(new_page, company):
    served, run = company
    page = new_page(served)
    page.set_viewport_size({"width": 820, "height": 1180})
    for address, words in PAGES.values():
        page.goto(address.format(run=run))
        page.get_by_text(words).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth > window.innerWidth") is False
