"""`ledger_to` with the URL of an object store: the same files as in a folder, as objects of a real HTTP server."""

import io
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from penstock.app import App
from penstock.model.reach import Reach, sql_hosts
from penstock.usecases.ledger_export import export_ledger
from support.cli.shell import Shell
from support.servers.object_store import running_object_store

PROJECT = """\
ledger_to: {{path: "s3://${{env:LEDGER_KEY}}:${{env:LEDGER_SECRET}}@acme-data/penstock/?endpoint={store}&scheme=http"}}
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  people: {{type: file, path: people.csv}}
datasets:
  people: {{source: people, key: email}}
destinations:
  people: {{dataset: people, credential: sandbox, template: upsert_person, attributes: none, active: true}}
"""
SECRET = "s3cr3t/w+rd"


@pytest.fixture
def store():
    with running_object_store("acme-data") as running:
        yield running


@pytest.fixture
def shell(tmp_path, sandbox, store, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("LEDGER_KEY", "AKIA1")
    monkeypatch.setenv("LEDGER_SECRET", SECRET)
    Path("people.csv").write_text("email,name\nada@x.example,Ada\nbob@x.example,Bob\nnobody,N\n", encoding="utf-8")
    Path("penstock.yaml").write_text(PROJECT.format(base=sandbox.url, store=store.address), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def keys(store, run):
    """Key → outcome of the records of a run, as a reader of the objects sees them."""
    content = store.objects[f"acme-data/penstock/records/run={run}/part.parquet"]
    return {row["key"]: row["outcome"] for row in pq.read_table(io.BytesIO(content)).to_pylist()}


def failed(report):
    return [note["reason"] for note in report["notes"] if note["field"] == "ledger_to"]


def test_runs_are_whole_objects_and_erase_removes_a_key_from_them(shell, store):
    first = shell.json("run people", code=1)["run"]
    assert keys(store, first) == {"ada@x.example": "delivered", "bob@x.example": "delivered", "nobody": "quarantined"}
    assert {path.split("/")[2] for path in store.objects} == {"runs", "requests", "records"}
    assert store.users == {"AKIA1"}
    second = shell.json("run people", code=1)["run"]

    store.objects["acme-data/penstock/records/run=r-cut/part.parquet"] = b""  # an upload to Azure that was interrupted
    assert shell.json("erase bob@x.example --dry-run")["found"]["exported"] == 1
    assert shell.json("erase bob@x.example --yes")["found"]["exported"] == 1
    assert keys(store, first) == {"ada@x.example": "delivered", "(erased)": "delivered", "nobody": "quarantined"}
    assert f"acme-data/penstock/records/run={second}/part.parquet" in store.objects
    assert not list(Path(".penstock").glob("*.parquet*"))


def test_an_upload_that_fails_leaves_the_object_and_the_next_run_writes_it(shell, store):
    store.buckets.clear()
    report = shell.json("run people", code=1)
    [reason] = failed(report)
    assert "NO_SUCH_BUCKET" in reason
    assert store.objects == {}
    assert SECRET not in shell.text("runs --json")
    store.buckets.add("acme-data")
    assert failed(shell.json("run people", code=1)) == []
    assert keys(store, report["run"])["ada@x.example"] == "delivered"


@pytest.mark.parametrize(
    ("target", "hosts", "reason"),
    [
        ("s3://a:b@acme-data/?endpoint=127.0.0.1:1&scheme=http", None, "add 127.0.0.1 to PENSTOCK_SQL_HOSTS"),
        ("s3://a:b@acme-data/", "db.example", "add s3.amazonaws.com to PENSTOCK_SQL_HOSTS"),
        ("s3://acme-data/", None, "or let an administrator add AWS_ACCESS_KEY_ID to PENSTOCK_ENV_ALLOWED"),
        ("gs://acme-data/", "storage.googleapis.com", "add GOOGLE_APPLICATION_CREDENTIALS to PENSTOCK_ENV_ALLOWED"),
        ("az://acme@data/", None, "or let an administrator add AZURE_CLIENT_ID to PENSTOCK_ENV_ALLOWED"),
    ],
)
def test_a_service_uses_only_hosts_and_logins_that_it_was_granted(shell, target, hosts, reason):
    file = Path("penstock.yaml")
    file.write_text(f'ledger_to: {{path: "{target}"}}\n{file.read_text().partition(chr(10))[2]}', encoding="utf-8")
    listed = None if hosts is None else sql_hosts(hosts)
    with App.open(file) as app:
        service = replace(app._ctx, reach=Reach(is_service=True, variables=frozenset(), hosts=listed))
        note = export_ledger(service, [])
    assert note is not None
    assert reason in note.reason


def test_a_service_writes_to_an_endpoint_that_it_was_granted(shell, store):
    with App.open(Path("penstock.yaml")) as app:
        names = frozenset({"LEDGER_KEY", "LEDGER_SECRET", "SANDBOX_KEY"})
        service = replace(app._ctx, reach=Reach(is_service=True, variables=names, hosts=sql_hosts(store.address)))
        assert export_ledger(service, []) is None
