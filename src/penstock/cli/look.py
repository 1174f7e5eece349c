"""Commands that look: check, preview, test and plan before anything is sent; runs and deliveries afterwards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from penstock.cli.configure import Given
from penstock.cli.face import Face
from penstock.cli.failing import Exit, refuse
from penstock.cli.groups import LOOK, MEND

Everything = Annotated[bool, Parameter(name="--all")]


def add_to(app: App) -> None:
    for command in (check, preview, test, plan):
        app.command(command, group=LOOK)
    for command in (runs, deliveries):
        app.command(command, group=MEND)


def check(credential: str, /, *, refresh: bool = False, face: Given) -> Exit:
    """Ask the API whether a credential works, at which address and in which dialect, and what it may still do.

    Args:
        credential: A credential of the project.
        refresh: Choose the address anew, also when one is stored.
    """
    with face.open() as app:
        report = app.check(credential, refresh=refresh)
    from penstock.cli.text.setup import check_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    face.show(as_json(report), lambda: check_text(report))
    return Exit.WELL if report.ok else Exit.ENVIRONMENT


def preview(destination: str, /, *, limit: int | None = None, everything: Everything = False, face: Given) -> None:
    """Show the exact requests that the sample records would make. Calls no API.

    Args:
        destination: A destination of the project.
        limit: How many requests at most (default: 5).
        everything: The requests of the whole dataset.
    """
    _positive("--limit", limit)
    if everything and limit is not None:
        raise refuse("--all", "--all and --limit exclude each other", "usage", "give one of them")
    with face.open() as app:
        report = app.preview(destination, limit=None if everything else limit or 5, everything=everything)
    from penstock.cli.text.requests import base_lines, preview_text, refused_lines  # noqa: PLC0415 - rich is slow
    from penstock.model.reports import as_json  # noqa: PLC0415

    if face.json:
        face.remark(*refused_lines(report.refused), *base_lines(report.base_url, report.base_url_reason))
    notes = as_json(report.notes)
    document = [{**as_json(request), "notes": notes} for request in report.requests]
    face.show(document, lambda: preview_text(report, destination, everything=everything))


def test(destination: str, /, *, sample: int = 1, body: str | None = None, face: Given) -> Exit:
    """Send one sample record now, with the real credential. It changes no counts and nothing that is remembered.

    Args:
        destination: A destination of the project; it may be a draft.
        sample: Which sample record: 1 is the first (default: 1).
        body: A file with an edited body to send instead, or - for stdin.
    """
    _positive("--sample", sample)
    text = None if body is None else _read_body(body)
    with face.open() as app:
        report = app.test(destination, sample=sample, body=text)
    from penstock.cli.text.requests import test_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    face.show(as_json(report), lambda: test_text(report, destination))
    return Exit.WELL if report.succeeded else Exit.NOT_ALL_WELL


def plan(target: str, /, *, face: Given) -> None:
    """Say what a run would do now: records, requests, time, what stays unchanged, what would be refused and why.

    Args:
        target: A destination or flow of the project.
    """
    show_plan(target, face)


def show_plan(target: str, face: Face) -> None:
    with face.open() as app:
        report = app.plan(target)
    from penstock.cli.text.plans import plan_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import plan_json  # noqa: PLC0415

    face.show(plan_json(report), lambda: plan_text(report))


def runs(run: str | None = None, /, *, limit: int = 50, face: Given) -> None:
    """List the runs, newest first; or show one.

    Args:
        run: The id of a run.
        limit: How many at most (default: 50).
    """
    _positive("--limit", limit)
    with face.open() as app:
        reports = app.runs(run=run, limit=limit)
    from penstock.cli.text.runs import run_text, runs_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import run_json  # noqa: PLC0415

    document = [run_json(report, times=True) for report in reports]
    face.show(document, lambda: runs_text(reports) if run is None else run_text(reports[0]))


def deliveries(run: str, /, *, face: Given) -> None:
    """List the requests of a run: status, attempts, time, records, outcome and reason.

    Args:
        run: The id of a run.
    """
    with face.open() as app:
        reports = app.deliveries(run)
    from penstock.cli.text.runs import deliveries_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    face.show(as_json(reports), lambda: deliveries_text(reports, run))


def _positive(option: str, number: int | None) -> None:
    if number is not None and number < 1:
        raise refuse(option, f"{option} counts from 1", "wrong-value", "write 1 or more", found=str(number))


def _read_body(source: str) -> str:
    """The body of a test: a file, or stdin for `-`."""
    try:
        return sys.stdin.buffer.read().decode("utf-8") if source == "-" else Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise refuse("--body", "the body is not UTF-8 text", "no-body", "save it as UTF-8", found=source) from error
    except OSError as error:
        message = f"the body cannot be read: {error.strerror}"
        raise refuse("--body", message, "no-body", "name a file, or - for stdin", found=source) from error
