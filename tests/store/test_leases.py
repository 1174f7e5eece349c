"""One process at a time runs a destination: by locked files beside SQLite, by leases with fences in PostgreSQL."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest
from sqlalchemy import text

from penstock.model.errors import StateLocked
from penstock.store import leases
from penstock.store.database import Database
from support.deadline import until


@pytest.fixture
def shared(postgres, tmp_path):
    opened = Database.open(postgres, tmp_path)
    yield opened
    opened.close()


def an_hour_later(shared):
    """All leases end an hour later: what it means for them when PostgreSQL's clock is set back by an hour."""
    with shared.begin() as conn:
        conn.execute(text("update leases set expires = expires + 3600"))


def free_now(shared, name):
    try:
        with leases.acquire(shared, name, "the next"):
            return True
    except StateLocked:
        return False


def test_a_second_caller_gets_the_name_of_the_holder(database):
    assert not leases.is_taken(database, "people")
    with leases.acquire(database, "people", "process 17 on here"):
        assert leases.is_taken(database, "people")
        assert not leases.is_taken(database, "companies")
        with (
            pytest.raises(StateLocked, match="people is held by process 17 on here") as caught,
            leases.acquire(database, "people", "me"),
        ):
            pass
        assert caught.value.problems[0].found == "process 17 on here"
    assert not leases.is_taken(database, "people")
    with leases.acquire(database, "people", "me"):
        pass


def test_a_lease_is_renewed_while_its_holder_is_alive(shared, monkeypatch):
    monkeypatch.setattr(leases, "LIVES_S", 0.4)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.1)
    with leases.acquire(shared, "people", "me") as lease:
        assert not lease.ended.wait(0.8)
        assert leases.is_taken(shared, "people")


def test_the_lease_of_a_dead_holder_ends_and_a_late_holder_cannot_write(shared, monkeypatch):
    monkeypatch.setattr(leases, "LIVES_S", 0.1)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.3)  # it renews too late
    lost = threading.Event()
    with leases.acquire(shared, "people", "zombie", lost.set) as zombie:
        with shared.begin() as conn:
            zombie.check(conn)
        while leases.is_taken(shared, "people"):
            pass
        monkeypatch.setattr(leases, "LIVES_S", 10)
        with leases.acquire(shared, "people", "heir") as heir:
            with pytest.raises(StateLocked, match="held by heir"), shared.begin() as conn:
                zombie.check(conn)
            with shared.begin() as conn:
                heir.check(conn)
            assert lost.wait(2), "the zombie is notified"
    with shared.begin() as conn, pytest.raises(StateLocked):
        zombie.check(conn)


@pytest.mark.parametrize("look", [leases.is_taken, free_now], ids=["who asks", "who takes"])
def test_a_lease_that_was_renewed_before_the_clock_was_set_back_ends_in_time(shared, monkeypatch, look):
    monkeypatch.setattr(leases, "LIVES_S", 0.2)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 100)  # never, as one that is dead
    with leases.acquire(shared, "people", "dead") as dead:
        an_hour_later(shared)
        assert leases.any_holder(shared) == "dead"
        an_hour_later(shared)
        look(shared, "people")
        until(lambda: not leases.is_taken(shared, "people"), 5)
        with leases.acquire(shared, "people", "heir"), pytest.raises(StateLocked), shared.begin() as conn:
            dead.check(conn)


def test_a_holder_that_is_alive_keeps_its_lease_when_the_clock_is_set_back(shared, monkeypatch):
    monkeypatch.setattr(leases, "LIVES_S", 0.4)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.1)
    with leases.acquire(shared, "people", "me") as lease:
        an_hour_later(shared)
        assert leases.is_taken(shared, "people")
        assert not lease.ended.wait(0.8)
        assert leases.is_taken(shared, "people")
        with shared.begin() as conn:
            lease.check(conn)


HOLD = """
    import sys, time
    from pathlib import Path
    from penstock.store import leases as locks
    with locks.acquire_file(Path(sys.argv[1]), sys.argv[2], "process 17 on here"):
        print("held", flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has the lock `people`."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path), "people"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def free(folder, name="people"):
    try:
        with leases.acquire_file(folder, name, "me"):
            return True
    except StateLocked:
        return False


def test_the_second_process_gets_the_name_of_the_holder(tmp_path, holder):
    with (
        pytest.raises(StateLocked, match="people is held by process 17 on here") as caught,
        leases.acquire_file(tmp_path, "people", "me"),
    ):
        pass
    assert caught.value.problems[0].found == "process 17 on here"
    assert "--wait" in caught.value.problems[0].hint


def test_another_name_is_free(tmp_path, holder):
    for name in ("companies", "people ", "PEOPLE", "pe/ople", "../people", "п" * 300, ""):
        assert free(tmp_path, name)


def test_the_lock_of_a_killed_holder_is_free_at_once(tmp_path, holder):
    assert not free(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert free(tmp_path)


def test_a_check_of_a_lock_does_not_take_it(tmp_path, holder):
    """Many threads check while others lock: a check is never taken for a holder."""
    assert leases.is_file_taken(tmp_path, "people")
    assert not leases.is_file_taken(tmp_path, "companies")
    assert not leases.is_file_taken(tmp_path / "nowhere", "people")
    done = threading.Event()

    def look():
        while not done.is_set():
            leases.is_file_taken(tmp_path, "companies")

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        assert all(free(tmp_path, "companies") for _ in range(300))
    finally:
        done.set()
        for looker in lookers:
            looker.join()


def test_a_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), leases.acquire_file(tmp_path, "people", "me"):
        raise RuntimeError
    assert free(tmp_path)
    assert not any(path.read_text() for path in tmp_path.iterdir())
