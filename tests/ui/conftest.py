"""A real browser on a real `penstock serve`, beside the sandbox."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
CONTACTS = """\
id,email,name,company,signed_up,seats
007,ada@example.com,Ada O'Brien,acme,2025-03-01,12
8,grace@example.com,Grace,acme,2025-04-12,0
9,not-an-address,Nobody,acme,2025-04-13,3
"""
PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "{key}", base_url: "{url}"}}
sources:
  crm: {{type: file, path: contacts.csv}}
datasets:
  contacts: {{source: crm, key: id}}
"""


def _chromium() -> str:
    """A browser: the machine's, else the distribution's package, which `make browser` installs."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.fail("there is no Chromium here: `make browser` installs the distribution's package")


@pytest.fixture(scope="module")
def browser():
    # No wider than a module: while Playwright is open its event loop runs in this thread, where the tests that come
    # after these want to run loops of their own.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS.split())
        yield opened
        opened.close()


def _first_line(process: subprocess.Popen[str]) -> dict:
    text = ""
    for line in process.stdout:
        text += line
        try:
            return json.loads(text)
        except ValueError:
            continue
    pytest.fail(f"it ended before it was ready: {text}")


@pytest.fixture
def service(tmp_path: Path):
    """The address of a served project with a dataset and a credential, and nothing that is sent yet."""
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "penstock_sandbox", "--port", "0", "--rate", "off"], stdout=subprocess.PIPE, text=True
    )
    told = _first_line(sandbox)
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(key=told["api_key"], url=told["url"]))
    command = [sys.executable, "-m", "penstock"]
    subprocess.run([*command, "apply"], cwd=tmp_path, check=True, capture_output=True)
    log = (tmp_path / "serve.log").open("w")
    serving = subprocess.Popen(
        [*command, "serve", "--port", "0", "--without-sign-in", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "PENSTOCK_LOG_LEVEL": "warning"},
    )
    try:
        yield _first_line(serving)["url"]
    finally:
        for process in (serving, sandbox):
            process.terminate()
            process.wait(30)
        log.close()


@pytest.fixture
def page(browser, service):
    """A page that fails its test on any error in the console and any request to another host."""
    context = browser.new_context(base_url=service, viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda request: None if request.url.startswith((service, "data:", "blob:")) else wrong.append(request.url),
    )
    opened.set_default_timeout(90_000)  # the machine may be busy
    yield opened
    context.close()
    assert wrong == []
