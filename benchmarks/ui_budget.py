"""The web UI's budget, measured in the machine's Chromium: `python benchmarks/ui_budget.py`.

First load, interactive cold and warm, a preview after an edit, and frames while a long list scrolls.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import sync_playwright

from support.service.service_process import ServiceProcess  # type: ignore[import-not-found]
from support.ui.many_runs import many_runs  # type: ignore[import-not-found]
from support.ui.page_steps import begin, samples  # type: ignore[import-not-found]

RUNS = 10_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ENTRIES = "() => performance.getEntriesByType('resource').map(one => [one.name, one.encodedBodySize])"
SCROLL = """async () => {
  const list = document.querySelector('table').parentElement;
  const frames = [];
  let last = performance.now();
  for (let at = 0; at < 240; at += 1) {
    list.scrollTop += 400;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return [frames, document.querySelectorAll('tbody tr').length, list.scrollTop];
}"""


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
        ServiceProcess(Path(name), as_program=True) as served,
    ):
        served.begin()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _load(browser, served)
        _preview(browser, served)
        _scroll(browser, served)
        browser.close()
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
        ServiceProcess(Path(name), more=_many(), as_program=True) as served,
    ):
        served.begin()
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _flows(browser, served)
        browser.close()


def _many() -> str:
    """1,000 destinations of one dataset, and 500 flows of two each."""
    value = "{dataset: contacts, credential: page, template: upsert_person, fields: {email: email}}"
    lines = ["destinations:", *(f"  d{n:04}: {value}" for n in range(1000)), "flows:"]
    return (
        "\n".join([*lines, *(f"  f{n:03}: {{destinations: [d{2 * n:04}, d{2 * n + 1:04}]}}" for n in range(500))])
        + "\n"
    )


def _flows(browser: Any, served: ServiceProcess) -> None:
    cold, warm = list[float](), list[float]()
    for _ in range(5):
        context = browser.new_context(base_url=served.url)
        page = context.new_page()
        for found in (cold, warm):
            page.goto("/flows", wait_until="commit")
            page.get_by_role("article", name="Destination d0000").wait_for()
            found.append(float(page.evaluate("performance.now()")))
        elements = page.evaluate("document.querySelectorAll('*').length")
        context.close()
    print(f"flows of 1,000: cold {median(cold):.0f} ms, warm {median(warm):.0f} ms (budget 1000), {elements} elements")


def _load(browser: Any, served: ServiceProcess) -> None:
    cold, warm, scripts = [], [], 0
    for _ in range(5):
        context = browser.new_context(base_url=served.url)
        page = context.new_page()
        cold.append(_interactive(page))
        entries = page.evaluate(ENTRIES)
        scripts = sum(_zipped(name) for name, _ in entries if name.endswith(".js"))
        warm.append(_interactive(page))
        context.close()
    print(f"first load: {scripts / 1000:.0f} kB of script, gzipped (budget 300)")
    print(f"interactive: cold {median(cold):.0f} ms (budget 1500), warm {median(warm):.0f} ms (budget 600)")


def _interactive(page: Any) -> float:
    """Wait until the list of destinations is shown and its button can be pressed."""
    page.goto("/destinations", wait_until="commit")
    page.get_by_role("link", name="Send to destination").first.click(trial=True)
    return float(page.evaluate("performance.now()"))


def _zipped(address: str) -> int:
    """The gzipped size of a script."""
    import urllib.request

    with urllib.request.urlopen(address) as reply:
        return len(gzip.compress(reply.read(), 9))


def _preview(browser: Any, served: ServiceProcess) -> None:
    """The time from a pressed key to the new bytes on the screen, by the page's clock."""
    page = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}).new_page()
    begin(page)
    page.get_by_role("button", name="Upsert person").first.click()
    samples(page).get_by_text("ada@example.com").first.wait_for()
    page.get_by_role("combobox", name="Mapping of Phone").click()
    page.get_by_role("option", name="Constant").click()
    field = page.get_by_label("Value for Phone")
    page.evaluate(
        """() => {
          window.took = [];
          document.addEventListener('input', event => {
            window.since = performance.now();
            window.wanted = event.target.value;
          }, true);
          new MutationObserver(() => {
            const body = document.querySelector('aside[aria-label="Sample payloads"] .cm-content');
            if (window.since && body && body.textContent.includes('"' + window.wanted + '"')) {
              window.took.push(performance.now() - window.since);
              window.since = 0;
            }
          }).observe(document.body, {subtree: true, childList: true, characterData: true});
        }"""
    )
    for number in range(20):
        field.fill(f"x{number}")
        while page.evaluate("window.took.length") <= number:  # the page's policy allows no string as a script
            page.wait_for_timeout(20)
    took = sorted(page.evaluate("window.took"))
    print(f"preview after an edit: median {median(took):.0f} ms, slowest {took[-1]:.0f} ms (budget 150)")


def _scroll(browser: Any, served: ServiceProcess) -> None:
    many_runs(served, RUNS)
    page = browser.new_context(base_url=served.url, viewport={"width": 1440, "height": 900}).new_page()
    page.goto("/runs")
    page.locator("tbody tr").first.wait_for()
    frames, rows, top = page.evaluate(SCROLL)
    slow = sum(1 for frame in frames if frame > 50)
    print(f"{RUNS:,} runs: {top:,} px scrolled, {rows} rows in the page at once")
    print(f"frames: median {median(frames):.0f} ms, {slow} of {len(frames)} over 50 ms")


if __name__ == "__main__":
    main()
