"""The clock of the machine is set an hour forward or back during a run: Penstock's and the sandbox's alike.

`tests/campaign/test_sample_environment.py` sets it inside a window of the rate limit.
"""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from support.deadline import until
from support.environment.fake_clock import fake_clock
from support.environment.sending import sending
from support.servers.sandbox import running_sandbox


@pytest.fixture
def clock(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="penstock-clock-") as folder:
        made = fake_clock(Path(folder))
        for name, value in made.environ.items():
            monkeypatch.setenv(name, value)  # the sandbox inherits it
        yield made


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
