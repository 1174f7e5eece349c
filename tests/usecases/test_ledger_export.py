"""The exported ledger (`ledger_to`) as a person reads it: with plain DuckDB from files, with SQL from PostgreSQL."""

import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest

from penstock.app import App
from penstock.service.store.pruning import Cutoffs, sweeps
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.ledger_export import tables
from penstock.store.ledger_export.files import ParquetLedger
from penstock.usecases import ledger_export
from support.cli.shell import Shell
from support.deadline import until

PROJECT = """\
ledger_to: {target}
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  people: {{type: file, path: people.csv}}
  companies: {{type: file, path: companies.csv}}
datasets:
  people: {{source: people, key: [id, region]}}
  companies: {{source: companies, key: company_id}}
destinations:
  people:
    dataset: people
    credential: sandbox
    template: upsert_person
    fields: {{user_id: id, email: email}}
    attributes: none
    active: true
  companies: {{dataset: companies, credential: sandbox, template: upsert_company, attributes: none, active: true}}
  tasks:
    dataset: companies
    credential: sandbox
    template: create_task
    fields: {{name: name}}
    external_id: company_id
    attributes: none
    settle_after: 0
    active: true
flows:
  both: {{destinations: [people, companies]}}
"""
TO_FILES = "{path: ledger/}"
TO_TABLES = '{url: "${env:WAREHOUSE}", schema: crm}'
NEVER = Cutoffs("", "", "", "", "", 0.0)


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    Path("people.csv").write_text(
        "id,region,email\nu-1,eu,a@x.example\nu-2,eu,b@x.example\nu-3,us,no address\n", encoding="utf-8"
    )
    Path("companies.csv").write_text("company_id,name\nc-1,Acme\nc-2,Beta\n", encoding="utf-8")
    write_project(sandbox, TO_FILES)
    return Shell(tmp_path, monkeypatch, capsys)


def write_project(sandbox, target):
    Path("penstock.yaml").write_text(PROJECT.format(base=sandbox.url, target=target), encoding="utf-8")


def in_files(sql, folder="ledger"):
    """The rows of a query on the three exported tables."""
    for name in ("runs", "requests", "records"):
        files = f"{folder}/{name}/*/part.parquet"
        sql = sql.replace(f"<{name}>", f"read_parquet('{files}', hive_partitioning=true)")
    with closing(duckdb.connect()) as db:
        return db.execute(sql).fetchall()


def in_tables(sql, url):
    for name in ("runs", "requests", "records"):
        sql = sql.replace(f"<{name}>", f"crm.{name}")
    with psycopg.connect(url) as db:
        return db.execute(sql).fetchall()


def counted(rows):
    """Run → outcome → records."""
    found = {}
    for run, outcome, number in rows:
        found.setdefault(run, {})[outcome] = number
    return found


PER_OUTCOME = "select run, outcome, count(*) from <records> group by all"


def shown(shell):
    """What `runs` shows of each run that has records of its own: the outcomes that are not 0."""
    runs = [part for run in shell.json("runs") for part in run.get("destinations", [run])]
    return {
        run["run"]: {name: number for name, number in run["records"].items() if number and name != "read"}
        for run in runs
    }


def test_every_kind_of_run_is_in_the_files_with_the_counts_of_runs(shell):
    shell.json("run both", code=1)
    shell.json("run people", code=1)
    [entry] = shell.json("quarantine list")
    shell.text(f"quarantine edit {entry['id']} --set email=c@x.example")
    resent = shell.json("quarantine resend --all")
    assert resent["records"]["delivered"] == 1

    assert counted(in_files(PER_OUTCOME)) == shown(shell)
    kinds = in_files("select kind, coalesce(destination, flow), status, read, version from <runs> order by run")
    assert sorted(kinds) == [
        ("destination", "companies", "succeeded", 2, 1),
        ("destination", "people", "partial", 3, 1),
        ("destination", "people", "partial", 3, 1),
        ("flow", "both", "partial", 5, 1),
        ("resend", "people", "succeeded", 1, 1),
    ]
    assert in_files("select parent from <runs> where destination = 'companies'") == in_files(
        "select run from <runs> where flow = 'both'"
    )


