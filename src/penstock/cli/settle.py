"""The command `settle`: find out from Custify what became of the unknown records of a destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from penstock.cli.command import AFTERWARDS, Destination, Given
from penstock.cli.exits import Exit, exit_of_run

if TYPE_CHECKING:
    from penstock.model.reports import SettleReport
    from penstock.model.runs import RunReport


def add_to(app: App) -> None:
    app.command(settle, group=AFTERWARDS, sort_key=4)


def settle(destination: Destination, /, *, command: Given) -> Exit:
    """Find out what became of the unknown records of a destination.

    Reads them back from Custify. Records that arrived are remembered as sent; records that did not arrive are sent
    again. Where Custify cannot tell, they stay unknown.

    Exit codes: 0 no record is unknown any more; 1 some still are; 2 wrong input, or the destination is a draft or
    paused; 3 the credential, the host or the state failed; 130 stopped by ^C.
    """
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with command.open() as app:
        with progress_display() as listener:
            report = app.settle_destination(destination, listener=listener, handle_signals=True)
        run = app.runs(run=report.run)[0]
        entries = app.quarantine(destination=destination) if report.undecided else []
    from penstock.cli.text.quarantine import settled_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import settle_json  # noqa: PLC0415

    left = [entry for entry in entries if entry.outcome == "unknown"]
    command.show(settle_json(report), lambda: settled_text(report, destination, run.records.quarantined, left))
    return _exit_of(report, run)


def _exit_of(report: SettleReport, run: RunReport) -> Exit:
    """The exit code; of a run that was stopped, as of any other run, since some records were not looked up."""
    if run.status in {"cancelled", "failed"}:
        return exit_of_run(run)
    return Exit.NOT_ALL_WELL if report.undecided else Exit.WELL
