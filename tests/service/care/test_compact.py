"""Space that pruning has freed is returned to the disk, also while others use the state."""

import threading
from contextlib import closing

import pytest
from sqlalchemy import delete, insert, text

from penstock.clock import SystemClock
from penstock.service.care.retention import prune
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.tables import responses
from support.cli.shell import Shell

ROWS = 3000


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=["sqlite", "postgres"])
def state(request, tmp_path):
    return request.getfixturevalue("postgres") if request.param == "postgres" else f"sqlite:///{tmp_path / 'state.db'}"


def fill_and_empty(database):
    with database.begin() as conn:
        conn.execute(insert(responses), [{"destination": "it", "record": f"{n:0>2000}"} for n in range(ROWS)])
    with database.begin() as conn:
        conn.execute(delete(responses).where(responses.c.destination == "it"))


def test_a_compacted_state_is_smaller_and_complete(state, shell):
    with closing(Database.open(state)) as database:
        with database.begin() as conn:
            conn.execute(insert(responses), [{"destination": "kept", "record": "{}"}])
        fill_and_empty(database)
        with database.begin() as conn:
            conn.execute(insert(responses), [{"destination": "kept", "record": "{}"}])
    done = shell.json(f"compact --database {state}")
    assert done["freed_bytes"] == done["before_bytes"] - done["after_bytes"] > ROWS * 100
    assert done["after_bytes"] < 2_000_000
    with closing(Database.open(state)) as database, database.read() as conn:
        assert conn.execute(text("select count(*) from responses")).scalar_one() == 2
    assert shell.json(f"compact --database {state}")["freed_bytes"] < 200_000
    assert "MB now" in shell.text(f"compact --database {state}")


def test_a_sqlite_file_is_shortened_during_a_run_and_other_writes(tmp_path, shell):
    state = f"sqlite:///{tmp_path / 'state.db'}"
    wrote, ended = [], threading.Event()
    with closing(Database.open(state)) as database:
        fill_and_empty(database)

        def write():
            while not ended.is_set():
                with database.begin() as conn:
                    conn.execute(insert(responses), [{"destination": "live", "record": "{}"}])
                wrote.append(1)

        writing = threading.Thread(target=write)
        with leases.acquire(database, "people", "process 1"):
            writing.start()
            try:
                done = shell.json(f"compact --database {state}")
            finally:
                ended.set()
                writing.join()
        assert done["freed_bytes"] > ROWS * 100
        with database.read() as conn:
            assert conn.execute(text("select count(*) from responses")).scalar_one() == len(wrote) > 0


def test_postgresql_is_not_compacted_while_a_run_uses_it(postgres, shell):
    with closing(Database.open(postgres)) as database, leases.acquire(database, "people", "process 1 on here"):
        [error] = shell.json(f"compact --database {postgres}", code=3)["errors"]
    assert error["code"] == "in-use"
    assert error["found"] == "process 1 on here"


def test_pruning_shortens_the_file(tmp_path):
    with closing(Database.open(f"sqlite:///{tmp_path / 'state.db'}")) as database:
        fill_and_empty(database)
        assert prune(database, SystemClock()).free_bytes == 0
        assert database.path.stat().st_size < 2_000_000