def test_a_record_has_its_key_its_reason_and_the_request_that_deliveries_lists(shell):
    run = shell.json("run people", code=1)["run"]
    rows = in_files("select key, outcome, reason, request, attempts, run, destination from <records>")
    requests = {(row["delivery"], row["attempts"]) for row in shell.json(f"deliveries {run}")}
    good = {row[:3] for row in rows if row[1] == "delivered"}
    assert good == {
        ('["u-1","eu"]', "delivered", "200 OK: 2 delivered"),
        ('["u-2","eu"]', "delivered", "200 OK: 2 delivered"),
    }
    assert {row[3:5] for row in rows if row[1] == "delivered"} == requests
    [refused] = [row for row in rows if row[1] == "quarantined"]
    assert refused[2:] == (shell.json("quarantine list")[0]["reason"], None, 0, run, "people")
    sent = in_files("select request, method, status, attempts, records, outcome, run from <requests>")
    listed = shell.json(f"deliveries {run}")
    assert sorted(sent) == sorted(
        (row["delivery"], row["method"], row["status"], row["attempts"], len(row["records"]), row["outcome"], run)
        for row in listed
    )


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_run_that_settles_is_exported_with_what_it_found(shell, sandbox, cut):
    sandbox.fault(cut=cut, path="/task", method="POST", times=1)
    sandbox.fault(status=503, path="/task", method="GET")
    assert shell.json("run tasks", code=1)["records"]["unknown"] == 1
    sandbox.clear_faults()
    with App.open(Path("penstock.yaml")) as app:
        app.settle_destination("tasks")
    assert in_files("select kind, status from <runs> order by started_at, run")[-1] == ("settle", "succeeded")
    assert counted(in_files(PER_OUTCOME)) == shown(shell)


def test_unsent_records_are_rows_without_a_key(shell, sandbox):
    sandbox.fault(status=401, times=1)
    report = shell.json("run companies", code=3)
    assert report["records"]["unsent"] == 2
    assert in_files("select outcome, key, reason is null from <records>") == [("unsent", None, False)] * 2
    shell.json("run companies")
    assert counted(in_files(PER_OUTCOME)) == shown(shell)


def test_a_repeated_export_replaces_the_files(shell):
    shell.json("run companies")
    [before] = Path("ledger/records").iterdir()
    with closing(sqlite3.connect(".penstock/state.db")) as db:
        db.execute("update runs set exported = 'writing'")  # its export was killed
        db.commit()
    (before / "part.parquet").write_bytes(b"not whole")
    shell.json("run companies")
    assert counted(in_files(PER_OUTCOME)) == shown(shell)
    assert len(list(Path("ledger/records").iterdir())) == 2


def test_runs_from_before_the_key_was_written_are_exported_too(shell, sandbox):
    Path("penstock.yaml").write_text(
        PROJECT.format(base=sandbox.url, target="").replace("ledger_to: \n", ""), encoding="utf-8"
    )
    shell.json("run companies")
    assert not Path("ledger").exists()
    write_project(sandbox, TO_FILES)
    shell.json("run companies")
    assert counted(in_files(PER_OUTCOME)) == shown(shell)
    assert len(shown(shell)) == 2


def test_tests_are_not_exported(shell):
    shell.json("test companies")
    shell.json("run companies")
    assert in_files("select count(*) from <runs>") == [(1,)]
    assert in_files("select count(*) from <requests>") == [(1,)]


# ── PostgreSQL ───────────────────────────────────────────────────────────────


