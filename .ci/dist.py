"""Builds the source distribution and, from it, the wheel; then tries each in an empty environment.

`make dist` runs it. The wheel is built from the source distribution while npm is out of order, so that whoever installs
from source needs no npm. Each file is installed into a virtual environment of its own, outside the checkout, and there
sends records to the sandbox and serves the web UI.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
CONTACTS = "id,email,name\n007,ada@example.com,Ada\n8,grace@example.com,Grace\n9,not-an-address,Nobody\n"
PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "{api_key}", base_url: "{url}"}}
sources:
  crm: {{type: file, path: contacts.csv}}
datasets:
  contacts: {{source: crm, key: id}}
destinations:
  people:
    dataset: contacts
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email, name: name}}
"""


def main() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="penstock-dist-") as temporary:
        folder = Path(temporary)
        sdist = build(ROOT, "--sdist", dict(os.environ))
        without_npm = {**os.environ, "PATH": f"{broken_npm(folder)}{os.pathsep}{os.environ['PATH']}"}
        wheel = build(unpacked(sdist, folder), "--wheel", without_npm)
        for package in (wheel, sdist):
            attempt(package, folder / package.name, without_npm)
            print(f"{package.relative_to(ROOT)} ({package.stat().st_size / 2**20:.1f} MB): installed, sent, served")


def build(source: Path, kind: str, environ: dict[str, str]) -> Path:
    command = [sys.executable, "-m", "build", kind, "--outdir", str(DIST), str(source)]
    subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)
    return next(DIST.glob("*.whl" if kind == "--wheel" else "*.tar.gz"))


def unpacked(sdist: Path, folder: Path) -> Path:
    shutil.unpack_archive(sdist, folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


def broken_npm(folder: Path) -> Path:
    """A folder with a node that says it is new enough and an npm that fails: a build that calls npm ends."""
    made = folder / "no-npm"
    made.mkdir()
    for name, script in (("node", "echo v99.0.0"), ("npm", "echo 'npm was called' >&2; exit 1")):
        file = made / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    return made


def attempt(package: Path, folder: Path, environ: dict[str, str]) -> None:
    """Install a package, send records with it, and read the page that it serves."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(package)], check=True, env=environ)
    penstock = str(folder / "bin" / "penstock")
    project = folder / "project"
    project.mkdir()

    def said(*arguments: str) -> str:
        ended = subprocess.run([penstock, *arguments], cwd=project, text=True, stdout=subprocess.PIPE, check=True)
        return ended.stdout.strip()

    version = re.search(r"-(\d+\.\d+\.\d+)[-.]", package.name)
    assert version, package.name
    assert said("--version") == version[1], said("--version")
    (project / "contacts.csv").write_text(CONTACTS)
    with running([penstock, "sandbox", "--port", "0"], project) as sandbox:
        (project / "penstock.yaml").write_text(PROJECT.format(**sandbox))
        said("activate", "people")
        plan = json.loads(said("plan", "people", "--json"))
        assert (plan["creates_or_updates"], plan["invalid"]) == (2, 1), plan
        records = run_report(penstock, project)["records"]
        assert (records["delivered"], records["quarantined"]) == (2, 1), records
        said("apply")
        with running([penstock, "serve", "--port", "0", "--without-sign-in", "--json"], project) as service:
            see_pages(service["url"])


def run_report(penstock: str, project: Path) -> dict[str, Any]:
    ended = subprocess.run([penstock, "run", "people", "--json"], cwd=project, stdout=subprocess.PIPE, check=False)
    assert ended.returncode == 1, "one record is quarantined"
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def see_pages(url: str) -> None:
    """The service is alive, and its page is that of the built web UI, with its scripts and styles."""
    assert fetched(f"{url}/healthz")
    page = fetched(url)
    assert '<div id="root">' in page, page
    files = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg))"', page)
    assert any(file.endswith(".js") for file in files), page
    for file in files:
        assert fetched(f"{url}{file}"), file


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        text: str = response.read().decode()
    return text


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """A process that prints one JSON document when it is ready; it is stopped at the end."""
    environ = {**os.environ, "PENSTOCK_LOG_LEVEL": "warning"}
    process = subprocess.Popen(command, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield document(iter(process.stdout))
    finally:
        process.terminate()
        process.wait(timeout=60)


def document(lines: Iterator[str]) -> dict[str, Any]:
    text = ""
    for line in lines:
        text += line
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            continue
        return found
    raise SystemExit(f"it ended before it was ready: {text}")


if __name__ == "__main__":
    main()
