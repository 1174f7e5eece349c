"""A state at revision 0015, stored as literal SQL, opens unchanged in the present code, and its runs continue.

`state_0015/sqlite.sql` was written by Python's `sqlite3` (`iterdump`): release 0.1.0 had filled the state (flows,
quarantined and unknown records, a batch job and a note under way when their process was killed, posted records, people,
tokens, a sealed key, an applied project), the migrations to 0015 and later commands did the rest (`sealed`, `members`,
`discards`). The memory of `odd` has the keys that 0.1.0 gave. `state_0015/postgresql.sql` was written by `pg_dump
--schema-only` after the same migrations; its rows are those of the SQLite state. The sealing key was
`the-key-of-the-upgrade-test`.
"""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, insert, select, text
from sqlalchemy.types import Boolean

from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.store.tables import metadata
from support.cli import forked_process
from support.servers.sandbox import running_sandbox

KEPT = Path(__file__).parent / "state_0015"
SANDBOX = "127.0.0.1:8977"  # where the sandbox of that state was


@pytest.fixture(params=["sqlite", "postgres"])
def make_state(request, tmp_path):
    """Makes that state, with another address of its sandbox; returns its URL and its rows."""

    def make(address=SANDBOX):
        path = tmp_path / "old.db"
        connection = sqlite3.connect(path)
        connection.executescript((KEPT / "sqlite.sql").read_text(encoding="utf-8").replace(SANDBOX, address))
        connection.close()
        rows = rows_of(path)
        if request.param == "sqlite":
            return f"sqlite:///{path}", rows
        url = request.getfixturevalue("empty_postgres")
        fill_postgres(url, rows)
        return url, rows

    return make


def rows_of(path):
    """Every row by table, as mappings of literal values."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for (name,) in names}
    connection.close()
    return {name: rows for name, rows in tables.items() if name != "alembic_version"}


def fill_postgres(url, tables):
    with psycopg.connect(url) as connection:
        connection.execute((KEPT / "postgresql.sql").read_text(encoding="utf-8"))
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as conn:
        described = MetaData()
        described.reflect(conn)
        conn.execute(text("SET session_replication_role = replica"))
        for name, rows in tables.items():
            table = described.tables[name]
            flags = {column.name for column in table.columns if isinstance(column.type, Boolean)}
            for row in rows:
                conn.execute(insert(table), {n: bool(v) if n in flags and v is not None else v for n, v in row.items()})
        for name in ("audit", "ledger_batches", "pushed", "quarantine", "responses"):
            conn.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))
    engine.dispose()


def test_a_state_of_the_first_revision_opens_unchanged(make_state, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url, held = make_state()
    assert all(held[name] for name in ("runs", "quarantine", "intents", "jobs", "pushed", "sent_links", "discards"))
    opened = Database.open(url)
    with opened.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        ours = {"include_object": lambda _object, name, *_rest: name != "alembic_version"}
        assert compare_metadata(MigrationContext.configure(conn, opts=ours), metadata) == []
        for name, rows in held.items():
            table = metadata.tables[name]
            kept = [column for column in table.columns if column.name in (rows[0] if rows else ())]
            found = [_plain(row) for row in conn.execute(select(*kept)).mappings()] if kept else []
            wanted = [_plain({column.name: row[column.name] for column in kept}) for row in rows]
            assert sorted(found, key=repr) == sorted(wanted, key=repr), name
    opened.close()


def _plain(row):
    """SQLite and PostgreSQL write a flag, a number and bytes in their own ways."""
    plain = {}
    for name, value in row.items():
        if isinstance(value, bool | int | float):
            plain[name] = float(value)
        else:
            plain[name] = bytes(value) if isinstance(value, memoryview) else value
    return plain


def test_runs_continue_send_nothing_again_and_open_sealed_secrets(make_state, tmp_path):
    with running_sandbox("--rate", "off", "--job-delay", "0", "--api-key", "sandbox-key") as sandbox:
        folder = tmp_path / "project"
        folder.mkdir()
        for path in KEPT.iterdir():
            if path.suffix != ".sql":
                shutil.copy(path, folder / path.name)
        project = folder / "penstock.yaml"
        address = sandbox.url.removeprefix("http://")
        project.write_text(project.read_text().replace(SANDBOX, address))
        url, _ = make_state(address)

        def penstock(*arguments, code=0):
            environ = {
                **os.environ,
                "CUSTIFY_API_KEY": "sandbox-key",
                "HOOK_SECRET": "hook-secret",
                "PENSTOCK_SECRET_KEY": "the-key-of-the-upgrade-test",
            }
            command = ["-m", "penstock", *arguments, "--json", "--database", url]
            ended = forked_process.run(command, cwd=folder, env=environ, capture_output=True, text=True)
            assert ended.returncode == code, ended.stdout + ended.stderr
            return json.loads(ended.stdout)

        assert len(penstock("runs")) == 11
        held = penstock("quarantine", "list")
        assert {(entry["destination"], entry["outcome"]) for entry in held} >= {
            ("notes", "unknown"),
            ("members", "quarantined"),
        }
        assert penstock("check", "flat")["ok"], "sealed by 0.1.0"
        people = penstock("run", "people")
        assert people["records"]["unchanged"] >= 3
        assert [r["body"] for r in sandbox.requests() if r["method"] == "POST" and "u1" in r["body"]] == []
        members = penstock("run", "members", code=1)
        assert (members["records"]["unchanged"], members["records"]["quarantined"]) == (2, 1)
        odd = penstock("run", "odd")
        assert (odd["requests"], odd["records"]["unchanged"]) == (0, 3), "sent under the keys of 0.1.0"
