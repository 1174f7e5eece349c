"""Commands that look before anything is sent: preview, test, plan; and afterwards: runs, deliveries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from penstock.cli.session import session

if TYPE_CHECKING:
    from cyclopts import App


def register(app: App) -> None:
    for command in (preview, test, plan, runs, deliveries):
        app.command(command)


def preview(
    destination: str,
    /,
    *,
    limit: int = 5,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
) -> int:
    """Show the exact requests that the sample records would make. Calls no API.

    Parameters
    ----------
    destination
        A destination of the project.
    limit
        How many requests at most.
    everything
        The requests of the whole dataset.

    """
    from penstock.cli.text import preview_text  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    with session().app() as app:
        report = app.preview(destination, limit=None if everything else limit, everything=everything)
    if report.base_url_reason.startswith("assumed"):
        session().say(f"base URL {report.base_url}: {report.base_url_reason}")
    for refused in report.refused:
        session().say(f"would be quarantined: {refused.key}: {refused.reason}")
    session().answer(as_json(report.requests), preview_text(report))
    return 0


def test(destination: str, /, *, sample: int = 1, body: str | None = None) -> int:
    """Send one sample record now, with the real credential. Changes no counts and no memory.

    Parameters
    ----------
    destination
        A destination of the project; it may be a draft.
    sample
        Which sample record; 1 is the first.
    body
        A file with an edited body to send instead, or - for stdin.

    """
    from penstock.cli.text import test_text  # noqa: PLC0415
    from penstock.model.errors import InputError, Problem  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    text = None
    if body is not None:
        try:
            text = sys.stdin.read() if body == "-" else Path(body).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            message = f"the body cannot be read: {error}"
            raise InputError(Problem("--body", message, "no-body", "name a UTF-8 file, or -", found=body)) from error
    with session().app() as app:
        report = app.test(destination, sample=sample, body=text)
    session().answer(as_json(report), test_text(report))
    return 0 if report.succeeded else 1


def plan(target: str, /) -> int:
    """Say what a run would do now: how many records and requests, how long, what would be refused.

    Parameters
    ----------
    target
        A destination or flow of the project.

    """
    from penstock.cli.text import plan_text  # noqa: PLC0415
    from penstock.model.reports import plan_json  # noqa: PLC0415

    with session().app() as app:
        report = app.plan(target)
    session().answer(plan_json(report), plan_text(report))
    return 0


def runs(run: str | None = None, /, *, limit: int = 50) -> int:
    """List the runs, newest first; or show one.

    Parameters
    ----------
    run
        The id of a run.
    limit
        How many at most.

    """
    from penstock.cli.text import runs_text  # noqa: PLC0415
    from penstock.model.reports import run_json  # noqa: PLC0415

    with session().app() as app:
        reports = app.runs(run=run, limit=limit)
    session().answer([run_json(report, times=True) for report in reports], runs_text(reports))
    return 0


def deliveries(run: str, /) -> int:
    """List the requests of a run, with status, attempts, outcome and reason.

    Parameters
    ----------
    run
        The id of a run.

    """
    from penstock.cli.text import deliveries_text  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    with session().app() as app:
        reports = app.deliveries(run)
    session().answer(as_json(reports), deliveries_text(reports))
    return 0
