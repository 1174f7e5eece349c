"""Workers as separate processes on one PostgreSQL: one dies, is stopped, or has another version."""

import json
import os
import signal
import subprocess
from contextlib import contextmanager

import pytest

from support.cli import forked_process
from support.deadline import until
from support.servers.postgres import own_server, postgres, server
from support.servers.sandbox import sandbox, shared_sandbox
from support.service.applied_project import Applied, ended

__all__ = ["own_server", "postgres", "sandbox", "server", "shared_sandbox"]
IN_DOUBT = 80  # 10 in flight, and what 10 at a time of 0.1 s each were answered since the last commit (0.5 s)
OTHER_VERSION = """
import sys, threading
from penstock.service.app import ServiceApp
app = ServiceApp.open_applied(sys.argv[1])
worker = app.worker(version="another")
worker.start()
print('{"worker": "%s"}' % worker.id, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def project(tmp_path, monkeypatch, postgres, sandbox):
    monkeypatch.chdir(tmp_path)
    made = Applied(tmp_path, postgres, sandbox)
    made.people(400)
    made.apply()
    return made


@pytest.fixture
def app(project):
    with project.open() as opened:
        yield opened


@contextmanager
def process(project, *command):
    """A worker in a process, which is killed at the end if it is still running."""
    arguments = command or ("-m", "penstock", "worker", "--json", "--database", project.url)
    started = forked_process.Process(
        arguments,
        cwd=project.folder,
        env={**os.environ, **project.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        started.name = _name(started)
        yield started
    finally:
        started.kill()
        started.communicate()


def _name(started):
    """The id that the worker prints when it is ready."""
    text = ""
    for line in started.stdout:
        text += line
        try:
            return json.loads(text)["worker"]
        except ValueError:
            continue
    raise AssertionError(started.stderr.read())


def begin(app, sandbox, latency=100, delivered=20):
    """A run of 400 people that has sent some of them."""
    sandbox.settings(latency=latency)
    run = app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"]
    until(lambda: app.work.run(run)["records"]["delivered"] >= delivered)
    return run


def holder(app, run):
    with app._ctx.database.read() as conn:
        from penstock.service.store import work

        return work.get(conn, run).worker


def check_nothing_lost_or_doubled(app, sandbox, run, *, twice=IN_DOUBT):
    """Assert that all people arrived once. Upserts whose reply was not stored when a process died are sent again."""
    whole = ended(app, run)
    assert whole["status"] == "succeeded", whole
    assert whole["records"]["read"] == whole["records"]["delivered"] == 400
    sent = [request for request in sandbox.requests() if request["method"] == "POST"]
    assert len(sandbox.state()["people"]) == 400
    assert 400 <= len(sent) <= 400 + twice


def test_the_run_of_a_killed_worker_is_finished_by_another_within_30_s(project, app, sandbox):
    with process(project) as first, process(project) as second:
        run = begin(app, sandbox)
        victim, successor = (first, second) if holder(app, run) == first.name else (second, first)
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda: holder(app, run) == successor.name, 30)
        sandbox.settings(latency=0)
        check_nothing_lost_or_doubled(app, sandbox, run)


def test_a_worker_that_hung_and_recovers_sends_nothing_again(project, app, sandbox):
    with process(project) as first, process(project) as second:
        run = begin(app, sandbox)
        hung, successor = (first, second) if holder(app, run) == first.name else (second, first)
        os.kill(hung.pid, signal.SIGSTOP)
        until(lambda: holder(app, run) == successor.name, 30)
        os.kill(hung.pid, signal.SIGCONT)
        sandbox.settings(latency=0)
        check_nothing_lost_or_doubled(app, sandbox, run)
        again = app.work.enqueue("it", trigger="person:ada", asked_by="ada")["run"]
        assert ended(app, again)["records"]["unchanged"] == 400


def test_a_worker_that_is_stopped_leaves_its_run_to_the_next(project, app, sandbox):
    with process(project) as first:
        run = begin(app, sandbox)
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
        assert app.work.run(run)["status"] == "queued"
        before = app.work.run(run)["records"]["delivered"]
        assert before < 400
    sandbox.settings(latency=0)
    with process(project):
        check_nothing_lost_or_doubled(app, sandbox, run, twice=0)


def test_runs_continue_after_an_upgrade_during_them(project, app, sandbox):
    with process(project) as old:
        run = begin(app, sandbox)
        with process(project, "-c", OTHER_VERSION, project.url) as new:
            old.send_signal(signal.SIGTERM)
            assert old.wait(30) == 0
            sandbox.settings(latency=0)
            until(lambda: holder(app, run) in (new.name, None))
            check_nothing_lost_or_doubled(app, sandbox, run, twice=0)


def test_a_restart_of_the_database_in_the_middle_is_survived(tmp_path, monkeypatch, own_server, sandbox):
    monkeypatch.chdir(tmp_path)
    project = Applied(tmp_path, own_server.url, sandbox)
    project.people(400)
    project.apply()
    with project.open() as app, process(project):
        run = begin(app, sandbox)
        own_server.control("restart")
        sandbox.settings(latency=0)
        check_nothing_lost_or_doubled(app, sandbox, run)


def test_another_process_stops_a_run(project, app, sandbox):
    with process(project):
        run = begin(app, sandbox)
        app.work.cancel(run, by="ada")
        stopped = ended(app, run)
        assert stopped["status"] == "cancelled"
        assert "ada" in stopped["reason"]
        app.work.resume(run, asked_by="ada")
        until(lambda: app.work.run(run)["status"] == "running")
        app.pause("it")
        until(lambda: "paused" in str(ended(app, run)["reason"]))
        sandbox.settings(latency=0)
        app.activate("it")
        app.work.resume(run, asked_by="ada")
        check_nothing_lost_or_doubled(app, sandbox, run, twice=0)
