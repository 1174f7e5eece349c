"""The table of what each role reaches, in docs/security.md: each cell is tested."""

import re
from pathlib import Path

import pytest

from support.service.security_service import running

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
ROLES = ("viewer", "operator", "editor", "admin")
SAVED = 'def batch(records):\n    return {"saved": 1}\n'
OTHER = 'def batch(records):\n    return {"unsaved": 1}\n'


def table() -> dict[str, list[str]]:
    text = PAGE.read_text(encoding="utf-8").partition("<!-- reach -->")[2].partition("<!-- end of reach -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.split("\n") if line.startswith("|")]
    assert rows[0] == ["what", *ROLES]
    return {row[0]: row[1:] for row in rows[2:]}


def coded(code):
    batch = {"grouping": {"algorithm": "code", "code": code}}
    return {"dataset": "people", "credential": "plain", "request": {"method": "POST", "url": "/x", "batch": batch}}


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """A client of each role, of a service with one resource of each kind."""
    folder = tmp_path_factory.mktemp("reach") / "project"
    folder.mkdir()
    (folder.parent / "outside.csv").write_text("id\n1\n")
    with running(folder, environ={"OTHER": "database://x"}) as service:
        for role in ROLES:
            service.add(role, role)
        made = {role: service.signed_in(role) for role in ROLES}
        plain = {"connector": "http", "base_url": "http://127.0.0.1:9"}
        for line, body in (
            ("credentials/plain", plain),
            ("credentials/sealed", {**plain, "api_key": "the-sealed-key-5ecret"}),
            ("destinations/coded", coded(SAVED)),
        ):
            assert made["editor"].put(f"/api/v1/{line}", json=body).status_code in {200, 201}
        yield made


def allowed(reply) -> bool:
    assert reply.status_code < 500, reply.text
    return reply.status_code != 403


def seen(client, value) -> bool:
    """Whether a source with these settings is read."""
    reply = client.post("/api/v1/sources/check", json={"name": "new", "value": value})
    refused = {"file-not-allowed", "variable-not-allowed", "host-not-allowed", "state-not-a-source"}
    return allowed(reply) and not refused & {each["code"] for each in reply.json()["problems"]}


def sql(url: str):
    return {"type": "sql", "url": url, "query": "select 1 as id"}


def previews(client, code: str) -> str:
    reply = client.post("/api/v1/destinations/preview", json={"name": "coded", "value": coded(code)})
    return reply.text if allowed(reply) else ""


TRIES = {
    "the project, without its secrets": lambda c: allowed(c.get("/api/v1/project/export")),
    "records: samples, previews, requests, quarantine": lambda c: allowed(c.get("/api/v1/datasets/people/samples")),
    "correct, resend and discard quarantined records": lambda c: allowed(c.post("/api/v1/quarantine/resend", json={"ids": []})),
    "read unknown records back and send again what did not arrive": lambda c: allowed(c.post("/api/v1/destinations/coded/settle")),
    "run, activate and pause; test requests": lambda c: allowed(c.post("/api/v1/destinations/coded/test", json={})),
    "saved grouping code": lambda c: '\\"saved\\"' in previews(c, SAVED),
    "unsaved grouping code": lambda c: '\\"unsaved\\"' in previews(c, OTHER),
    "change the project; replace sealed keys": lambda c: allowed(c.put("/api/v1/credentials/sealed/secret", json={"secret": "another"})),
    "files in the allowed folders, uploads": lambda c: seen(c, {"type": "file", "path": "people.csv"}),
    "other files": lambda c: seen(c, {"type": "file", "path": "../outside.csv"}),
    "allowed environment variables": lambda c: seen(c, sql("${env:KEY}")),
    "other environment variables": lambda c: seen(c, sql("${env:OTHER}")),
    "databases on allowed hosts": lambda c: seen(c, sql("postgresql://u:p@127.0.0.1:9/x")),
    "link-local and metadata addresses": lambda c: seen(c, sql("postgresql://u:p@169.254.169.254/x")),
    "the state, its keys, `/proc`, `/sys`, `/dev`": lambda c: (
        seen(c, sql("sqlite:///state.db"))
        or seen(c, {"type": "file", "path": "secret.key", "format": "csv"})
        or seen(c, {"type": "file", "path": "/proc/self/environ", "format": "csv"})
    ),
    "the value of a sealed key": lambda c: any(
        "the-sealed-key-5ecret" in c.get(f"/api/v1/{path}").text
        for path in ("credentials/sealed", "project/export", "versions/2", "credentials")
    ),
    "people, the audit log, backups, the sealing key's rotation": lambda c: allowed(c.get("/api/v1/audit")) and allowed(c.get("/api/v1/people")),
}  # fmt: skip


def test_every_row_of_the_table_is_tested():
    assert set(TRIES) == set(table())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", TRIES)
def test_each_cell_of_the_table_is_what_the_role_reaches(clients, what, role):
    written = table()[what][ROLES.index(role)]
    assert re.fullmatch("yes|no", written)
    assert TRIES[what](clients[role]) is (written == "yes")
