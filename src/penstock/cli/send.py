"""Commands that send: run; and the local stand-in for Custify: sandbox."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from penstock.cli.session import session

if TYPE_CHECKING:
    from cyclopts import App

    from penstock.model.outcome import RunReport

EXITS = {"succeeded": 0, "partial": 1, "cancelled": 130}
ENVIRONMENT = ("credential", "unreachable", "error")


def register(app: App) -> None:
    app.command(run)
    app.command(sandbox, help_flags=[], version_flags=[])


def run(
    target: str,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    wait: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Run a destination or flow from its checkpoint to its end; an unfinished run is continued.

    Parameters
    ----------
    target
        A destination or flow of the project.
    dry_run
        Send nothing; answer as `plan` does.
    wait
        Wait for another process that holds the destination, instead of ending with exit code 3.

    """
    from penstock.cli.inspect import plan  # noqa: PLC0415
    from penstock.cli.progress import Display  # noqa: PLC0415
    from penstock.cli.text import run_text  # noqa: PLC0415
    from penstock.model.reports import run_json  # noqa: PLC0415

    if dry_run:
        return plan(target)
    with session().app() as app, Display() as display:
        report = app.run(target, wait=wait, listener=display.show, handle_signals=True)
    session().answer(run_json(report), run_text(report))
    return exit_code(report)


def exit_code(report: RunReport) -> int:
    """0 all well · 1 partial, or stopped by the fuse · 3 environment · 130 cancelled."""
    if report.status != "failed":
        return EXITS[report.status]
    parts = [report, *report.destinations]
    return 3 if any(part.stopped_by in ENVIRONMENT for part in parts) else 1


def sandbox(*options: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Start a local stand-in for Custify; `penstock sandbox --help` lists its options."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "penstock_sandbox", *options])  # noqa: S606 - by name, no shell
