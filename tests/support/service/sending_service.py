"""One service for all tests of a module: a project that sends to the sandbox, and a worker that executes requested runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.service.app import ServiceApp
from support.servers.sandbox import Sandbox
from support.service.http_service import service

LONGEST_S = 30.0
PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{base}", rate_limit: {{requests: 1000, per: 10s}}}}
sources:
  crm: {{type: file, path: people.csv}}
  shop: {{type: sql, url: "sqlite:///shop.db", table: orders}}
  push: {{type: webhook}}
datasets:
  people: {{source: crm, key: id}}
  orders: {{source: shop, key: id}}
destinations:
  it:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {{user_id: id, email: email, name: name}}
    responses: true
    active: true
  draft:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {{user_id: id, email: email}}
flows:
  nightly: {{schedule: "0 2 * * *", timezone: Europe/Berlin, destinations: [it]}}
"""
PEOPLE = "id,name,email\nu1,Ada,ada@x.example\nu2,Bob,bob@x.example\nu3,Eve,not-an-address\n"


@dataclass
class SendingService:
    """`client` sends requests below `/api/v1`; `folder` has the project's files."""

    client: httpx.Client
    app: ServiceApp
    folder: Path
    sandbox: Sandbox

    def run(self, target: str) -> dict[str, Any]:
        """Request a run, and wait for its end."""
        asked = self.client.post("/runs", json={"target": target})
        assert asked.status_code == 202, asked.text
        return self.ended(asked.json()["run"])

    def ended(self, run: str) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_S
        while True:
            found = self.client.get(f"/runs/{run}").json()
            if found["finished_at"] is not None and found["status"] not in {"queued", "running"}:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


@contextmanager
def open_sending_service(folder: Path, sandbox: Sandbox, project: str = PROJECT) -> Iterator[SendingService]:
    (folder / "people.csv").write_text(PEOPLE)
    text = project.format(base=sandbox.flat_url)
    with service(folder, text, environ={"KEY": sandbox.api_key}) as (app, client):
        client.base_url = f"{client.base_url}/api/v1"
        worker = app.worker()
        worker.start()
        try:
            yield SendingService(client, app, folder, sandbox)
        finally:
            worker.stop()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox) -> Iterator[SendingService]:
    shared_sandbox.reset()
    with open_sending_service(tmp_path_factory.mktemp("office"), shared_sandbox) as made:
        yield made
