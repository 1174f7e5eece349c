"""The contract of `Engine`, for DBOS (with SQLite and PostgreSQL) and for a simple engine."""

import threading
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest

from penstock.clock import SystemClock
from penstock.service.work.dbos_engine import DbosEngine
from penstock.store.database import Database
from support.deadline import until
from support.service.plain_engine import PlainEngine, Shared

LANE = 2


@pytest.fixture(params=["plain", "dbos-sqlite", "dbos-postgres"])
def make(request, tmp_path, monkeypatch):
    """Makes engines on one state, one at a time, since a process can have one DBOS; all are stopped at the end."""
    monkeypatch.chdir(tmp_path)
    running, closing = [], ExitStack()
    if request.param == "plain":
        shared = Shared()
    else:
        sqlite = f"sqlite:///{tmp_path / 'state.db'}"
        database = Database.open(sqlite if "sqlite" in request.param else request.getfixturevalue("postgres"))
        closing.callback(database.close)

    def made(execute, worker="one", version="1"):
        if request.param == "plain":
            engine = PlainEngine(shared, version, lane=LANE)
        else:
            engine = DbosEngine(database, SystemClock(), worker, version, lane=LANE, at_once=8)
        engine.start(execute)
        running.append(engine)
        return engine

    def stop(engine):
        running.remove(engine)
        engine.stop()

    made.stop = stop
    yield made
    for engine in running:
        engine.stop()
    closing.close()


class Executed:
    """Records which tickets were executed; those in `held` last until they are released."""

    def __init__(self, *held):
        self.began, self.over = [], []
        self.gates = {ticket: threading.Event() for ticket in held}

    def __call__(self, ticket):
        self.began.append(ticket)
        if ticket in self.gates:
            assert self.gates[ticket].wait(60)
        self.over.append(ticket)


def test_a_ticket_is_executed_once_however_often_it_is_submitted(make):
    executed = Executed()
    engine = make(executed)
    assert engine.submit("r-1.1", "a")
    engine.submit("r-1.1", "a")
    until(lambda: executed.over == ["r-1.1"])
    until(lambda: not engine.submit("r-1.1", "a"))
    assert engine.submit("r-1.2", "a"), "another attempt is another ticket"
    until(lambda: executed.over == ["r-1.1", "r-1.2"])


def test_a_lane_is_limited_and_does_not_delay_other_lanes(make):
    tickets = [f"r-{n}.1" for n in range(4)]
    executed = Executed(*tickets)
    engine = make(executed)
    for ticket in tickets:
        engine.submit(ticket, "a")
    until(lambda: len(executed.began) == LANE)
    engine.submit("r-9.1", "b")
    until(lambda: "r-9.1" in executed.over)
    assert len(executed.began) == LANE + 1
    for ticket in tickets:
        executed.gates[ticket].set()
    until(lambda: sorted(executed.over) == sorted([*tickets, "r-9.1"]))


def test_a_submitted_ticket_survives_its_process(make):
    tickets = ["r-0.1", "r-1.1", "r-2.1"]
    first = Executed(*tickets[:LANE])
    engine = make(first)
    for ticket in tickets:
        engine.submit(ticket, "a")
    until(lambda: len(first.began) == LANE)
    make.stop(engine)
    second = Executed()
    engine = make(second, worker="two")
    engine.abandon(first.began)  # their process has died
    left = (set(tickets) - set(first.began)).pop()
    until(lambda: left in second.over)
    for gate in first.gates.values():
        gate.set()
    assert second.over == [left], "what was abandoned is not executed again"
    assert not engine.submit(first.began[0], "a")


def test_a_ticket_belongs_to_the_version_that_submitted_it(make):
    old = Executed("r-0.1", "r-1.1")
    engine = make(old)
    for ticket in ("r-0.1", "r-1.1", "r-2.1"):
        engine.submit(ticket, "a")
    until(lambda: len(old.began) == LANE)
    make.stop(engine)
    new = Executed()
    engine = make(new, worker="two", version="2")
    engine.submit("r-3.1", "b")
    until(lambda: new.over == ["r-3.1"])
    engine.abandon(["r-0.1", "r-1.1", "r-2.1"])
    engine.submit("r-2.2", "a")
    until(lambda: new.over == ["r-3.1", "r-2.2"])
    for gate in old.gates.values():
        gate.set()


def test_old_workflows_of_dbos_are_deleted(tmp_path):
    clock, executed = Moved(), Executed()
    with closing(Database.open(f"sqlite:///{tmp_path / 'state.db'}")) as database:
        engine = DbosEngine(database, clock, "one", "1", lane=LANE, at_once=8)
        engine.start(executed)
        try:
            engine.submit("t.1", "lane")
            until(lambda: not engine.submit("t.1", "lane"))
            engine.tidy()
            assert not engine.submit("t.1", "lane")
            clock.hours = 2
            engine.tidy()
            assert engine.submit("t.1", "lane")  # it is new again
        finally:
            engine.stop()


class Moved:
    """A clock some hours ahead."""

    hours = 0

    def now(self):
        return SystemClock().now() + timedelta(hours=self.hours)
