"""Starts the local sandbox for Custify as a process; imports nothing from it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.model.errors import EnvironmentFailure, Problem
from penstock.model.reports import SandboxUrls

if TYPE_CHECKING:
    import subprocess


LAST_S = 10.0  # until it has ended


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox that this process has started."""

    urls: SandboxUrls
    process: subprocess.Popen[str]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(LAST_S)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_sandbox(*options: str) -> SandboxProcess:
    """Start a sandbox process. It ends when this process ends, and ignores ^C on the terminal.

    Raises EnvironmentFailure if it does not start.
    """
    import subprocess  # noqa: PLC0415 - help must not wait for it

    command = [sys.executable, "-m", "penstock_sandbox", "--with-parent", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        process.wait(LAST_S)
        raise EnvironmentFailure(Problem("sandbox", "the sandbox did not start", "sandbox"))
    return SandboxProcess(SandboxUrls(**json.loads(line)), process)


@contextmanager
def running_sandbox(*options: str) -> Iterator[SandboxUrls]:
    """A sandbox that runs during the block."""
    started = start_sandbox(*options)
    try:
        yield started.urls
    finally:
        started.stop()


def stored_objects(sandbox: SandboxUrls) -> dict[str, int]:
    """How many objects of each kind a sandbox on this machine has stored."""
    from urllib.request import urlopen  # noqa: PLC0415 - help must not wait for it

    with urlopen(f"{sandbox.admin_url}/state", timeout=30) as reply:  # noqa: S310 - the sandbox on this machine
        state: dict[str, Any] = json.load(reply)
    return {kind: len(objects) for kind, objects in state.items()}
