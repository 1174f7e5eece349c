"""The REST API over real HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from penstock.service.api.app import make_api
from penstock.service.app import ServiceApp
from support.service.http_service import service

OPEN = {  # everybody may read the version and the session, and sign in
    *("/api/v1/", "/api/v1/session", "/api/v1/session/oidc", "/api/v1/session/oidc/callback"),
}
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
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "people.csv").write_text("id,email\n1,ada@example.com\n")
    with service(tmp_path, PROJECT, environ={"KEY": "k"}) as (_, made):
        yield made


def test_a_preview_shows_the_exact_request(client: httpx.Client) -> None:
    reply = client.get("/api/v1/destinations/it/preview")
    assert reply.status_code == 200, reply.text
    assert "ada@example.com" in reply.json()["requests"][0]["body"]


def test_every_error_has_the_same_form(client: httpx.Client) -> None:
    for path, status in (("/api/v1/runs/no", 404), ("/nothing", 404), ("/api/v1/runs?limit=0", 400)):
        reply = client.get(path)
        assert reply.status_code == status, path
        assert {"path", "line", "code", "found", "message", "hint"} <= set(reply.json()["errors"][0])


def test_an_edit_against_an_old_etag_changes_nothing(client: httpx.Client) -> None:
    path = "/api/v1/destinations/it"
    old = client.get(path).headers["etag"]
    assert client.patch(path, json={"concurrency": 3}, headers={"If-Match": old}).status_code == 200
    assert client.patch(path, json={"concurrency": 4}, headers={"If-Match": old}).status_code == 412
    assert client.get(path).json()["value"]["concurrency"] == 3


def test_the_openapi_document_and_readiness_are_served(client: httpx.Client) -> None:
    assert client.get("/api/v1/openapi.json").json()["openapi"].startswith("3.1")
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_host_name_that_resolves_to_this_machine_is_refused(client: httpx.Client) -> None:
    reply = client.get("/api/v1/runs", headers={"Host": "evil.example"})
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (403, "cross-site")


async def test_every_route_is_refused_while_nobody_can_sign_in(tmp_path: Path) -> None:
    with ServiceApp.open_applied(f"sqlite:///{tmp_path / 'state.db'}", environ={}) as app:
        api = make_api(app)
        transport = httpx.ASGITransport(app=api)
        asked = 0
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as closed:
            for path, methods in api.openapi()["paths"].items():
                for method in methods:
                    place = re.sub(r"\{\w+\}", "credentials", path)
                    reply = await closed.request(method, place, json={})
                    assert reply.status_code in {400, 401} or path in OPEN, (method, place, reply.text)
                    asked += reply.status_code == 401
        assert asked > 20
