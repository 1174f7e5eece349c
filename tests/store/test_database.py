"""The state database is created readable only by its owner, migrated, and its errors are reported to people."""

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from penstock.model.errors import InputError, NotAvailableYet, StateLocked, StateUnavailable
from penstock.store import database as database_module
from penstock.store import memory, migrations, postgresql
from penstock.store.database import Database
from penstock.store.migrations import HEAD, REVISIONS
from penstock.store.migrations import upgrade as upgrade_module
from penstock.store.migrations.upgrade import scripts, upgrade
from penstock.store.runs import ledger, runs
from penstock.store.runs.deletions import UNCERTAIN
from penstock.store.runs.runs import RunRow
from penstock.store.tables import metadata
from support.cli import forked_process
from support.kernel.outcome_counts import outcome_counts

AT = "2026-01-31T12:00:00.000Z"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def shape(path):
    """The statements that made a database, without the differences of spelling."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    return {name: "".join((sql or "").split()).replace('"', "") for name, sql in rows if name != "alembic_version"}


@pytest.fixture
def postgres(empty_postgres):
    """An empty database, because these tests create the tables."""
    return empty_postgres


def test_folder_and_files_are_readable_only_by_their_owner(sqlite_database):
    database = sqlite_database
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
        assert mode(database.folder) == 0o700
        files = [path for path in database.folder.iterdir() if path.is_file()]
        assert {path.name for path in files} >= {"state.db", "state.db-wal"}
        assert {mode(path) for path in files} == {0o600}


def test_the_settings_of_sqlite_make_writes_survive_a_power_loss(sqlite_database):
    database = sqlite_database
    with database.begin() as conn:
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert conn.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_transaction_that_fails_changes_nothing(database):
    with pytest.raises(RuntimeError), database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
        raise RuntimeError
    with database.read() as conn:
        assert runs.get(conn, "r-1") is None


def test_reading_does_not_wait_for_a_writer_and_sees_one_snapshot(database):
    with database.begin() as writer, database.read() as reader:
        runs.start(writer, RunRow("r-1", "destination", "people", AT))
        assert runs.list_runs(reader) == []


def test_the_migrations_lead_to_the_schema_of_a_new_database(sqlite, tmp_path):
    Database.open(sqlite).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as conn:
        upgrade(conn)
        conn.execute(text("DROP TABLE IF EXISTS alembic_version"))
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    engine.dispose()
    new, migrated = shape(tmp_path / "state" / "state.db"), shape(tmp_path / "migrated.db")
    assert new.keys() == migrated.keys()
    assert new["ledger"] == migrated["ledger"]


def test_the_migrations_lead_to_the_schema_of_a_new_database_on_postgresql(postgres):
    engine = create_engine(postgres.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as conn:
        upgrade(conn)
        conn.execute(text("DROP TABLE alembic_version"))
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        assert conn.execute(text("SELECT count(*) FROM ledger")).scalar() == 0
    engine.dispose()


def test_what_was_decided_before_marks_were_stored_is_neither_a_decision_to_delete_nor_forgotten(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as conn:
        upgrade(conn, "0017")
        columns = "destination, key_hash, key, place, identity, marked, deletion"
        conn.execute(text(f"INSERT INTO sent_identities ({columns}) VALUES ('it', x'01', '1', '[]', '{{}}', 0, 'r-1')"))
        conn.execute(text(f"INSERT INTO sent_identities ({columns}) VALUES ('it', x'02', '2', '[]', '{{}}', 0, NULL)"))
        upgrade(conn)
        found = conn.execute(text("SELECT deletion, mark FROM sent_identities ORDER BY key")).all()
    engine.dispose()
    assert found == [(UNCERTAIN, None), (None, None)]


def test_every_script_is_known_in_order():
    assert tuple(script.revision for script in reversed(list(scripts().walk_revisions()))) == REVISIONS


def test_an_older_revision_of_the_chain_is_brought_up_to_date(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = Database.open(url)
    with opened.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
    opened.close()
    longer = tmp_path / "longer"
    shutil.copytree(Path(migrations.__file__).parent, longer)
    (longer / "versions" / "rev_9999_songs.py").write_text(
        f"from alembic import op\nrevision, down_revision = '9999', '{HEAD}'\n"
        "def upgrade(): op.execute('CREATE TABLE songs (title TEXT)')\n"
    )
    monkeypatch.setattr(upgrade_module, "scripts", lambda: ScriptDirectory(str(longer)))
    monkeypatch.setattr(database_module, "REVISIONS", (*REVISIONS, "9999"))
    monkeypatch.setattr(database_module, "HEAD", "9999")
    opened = Database.open(url)
    assert opened.schema_version() == "9999"
    with opened.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM songs")).scalar() == 0
        assert [run.id for run in runs.list_runs(conn)] == ["r-1"]
    opened.close()


@pytest.mark.parametrize(
    ("revision", "message", "hint"),
    [
        ("9999", "newer Penstock", "upgrade Penstock"),
        ("0007", "before release 0.1.0", "with Penstock 0.1.0"),
        ("0012", "between two releases", "0.1.0"),
    ],
)
def test_a_database_that_cannot_be_migrated_is_refused_and_unchanged(
    url, tmp_path, monkeypatch, revision, message, hint
):
    monkeypatch.chdir(tmp_path)
    opened = Database.open(url)
    with opened.begin() as conn:
        conn.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))
    with pytest.raises(StateUnavailable, match=message) as caught:
        Database.open(url)
    assert caught.value.problems[0].found == revision
    assert hint in caught.value.problems[0].hint
    assert opened.schema_version() == revision
    opened.close()


def test_many_processes_may_open_a_new_database_at_once(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "import sys; from penstock.store.database import Database; Database.open(sys.argv[1]).close()"
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(lambda _: forked_process.run(["-c", code, url]), range(3)))
    assert [process.returncode for process in ended] == [0, 0, 0]


def test_a_new_database_is_in_its_place_only_when_it_can_be_opened_by_another(tmp_path, monkeypatch):
    """SQLite refuses to set WAL mode while another process opens the file: both would have said that it is busy."""
    path, found = tmp_path / "state" / "state.db", []

    def connect(made, **options):
        found.append(path.exists())
        return sqlite3.connect(made, **options)

    monkeypatch.setattr(database_module, "sqlite3", SimpleNamespace(**vars(sqlite3) | {"connect": connect}))
    Database.open(f"sqlite:///{path}").close()
    assert found == [False]
    assert sorted(each.name for each in path.parent.iterdir()) == ["state.db"]


def test_a_file_system_without_hard_links_can_have_the_state(tmp_path, monkeypatch):
    def none(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", none)
    path = tmp_path / "state" / "state.db"
    Database.open(f"sqlite:///{path}").close()
    assert [each.name for each in path.parent.iterdir()] == ["state.db"]
    assert mode(path) == 0o600


def test_opening_needs_no_alembic(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Database.open(url).close()
    code = """
        import sys
        from penstock.store.database import Database
        Database.open(sys.argv[1]).close()
        sys.exit("alembic" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code), url], check=False).returncode == 0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ("nonsense", InputError, "not a database URL"),
        ("sqlite://", InputError, "needs a file"),
        ("sqlite:///:memory:", InputError, "needs a file"),
        ("mysql://localhost/penstock", NotAvailableYet, "only be in SQLite or PostgreSQL"),
    ],
)
def test_a_wrong_url_is_refused(wrong, error, says):
    with pytest.raises(error, match=says) as caught:
        Database.open(wrong)
    assert caught.value.problems[0].hint.startswith("write sqlite:///path")


