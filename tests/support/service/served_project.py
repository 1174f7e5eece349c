"""One service with its worker and a sandbox, for all tests of a module; each test creates its own resources."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from penstock.service.app import ServiceApp
from support.servers.sandbox import Sandbox
from support.service.applied_project import ended
from support.service.http_service import served

API = "/api/v1"
CREDENTIAL = "acme"


@dataclass(frozen=True)
class ServedProject:
    """`folder` is where relative paths of sources start."""

    folder: Path
    app: ServiceApp
    client: httpx.Client
    sandbox: Sandbox

    def ask(self, line: str, body: Any = None, status: int = 200, **options: Any) -> Any:
        """`ask("PUT /sources/x", {...})`: the answer as JSON, having had this status."""
        method, path = line.split(" ", 1)
        reply = self.client.request(method, API + path, json=body, **options)
        assert reply.status_code == status, f"{line}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def refused(self, line: str, body: Any = None, status: int = 400, **options: Any) -> dict[str, Any]:
        """The first problem of a refusal."""
        document = self.ask(line, body, status, **options)
        assert set(document) == {"errors"}
        first: dict[str, Any] = document["errors"][0]
        assert set(first) >= {"path", "line", "code", "found", "message", "hint"}
        return first

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a CSV file."""
        rows = list(rows)
        with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def dataset(self, name: str, rows: Iterable[Mapping[str, Any]], key: str = "id", **more: Any) -> None:
        """A CSV file, the source of it, and the dataset, all of one name."""
        self.rows(name, rows)
        self.ask(f"PUT /sources/{name}", {"type": "file", "path": f"{name}.csv"})
        self.ask(f"PUT /datasets/{name}", {"source": name, "key": key, **more})

    def people(self, name: str, rows: Iterable[Mapping[str, Any]], **more: Any) -> None:
        """An active destination of people, with a dataset of the same name whose columns are `id` and `email`."""
        self.dataset(name, rows)
        value = {"dataset": name, "credential": CREDENTIAL, "template": "upsert_person", "attributes": "none"}
        fields = {"user_id": "id", "email": "email"}
        self.ask(f"PUT /destinations/{name}", {**value, "fields": fields, "active": True, **more})

    def ended(self, run: str) -> dict[str, Any]:
        """A run, as soon as it has ended."""
        return ended(self.app, run)

    def run(self, target: str) -> dict[str, Any]:
        """A run of a target, when it has ended."""
        return self.ended(self.ask("POST /runs", {"target": target}, 202)["run"])

    def arrived(self, kind: str = "people", key: str = "user_id") -> dict[str, Any]:
        """The objects in the sandbox, by key."""
        return {each.get(key): each for each in self.sandbox.state()[kind]}


@contextmanager
def served_empty(folder: Path, sandbox: Sandbox, *, without_sign_in: bool, **environ: str) -> Iterator[ServedProject]:
    """A service on an empty state."""
    with (
        ServiceApp.open_applied(f"sqlite:///{folder / 'state.db'}", environ=environ) as app,
        served(app, without_sign_in=without_sign_in) as client,
    ):
        worker = app.worker()
        worker.start()
        try:
            yield ServedProject(folder, app, client, sandbox)
        finally:
            worker.stop()


@contextmanager
def served_project(folder: Path, sandbox: Sandbox) -> Iterator[ServedProject]:
    """A service without sign-in, with the credential `acme` for the sandbox, flat."""
    with served_empty(folder, sandbox, without_sign_in=True) as made:
        value = {"connector": "custify", "base_url": sandbox.flat_url, "rate_limit": {"requests": 10_000, "per": "1s"}}
        made.ask(f"PUT /credentials/{CREDENTIAL}", value)
        made.ask(f"PUT /credentials/{CREDENTIAL}/secret", {"secret": sandbox.api_key}, 204)
        yield made
