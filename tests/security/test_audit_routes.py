"""Every route that changes something adds one entry to the audit log; the list is compared with the router."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from penstock.clock import SystemClock
from penstock.model.outcome import Outcome, Refusal
from penstock.service.api.app import make_api
from penstock.service.api.middleware.request_log import PREFIX, is_change
from penstock.service.app import ServiceApp
from penstock.service.model import AuditFilter
from penstock.store import quarantine
from penstock.store.memory import key_hashes
from penstock.store.quarantine import NewQuarantineRow
from penstock.store.runs import runs
from penstock.store.runs.runs import RunRow
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.http_service import served
from support.service.security_service import PASSWORD

__all__ = ["sandbox", "shared_sandbox"]
NOT_LOGGED = {
    "POST /{kind}/validate": "looks at settings that are not saved",
    "POST /destinations/preview": "shows what settings that are not saved would send",
    "POST /destinations/findings": "checks settings that are not saved",
    "POST /datasets/preview": "runs SQL that is not saved over a sample",
    "POST /quarantine/{entry}/preview": "shows what would be sent",
}
AT = "2026-01-31T12:00:00.000Z"
PROJECT = """\
credentials:
  acme: {{connector: custify, base_url: "{url}"}}
  native: {{connector: custify, base_url: "{url}", dialect: native}}
sources:
  file: {{type: file, path: people.csv}}
  push: {{type: webhook}}
datasets:
  people: {{source: file, key: id}}
destinations:
  it: {{dataset: people, credential: acme, template: upsert_person, fields: {{user_id: id, email: email}}}}
  native: {{dataset: people, credential: native, template: upsert_person, fields: {{user_id: id}}, active: true}}
flows:
  all: {{destinations: [it]}}
