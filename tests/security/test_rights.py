"""Every route by every role. The table is made from the router, so that each new route needs a decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.routing import RouteContext, iter_route_contexts

from penstock.service.api.app import make_api
from penstock.service.api.middleware.request_log import is_change
from penstock.service.app import ServiceApp
from penstock.service.model import ROLES, Right, role_of
from support.golden import golden
from support.service.security_service import code_of, filled

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- routes: made by tests/security/test_rights.py -->\n", "<!-- end of routes -->"
OPEN = {
    ("GET", "/api/v1/"): "the name and version of the service",
    ("GET", "/api/v1/openapi.json"): "the description of the API",
    ("GET", "/api/v1/session"): "the current session",
    ("POST", "/api/v1/session"): "signs in",
    ("GET", "/api/v1/session/oidc"): "redirects to the identity provider",
    ("GET", "/api/v1/session/oidc/callback"): "signs in the user of the identity provider",
    ("POST", "/api/v1/setup"): "needs a one-time link",
    ("any", "/hooks/{source}"): "the source's own authentication applies",
    ("GET", "/healthz"): "whether the process is running",
    ("GET", "/readyz"): "whether the state can be read",
}


@dataclass(frozen=True)
class Decided:
    method: str
    path: str
    right: Right | None
    route: RouteContext

    @property
    def is_page(self) -> bool:
        """The web UI: files that everybody may have, and no data."""
        return not self.path.startswith(("/api/", "/hooks/")) and (self.method, self.path) not in OPEN


def decisions(api: FastAPI) -> Iterator[Decided]:
    for route in iter_route_contexts(api.routes):
        asked = getattr(route, "dependant", None)
        rights = (
            {found for found in (getattr(d.call, "right", None) for d in asked.dependencies) if found} if asked else ()
        )
        for method in sorted((route.methods or {"any"}) - {"HEAD"}):
            yield Decided(method, str(route.path), max(rights, default=None), route)


def table(api: FastAPI) -> str:
    """The table of routes and rights, as in the page."""
    lines = ["| route | who may | in the audit log |", "|---|---|---|"]
    for found in sorted(decisions(api), key=lambda found: (found.path, found.method)):
        if found.is_page and found.right is None:
            continue
        is_logged = found.path.startswith("/api/") and is_change(found.method, found.path)
        who = role_of(found.right) if found.right else f"everybody: {OPEN.get((found.method, found.path), '?')}"
        lines.append(f"| `{found.method} {found.path}` | {who} | {'yes' if is_logged else ''} |")
    return "\n".join(lines) + "\n"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FastAPI]:
    with ServiceApp.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ={}) as app:
        yield make_api(app)


def test_every_route_has_a_decision(api: FastAPI) -> None:
    undecided = [
        f"{found.method} {found.path}"
        for found in decisions(api)
        if found.right is None and (found.method, found.path) not in OPEN and not found.is_page
    ]
    assert undecided == [], "name the right by needs(Right.…), or give the reason in OPEN why everybody may call it"


def test_every_route_that_changes_something_needs_more_than_the_right_to_view(api: FastAPI) -> None:
    own = {"/api/v1/session", "/api/v1/people/me/password", "/api/v1/tokens", "/api/v1/tokens/{identity}"}
    weak = [f"{d.method} {d.path}" for d in decisions(api) if d.right is Right.VIEW and is_change(d.method, d.path)]
    assert [route for route in weak if route.split(" ")[1] not in own] == []


def test_the_page_lists_every_route_with_its_right(api: FastAPI) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    whole = before + BEGIN + table(api) + END + rest.partition(END)[2]
    assert golden(PAGE, whole) == whole, "PENSTOCK_GOLDEN=write rewrites the table; read it before it is committed"


async def test_every_route_lets_in_whom_the_table_says_and_nobody_else(
    api: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = api.state.penstock.people.register
    tokens = {None: None}
    for role in ROLES:
        people.add(role, role, password="a password of some length")
        tokens[role] = people.add_token(role, "test", role)[1]
    found = [each for each in decisions(api) if each.right is not None]
    for each in found:
        _do_nothing(each.route, monkeypatch)
    wrong = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://127.0.0.1") as client:
        for each, (role, token) in product(found, tokens.items()):
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            reply = await client.request(each.method, filled(each.path), headers=headers, json={})
            expected = {401} if role is None else {403} if ROLES[role] < each.right else {418, 400}
            if reply.status_code not in expected:
                wrong.append((each.method, each.path, role, reply.status_code))
    assert wrong == []
    assert len(found) > 30


def _do_nothing(route: RouteContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what the route does during this test; its parameters and its right stay."""
    dependant = route._route_context.dependant if route._route_context else route.original_route.dependant

    def nothing(**_: object) -> None:
        raise HTTPException(418)

    monkeypatch.setattr(dependant, "call", nothing)


@pytest.mark.parametrize("path", ["destinations/it/plan?exact=true", "datasets/people/identity?against=sandbox"])
def test_a_viewer_makes_no_requests_to_custify(service, path):
    refused = service.signed_in("viewer").get(f"/api/v1/{path}")
    assert (refused.status_code, code_of(refused)) == (403, "not-allowed")
    assert code_of(service.signed_in("operator").get(f"/api/v1/{path}")) != "not-allowed"
