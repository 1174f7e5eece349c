"""`penstock erase` leaves no value of a person in the state or in the exported ledger; what is of others stays."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, inspect, select, text, update

from penstock.service.app import ServiceApp
from penstock.service.model import EraseRequest
from penstock.store import tables
from penstock.store.database import Database
from penstock.store.memory import key_hashes
from penstock.store.service_tables import alerts, frozen_parts, messages, pushed, work
from support.cli.shell import Shell
from support.kernel.states import sqlite, url

__all__ = ["sqlite", "url"]
ADA, BOB = "cust-ada-7", "cust-bob-8"
SECRETS = (ADA, "ada@secret.example", "Lovelace-1815", "ada%40secret.example")


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    return Shell(tmp_path, monkeypatch, capsys)


def project(folder: Path, sandbox) -> None:
    people = [
        {"id": ADA, "email": "ada@secret.example", "name": "Lovelace-1815", "kind": "a"},
        {"id": BOB, "email": "bob@known.example", "name": "Bobby-1912", "kind": "b"},
    ]
    (folder / "people.json").write_text(json.dumps(people))
    (folder / "penstock.yaml").write_text(
        f"""\
credentials:
  sandbox: {{connector: custify, api_key: "{sandbox.api_key}", base_url: "{sandbox.url}"}}
sources:
  crm: {{type: file, path: people.json}}
  hook: {{type: webhook, auth: none}}
datasets:
  people: {{source: crm, key: id}}
  posts: {{source: hook, key: id}}
destinations:
  good: {{dataset: people, credential: sandbox, template: upsert_person, fields: {{user_id: id, email: email, name: name}}, active: true}}
  bad: {{dataset: people, credential: sandbox, template: insert_event, active: true, attributes: all,
    fields: {{name: kind, user_id: id, created_at: email}}}}
  raw:
    dataset: people
    credential: sandbox
    active: true
    responses: true
    request: {{method: PUT, url: "/person/{{record.email}}?name={{record.name}}", headers: {{X-Name: "{{record.name}}"}}}}
ledger_to: {{path: ledger/}}
"""
    )


def quoted(database: Database, folder: Path) -> list[str]:
    """Where one of the secrets is, in any table, in the database's files, or in the exported ledger."""
    found = []
    with database.read() as conn:
        for table in inspect(conn).get_table_names():
            for row in conn.execute(text(f'select * from "{table}"')):
                held = " ".join(
                    bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in row
                )
                found += [f"{table}: {secret}" for secret in SECRETS if secret in held]
    if database.path is not None:
        for file in database.path.parent.rglob("*"):
            if file.is_file():
                found += [f"{file.name}: {secret}" for secret in SECRETS if secret.encode() in file.read_bytes()]
    for part in folder.glob("ledger/*/*/part.parquet"):
        found += [f"{part.parent}: {s}" for s in SECRETS if s in str(pq.ParquetFile(part).read().to_pylist())]
    return found


def in_other_tables(database: Database) -> None:
    """What only other features or a service store."""
    identity = key_hashes([ADA]).astype("<u8").tobytes()
    values = {
        tables.discarded: {"destination": "good", "identity": identity, "record_print": 1, "reason": SECRETS[1], "at": "x"},
        tables.known_ids: {"credential": "sandbox", "kind": "person", "by": "email", "value": SECRETS[1], "remote": "r", "at": "x"},
        tables.sent_links: {"destination": "good", "identity": identity, "links": json.dumps([SECRETS[2]])},
        tables.sent_identities: {
            "destination": "good", "key_hash": identity, "key": json.dumps(ADA), "identity": json.dumps({"user_id": ADA}),
            "others": json.dumps([{"email": SECRETS[1]}]), "place": "[]", "marked": False,
        },
        tables.reconciliations: {"destination": "good", "at": "x", "run": "r-c", "drifted": 1, "report": json.dumps({"missing": [ADA]})},
        alerts: {"id": "a", "kind": "k", "subject": "good", "state": "raised", "reason": f"{ADA} failed", "since": "x"},
        messages: {"id": "m", "channel": "c", "title": "t", "body": f"{SECRETS[1]}", "at": "x", "tries": 0, "due": 0.0},
        pushed: {"source": "hook", "at": "x", "record": json.dumps({"id": BOB, "email": "bob@known.example"})},
        work: {
            "run": "r-x", "kind": "destination", "target": "good", "lane": "sandbox", "trigger": "t", "asked_by": "b",
            "asked_at": "x", "state": "ended", "attempt": 1, "progress": json.dumps({"key": ADA}),
        },
    }  # fmt: skip
    with database.begin() as conn:
        for table, row in values.items():
            conn.execute(insert(table).values(row))


