"""The command `run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import SEND, Command, Given, Target
from penstock.cli.exits import Exit, exit_of_run
from penstock.cli.look import show_plan

if TYPE_CHECKING:
    from penstock.model.runs import RunReport

WORST_FIRST = (Exit.CANCELLED, Exit.ENVIRONMENT, Exit.INPUT, Exit.NOT_ALL_WELL, Exit.WELL)


def add_to(app: App) -> None:
    app.command(run, group=SEND, sort_key=2)


def run(
    target: Target,
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Send nothing; show what would be done, as `penstock plan` does.")] = False,
    begins_at: Annotated[
        str | None,
        Parameter(
            name="--from",
            allow_leading_hyphen=True,
            help="Read a source with a cursor again: from `start`, or from a value of the cursor.",
        ),
    ] = None,
    wait: Annotated[bool, Parameter(help="Wait while another run holds the destination.")] = False,
    command: Given,
) -> Exit:
    """Send the records of a destination or flow.

    Continues an unfinished run.

    Exit codes: 0 all records are sent or unchanged; 1 some records are not, or the fuse stopped the run; 2 wrong input,
    or the destination is a draft or paused; 3 the credential, the host or the state failed; 130 stopped by ^C.
    """
    if dry_run:
        show_plan(target, command, begins_at)
        return Exit.WELL
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with command.open() as app, progress_display() as listener:
        report = app.run(target, wait=wait, listener=listener, handle_signals=True, begins_at=begins_at)
    return show_runs([report], command)


def show_runs(reports: Sequence[RunReport], command: Command) -> Exit:
    """Print one run, or the runs of a resend to several destinations; returns the worst exit code."""
    from penstock.cli.text.runs import run_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.runs import run_json  # noqa: PLC0415

    document = run_json(reports[0]) if len(reports) == 1 else together([run_json(report) for report in reports])
    command.show(document, lambda: [part for report in reports for part in run_text(report)])
    codes = {exit_of_run(report) for report in reports}
    return next((code for code in WORST_FIRST if code in codes), Exit.WELL)


def together(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several runs as one document, which has them as `destinations`."""
    from penstock.model.runs import TOTALS, worst_status  # noqa: PLC0415 - only where something was sent

    names = runs[0]["records"] if runs else ()
    return {
        "run": None,
        "destination": None,
        "status": worst_status(run["status"] for run in runs),
        "records": {name: sum(run["records"][name] for run in runs) for name in names},
        **{name: round(sum(run[name] for run in runs), 3) for name in TOTALS},
        "notes": [note for run in runs for note in run["notes"]],
        "destinations": list(runs),
    }
