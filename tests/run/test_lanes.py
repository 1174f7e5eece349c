"""The lane of each request: that of its run. Tests come first, then live runs, repeated requests, and backfills."""

import sqlite3

import pytest

from penstock.delivery.http.client import Client
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  companies: {{type: sql, url: "sqlite:///crm.db", table: companies, cursor: at}}
  tickets: {{type: file, path: tickets.csv}}
datasets:
  companies: {{source: companies, key: company_id}}
  tickets: {{source: tickets, key: ticket}}
destinations:
  companies:
    dataset: companies
    credential: sandbox
    template: upsert_company
    fields: {{company_id: company_id, name: name}}
    attributes: none
    batch: "on"
    active: true
  notes: {{dataset: tickets, credential: sandbox, template: create_note, attributes: none, active: true}}
flows:
  both: {{destinations: [companies, notes]}}
"""


@pytest.fixture
def lanes(monkeypatch):
    """The kind of each request that was sent, with its lane; emptied by `seen`."""
    found = set()
    reserve = Client.reserve

    async def noted(client, request, lane, jobs=1):
        path = request.url.removeprefix(client.connection.base_url).split("?")[0]
        found.add((f"{request.method} /{path.split('/')[1]}", lane))
        return await reserve(client, request, lane, jobs)

    monkeypatch.setattr(Client, "reserve", noted)
    return found


def seen(lanes):
    found = sorted(lanes)
    lanes.clear()
    return found


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    with sqlite3.connect("crm.db") as crm:
        crm.execute("create table companies (company_id text, name text, at integer)")
        crm.executemany("insert into companies values (?, ?, ?)", [("366", "Acme", 1), ("367", "Beta", 2)])
    (tmp_path / "tickets.csv").write_text("ticket,text,company_id\nt-1,Call,366\nt-2, ,366\n", encoding="utf-8")
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(base=sandbox.url), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def companies(*rows):
    with sqlite3.connect("crm.db") as crm:
        crm.executemany("insert into companies values (?, ?, ?)", rows)


def forget_ids():
    with sqlite3.connect(".penstock/state.db") as state:
        state.execute("delete from known_ids")


def test_the_first_run_of_a_destination_is_a_backfill_and_later_ones_are_live(shell, lanes):
    shell.json("run companies")
    assert seen(lanes) == [("GET /batch", "backfill"), ("POST /batch", "backfill")]
    companies(("368", "Gamma", 3))
    shell.json("run companies")
    assert seen(lanes) == [("GET /batch", "live"), ("POST /batch", "live")]


def test_the_first_run_is_a_backfill_until_one_has_come_to_its_end(shell, sandbox, lanes):
    sandbox.fault(status=401, times=1)
    shell.json("run companies", code=3)
    seen(lanes)
    shell.json("run companies")
    assert seen(lanes) == [("GET /batch", "backfill"), ("POST /batch", "backfill")]


@pytest.mark.parametrize("command", ["run companies --from start", "run both --from start"])
def test_a_run_that_reads_again_is_a_backfill(shell, lanes, command):
    shell.json("run companies")
    with sqlite3.connect("crm.db") as crm:
        crm.execute("update companies set name = 'New'")
    seen(lanes)
    shell.json(command, code=1 if "both" in command else 0)
    assert {("POST /batch", "backfill")} <= set(seen(lanes))


def test_look_ups_have_the_lane_of_their_run_and_a_test_that_of_tests(shell, lanes):
    shell.json("run companies")
    seen(lanes)
    shell.json("test notes")
    assert seen(lanes) == [("GET /company", "test"), ("POST /note", "test")]
    forget_ids()
    shell.json("run notes", code=1)
    assert seen(lanes) == [("GET /company", "backfill"), ("POST /note", "backfill")]


def test_what_is_sent_again_from_quarantine_is_a_retry(shell, lanes):
    shell.json("run companies")
    shell.json("run notes", code=1)
    [entry] = shell.json("quarantine list")
    shell.json(f"quarantine edit {entry['id']} --set text=Call")
    seen(lanes)
    shell.json(f"quarantine resend {entry['id']}")
    assert seen(lanes) == [("POST /note", "retry")]
