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
        Path(folder).chmod(0o755)  # PostgreSQL has a user of its own
        made = fake_clock(Path(folder))
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)  # the sandbox and PostgreSQL inherit it
        yield made


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_set_for_the_database_too_delays_nothing(tmp_path, clock, own_server, hours):
    """The rate limit and the leases of a shared state are counted by the database's clock."""
    before = clock_of(own_server)
    with running_sandbox("--rate", "40/2s") as sandbox:
        options = ("--database", own_server.url)
        it = sending(sandbox, tmp_path / "project", "notes", 80, options=options, environ=clock.environ)
        change(it.project, "requests: 100000, per: 1s", "requests: 40, per: 2s")
        with it.interrupted(after=50) as process:
            clock.set(hours)
            ended = it.end(process)
        if abs(clock_of(own_server) - before) < HOUR / 2:
            not_run("PostgreSQL does not take the clock of the test")
        assert ended.code == 0
        assert ended.document["duration_s"] < 30
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
