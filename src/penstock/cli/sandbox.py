"""The local stand-in for Custify, started by name: nothing of it is imported here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from cyclopts import App, Parameter

from penstock.cli.groups import TRY
from penstock.model.errors import EnvironmentFailure, Problem

if TYPE_CHECKING:
    import subprocess

COMMAND = (sys.executable, "-m", "penstock_sandbox")


def add_to(app: App) -> None:
    app.command(sandbox, group=TRY, sort_key=2)


def sandbox(
    *options: Annotated[str, Parameter(name="OPTIONS", allow_leading_hyphen=True, help="Options of the stand-in.")],
) -> None:
    """Start a local stand-in for Custify.

    It prints one JSON line with its addresses, and serves until ^C. `penstock sandbox --help` lists its options.
    """
    replace_process(options)


def replace_process(options: Sequence[str]) -> NoReturn:
    """Become the sandbox: its output, its signals and its exit code are its own."""
    sys.stdout.flush()
    os.execv(COMMAND[0], [*COMMAND, *options])  # noqa: S606 - no shell is wanted


@dataclass(frozen=True, slots=True)
class Place:
    """A running sandbox."""

    url: str
    flat_url: str
    admin_url: str
    api_key: str
    process: subprocess.Popen[str]

    def arrived(self) -> dict[str, int]:
        """How many objects of each kind it keeps."""
        from urllib.request import urlopen  # noqa: PLC0415 - help must not wait for it

        with urlopen(f"{self.admin_url}/state", timeout=30) as reply:  # noqa: S310 - the sandbox on this machine
            state: dict[str, Any] = json.load(reply)
        return {kind: len(objects) for kind, objects in state.items()}


@contextmanager
def running_sandbox(*options: str) -> Iterator[Place]:
    """A sandbox of our own. It ends with us, whichever way we end; ^C on the terminal is ours to answer."""
    import subprocess  # noqa: PLC0415 - help must not wait for it

    command = [*COMMAND, "--with-parent", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise EnvironmentFailure(Problem("sandbox", "the sandbox did not start", "sandbox"))
            yield Place(**json.loads(line), process=process)
        finally:
            process.terminate()
