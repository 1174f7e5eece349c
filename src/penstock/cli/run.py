"""The commands from check to run (check, preview, test, plan, run), and the lists of runs and deliveries."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import AFTERWARDS, LOOK, SEND, Command, Destination, Given, Refresh, RunId, Target
from penstock.cli.exits import Exit, exit_of_run, refuse

if TYPE_CHECKING:
    from penstock.model.runs import RunReport


WORST_FIRST = (Exit.CANCELLED, Exit.ENVIRONMENT, Exit.INPUT, Exit.NOT_ALL_WELL, Exit.WELL)


def add_to(app: App) -> None:
    app.command(check, group=LOOK, sort_key=1)
    app.command(preview, group=LOOK, sort_key=3)
    app.command(send_test, name="test", group=LOOK, sort_key=4)
    app.command(plan, group=LOOK, sort_key=5)
    app.command(run, group=SEND, sort_key=2)
    app.command(runs, group=AFTERWARDS, sort_key=1)
    app.command(deliveries, group=AFTERWARDS, sort_key=2)


def check(
    credential: Annotated[str, Parameter(name="CREDENTIAL", help="A credential of the project.")],
    /,
    *,
    refresh: Refresh = False,
    command: Given,
) -> Exit:
    """Check with the API whether a credential works.

    Also finds the base URL, the dialect and the rate limit.
    """
    with command.open() as app:
        report = app.check(credential, refresh=refresh)
    from penstock.cli.text.words import check_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    command.show(as_json(report), lambda: check_text(report))
    return Exit.WELL if report.ok else Exit.ENVIRONMENT


def preview(
    destination: Destination,
    /,
    *,
    limit: Annotated[int | None, Parameter(help="Show at most this many requests (default: 5).")] = None,
    everything: Annotated[bool, Parameter(name="--all", help="Show the requests for the whole dataset.")] = False,
    command: Given,
) -> None:
    """Show the exact requests for the sample records.

    They are byte for byte what a run sends. Sends nothing. Of the data, only a source of Custify is read from an API:
    the first pages once, with --all everything.
    """
    _positive("--limit", limit)
    if everything and limit is not None:
        raise refuse("--all", "--all and --limit cannot be used together", "usage", "give one of them")
    with command.open() as app:
        report = app.preview(destination, limit=None if everything else limit or 5, everything=everything)
    from penstock.cli.text.requests import base_lines, preview_text, refused_lines  # noqa: PLC0415 - rich is slow
    from penstock.model.reports import as_json  # noqa: PLC0415

    if command.json:
        command.remark(*refused_lines(report.refused), *base_lines(report.base_url, report.base_url_reason))
    notes = as_json(report.notes)
    document = [{**as_json(request), "notes": notes} for request in report.requests]
    command.show(document, lambda: preview_text(report, destination, everything=everything))


def send_test(
    destination: Destination,
    /,
    *,
    sample: Annotated[int, Parameter(help="The number of the sample record (default: 1).")] = 1,
    body: Annotated[
        str | None,
        Parameter(allow_leading_hyphen=True, help="Send this body instead: a file, or - for stdin."),
    ] = None,
    command: Given,
) -> Exit:
    """Send one sample record now, with the real credential.

    Also works for a draft. A test changes no counts, and the record is not remembered as sent.
    """
    _positive("--sample", sample)
    text = None if body is None else _read_body(body)
    with command.open() as app:
        report = app.test(destination, sample=sample, body=text)
    from penstock.cli.text.requests import test_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import test_json  # noqa: PLC0415

    command.show(test_json(report), lambda: test_text(report, destination))
    return Exit.WELL if report.succeeded else Exit.NOT_ALL_WELL


def plan(
    target: Target,
    /,
    *,
    exact: Annotated[
        bool, Parameter(help="Read Custify, and count which of the records would be created and which updated.")
    ] = False,
    command: Given,
) -> None:
    """Show what a run would do now.

    Shows the numbers of records and requests, the time, the unchanged records, and the invalid records with the reason.
    Sends nothing.
    """
    show_plan(target, command, exact=exact)


def show_plan(
    target: str, command: Command, begins_at: str | None = None, *, exact: bool = False, limit: int | None = None
) -> None:
    with command.open() as app:
        report = app.plan(target, begins_at=begins_at, exact=exact, announce=partial(announce, command), limit=limit)
    from penstock.cli.text.requests import plan_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.runs import plan_json  # noqa: PLC0415

    command.show(plan_json(report), lambda: plan_text(report))


def announce(command: Command, requests: int, seconds: float) -> None:
    """Print how long a read of Custify takes, on stderr."""
    from penstock.cli.text.words import amount, duration  # noqa: PLC0415 - rich is slow to import

    command.remark(f"Reading Custify takes about {amount(requests, 'request')} and {duration(seconds)}.")


def run(  # noqa: PLR0913 - the options of the command
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
    allow_deletes: Annotated[
        str | None, Parameter(help="Delete exactly what a plan with this `deletes_hash` lists. A hash is valid once.")
    ] = None,
    limit: Annotated[
        int | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Send at most this many records of a destination, then stop. The next run with --limit goes on behind "
            "them.",
        ),
    ] = None,
    wait: Annotated[bool, Parameter(help="Wait while another run holds the destination.")] = False,
    command: Given,
) -> Exit:
    """Send the records of a destination or flow.

    Continues an unfinished run.

    Exit codes: 0 all records are sent or unchanged, or as many as --limit allows; 1 some records are not, or the fuse
    or the canary stopped the run; 2 wrong input, or the destination is a draft or paused; 3 the credential, the host
    or the state failed; 130 stopped by ^C.
    """
    _positive("--limit", limit)
    if dry_run:
        show_plan(target, command, begins_at, limit=limit)
        return Exit.WELL
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with command.open() as app, progress_display() as listener:
        if allow_deletes is not None:
            command.acts.append(f"--allow-deletes {allow_deletes}")
        command.acts.extend(f"past the canary of {stopped}" for stopped in app.stopped_by_canary(target).values())
        options: dict[str, Any] = {"begins_at": begins_at, "allow_deletes": allow_deletes, "limit": limit}
        report = app.run(target, wait=wait, listener=listener, handle_signals=True, **options)
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


def runs(
    run: Annotated[str | None, Parameter(name="RUN", help="The id of a run, to show only this run.")] = None,
    /,
    *,
    limit: Annotated[int, Parameter(help="Show at most this many runs (default: 50).")] = 50,
    command: Given,
) -> None:
    """List the runs, newest first, or show one run."""
    _positive("--limit", limit)
    with command.open() as app:
        reports = app.runs(run=run, limit=limit)
    from penstock.cli.text.runs import run_text, runs_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.runs import run_json  # noqa: PLC0415

    document = [run_json(report, times=True, errors=run is not None) for report in reports]
    command.show(document, lambda: runs_text(reports) if run is None else run_text(reports[0]))


def deliveries(run: RunId, /, *, command: Given) -> None:
    """List the requests of a run, with their outcomes."""
    with command.open() as app:
        reports = app.deliveries(run)
    from penstock.cli.text.runs import deliveries_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.delivery import delivery_json  # noqa: PLC0415

    command.show([delivery_json(report) for report in reports], lambda: deliveries_text(reports, run))


def _positive(option: str, number: int | None) -> None:
    if number is not None and number < 1:
        raise refuse(option, f"{option} must be at least 1", "wrong-value", "write 1 or more", found=str(number))


def _read_body(source: str) -> str:
    """The body of a test, from a file or, for `-`, from stdin."""
    try:
        return sys.stdin.buffer.read().decode("utf-8") if source == "-" else Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise refuse("--body", "the body is not UTF-8 text", "no-body", "save it as UTF-8", found=source) from error
    except OSError as error:
        message = f"the body cannot be read: {error.strerror}"
        raise refuse("--body", message, "no-body", "name a file, or - for stdin", found=source) from error
