"""A project that was applied to a state database, sending to the sandbox."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from penstock.service.app import ServiceApp
from support.deadline import until
from support.servers.sandbox import Sandbox
from support.service.http_service import apply_project, served

ENDED = ("succeeded", "partial", "failed", "cancelled")


@dataclass(frozen=True)
class Applied:
    """`folder` holds the project file and people.csv; `url` is the state it was applied to."""

    folder: Path
    url: str
    sandbox: Sandbox

    @property
    def environ(self) -> dict[str, str]:
        return {"KEY": self.sandbox.api_key}

    def people(self, count: int, mark: str = "") -> None:
        rows = "".join(f"u{n},Person {n}{mark},p{n}@x.example\n" for n in range(count))
        (self.folder / "people.csv").write_text("id,name,email\n" + rows)

    def apply(self, *, destination: str = "", flows: str = "", more: str = "") -> None:
        """Destination `it` (active) sends people.csv; `flows` and `more` are YAML."""
        (self.folder / "penstock.yaml").write_text(f"""\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:KEY}}", base_url: "{self.sandbox.flat_url}", rate_limit: {{requests: 10000, per: 1s}}}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  data: {{source: file, key: id}}
destinations:
  it:
    dataset: data
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, name: name, email: email}}
    attributes: none
    active: true
    {destination}
{more}
flows:
  all: {{destinations: [it]}}
  {flows}
""")
        self.apply_file()

    def apply_file(self) -> None:
        """Apply the project file as it is."""
        apply_project(self.folder, self.url)

    def open(self, **more: Any) -> ServiceApp:
        return ServiceApp.open_applied(self.url, environ=self.environ, **more)


def ended(app: ServiceApp, run: str) -> dict[str, Any]:
    """The run, after it has ended."""
    return until(lambda: (found := app.work.run(run))["status"] in ENDED and found)


@contextmanager
def serving(app: ServiceApp) -> Iterator[httpx.Client]:
    """The REST API over real HTTP, without sign-in."""
    with served(app, without_sign_in=True) as client:
        client.base_url = client.base_url.join("/api/v1")
        yield client
