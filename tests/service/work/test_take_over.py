"""Only runs without a worker are taken over: a worker never requeues its own runs."""

from dataclasses import replace

import pytest

from penstock.service.store import work
from penstock.service.work.queue import Queue
from support.kernel.event_listener import EventListener
from support.service.applied_project import ended


@pytest.fixture
def listener():
    return EventListener()


@pytest.fixture
def worker(project, listener):
    with project.open() as app:
        app._ctx = replace(app._ctx, events=listener)
        started = app.worker()
        yield app, started
        started.stop()


def run_once(app):
    return ended(app, app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"])


def test_a_run_that_starts_during_take_over_is_not_requeued(worker, listener, monkeypatch):
    app, started = worker
    take = Queue.take

    def taken(self, ticket):
        row = take(self, ticket)
        started._care()  # between taking the row and executing it
        return row

    monkeypatch.setattr(Queue, "take", taken)
    started.start()
    assert run_once(app)["status"] == "succeeded"
    assert listener.of("run.taken-over") == []


def test_a_run_that_ends_during_take_over_is_not_requeued(worker, listener, monkeypatch):
    app, started = worker
    end, living = Queue.end, Queue._alive_workers
    ending = []

    def looked(self):
        if ending:
            end(self, ending.pop())  # the rows were read as running; now this run ends, and its ticket is done
            started._at_hand.clear()
        return living(self)

    def ended_while_looking(self, row):
        monkeypatch.setattr(Queue, "_alive_workers", looked)
        ending.append(row)
        started._care()

    monkeypatch.setattr(Queue, "end", ended_while_looking)
    started.start()
    assert run_once(app)["status"] == "succeeded"
    monkeypatch.undo()
    assert listener.of("run.taken-over") == []


def test_a_dead_worker_and_the_run_that_is_taken_over_are_logged_once(worker, listener):
    app, started = worker
    dead = Queue(app._ctx.database, app._ctx.clock, "dead-1", started._version)
    with dead.database.begin() as conn:
        work.register(conn, work.WorkerRow("dead-1", started._version, "elsewhere", "2026-01-01T00:00:00Z"))
    run = app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"]
    dead.take(dead.hand_out()[0].ticket)
    started._care()
    started._care()
    assert listener.of("worker.lost") == [{"worker": "dead-1"}]
    assert listener.of("run.taken-over") == [{"run": run, "worker": started.id}]


def test_a_worker_that_died_without_a_run_is_logged_too(worker, listener):
    app, started = worker
    with app._ctx.database.begin() as conn:
        work.register(conn, work.WorkerRow("dead-2", started._version, "elsewhere", "2026-01-01T00:00:00Z"))
    started._care()
    started._care()
    assert listener.of("worker.lost") == [{"worker": "dead-2"}]