@pytest.fixture
def warehouse(shell, sandbox, empty_postgres, monkeypatch):
    monkeypatch.setenv("WAREHOUSE", empty_postgres)
    write_project(sandbox, TO_TABLES)
    return empty_postgres


def test_the_tables_of_a_database_have_the_same_rows_as_files(shell, sandbox, warehouse):
    shell.json("run both", code=1)
    shell.json("run both", code=1)
    per_outcome = "select run, outcome, count(*) from <records> group by run, outcome"
    assert counted(in_tables(per_outcome, warehouse)) == shown(shell)
    write_project(sandbox, TO_FILES)
    shell.json("run companies")
    write_project(sandbox, TO_TABLES)
    shell.json("run companies")
    columns = {
        "runs": "run, kind, destination, flow, parent, status, read, delivered, requests, duration_s, notes, pruned",
        "requests": "run, destination, request, method, url, status, attempts, requests, outcome, reason, records",
        "records": "run, destination, key, outcome, reason, request, attempts",
    }
    newest = shell.json("runs")[0]["run"]
    for name, names in columns.items():
        sql = f"select {names} from <{name}> where run <> '{newest}'"
        assert sorted(map(repr, in_tables(sql, warehouse))) == sorted(map(repr, in_files(sql)))
    moments = "select count(*) from <records> where at at time zone 'UTC' between '2000-01-01' and '2100-01-01'"
    assert in_tables(moments, warehouse)[0][0] > 0


def test_a_run_killed_while_it_exports_is_made_up_for_by_the_next_run_of_anything(shell, warehouse):
    first = shell.json("run companies")["run"]
    with psycopg.connect(warehouse) as db:
        db.execute("lock table crm.records in access exclusive mode")
        process = shell.start("run", "people")
        until(lambda: db.execute("select count(*) from pg_locks where not granted").fetchone()[0] > 0)
        process.kill()
        process.communicate()
    shell.json("run companies")
    assert counted(in_tables("select run, outcome, count(*) from <records> group by 1, 2", warehouse)) == shown(shell)
    assert (first,) in in_tables("select run from <runs>", warehouse)
    assert in_tables("select count(*) from <runs>", warehouse) == [(3,)]


def test_erased_values_leave_the_tables_and_do_not_return(shell, warehouse):
    shell.json("run companies")
    texts = "select t::text from <runs> t union all select t::text from <requests> t union all select t::text from <records> t"

    def rows_with(value):
        return sum(value in row for (row,) in in_tables(texts, warehouse))

    before = len(in_tables(texts, warehouse))
    assert rows_with("c-1") > 0
    assert shell.json("erase c-1 --dry-run")["found"]["exported"] == 1
    assert rows_with("c-1") > 0
    assert shell.json("erase c-1 --yes")["found"]["exported"] == 1
    assert (rows_with("c-1"), rows_with("Acme"), len(in_tables(texts, warehouse))) == (0, 0, before)
    assert rows_with("c-2") > 0
    Path("companies.csv").write_text("company_id,name\nc-2,Beta\n", encoding="utf-8")
    shell.json("run companies")  # exports the changed runs again
    assert rows_with("c-1") == 0


def test_a_table_that_penstock_did_not_make_is_left_alone(shell, warehouse):
    with psycopg.connect(warehouse) as db:
        db.execute("create schema crm; create table crm.runs (run text); insert into crm.runs values ('mine')")
    [note] = failed(shell.json("run companies"))
    assert "crm.runs exists, and Penstock did not make it" in note["reason"]
    with psycopg.connect(warehouse) as db:
        assert db.execute("select * from crm.runs").fetchall() == [("mine",)]


def test_a_database_that_does_not_answer_ends_the_export_and_not_the_run(shell, warehouse, monkeypatch):
    shell.json("run companies")
    monkeypatch.setattr(tables, "ANSWER_S", 0.5)
    with psycopg.connect(warehouse) as db:
        db.execute("lock table crm.records in access exclusive mode")
        [note] = failed(shell.json("run companies"))
    assert "the database has not answered for 0.5 s" in note["reason"]
    monkeypatch.undo()


