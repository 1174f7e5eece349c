"""The locks of objects in PostgreSQL: all or none, valid for as long as the lease of their holder."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import func, select, update

from penstock.model.errors import StateLocked
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.runs import object_locks
from penstock.store.shared_tables import leases as lease_table
from penstock.store.shared_tables import object_locks as table


@pytest.fixture
def state(postgres, tmp_path):
    with closing(Database.open(postgres, tmp_path)) as database:
        yield database


@pytest.fixture
def two(state):
    """The holders for the runs of two destinations."""
    with leases.acquire(state, "one", "me") as one, leases.acquire(state, "two", "another") as two:
        yield object_locks.holder_with(state, "one", one.check), object_locks.holder_with(state, "two", two.check)


def rows(state):
    with state.read() as conn:
        return conn.execute(select(func.count()).select_from(table)).scalar()


def test_all_places_are_locked_or_none(state, two):
    one, other = two
    assert object_locks.take(state, one, [2, 3])
    assert not object_locks.take(state, other, [1, 2])
    assert not object_locks.take(state, one, [3, 4]), "another request of the same run"
    assert object_locks.take(state, other, [1, 4])
    object_locks.free(state, other, [2, 3])
    assert not object_locks.take(state, other, [2]), "only its holder frees it"
    object_locks.free(state, one, [2, 3])
    assert object_locks.take(state, other, [2, 3])


def test_what_has_died_has_locked_nothing(state, two):
    one, other = two
    assert object_locks.take(state, one, [1, 2, 3])
    end(state, "one", 0.0)
    assert object_locks.take(state, other, [1, 2])
    object_locks.free(state, one, [1, 2])
    assert not object_locks.take(state, other, [1]), "it frees what another has taken over no more"
    with leases.acquire(state, "three", "me") as three:
        object_locks.holder_with(state, "three", three.check)
    assert rows(state) == 2, "what the dead one left is removed"


def test_the_next_run_of_a_destination_is_another_holder(state):
    with leases.acquire(state, "one", "me") as lease:
        before = object_locks.holder_with(state, "one", lease.check)
        assert object_locks.take(state, before, [1])
    with leases.acquire(state, "one", "me") as lease:
        now = object_locks.holder_with(state, "one", lease.check)
        assert now != before
        assert object_locks.take(state, now, [1])


def test_a_dead_holder_is_not_waited_for_when_the_clock_of_the_server_was_set_back(state, two):
    one, other = two
    assert object_locks.take(state, one, [1])
    end(state, "one", leases.database_time() + 3600)
    assert not object_locks.take(state, other, [1])
    with state.read() as conn:
        rest = lease_table.c.expires - leases.database_time()
        assert conn.execute(select(rest).where(lease_table.c.name == "one")).scalar() <= leases.LIVES_S


def test_who_has_lost_its_lease_locks_nothing(state):
    with leases.acquire(state, "one", "me") as lost:
        holder = object_locks.holder_with(state, "one", lost.check)
        end(state, "one", 0.0)
        with pytest.raises(StateLocked):
            object_locks.take(state, holder, [1])
        with leases.acquire(state, "one", "another") as lease:
            other = object_locks.holder_with(state, "one", lease.check)
            with pytest.raises(StateLocked):
                object_locks.take(state, holder, [1])
            with pytest.raises(StateLocked):
                object_locks.holder_with(state, "one", lost.check)
            assert object_locks.take(state, other, [1])


def test_many_at_once_never_have_one_place_and_never_wait_for_each_other(state, two):
    """The places of batches come in any order, and the batches of several runs have some in common."""
    taken = set()

    def sends(number):
        dice = random.Random(number)
        holder = two[number % 2]
        for _ in range(40):
            places = dice.sample(range(60), 12)
            if object_locks.take(state, holder, places):
                assert taken.isdisjoint(places)
                taken.update(places)
                taken.difference_update(places)
                object_locks.free(state, holder, places)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sends, range(8)))
    assert rows(state) == 0


def end(state, name, moment):
    with state.begin(alone=False) as conn:
        conn.execute(update(lease_table).where(lease_table.c.name == name).values(expires=moment))
