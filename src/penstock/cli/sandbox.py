"""The command `sandbox`: the local sandbox for Custify, started by name. Nothing of it is imported here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

from cyclopts import App, Parameter

from penstock.cli.command import TRY


def add_to(app: App) -> None:
    app.command(sandbox, group=TRY, sort_key=2)


def sandbox(
    *options: Annotated[str, Parameter(name="OPTIONS", allow_leading_hyphen=True, help="Options of the sandbox.")],
) -> None:
    """Start the local sandbox for Custify.

    Prints one JSON line with its URLs and serves until ^C. `penstock sandbox --help` lists its options.
    """
    replace_process(options)


def replace_process(options: Sequence[str]) -> NoReturn:
    """Replace this process by the sandbox."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "penstock_sandbox", *options])  # noqa: S606 - no shell is wanted
