"""The quarantine on the command line: list, show, edit, resend, discard, settle."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from penstock.cli.session import session
from penstock.model.errors import InputError, Problem

if TYPE_CHECKING:
    from cyclopts import App

All = Annotated[bool, Parameter(name="--all", negative="")]


def register(app: App) -> None:
    from cyclopts import App as Group  # noqa: PLC0415

    group = Group(name="quarantine", help="The records held for a person.")
    group.command(list_, name="list")
    for command in (show, edit, resend, discard, settle):
        group.command(command)
    app.command(group)


def list_(*, destination: str | None = None, cause: str | None = None) -> int:
    """List what is held, grouped by cause.

    Parameters
    ----------
    destination
        Only of this destination.
    cause
        Only for this cause.

    """
    from penstock.cli.text import quarantine_text  # noqa: PLC0415
    from penstock.model.reports import as_json  # noqa: PLC0415

    with session().app() as app:
        entries = app.quarantine(destination=destination, cause=cause)
    session().answer(as_json(entries), quarantine_text(entries))
    return 0


def show(entry: str, /) -> int:
    """Show one held record whole, with the last request and reply.

    Parameters
    ----------
    entry
        Its id, such as q-3.

    """
    with session().app() as app:
        detail = app.quarantined(entry)
    _show(detail)
    return 0


def edit(entry: str, /, *, set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = ()) -> int:
    """Change a held record: members by --set, or all of it as a JSON object on stdin.

    Parameters
    ----------
    entry
        Its id, such as q-3.
    set_
        column=value; may be repeated. A dotted path reaches into a nested value.

    """
    from json import JSONDecodeError, loads  # noqa: PLC0415

    with session().app() as app:
        if set_:
            detail = app.edit_texts(entry, dict(_pair(text) for text in set_))
        else:
            try:
                record = loads(sys.stdin.read())
            except JSONDecodeError as error:
                message = f"stdin holds no JSON: {error}"
                hint = 'give the whole record, {"column": value, …}, or use --set column=value'
                raise InputError(Problem(entry, message, "not-json", hint)) from error
            detail = app.edit(entry, record=record)
    _show(detail)
    return 0


def resend(*entries: str, cause: str | None = None, everything: All = False) -> int:
    """Send held records now, edited or not, under a run id of their own.

    Parameters
    ----------
    entries
        Ids, such as q-3 q-4.
    cause
        All that are held for this cause.
    everything
        All that are held.

    """
    from penstock.cli.progress import Display  # noqa: PLC0415
    from penstock.cli.send import exit_code  # noqa: PLC0415
    from penstock.cli.text import run_text  # noqa: PLC0415
    from penstock.model.reports import run_json  # noqa: PLC0415

    with session().app() as app, Display() as display:
        reports = app.resend(entries, cause=cause, everything=everything, listener=display.show, handle_signals=True)
    documents = [run_json(report) for report in reports]
    session().answer(documents[0] if len(documents) == 1 else documents, "\n\n".join(map(run_text, reports)))
    return max((exit_code(report) for report in reports), default=0)


def discard(*entries: str, cause: str | None = None, everything: All = False, reason: str = "") -> int:
    """Never send these versions of these records.

    Parameters
    ----------
    entries
        Ids, such as q-3 q-4.
    cause
        All that are held for this cause.
    everything
        All that are held.
    reason
        Why, for whoever looks later.

    """
    with session().app() as app:
        number = app.discard(entries, cause=cause, everything=everything, reason=reason)
    session().answer({"discarded": number}, f"{number} discarded: these versions are never sent")
    return 0


def settle(entry: str, /, *, delivered: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Say of an unknown record that it arrived: it is remembered as sent.

    Parameters
    ----------
    entry
        Its id, such as q-3.
    delivered
        It arrived.

    """
    with session().app() as app:
        app.settle(entry, delivered=delivered)
    session().answer({"id": entry, "settled": "delivered"}, f"{entry} is settled: it arrived")
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(
            Problem("--set", "this is no column=value", "usage", "--set email=ada@example.com", found=text)
        )
    return name, value


def _show(detail: object) -> None:
    from penstock.cli.text import detail_json, detail_text  # noqa: PLC0415
    from penstock.model.reports import QuarantineDetail  # noqa: PLC0415

    assert isinstance(detail, QuarantineDetail)
    session().answer(detail_json(detail), detail_text(detail))
