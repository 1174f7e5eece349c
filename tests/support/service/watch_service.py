"""An applied project, its ServiceApp, and its service without sign-in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from penstock.service.app import ServiceApp
from support.servers.sandbox import Sandbox
from support.service.http_service import apply_project, served

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  people: {{source: file, key: id}}
destinations:
  it:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email}}
    attributes: none
    active: true
  all:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email}}
    active: true
"""


@dataclass
class Service:
    """An applied project in a folder, its ServiceApp, and a client of its API."""

    folder: Path
    app: ServiceApp
    client: httpx.Client
    sandbox: Sandbox

    def people(self, *emails: str) -> None:
        rows = "".join(f"{number},{email}\n" for number, email in enumerate(emails, start=1))
        (self.folder / "people.csv").write_text("id,email\n" + rows)


def applied(folder: Path, base: str, **environ: str) -> ServiceApp:
    (folder / "penstock.yaml").write_text(PROJECT.format(base=base))
    (folder / "people.csv").write_text("id,email\n")
    url = f"sqlite:///{folder / 'state.db'}"
    apply_project(folder, url)
    return ServiceApp.open_applied(url, environ=environ)


@pytest.fixture
def service(tmp_path: Path, sandbox: Sandbox) -> Iterator[Service]:
    with applied(tmp_path, sandbox.url, KEY=sandbox.api_key) as app, served(app, without_sign_in=True) as client:
        yield Service(tmp_path, app, client, sandbox)
