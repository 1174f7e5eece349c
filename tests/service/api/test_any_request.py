"""No request causes a defect: Schemathesis sends requests to every operation of the OpenAPI document.

Signed in as an admin, on a state of its own. Each operation is called with values that its schema admits and with
values that it does not, each with the names of things that are there and with any names. The seed is fixed.
"""

import json
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from penstock.clock import SystemClock
from penstock.service.app import ServiceApp
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.http_service import served
from support.service.served_project import API

__all__ = ["sandbox", "shared_sandbox"]
SHARDS = 8
EXAMPLES = 20 if os.environ.get("PENSTOCK_EXAMPLES") == "random" else 3  # of each operation in each of four ways
BY_SESSION = {("DELETE", f"{API}/session"), ("POST", f"{API}/tokens"), ("POST", f"{API}/people/me/password")}
PASSWORD = "correct horse battery"
PROJECT = """\
credentials:
  acme: {{connector: custify, base_url: "{url}", api_key: "${{env:KEY}}"}}
sources:
  file: {{type: file, path: people.csv}}
  hook: {{type: webhook}}
datasets:
  people: {{source: file, key: id}}
  pushed: {{source: hook, key: id}}
destinations:
  it:
    dataset: people
    credential: acme
    template: upsert_person
    fields: {{user_id: id, email: email}}
    active: true
flows:
  all: {{destinations: [it]}}
"""
NAMES = {"credentials": "acme", "sources": "file", "datasets": "people", "destinations": "it", "flows": "all"}


@dataclass(frozen=True)
class Asked:
    app: ServiceApp
    url: str
    token: str
    project: str
    known: dict[str, str]  # values that exist, by parameter

    def restore(self) -> None:
        """The project as it was, whatever was made of it."""
        self.app.edits.replace(self.project, author="test")

    def names(self, path: str, turn: int) -> dict[str, str]:
        """Names of things that are there, for the parameters of a path."""
        kind = list(NAMES)[turn % len(NAMES)]
        place = path.removeprefix(f"{API}/").split("/")[0]
        name = self.known["person"] if place == "people" else NAMES.get(kind if place == "{kind}" else place, "it")
        return {**self.known, "kind": kind, "name": "hook" if "/hook" in path else name}


@pytest.fixture(scope="module")
def asked(tmp_path_factory, shared_sandbox) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("asked")
    (folder / "people.csv").write_text("id,email\n1,ada@x.example\n2,no-mail\n")
    url = f"sqlite:///{folder / 'state.db'}"
    environ = {"KEY": shared_sandbox.api_key, "PENSTOCK_CUSTIFY_BASES": shared_sandbox.url}
    environ["PENSTOCK_ENV_ALLOWED"] = "KEY"  # nobody applied a project on the command line
    clock = SystemClock(random.Random().random)  # Hypothesis seeds the random module for everything else
    with ServiceApp.open_applied(url, environ=environ, clock=clock) as app, served(app) as client:
        project = PROJECT.format(url=shared_sandbox.url)
        app.edits.replace(project, author="test")
        register = app.people.register
        register.add("admin", "admin", password=PASSWORD)
        register.add("viewer", "viewer", password=PASSWORD)
        run = app.run("it").run
        row, _ = register.add_token("viewer", "of a viewer", "viewer")
        known = {
            "run": run,
            "delivery": app.work.details.deliveries(run)["items"][0]["delivery"],
            "entry": app.quarantine()[0].id,
            "number": "1",
            "identity": row.id,
            "person": "viewer",
        }
        yield Asked(app, str(client.base_url), register.add_token("admin", "test", "admin")[1], project, known)


@pytest.fixture(scope="module")
def operations(asked) -> list[Any]:
    """Every operation; those that delete come last."""
    document = httpx.get(f"{asked.url}{API}/openapi.json").json()
    found = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(found) > 60
    return sorted(found, key=lambda each: ("get", "post", "patch", "put", "delete").index(each.method.lower()))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_request_ends_in_a_defect(asked, operations, shard):
    wrong: list[str] = []
    for turn, operation in enumerate(operations[shard::SHARDS]):
        asked.restore()
        session = _session(asked, operation)
        names = {name: asked.names(operation.path, turn).get(name, "it") for name in _parameters(operation)}
        for mode in GenerationMode:
            for given_names in [names, None] if names else [None]:
                wrong += _ask(asked.url, session, operation.as_strategy(mode, path_parameters=given_names))
    assert wrong == []


def _parameters(operation: Any) -> list[str]:
    return [each.name for each in operation.path_parameters]


def _session(asked: Asked, operation: Any) -> requests.Session:
    """With an API token, or with a session where a route needs one."""
    session = requests.Session()
    if (operation.method.upper(), operation.path) not in BY_SESSION:
        session.headers["Authorization"] = f"Bearer {asked.token}"
        return session
    person = f"by-session-{operation.path.rsplit('/')[-1]}"
    asked.app.people.register.add(person, "admin", password=PASSWORD)
    signed_in = session.post(f"{asked.url}{API}/session", json={"name": person, "password": PASSWORD}).json()
    session.headers["X-Penstock-CSRF"] = signed_in["csrf"]
    return session


def _ask(url: str, session: requests.Session, strategy: Any) -> list[str]:
    """The failures, as commands that repeat the requests."""
    wrong: dict[str, str] = {}

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case: Any) -> None:
        reply = case.call(base_url=url, session=session, timeout=30)
        if reply.status_code >= 500:
            wrong.setdefault(f"{case.method} {case.path}", f"{reply.status_code} {case.as_curl_command()}")
        elif reply.status_code >= 400:
            assert set(json.loads(reply.content)) == {"errors"}, reply.content

    with suppress(Unsatisfiable):  # it has no input that could be wrong
        ask()
    return list(wrong.values())
