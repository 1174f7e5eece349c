"""The command `reconcile`: compare what Custify has with what a destination has sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from penstock.cli.command import AFTERWARDS, Destination, Given
from penstock.cli.exits import Exit, exit_of_run, print_on_stderr

if TYPE_CHECKING:
    from penstock.model.reconciliation import ReconcileReport
    from penstock.model.runs import RunReport


def add_to(app: App) -> None:
    app.command(reconcile, group=AFTERWARDS, sort_key=5)


def reconcile(
    destination: Destination,
    /,
    *,
    fix: Annotated[bool, Parameter(help="Send again what differs or is missing.")] = False,
    command: Given,
) -> Exit:
    """Compare what Custify has with what a destination has sent.

    Reads all objects of the destination's kind from Custify. Reports the fields that were changed there, the records
    that are missing, those that were not sent yet, and the objects that no record makes. Sends nothing without --fix.
    Waits for another comparison of the destination, and with --fix for its runs.

    Exit codes: 0 Custify has what was sent, or all of it was fixed; 1 it has not; 2 wrong input, or with --fix the
    destination is a draft or paused; 3 the credential, the host or the state failed; 130 stopped by ^C.
    """
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is read or sent

    with command.open() as app, progress_display() as listener:
        report, run = app.reconcile(destination, fix=fix, listener=listener, handle_signals=True)
    from penstock.cli.text.reconciliation import nothing_fixed_text, reconciled_text  # noqa: PLC0415 - rich is slow
    from penstock.model.reconciliation import reconcile_text  # noqa: PLC0415

    command.show_parts(reconcile_text(report), lambda: reconciled_text(report, run, destination, fix=fix))
    if command.json and fix:
        command.remark(*nothing_fixed_text(run))
    if run.errors:
        print_on_stderr(run.errors, json=False)
    return _exit_of(report, run, fix=fix)


def _exit_of(report: ReconcileReport, run: RunReport, *, fix: bool) -> Exit:
    """With `fix`, what became of the records that were sent again; else whether anything differs."""
    if (fix and report.has_drift) or run.status in ("failed", "cancelled"):
        return exit_of_run(run)
    return Exit.NOT_ALL_WELL if report.has_drift else Exit.WELL
