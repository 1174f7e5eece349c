"""The command `run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import SEND, Command, Given, Target
from penstock.cli.exits import Exit, exit_of_run
from penstock.cli.look import show_plan

if TYPE_CHECKING:
    from penstock.model.outcome import RunReport

WORST_FIRST = (Exit.CANCELLED, Exit.ENVIRONMENT, Exit.INPUT, Exit.NOT_ALL_WELL, Exit.WELL)


def add_to(app: App) -> None:
    app.command(run, group=SEND, sort_key=2)


def run(
    target: Target,
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Send nothing: say what would be done, as `plan` does.")] = False,
    begins_at: Annotated[
        str | None,
        Parameter(
            name="--from",
            allow_leading_hyphen=True,
            help="Read a source with a cursor again: from its start, or from a VALUE of the cursor on.",
        ),
    ] = None,
    wait: Annotated[bool, Parameter(help="Wait when another run holds the destination.")] = False,
    face: Given,
) -> Exit:
    """Send what there is to send.

    An unfinished run is continued.

    Exit codes: 0 all well; 1 finished, but not all is well; 2 wrong input, a draft or paused;
    3 credential, host or state; 130 stopped by ^C.
    """
    if dry_run:
        show_plan(target, face, begins_at)
        return Exit.WELL
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with face.open() as app, progress_display() as listener:
        report = app.run(target, wait=wait, listener=listener, handle_signals=True, begins_at=begins_at)
    return show_runs([report], face)


def show_runs(reports: Sequence[RunReport], face: Command) -> Exit:
    """One run, or those of a resend that reached into several destinations; answers the worst exit code."""
    from penstock.cli.text.runs import run_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import run_json  # noqa: PLC0415

    document = run_json(reports[0]) if len(reports) == 1 else together([run_json(report) for report in reports])
    face.show(document, lambda: [part for report in reports for part in run_text(report)])
    codes = {exit_of_run(report) for report in reports}
    return next((code for code in WORST_FIRST if code in codes), Exit.WELL)


def together(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several runs in the shape of one, which they are the `destinations` of."""
    states = {run["status"] for run in runs}
    status = next((word for word in ("cancelled", "failed", "partial") if word in states), "succeeded")
    names = runs[0]["records"] if runs else ()
    return {
        "run": None,
        "destination": None,
        "status": status,
        "records": {name: sum(run["records"][name] for run in runs) for name in names},
        "deleted": sum(run["deleted"] for run in runs),
        "requests": sum(run["requests"] for run in runs),
        "retries": sum(run["retries"] for run in runs),
        "duration_s": round(sum(run["duration_s"] for run in runs), 3),
        "notes": [note for run in runs for note in run["notes"]],
        "destinations": list(runs),
    }
