"""The quarantine on the command line: list, show, edit, resend, discard, settle."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.configure import Given
from penstock.cli.face import Face
from penstock.cli.failing import Exit, refuse
from penstock.cli.groups import MEND
from penstock.cli.look import Everything
from penstock.cli.run import show_runs

if TYPE_CHECKING:
    from penstock.model.reports import QuarantineDetail

Ids = Annotated[str, Parameter(name="ID")]
Changes = Annotated[list[str] | None, Parameter(name="--set")]
WHOLE = 'pipe the whole record as JSON, {"column": value, …}, or use --set column=value'


def add_to(app: App) -> None:
    group = App(name="quarantine", help="The records held for you: look, mend, send again or discard.", group=MEND)
    group.command(list_, name="list")
    for command in (show, edit, resend, discard, settle):
        group.command(command)
    app.command(group)


def list_(
    *, destination: str | None = None, cause: str | None = None, everything: Everything = False, face: Given
) -> None:
    """List the held records, grouped by cause.

    Args:
        destination: Only those of this destination.
        cause: Only those held for this cause; all of them are listed.
        everything: List every record of a long group (--json always does).
    """
    with face.open() as app:
        entries = app.quarantine(destination=destination, cause=cause)
    from penstock.cli.text.held import quarantine_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    whole = everything or cause is not None
    face.show(as_json(entries), lambda: quarantine_text(entries, everything=whole))


def show(entry: Annotated[str, Parameter(name="ID")], /, *, face: Given) -> None:
    """Show one held record whole, with the last request and reply.

    Args:
        entry: The id of a held record.
    """
    with face.open() as app:
        detail = app.quarantined(entry)
    _show(detail, face)


def edit(entry: Annotated[str, Parameter(name="ID")], /, *, changes: Changes = None, face: Given) -> None:
    """Change a held record: some columns by --set, or the whole record as JSON on stdin. Nothing is sent yet.

    Args:
        entry: The id of a held record.
        changes: column=value; may be repeated. A dotted path reaches into a nested value.
    """
    if changes:
        texts = dict(_pair(text) for text in changes)
        with face.open() as app:
            detail = app.edit_texts(entry, texts)
    else:
        record = _record_on_stdin(entry)
        with face.open() as app:
            detail = app.edit(entry, record=record)
    _show(detail, face)


def resend(
    *entries: Annotated[str, Parameter(name="ID")],
    cause: str | None = None,
    everything: Everything = False,
    face: Given,
) -> Exit:
    """Send held records now, as they were edited, under a run of their own. Exit codes are those of `run`.

    Args:
        entries: Ids of held records.
        cause: All that are held for this cause.
        everything: All that are held.
    """
    _chosen(entries, cause, everything=everything)
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with face.open() as app, progress_display() as listener:
        reports = app.resend(entries, cause=cause, everything=everything, listener=listener, handle_signals=True)
    return show_runs(reports, face)


def discard(
    *entries: Annotated[str, Parameter(name="ID")],
    cause: str | None = None,
    everything: Everything = False,
    reason: str = "",
    face: Given,
) -> None:
    """Never send these versions of these records.

    Args:
        entries: Ids of held records.
        cause: All that are held for this cause.
        everything: All that are held.
        reason: Why, for whoever looks later.
    """
    _chosen(entries, cause, everything=everything)
    with face.open() as app:
        number = app.discard(entries, cause=cause, everything=everything, reason=reason)
    records = "1 record" if number == 1 else f"{number:,} records"
    face.show({"discarded": number}, lambda: [f"{records} discarded: these versions are never sent."])


def settle(entry: Annotated[str, Parameter(name="ID")], /, *, delivered: bool = False, face: Given) -> None:
    """Say of an unknown record that it arrived: it is remembered as sent.

    Args:
        entry: The id of a held record.
        delivered: It arrived.
    """
    with face.open() as app:
        app.settle(entry, delivered=delivered)
    face.show({"id": entry, "settled": "delivered"}, lambda: [f"{entry} is settled: it counts as delivered."])


def _chosen(entries: Sequence[str], cause: str | None, *, everything: bool) -> None:
    """Exactly one way of saying which."""
    if sum((bool(entries), cause is not None, everything)) != 1:
        what = "IDs, --cause and --all exclude each other" if entries or everything else "say which records"
        raise refuse("quarantine", what, "usage", "name IDs, or --cause CAUSE, or --all; `penstock quarantine list`")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise refuse("--set", "this is not column=value", "wrong-value", "--set email=ada@example.com", found=text)
    return name, value


def _record_on_stdin(entry: str) -> Any:
    if sys.stdin.isatty():
        raise refuse(entry, "say what to change", "missing-argument", WHOLE)
    try:
        return json.loads(sys.stdin.buffer.read(), parse_constant=_not_json)
    except ValueError as error:
        raise refuse(entry, f"stdin holds no JSON: {error}", "not-json", WHOLE) from error


def _not_json(word: str) -> None:
    raise ValueError(f"{word} is no JSON value")


def _show(detail: QuarantineDetail, face: Face) -> None:
    from penstock.cli.text.held import detail_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import as_json  # noqa: PLC0415

    document = as_json(detail)
    face.show({**document.pop("entry"), **document}, lambda: detail_text(detail))
