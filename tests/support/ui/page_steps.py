"""What a user does in the browser, as short functions. `PENSTOCK_SHOTS=folder` stores pictures of the pages."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SHOTS = os.environ.get("PENSTOCK_SHOTS")

# A script of each page: counts the requests that wait for a reply.
COUNT_REQUESTS = """
const request = window.fetch;
window.openRequests = 0;
window.fetch = async (...given) => {
    window.openRequests += 1;
    try { return await request(...given); } finally { window.openRequests -= 1; }
};
"""
# Several frames in a row: after a reply React draws, and what it draws may begin the next request.
IS_SETTLED = """() => {
    const placeholders = ".mantine-Skeleton-root, .mantine-Loader-root, pre[data-lines]";  // the last one: of an editor
    const loads = window.openRequests > 0 || document.querySelector(placeholders);
    window.settledFrames = loads ? 0 : (window.settledFrames ?? 0) + 1;
    return window.settledFrames > 6;
}"""
# Leaves a page as a link of it does. What shows that it is there is marked, to see when it is gone.
LEAVE = """address => {
    document.querySelectorAll("h1, main [role=status]").forEach(one => one.setAttribute("data-left", ""));
    window.settledFrames = 0;
    history.pushState(null, "", address);
}"""
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
REDRAWN_MS = 5000  # for what measures the window, such as charts, to be drawn in its new width


def fits(page: Any) -> bool:
    """Whether no element is outside the window."""
    from playwright.sync_api import TimeoutError as NotInTime

    try:
        page.wait_for_function(FITS, timeout=REDRAWN_MS)
    except NotInTime:
        return False
    return True


def settled(page: Any) -> None:
    """Wait until the page shows its content and loads nothing more."""
    page.locator("main h1:visible, main p:visible").first.wait_for()
    page.wait_for_function(IS_SETTLED)


def visit(page: Any, address: str) -> None:
    """Go to a page as the links of the UI do: the UI is loaded once. The same page with other parameters is loaded anew.

    That each page can be loaded by its address is a promise that test_pages.py checks.
    """
    before, after = urlsplit(page.url), urlsplit(address)
    if before.scheme != "http" or before.path == after.path:
        page.goto(address, wait_until="commit")
    else:
        page.evaluate(LEAVE, address)
        page.locator("[data-left]").first.wait_for(state="detached")


def keep(page: Any, state: str, address: str) -> None:
    """Store a picture of the page if PENSTOCK_SHOTS is set."""
    if SHOTS:
        name = re.sub(r"\W+", "-", f"{state}{address}").strip("-")
        page.screenshot(path=Path(SHOTS, f"{name}.png"))


def begin(page: Any, dataset: str = "contacts", credential: str = "acme") -> None:
    """Start to send a dataset to a destination, up to the configuration."""
    page.goto("/destinations/new")
    pick(page, "Which records?", dataset)
    page.get_by_role("button", name=re.compile("^Custify")).click()
    page.get_by_role("radio", name=re.compile(f"^{credential}")).click()


def pick(page: Any, label: str, option: str) -> None:
    """Choose an option of a select."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).filter(visible=True).click()


def by_hand(page: Any, url: str = "/people", *, batched: bool = True) -> None:
    """Open the form of a manual request, which starts without URL and batching."""
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_role("textbox", name="URL", exact=True).fill(url)
    if batched:
        page.get_by_label("Send several records in one request").check()


def samples(page: Any) -> Any:
    """The panel at the right."""
    return page.get_by_role("complementary", name="Sample payloads")


def write(page: Any, label: str, text: str) -> None:
    """Replace the text of a code editor."""
    page.get_by_label(label, exact=True).last.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def done(page: Any, name: str) -> None:
    """Name the destination, save it as a draft, and wait until it is shown as one."""
    page.get_by_label("Name of the destination").fill(name)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name=name, exact=True).wait_for()
    page.get_by_text("draft", exact=True).first.wait_for()