# ── what fails ───────────────────────────────────────────────────────────────


def failed(report):
    return [note for note in report["notes"] if note["field"] == "ledger_to"]


def test_a_run_does_not_wait_for_another_process_that_exports_and_the_next_run_makes_up_for_it(shell):
    shell.json("run companies")
    database = Database.open(f"sqlite:///{shell.folder}/.penstock/state.db")
    with closing(database), leases.acquire(database, ledger_export.LOCK, "this test"):
        began = time.monotonic()
        assert failed(shell.json("run people", code=1)) == []
        assert time.monotonic() - began < 20, "it waited for the lock"
    assert in_files("select destination from <runs>") == [("companies",)]
    shell.json("run companies")
    assert counted(in_files(PER_OUTCOME)) == shown(shell)
    assert not [path for path in Path("ledger").rglob("*") if path.is_file() and path.name != "part.parquet"]


def test_a_run_that_ends_when_an_export_is_nearly_over_is_exported_by_that_one(shell, monkeypatch):
    others = []

    def close(ledger):
        """Between the export's last look for runs and the release of its lock."""
        if not others:
            others.append(shell.start("run", "people", "--json"))
            others.append(json.loads(others[0].communicate(timeout=100)[0]))

    monkeypatch.setattr(ParquetLedger, "close", close)
    shell.json("run companies")
    assert failed(others[1]) == []
    assert sorted(in_files("select destination from <runs>")) == [("companies",), ("people",)]


def test_a_failed_export_is_a_note_on_the_run_and_the_next_run_makes_up_for_it(shell):
    Path("ledger").write_text("a file", encoding="utf-8")
    report = shell.json("run companies")
    [note] = failed(report)
    assert note["action"] == "not exported"
    assert "the next run tries again" in note["reason"]
    assert failed(shell.json("runs")[0]) == [note]
    Path("ledger").unlink()
    assert failed(shell.json("run companies")) == []
    assert counted(in_files(PER_OUTCOME)) == shown(shell)


def test_a_password_is_not_in_the_note(shell, sandbox, monkeypatch):
    monkeypatch.setenv("WAREHOUSE", "postgresql://loader:s3cr3t-word@127.0.0.1:1/warehouse")
    write_project(sandbox, TO_TABLES)
    report = shell.text("run companies --json")
    assert "not exported" in report
    assert "s3cr3t-word" not in report + shell.text("runs --json")
    assert b"s3cr3t-word" not in Path(".penstock/state.db").read_bytes()


def test_the_files_of_a_pruned_run_keep_its_records(shell, sandbox):
    first = shell.json("run companies")["run"]
    second = shell.json("run companies")["run"]
    before = counted(in_files(PER_OUTCOME))
    database = Database.open(f"sqlite:///{shell.folder}/.penstock/state.db")
    with closing(database), database.begin() as conn:
        [sweep] = [each for each in sweeps(replace(NEVER, ledger="9999")) if each.name == "ledger"]
        assert sweep.drop(conn, sweep.find(conn, 1000)) > 0
    shell.json("run people", code=1)
    assert in_files("select run from <runs> where pruned") == [(first,)]
    write_project(sandbox, "{path: other/}")
    shell.json("run people", code=1)
    assert in_files("select run, pruned, delivered from <runs> where pruned", "other") == [(first, True, 2)]
    assert set(counted(in_files(PER_OUTCOME, "other"))) == {run["run"] for run in shell.json("runs")} - {first}
    write_project(sandbox, TO_FILES)
    shell.json("run people", code=1)
    assert in_files(f"select pruned from <runs> where run = '{first}'") == [(True,)]
    after = counted(in_files(PER_OUTCOME))
    assert {run: after[run] for run in (first, second)} == before
