"""A process that lost its lease writes nothing more, whenever it loses it."""

import sqlite3

import psycopg
import pytest

from penstock.run import orchestrator
from penstock.run.preparation import start
from penstock.run.recording.commit import CommitSchedule
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  crm: {{type: sql, url: "sqlite:///crm.db", table: people, cursor: at}}
datasets:
  people: {{source: crm, key: id}}
destinations:
  it:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email}}
    attributes: none
    active: true
flows:
  nightly: {{destinations: [it]}}
"""


@pytest.fixture
def shell(tmp_path, sandbox, postgres, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    with sqlite3.connect("crm.db") as crm:
        crm.execute("create table people (id text, email text, at integer)")
        crm.executemany("insert into people values (?, ?, ?)", [("u1", "a@x.example", 1), ("u2", "nobody", 2)])
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(base=sandbox.flat_url), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def rows(postgres, query):
    with psycopg.connect(postgres, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def overtaken(monkeypatch, postgres, owner, step):
    """Another process takes every lease just before this step."""
    does = getattr(owner, step)

    def late(*args, **kwargs):
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("update leases set fence = fence + 1, holder = 'the heir'")
        return does(*args, **kwargs)

    monkeypatch.setattr(owner, step, late)


@pytest.mark.parametrize(
    ("step", "command", "unwritten"),
    [
        ((start, "begin"), "run it", "select count(*) from runs where kind = 'destination'"),
        ((start, "finish_input"), "run it", "select count(*) from cursors"),
        ((orchestrator.Orchestrator, "_start_flow"), "run nightly", "select count(*) from runs where kind = 'flow'"),
        ((orchestrator.Orchestrator, "_end_flow"), "run nightly", "select count(*) from runs where status = 'partial' and kind = 'flow'"),
    ],
)  # fmt: skip
def test_a_process_without_its_lease_writes_nothing(shell, postgres, monkeypatch, step, command, unwritten):
    overtaken(monkeypatch, postgres, *step)
    [problem] = shell.json(command, code=3)["errors"]
    assert "held by the heir" in problem["message"]
    assert rows(postgres, unwritten) == [(0,)]


def test_a_process_without_its_lease_releases_nothing_from_quarantine(shell, postgres, monkeypatch):
    shell.json("run it", code=1)
    [entry] = shell.json("quarantine list")
    shell.json(f"quarantine edit {entry['id']} --set email=b@x.example")
    rows(postgres, "update leases set expires = 0 returning 1")
    overtaken(monkeypatch, postgres, CommitSchedule, "_statements")  # which has the outcome, and releases its record
    assert "held by the heir" in shell.json(f"quarantine resend {entry['id']}", code=3)["errors"][0]["message"]
    assert [each["id"] for each in shell.json("quarantine list")] == [entry["id"]]
