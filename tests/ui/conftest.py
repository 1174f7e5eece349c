"""A real browser on a real `penstock serve`, beside the sandbox."""

import os
import re
import shutil
from pathlib import Path

import pytest

from support.service.service_process import ServiceProcess
from support.ui.page_steps import COUNT_REQUESTS

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
PATIENCE_MS = int(os.environ.get("PENSTOCK_PATIENCE_S", "90")) * 1000  # the machine may be busy
AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
STILL = """() => Promise.all(document.getAnimations()
    .filter(one => one.effect.getComputedTiming().endTime !== Infinity)
    .map(one => one.finished.catch(() => null)))"""  # elements that fade in have no contrast yet
LOOKS = 5
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(600))


def _chromium() -> str:
    """A browser: the headless one, which starts and draws faster, or that of the machine."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.fail("there is no Chromium here: `make browser` installs the distribution's package")


@pytest.fixture(scope="module")
def browser():
    # No wider than a module: while Playwright is open its event loop runs in this thread, where the tests that come
    # after these want to run loops of their own.
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS.split())
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def place(tmp_path_factory):
    """A served project with datasets and credentials; each test gives its resources other names."""
    with ServiceProcess(tmp_path_factory.mktemp("served")) as served:
        served.begin()
        yield served


@pytest.fixture(scope="package")
def company(tmp_path_factory):
    """A service that loaded the sample company, ran it once, and has one destination left to activate; the run."""
    with ServiceProcess(tmp_path_factory.mktemp("company")) as served:
        run = served.begin_company()
        yield served, run


@pytest.fixture
def forgiven():
    """Parts of console lines and of addresses that this test allows."""
    return []


@pytest.fixture
def new_page(browser, place, forgiven, request):
    """Makes pages, each with its own user. Any other error in the console and any other host fails the test."""
    wrong: list[str] = []
    contexts = []

    def note(message):
        if message.type == "error" and not any(part in message.text for part in forgiven):
            wrong.append(f"{message.text} at {message.location.get('url')}")

    def stays(address, url):
        if not address.startswith((url, "data:", "blob:")) and not any(part in address for part in forgiven):
            wrong.append(address)

    def make(served: ServiceProcess = place, **options):
        url = served.url
        context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        context.add_init_script(COUNT_REQUESTS)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: stays(asked.url, url))
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield make
    folder = os.environ.get("PENSTOCK_SHOTS")  # a folder for a picture of each test's end
    for number, context in enumerate(contexts):
        if folder:
            name = re.sub(r"\W+", "-", request.node.name)
            context.pages[0].screenshot(path=Path(folder, f"{name}-{number}.png"))
        context.close()
    assert wrong == []


@pytest.fixture
def page(new_page):
    return new_page()


@pytest.fixture
def axe():
    """The findings of axe on the page, by rules or tags of rules: rule and elements."""
    text = AXE.read_text()

    def look(page, rules=WCAG):
        """The findings that stay: a page that is still being drawn is looked at again."""
        for _ in range(LOOKS):
            found = look_once(page, rules)
            if not found:
                break
        return found

    def look_once(page, rules):
        page.evaluate(STILL)
        if not page.evaluate("'axe' in window"):
            page.evaluate(text)
        options = {"runOnly": list(rules), "resultTypes": ["violations"]}  # passed rules are not collected
        report = page.evaluate("options => axe.run(document, options)", options)
        return [(found["id"], [node["html"][:200] for node in found["nodes"]][:3]) for found in report["violations"]]

    return look
