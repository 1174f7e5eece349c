"""A real service over real HTTP, with users, and a clock that tests move forward."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from penstock.clock import SystemClock
from penstock.service.app import ServiceApp
from support.service.http_service import NO_TLS, apply_project, served

KEY = "cus_" + "k3y" * 9  # the API key of the project's credential: must not appear anywhere
PASSWORD = "correct horse battery"
PROJECT = """\
credentials:
  sandbox: {connector: custify, api_key: "${env:KEY}", base_url: "http://127.0.0.1:9"}
sources:
  file: {type: file, path: people.csv}
datasets:
  people: {source: file, key: id}
destinations:
  it:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {user_id: id, email: email}
flows:
  all: {destinations: [it]}
"""


class MovedClock:
    """The real time plus what a test adds."""

    def __init__(self) -> None:
        self.later_s = 0.0
        self.monotonic, self.sleep, self.dice = SystemClock().monotonic, SystemClock().sleep, SystemClock().dice

    def now(self):
        return SystemClock().now() + timedelta(seconds=self.later_s)


@dataclass
class Service:
    url: str
    app: ServiceApp
    clock: MovedClock
    folder: Path
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, **headers: str) -> httpx.Client:
        """A new browser, or a program."""
        made = httpx.Client(base_url=self.url, timeout=30, headers=headers, verify=NO_TLS)
        self.clients.append(made)
        return made

    def add(self, name: str, role: str) -> None:
        self.app.people.register.add(name, role, password=PASSWORD)

    def signed_in(self, name: str) -> httpx.Client:
        """A browser in which a user is signed in, with the headers of Penstock's own pages."""
        client = self.client()
        reply = client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        client.headers["X-Penstock-CSRF"] = reply.json()["csrf"]
        return client

    def with_token(self, owner: str, role: str) -> httpx.Client:
        """A program with an API token."""
        _, text = self.app.people.register.add_token(owner, "test", role)
        return self.client(Authorization=f"Bearer {text}")


@contextmanager
def running(
    folder: Path, *, without_sign_in: bool = False, environ: Mapping[str, str] | None = None
) -> Iterator[Service]:
    (folder / "penstock.yaml").write_text(PROJECT)
    (folder / "people.csv").write_text("id,email\n1,ada@example.com\n2,nonsense\n")
    url, clock = f"sqlite:///{folder / 'state.db'}", MovedClock()
    apply_project(folder, url)
    with (
        ServiceApp.open_applied(url, environ={"KEY": KEY, **(environ or {})}, clock=clock) as app,
        served(app, without_sign_in=without_sign_in) as first,
    ):
        service = Service(str(first.base_url), app, clock, folder)
        yield service
        for client in service.clients:
            client.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Service]:
    """A service without users."""
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def service(empty: Service) -> Service:
    """A service with one user of each role, named after it."""
    for role in ("admin", "editor", "operator", "viewer"):
        empty.add(role, role)
    return empty


@pytest.fixture
def open_service(tmp_path: Path) -> Iterator[Service]:
    """A service without sign-in."""
    with running(tmp_path, without_sign_in=True) as made:
        yield made


def code_of(reply: httpx.Response) -> str:
    return reply.json()["errors"][0]["code"]


def filled(path: str) -> str:
    """A route's path with a name in place of each parameter."""
    return re.sub(r"\{\w+(:\w+)?\}", "credentials", path)
