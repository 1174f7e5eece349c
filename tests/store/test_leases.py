"""In PostgreSQL who runs a destination is a lease: named, kept by its heartbeat, ended by death, fenced afterwards."""

import threading

import pytest

from penstock.model.errors import StateLocked
from penstock.store import leases
from penstock.store.database import Database


@pytest.fixture
def shared(postgres, tmp_path):
    opened = Database.open(postgres, tmp_path)
    yield opened
    opened.close()


def test_the_second_is_told_who_holds_it(database):
    assert not leases.is_held(database, "people")
    with leases.hold(database, "people", "process 17 on here"):
        assert leases.is_held(database, "people")
        assert not leases.is_held(database, "companies")
        with (
            pytest.raises(StateLocked, match="people is held by process 17 on here") as caught,
            leases.hold(database, "people", "me"),
        ):
            pass
        assert caught.value.problems[0].found == "process 17 on here"
    assert not leases.is_held(database, "people")
    with leases.hold(database, "people", "me"):
        pass


def test_a_lease_outlives_its_time_while_its_holder_lives(shared, monkeypatch):
    monkeypatch.setattr(leases, "LIVES_S", 0.4)
    monkeypatch.setattr(leases, "BEATS_S", 0.1)
    with leases.hold(shared, "people", "me") as lease:
        assert not lease.ended.wait(0.8)
        assert leases.is_held(shared, "people")


def test_a_dead_holders_lease_ends_and_the_zombie_cannot_write(shared, monkeypatch):
    monkeypatch.setattr(leases, "LIVES_S", 0.1)
    monkeypatch.setattr(leases, "BEATS_S", 0.3)  # its heart beats too late
    lost = threading.Event()
    with leases.hold(shared, "people", "zombie", lost.set) as zombie:
        with shared.begin() as conn:
            zombie.check(conn)
        while leases.is_held(shared, "people"):
            pass
        monkeypatch.setattr(leases, "LIVES_S", 10)
        with leases.hold(shared, "people", "heir") as heir:
            with pytest.raises(StateLocked, match="held by heir"), shared.begin() as conn:
                zombie.check(conn)
            with shared.begin() as conn:
                heir.check(conn)
            assert lost.wait(2), "the zombie is told"
    with shared.begin() as conn, pytest.raises(StateLocked):
        zombie.check(conn)