"""
DRAFT = {"dataset": "people", "credential": "acme", "template": "upsert_person", "fields": {"user_id": "id"}}


@dataclass
class Walk:
    """The requests in this order, each of which succeeds. `keep` has replies that later requests need."""

    app: ServiceApp
    sandbox: Any
    keep: dict[str, Any] = field(default_factory=dict)

    def hold(self, key: str, outcome: Outcome = Outcome.QUARANTINED) -> str:
        high, low = key_hashes([key]).tolist()[0]
        refusal = Refusal("required", "no e-mail address", "email")
        record = f'{{"id":"{key}","email":"{key}@x.example"}}'
        with self.app._ctx.database.begin() as conn:
            quarantine.add(
                conn, NewQuarantineRow("it", key, (high, low), outcome, refusal, AT, "r-1", record, 1, settings="s")
            )
            return quarantine.entries(conn, destination="it")[-1].id

    def stopped(self) -> str:
        with self.app._ctx.database.begin() as conn:
            runs.start(conn, RunRow("r-9", "destination", "it", AT, status="cancelled", finished_at=AT))
        return "r-9"

    def people(self) -> Iterator[tuple[str, Any]]:
        yield "POST /people", {"name": "grace", "role": "viewer"}
        yield "PATCH /people/{name}: grace", {"role": "editor"}
        yield "POST /people/{name}/reset: grace", None
        yield "DELETE /people/{name}: grace", None
        yield "POST /tokens", {"name": "ci", "role": "viewer"}
        yield f"DELETE /tokens/{{identity}}: {self.keep['POST /tokens']['id']}", None

    def project(self) -> Iterator[tuple[str, Any]]:
        yield "PUT /project", {"yaml": PROJECT.format(url=self.sandbox.flat_url)}
        yield "POST /{kind}: flows", {"name": "other", "value": {"destinations": ["it"]}}
        yield "PUT /{kind}/{name}: flows other", {"destinations": ["it"], "schedule": "every 1h"}
        yield "PATCH /{kind}/{name}: flows other", {"schedule": "every 2h"}
        yield "POST /{kind}/{name}/copy: flows other", {"name": "third"}
        yield "DELETE /{kind}/{name}: flows other", None
        yield "POST /versions/{number}/roll-back: 2", {}
        yield "PUT /credentials/{name}/secret: acme", {"secret": self.sandbox.api_key}
        yield "POST /credentials/{name}/check: acme", {}
        value = {"connector": "custify", "base_url": self.sandbox.flat_url}
        yield "POST /credentials/check", {"name": "new", "value": value, "secret": self.sandbox.api_key}
        yield "POST /sources/upload?filename=more.csv", b"id\n1\n"
        yield "POST /sources/check", {"name": "new", "value": {"type": "file", "path": "people.csv"}}
        yield "POST /sources/{name}/hook/key: push", None
        yield "POST /datasets/{name}/refresh: people", None

    def sending(self) -> Iterator[tuple[str, Any]]:
        yield "POST /destinations/test", {"name": "draft", "value": DRAFT}
        yield "POST /destinations/{name}/test: it", {}
        yield "POST /destinations/{name}/activate: it", None
        yield "POST /flows/{name}/pause: all", None
        yield "POST /flows/{name}/resume: all", None
        yield "POST /runs", {"target": "it"}
        yield f"POST /runs/{{run}}/cancel: {self.keep['POST /runs']['run']}", None
        yield f"POST /runs/{{run}}/resume: {self.stopped()}", None
        yield f"PATCH /quarantine/{{entry}}: {self.hold('1')}", {"changes": {"email": "one@x.example"}}
        yield f"POST /quarantine/{{entry}}/discard: {self.hold('2')}", {"reason": "a test"}
        yield f"POST /quarantine/{{entry}}/settle: {self.hold('3', Outcome.UNKNOWN)}", None
        yield "POST /quarantine/resend", {"ids": [self.hold("4")]}
        yield "POST /quarantine/discard", {"ids": [self.hold("5")]}
        yield "POST /destinations/{name}/settle: native", None
        yield "POST /destinations/{name}/reconcile: native", {"fix": True}
        yield "PUT /destinations/{name}/reconcile/schedule: native", {"every_hours": 24}
        yield "POST /destinations/{name}/pause: it", None

    def care(self) -> Iterator[tuple[str, Any]]:
        yield "PUT /settings/retention", {"runs": 90}
        yield "PUT /settings/alerts", {}
        yield "POST /settings/alerts/test", None
        yield "POST /prune", {}
        yield "POST /backup", None
        yield "POST /erase", {"key": "cust-secret-1", "dry_run": True}
        yield "POST /rotate-key", None  # all users must sign in again
        yield "POST /session", {"name": "ada", "password": PASSWORD}
        yield "POST /people/me/password", {"old": PASSWORD, "new": f"{PASSWORD} too"}
        yield "DELETE /session", None

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        yield "POST /setup", {"token": self.keep["link"], "name": "ada", "password": PASSWORD}
        yield "POST /demo", None
        for part in (self.people, self.project, self.sending, self.care):
            yield from part()


@pytest.fixture
def app(tmp_path, sandbox) -> Iterator[ServiceApp]:
    (tmp_path / "people.csv").write_text("id,email\n1,ada@x.example\n2,bob@x.example\n")
    environ = {"PENSTOCK_CUSTIFY_BASES": sandbox.url}
    with ServiceApp.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ=environ, clock=SystemClock()) as opened:
        yield opened


def changing(app: ServiceApp) -> set[str]:
    """The routes of the API that change something."""
    return {
        f"{method} {str(route.path).removeprefix(PREFIX)}"
        for route in iter_route_contexts(make_api(app).routes)
        for method in (route.methods or ())
        if str(route.path).startswith(f"{PREFIX}/") and method not in {"GET", "HEAD"}
    }


def ask(client: httpx.Client, line: str, body: Any) -> tuple[str, httpx.Response]:
    """Sends `POST /runs/{run}/cancel: r-1` with r-1 in the path; returns the route, too."""
    route, _, names = line.partition(": ")
    method, path = route.split(" ")
    for name in names.split():
        before, _, rest = path.partition("{")
        path = before + name + rest.partition("}")[2]
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    return route.partition("?")[0], client.request(method, PREFIX + path, **given)


def entries(app: ServiceApp) -> list[Any]:
    return app.people.audit.page(AuditFilter(), 500, None)[::-1]


def test_every_change_leaves_one_entry(app, sandbox):
    asked = []
    with served(app) as client:
        walk = Walk(app, sandbox, {"link": app.people.register.setup_link()})
        for line, body in walk:
            before = entries(app)
            route, reply = ask(client, line, body)
            assert reply.is_success, f"{line}: {reply.status_code} {reply.text}"
            if reply.content and reply.headers["content-type"] == "application/json":
                walk.keep[route] = reply.json()
                if isinstance(walk.keep[route], dict) and walk.keep[route].get("csrf"):
                    client.headers["X-Penstock-CSRF"] = walk.keep[route]["csrf"]
            new = entries(app)[len(before) :]
            assert [(entry.action, entry.result) for entry in new] == [(route, "ok")], line
            assert new[0].who == "ada", line
            asked.append(route)
    assert len(asked) == len(set(asked))
    assert changing(app) - set(asked) == set(NOT_LOGGED), (
        "add a request above, or give the reason in NOT_LOGGED why it changes nothing"
    )
    assert [route for route in NOT_LOGGED if is_change(*route.split(" "))] == []
