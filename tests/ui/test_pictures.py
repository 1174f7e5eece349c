"""The main pages as pictures, on the sample company: `PENSTOCK_PICTURES=write` keeps them in docs/images."""

import os
from pathlib import Path

import pytest

from support.ui.page_steps import fits, samples, settled

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WRITE = os.environ.get("PENSTOCK_PICTURES") == "write"
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
    settled(page)
    if name in {"destination", "configure"}:
        samples(page).locator(".cm-content").first.wait_for()
    if name in {"destination", "runs"}:
        page.locator("svg.recharts-surface").nth(1).wait_for()  # charts are loaded later than the page
    assert fits(page)
    target = (IMAGES if WRITE else tmp_path) / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    page.screenshot(path=target)
    assert target.stat().st_size < 250_000
    page.set_viewport_size({"width": 820, "height": 1180})  # a tablet sees it too
    page.get_by_text(words).first.wait_for()
    assert fits(page)
