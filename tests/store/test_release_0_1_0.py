"""A state of release 0.1.0, stored as literal SQL, is read by the present code with all its content.

`state_0_1_0/state.sql` was written by Python's `sqlite3` (`iterdump`) from a state that 0.1.0 (revision 0010) had filled:
flows, quarantined and unknown records, a batch job and a note under way when their process was killed, posted records,
people, tokens, a sealed key, an applied project. Its sealing key was `the-key-of-the-upgrade-test`.
"""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, insert, select, text
from sqlalchemy.types import Boolean

from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.store.migrations.upgrade import upgrade
from penstock.store.tables import metadata
from support.cli import forked_process
from support.servers.sandbox import running_sandbox

OLD = Path(__file__).parent / "state_0_1_0"
REVISION = "0010"


FOR_A_WINDOW = {"budgets"}  # tables whose rows are valid for some seconds only: an upgrade drops them
SANDBOX = "127.0.0.1:8977"  # where the sandbox of that state was


def make_state(path, address=SANDBOX):
    connection = sqlite3.connect(path)
    connection.executescript((OLD / "state.sql").read_text(encoding="utf-8").replace(SANDBOX, address))
    connection.close()
    return path


def rows_of(path):
    """Every row by table, as mappings of literal values."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables = {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for (name,) in names}
    connection.close()
    return {name: rows for name, rows in tables.items() if name != "alembic_version"}


def _fill_postgres(url, tables):
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as conn:
        upgrade(conn, to=REVISION)
        described = MetaData()
        described.reflect(conn)
        conn.execute(text("SET session_replication_role = replica"))
        for name, rows in tables.items():
            table = described.tables[name]
            conn.execute(table.delete())
            flags = {column.name for column in table.columns if isinstance(column.type, Boolean)}
            for row in rows:
                conn.execute(
                    insert(table), [{n: bool(v) if n in flags and v is not None else v for n, v in row.items()}]
                )
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_state_of_0_1_0_keeps_its_content(kind, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    old_state = make_state(tmp_path / "old.db")
    held = rows_of(old_state)
    assert all(held[name] for name in ("runs", "quarantine", "intents", "jobs", "pushed"))
    if kind == "sqlite":
        url = f"sqlite:///{old_state}"
    else:
        url = request.getfixturevalue("empty_postgres")
        _fill_postgres(url, held)
    opened = Database.open(url)
    with opened.read() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        ours = {"include_object": lambda _object, name, *_rest: name != "alembic_version"}
        assert compare_metadata(MigrationContext.configure(conn, opts=ours), metadata) == []
        for name, rows in held.items():
            if name in FOR_A_WINDOW:
                continue
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


def test_an_upgrade_sends_nothing_again_and_opens_sealed_secrets(tmp_path):
    with running_sandbox("--rate", "off", "--job-delay", "0", "--api-key", "sandbox-key") as sandbox:
        folder = tmp_path / "project"
        (folder / ".penstock").mkdir(parents=True)
        for path in OLD.iterdir():
            if path.suffix != ".sql":
                shutil.copy(path, folder / path.name)
        project = folder / "penstock.yaml"
        address = sandbox.url.removeprefix("http://")
        project.write_text(project.read_text().replace(SANDBOX, address))
        make_state(folder / ".penstock" / "state.db", address)

        def penstock(*arguments, code=0):
            environ = {
                **os.environ,
                "CUSTIFY_API_KEY": "sandbox-key",
                "HOOK_SECRET": "hook-secret",
                "PENSTOCK_SECRET_KEY": "the-key-of-the-upgrade-test",
            }
            ended = forked_process.run(
                ["-m", "penstock", *arguments, "--json"], cwd=folder, env=environ, capture_output=True, text=True
            )
            assert ended.returncode == code, ended.stdout + ended.stderr
            return json.loads(ended.stdout)

        assert len(penstock("runs")) == 10
        held = penstock("quarantine", "list")
        assert {(entry["destination"], entry["outcome"]) for entry in held} >= {("notes", "unknown")}
        assert penstock("check", "flat")["ok"]
        people = penstock("run", "people")
        assert people["records"]["unchanged"] >= 3
        assert [r["body"] for r in sandbox.requests() if r["method"] == "POST" and "u1" in r["body"]] == []