@pytest.mark.parametrize(
    "url", ["postgresql:/me:hunter2@host/x", "postgresql://me:hunter2@127.0.0.1:1/x", "x:hunter2@y"]
)
def test_no_error_shows_a_password(url, tmp_path):
    with pytest.raises((InputError, StateUnavailable)) as caught:
        Database.open(url, tmp_path)
    assert "hunter2" not in str(caught.value) + repr(caught.value.problems)


def test_an_unreachable_server_is_reported(tmp_path):
    with pytest.raises(StateUnavailable, match="cannot be reached") as caught:
        Database.open("postgresql://me:hunter2@127.0.0.1:1/x", tmp_path)
    assert caught.value.problems[0].path == "postgresql://me@127.0.0.1:1/x"


def test_a_missing_database_is_reported(server, tmp_path):
    with pytest.raises(StateUnavailable, match="no database with this name"):
        Database.open(server.replace("/postgres?", "/nowhere?"), tmp_path)


def test_a_read_only_database_is_reported(postgres, tmp_path):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set default_transaction_read_only = on")
    with pytest.raises(StateUnavailable, match="cannot be written"):
        Database.open(postgres, tmp_path)


def test_a_postgresql_database_of_another_program_is_refused_and_unchanged(postgres, tmp_path):
    with psycopg.connect(postgres) as connection:
        connection.execute("create table songs (title text)")
    with pytest.raises(StateUnavailable, match="another program"):
        Database.open(postgres, tmp_path)