def test_nothing_of_a_person_is_left(tmp_path, shell, sandbox, url):
    project(tmp_path, sandbox)
    for name, code in (("good", 0), ("bad", 1), ("raw", 1), ("good", 0)):
        shell.json(f"run {name}", code)
    shell.text("test good")
    database = Database.open(url)
    in_other_tables(database)
    before = {place.partition(":")[0] for place in quoted(database, tmp_path)}
    assert before >= {"quarantine", "ledger_batches", "exchanges", "responses", "datasets", "sent_links", "known_ids"}
    assert any("records" in place for place in before), "the exported ledger has it"

    assert shell.json(f"erase {ADA}", 2)["errors"][0]["code"] == "usage", "nobody is there to confirm it"
    looked = shell.json(f"erase {ADA} --dry-run")
    assert {place.partition(":")[0] for place in quoted(database, tmp_path)} == before, "a dry run changes nothing"
    counts = shell.json("runs")
    erased = shell.json(f"erase {ADA} --yes")
    assert (looked["erased"], erased["erased"], erased["found"]) == (False, True, looked["found"])
    assert set(erased["found"]) >= {"quarantine", "ledger", "requests", "responses", "samples", "exported", "texts"}
    database.close()
    database = Database.open(url)
    assert quoted(database, tmp_path) == []
    assert [run["records"] for run in shell.json("runs")] == [run["records"] for run in counts]

    [entry] = [entry for entry in shell.json("audit") if entry["action"] == "penstock erase"]
    assert erased["key_hash"] in entry["what"]
    (tmp_path / "people.json").write_text(json.dumps(json.loads((tmp_path / "people.json").read_text())[1:]))
    assert shell.json("run good")["records"]["unchanged"] == 1, "what is of others is remembered"
    assert [each["key"] for each in shell.json("quarantine list")].count(BOB) == 2, "and stays in quarantine"
    kept = [
        key for part in tmp_path.glob("ledger/records/*/part.parquet") for key in pq.read_table(part)["key"].to_pylist()
    ]
    assert kept.count("(erased)") >= 3
    assert kept.count(BOB) >= 3
    assert shell.json(f"erase {ADA} --dry-run")["found"] == {}
    assert shell.text("erase nosuch") == "Nothing of this key is stored for any dataset.\n"
    database.close()


def test_values_that_are_words_of_penstock_are_erased_from_texts_alone(tmp_path, shell, url):
    words = {"id": "message", "name": "column", "city": "hint", "code": "key", "note": "not sent", "fix": "fix"}
    (tmp_path / "people.json").write_text(json.dumps([words]))
    (tmp_path / "penstock.yaml").write_text(
        "credentials: {disk: {connector: file, path: out/}}\n"
        "sources: {crm: {type: file, path: people.json}}\n"
        "datasets: {people: {source: crm, key: id}}\n"
        "destinations: {it: {dataset: people, credential: disk, path: people.ndjson, active: true}}\n"
    )
    run = shell.json("run it")["run"]
    error = {"path": "a.message", "code": "key-not-here", "message": "no column message", "hint": "fix it", "line": 1}
    notes = [["column", "not sent", "the message was cut", 2]]
    work_row = {
        "run": "r-x", "kind": "resend", "target": "it", "lane": "disk", "trigger": "t", "asked_by": "b", "asked_at": "x",
        "state": "ended", "attempt": 1, "payload": '["fix"]', "progress": json.dumps({"phase": "column", "message": 1}),
    }  # fmt: skip
    database = Database.open(url)
    with database.begin() as conn:
        stored = {"errors": json.dumps([{**error, "found": "column"}]), "notes": json.dumps(notes)}
        conn.execute(update(tables.runs).where(tables.runs.c.id == run).values(**stored, skipped='{"message": "hint"}'))
        conn.execute(insert(work).values(work_row))
    assert shell.json("erase message --yes")["found"]["texts"] == 3
    shown = shell.json("runs")[0]
    changed = {"message": "no (erased) (erased)", "hint": "(erased) it", "found": "(erased)"}
    assert [[note["field"], note["action"], note["reason"]] for note in shown["notes"]] == [
        ["column", "not sent", "the (erased) was cut"]
    ]
    with database.read() as conn:
        [stored] = conn.execute(select(tables.runs.c.errors, tables.runs.c.skipped)).all()
        [row] = conn.execute(select(work.c.payload, work.c.progress)).all()
    assert json.loads(stored.errors) == [{**error, **changed}]
    assert json.loads(stored.skipped) == {"message": "(erased)"}
    assert (row.payload, json.loads(row.progress)) == ('["fix"]', {"phase": "column", "message": 1})
    database.close()


