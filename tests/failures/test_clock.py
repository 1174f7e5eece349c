"""The clock is set an hour forward or back: Penstock's and the sandbox's during a run, or that of PostgreSQL's server.

`tests/campaign/test_sample_environment.py` sets it inside a window of the rate limit.
"""

import os
import signal
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from penstock.model.errors import StateLocked
from penstock.store import leases
from penstock.store.database import Database
from support.deadline import until
from support.environment.fake_clock import fake_clock
from support.environment.kernel import not_run
from support.environment.sending import sending
from support.servers.sandbox import running_sandbox


@pytest.fixture
def clock(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="penstock-clock-") as folder:
        made = fake_clock(Path(folder))
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)  # the sandbox inherits it
        yield made


@pytest.fixture
def own_clock(clock):
    """A clock for a server that the test starts: PostgreSQL has a user of its own, who must be able to read it."""
    clock.file.parent.chmod(0o755)
    return clock


def clock_of(server) -> float:
    with psycopg.connect(server.url) as connection:
        return float(connection.execute("select extract(epoch from clock_timestamp())").fetchone()[0])


def set_clock(clock, server, hours):
    """PostgreSQL's clock is set from now on. The test is not run where the server does not take the clock of the test."""
    clock.set(hours)
    try:
        until(lambda: abs(clock_of(server) - time.time() - hours * 3600) < 60, 5)
    except AssertionError:
        not_run("PostgreSQL does not take the clock of the test")


def taken(database, holder) -> bool:
    try:
        with leases.acquire(database, "people", holder):
            return True
    except StateLocked:
        return False


def test_the_clock_of_postgresql_may_be_set(tmp_path, own_clock, own_server, monkeypatch):
    """Back: the lease of a dead process ends as soon as ever. Forward: who loses its lease by it writes nothing more."""
    monkeypatch.setattr(leases, "LIVES_S", 1.0)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 100)  # none does: they are dead, or stopped
    with (
        closing(Database.open(own_server.url, tmp_path)) as database,
        leases.acquire(database, "people", "dead") as dead,
    ):
        set_clock(own_clock, own_server, -1)
        assert not taken(database, "too early")
        until(lambda: taken(database, "heir"), 10)
        with leases.acquire(database, "people", "stopped") as stopped:
            set_clock(own_clock, own_server, 1)
            assert taken(database, "another")
            for late in (dead, stopped):
                with pytest.raises(StateLocked), database.begin() as conn:
                    late.check(conn)


def test_a_clock_that_is_set_inside_a_lease_gives_the_destination_to_no_other(tmp_path, clock, postgres):
    """The lease of a run that goes on does not end early; that of a run that was killed ends as soon as ever."""
    with running_sandbox("--rate", "off") as sandbox:
        options = ("--database", postgres)
        it = sending(sandbox, tmp_path / "project", "notes", 200, options=options, environ=clock.environ)
        sandbox.fault(slow="600s", after=40)  # the run goes on until it is killed
        with it.interrupted(after=40) as process:
            clock.set(1)
            it.failed_clearly(it.run(), "it", "held")
            os.kill(process.pid, signal.SIGKILL)
            until(lambda: process.poll() is not None)
        sandbox.clear_faults()
        it.completed(it.run("run", "it", "--wait"))
