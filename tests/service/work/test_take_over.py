"""Only runs without a worker are taken over: a worker never requeues its own runs."""

from dataclasses import replace

import pytest

from penstock.service.work.queue import Queue
from support.kernel.event_listener import EventListener
from support.service.applied_project import ended


@pytest.fixture
def heard():
    return EventListener()


@pytest.fixture
def worker(project, heard):
    with project.open() as app:
        app._ctx = replace(app._ctx, events=heard)
        started = app.worker()
        yield app, started
        started.stop()


def run_once(app):
    return ended(app, app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"])


def test_a_run_that_starts_during_take_over_is_not_requeued(worker, heard, monkeypatch):
    app, started = worker
    take = Queue.take

    def taken(self, ticket):
        row = take(self, ticket)
        started._care()  # between taking the row and executing it
        return row

    monkeypatch.setattr(Queue, "take", taken)
    started.start()
    assert run_once(app)["status"] == "succeeded"
    assert heard.of("run.taken-over") == []


def test_a_run_that_ends_during_take_over_is_not_requeued(worker, heard, monkeypatch):
    app, started = worker
    end, living = Queue.end, Queue.living
    ending = []

    def looked(self):
        if ending:
            end(self, ending.pop())  # the rows were read as running; now this run ends, and its ticket is done
            started._at_hand.clear()
        return living(self)

    def ended_while_looking(self, row):
        monkeypatch.setattr(Queue, "living", looked)
        ending.append(row)
        started._care()

    monkeypatch.setattr(Queue, "end", ended_while_looking)
    started.start()
    assert run_once(app)["status"] == "succeeded"
    monkeypatch.undo()
    assert heard.of("run.taken-over") == []