def test_the_input_of_an_ended_run_with_a_limit_is_discarded_if_it_holds_the_record(tmp_path, shell, url):
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("create table people (id text, name text)")
        crm.executemany("insert into people values (?, ?)", [(BOB, "Bobby-1912"), (ADA, "Lovelace-1815")])
    (tmp_path / "penstock.yaml").write_text(
        "credentials: {disk: {connector: file, path: out/}}\n"
        "sources: {crm: {type: sql, url: 'sqlite:///crm.db', table: people}}\n"
        "datasets: {people: {source: crm, key: id}}\n"
        "destinations: {it: {dataset: people, credential: disk, path: p.ndjson, append: true, active: true}}\n"
    )
    shell.json("run it --limit 1")
    [frozen] = tmp_path.rglob("*.arrow")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("delete from people where id = ?", (ADA,))
    assert "inputs" not in shell.json("erase nobody --dry-run")["found"]
    looked = shell.json(f"erase {ADA} --dry-run")["found"]
    assert frozen.exists()
    erased = shell.json(f"erase {ADA} --yes")
    assert erased["found"] == looked
    assert looked["inputs"] == 1
    assert any("begins at the first record" in note for note in erased["notes"])
    database = Database.open(url)
    assert quoted(database, tmp_path) == []
    with database.read() as conn:
        assert conn.execute(select(frozen_parts)).all() == []
    database.close()
    assert list(tmp_path.rglob("*.arrow")) == []
    assert shell.json("run it --limit 5")["records"]["delivered"] == 1


def test_a_key_of_two_datasets_and_one_in_flight_are_refused(tmp_path, shell, sandbox, url):
    project(tmp_path, sandbox)
    shell.json("run good")
    database = Database.open(url)
    in_other_tables(database)
    [problem] = shell.json(f"erase {BOB} --yes", 2)["errors"]
    assert (problem["code"], problem["found"]) == ("several-datasets", "people and posts")
    assert "1  posted record\n" in shell.text(f"erase {BOB} --dataset posts --dry-run")
    found = shell.json(f"erase {BOB} --dataset posts --yes")["found"]
    assert found["posted"] == 1
    run = shell.json("runs")[0]["run"]
    intent = {"run": run, "number": 1, "ordinals": "[[0,1,0]]", "keys": json.dumps([ADA]), "contents": b"\0" * 8}
    with database.begin() as conn:
        conn.execute(insert(tables.intents).values({**intent, "request": "{}", "at": "x"}))
    [problem] = shell.json(f"erase {ADA} --yes", 2)["errors"]
    assert problem["code"] == "in-flight"
    database.close()


def test_an_admin_erases_by_the_api_and_the_audit_log_does_not_have_the_key(tmp_path, shell, sandbox):
    project(tmp_path, sandbox)
    shell.json("run good")
    with ServiceApp.open(tmp_path / "penstock.yaml") as app:
        erased = app.erase(EraseRequest(ADA, destination="good"))
        assert erased.erased
        assert erased.destinations == ("good",)
        assert app.erase(EraseRequest(ADA, destination="good", dry_run=True)).found == {}