def test_a_sqlite_database_of_another_program_is_refused_and_unchanged(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(StateUnavailable, match="another program"):
        Database.open(f"sqlite:///{path}")
    assert set(shape(path)) == {"songs"}


def test_a_file_that_is_no_database_is_reported(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, " * 100)
    with pytest.raises(StateUnavailable, match="not a state database"):
        Database.open(f"sqlite:///{path}")
    assert path.read_text().startswith("not a database")


def test_a_path_below_a_file_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnavailable, match="file is not a folder"):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'state.db'}")


def test_a_full_database_is_reported_and_its_content_stays(sqlite_database):
    database = sqlite_database
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
    with pytest.raises(StateUnavailable, match="disk of the state database is full"), database.begin() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        runs.start(conn, RunRow("r-2", "destination", "people", AT, reason="x" * 100_000))
    with database.read() as conn:
        assert [run.id for run in runs.list_runs(conn)] == ["r-1"]


def test_a_file_that_cannot_grow_is_reported_and_its_content_stays(sqlite_database):
    database = sqlite_database
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
    code = """
        import resource, sys
        from penstock.model.errors import StateUnavailable
        from penstock.store.runs import runs
        from penstock.store.database import Database
        from penstock.store.runs.runs import RunRow
        database = Database.open(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            with database.begin() as conn:
                runs.start(conn, RunRow("r-2", "destination", "people", "now", reason="x" * 1_000_000))
        except StateUnavailable as error:
            sys.exit(0 if "disk" in str(error) else 1)
        sys.exit(2)
    """
    url = f"sqlite:///{database.path}"
    assert forked_process.run(["-c", textwrap.dedent(code), url]).returncode == 0
    with database.read() as conn:
        assert [run.id for run in runs.list_runs(conn)] == ["r-1"]


def test_a_programming_error_is_not_translated(database):
    with pytest.raises(IntegrityError) as caught, database.begin() as conn:
        for _ in range(2):
            runs.start(conn, RunRow("r-1", "destination", "people", AT))
    assert caught.value.__cause__ is not caught.value


def test_a_writer_that_does_not_end_is_reported(url, database, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 10)
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_MS", 10)
    other = Database.open(url)
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
        with pytest.raises(StateLocked, match="another process has been writing"), other.begin():
            pass
    other.close()


def test_outcomes_memory_and_checkpoint_are_stored_together_or_not_at_all(url, tmp_path, monkeypatch):
    """A real process commits chunk after chunk and is killed at random moments; all three always agree."""
    monkeypatch.chdir(tmp_path)
    code = """
        import os, random, signal, sys, threading
        import numpy as np
        from dataclasses import replace
        from penstock.model.outcome import Outcome
        from penstock.store.runs import ledger
        from penstock.store.runs import runs
        from penstock.store.database import Database
        from penstock.store.runs.ledger import LedgerEntry
        from penstock.store.memory import Memory
        from penstock.store.memory import key_hashes
        database = Database.open(sys.argv[1])
        with database.begin() as conn:
            run = runs.get(conn, "r-1")
            memory = Memory.load(conn, "people", "v1")
        threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        while True:
            ordinals = list(range(run.position, run.position + 50))
            keys = [f"k{n}" for n in ordinals]
            words = np.array(ordinals, dtype=np.uint64) + np.uint64(1)
            with database.begin() as conn:
                ledger.append(conn, run.id, [LedgerEntry(Outcome.DELIVERED, ordinals, "now", keys)])
                memory.remember(conn, key_hashes(keys), words, words)
                counts = run.counts.plus({"read": 50, "delivered": 50})
                run = replace(run, position=run.position + 50, counts=counts)
                runs.save(conn, run)
    """
    database = Database.open(url)
    with database.begin() as conn:
        runs.start(conn, RunRow("r-1", "destination", "people", AT))
    positions = []
    for after in (0.0, 0.013, 0.051, 0.117, 0.205):
        forked_process.run(["-c", textwrap.dedent(code), url, str(after)])
        with database.read() as conn:
            run = runs.get(conn, "r-1")
            known = memory.Memory.load(conn, "people", "v1")
            assert outcome_counts(conn, "r-1").get("delivered", 0) == run.position == run.counts.delivered
            assert ledger.decided_beyond(conn, "r-1", 0).tolist() == list(range(run.position))
            keys = [f"k{n}" for n in range(run.position + 50)]
            assert known.knows(memory.key_hashes(keys)).sum() == run.position == len(known)
        positions.append(run.position)
    assert positions[-1] > 0
    database.close()
