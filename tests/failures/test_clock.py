"""The clock of the machine is set an hour forward or back during a run: Penstock's and the sandbox's alike.

`tests/campaign/test_sample_environment.py` sets it inside a window of the rate limit.
"""

import os
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest

from support.deadline import until
from support.environment.fake_clock import fake_clock
from support.environment.kernel import not_run
from support.environment.sending import change, sending
from support.servers.sandbox import running_sandbox

HOUR = 3600.0


@pytest.fixture
def clock(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="penstock-clock-") as folder:
        made = fake_clock(Path(folder))
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)  # the sandbox inherits it
        yield made


@pytest.fixture
def clock_for_all(clock):
    """Of servers that this test starts, too: PostgreSQL has a user of its own, who must be able to read it."""
    clock.file.parent.chmod(0o755)
    return clock


def test_a_clock_that_is_set_for_the_database_too_delays_nothing(tmp_path, clock_for_all, own_server):
    """The rate limit and the leases of a shared state are counted by the database's clock.

    The server may end a transaction whose time limit is over by its clock: then the next run continues.
    """
    before = clock_of(own_server)
    with running_sandbox("--rate", "40/2s") as sandbox:
        options = ("--database", own_server.url)
        it = sending(sandbox, tmp_path / "project", "notes", 80, options=options, environ=clock_for_all.environ)
        change(it.project, "requests: 100000, per: 1s", "requests: 40, per: 2s")
        with it.interrupted(after=50) as process:
            clock_for_all.set(-1)
            ended = it.end(process)
        if abs(clock_of(own_server) - before) < HOUR / 2:
            not_run("PostgreSQL does not take the clock of the test")
        if ended.code == 3:
            it.failed_clearly(ended, "postgresql://", "unreachable")
            ended = it.run("run", "it", "--wait")
        assert ended.document["duration_s"] < 60
        assert sandbox.stats()["refused_429"] == 0
        it.completed(ended)


def clock_of(server) -> float:
    with psycopg.connect(server.url) as connection:
        return float(connection.execute("select extract(epoch from clock_timestamp())").fetchone()[0])


def test_a_clock_that_is_set_inside_a_lease_gives_the_destination_to_no_other(tmp_path, clock, postgres):
    """The lease of a run that goes on does not end early; that of a run that was killed ends as soon as ever."""
    with running_sandbox("--rate", "off", "--latency", "50") as sandbox:
        options = ("--database", postgres)
        it = sending(sandbox, tmp_path / "project", "notes", 200, options=options, environ=clock.environ)
        with it.interrupted(after=40) as process:
            clock.set(1)
            it.failed_clearly(it.run(), "it", "held")
            os.kill(process.pid, signal.SIGKILL)
            until(lambda: process.poll() is not None)
        it.completed(it.run("run", "it", "--wait"))
