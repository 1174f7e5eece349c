"""The commands for the quarantine: list, show, edit, resend, discard, settle."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from penstock.cli.command import AFTERWARDS, AllHeld, Command, EntryId, EntryIds, Given, OfCause
from penstock.cli.exits import Exit, refuse
from penstock.cli.run import show_runs

if TYPE_CHECKING:
    from penstock.model.reports import QuarantineDetail

Changes = Annotated[
    list[str] | None,
    Parameter(name="--set", help="column=value; can be repeated. A dotted path names a member of a nested value."),
]
PRINT_EVERY = 5_000  # records
WHOLE = 'pipe the whole record as JSON, {"column": value, …}, or use --set column=value'


def add_to(app: App) -> None:
    group = App(
        name="quarantine", help="Show, fix, resend or discard the records in quarantine.", group=AFTERWARDS, sort_key=3
    )
    group.command(list_, name="list")
    for command in (show, edit, resend, discard, settle):
        group.command(command)
    app.command(group)


def list_(
    *,
    destination: Annotated[str | None, Parameter(help="Only records of this destination.")] = None,
    cause: Annotated[str | None, Parameter(help="Only records with this cause, without a limit.")] = None,
    everything: Annotated[bool, Parameter(name="--all", help="Show all records of each group.")] = False,
    command: Given,
) -> None:
    """List the records in quarantine, grouped by cause."""
    with command.open() as app:
        entries = app.quarantine(destination=destination, cause=cause)
    from penstock.cli.text.quarantine import quarantine_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import quarantine_json  # noqa: PLC0415

    whole = everything or cause is not None
    document = [_without(quarantine_json(entry), "rule", "values", "finding") for entry in entries]
    command.show(document, lambda: quarantine_text(entries, everything=whole))


def show(entry: EntryId, /, *, command: Given) -> None:
    """Show one record in quarantine, with its last request and reply."""
    with command.open() as app:
        detail = app.quarantined(entry)
    _show(detail, command)


def edit(entry: EntryId, /, *, changes: Changes = None, command: Given) -> None:
    """Change a record in quarantine, without sending it.

    Use --set to change some columns, or pipe the whole record as JSON to stdin.
    """
    if changes:
        texts = dict(_pair(text) for text in changes)
        with command.open() as app:
            detail = app.edit_texts(entry, texts)
    else:
        record = _record_on_stdin(entry)
        with command.open() as app:
            detail = app.edit(entry, record=record)
    _show(detail, command, edited=True)


def resend(
    *entries: EntryIds,
    cause: OfCause = None,
    everything: AllHeld = False,
    command: Given,
) -> Exit:
    """Send records in quarantine now, edited or not.

    Makes a new run for each destination. The exit codes are those of `penstock run`.
    """
    _chosen(entries, cause, everything=everything)
    from penstock.cli.progress import progress_display  # noqa: PLC0415 - only where something is sent

    with command.open() as app, progress_display() as listener:
        reports = app.resend(entries, cause=cause, everything=everything, listener=listener, handle_signals=True)
    return show_runs(reports, command)


def discard(
    *entries: EntryIds,
    cause: OfCause = None,
    everything: AllHeld = False,
    reason: Annotated[str, Parameter(help="The reason, which is stored.")] = "",
    command: Given,
) -> None:
    """Discard records in quarantine; these versions are never sent."""
    _chosen(entries, cause, everything=everything)
    with command.open() as app:
        number = app.discard(entries, cause=cause, everything=everything, reason=reason, on_progress=_print_progress)
    records = "1 record" if number == 1 else f"{number:,} records"
    command.show({"discarded": number}, lambda: [f"{records} discarded: these versions are never sent."])


def _print_progress(done: int, total: int) -> None:
    """Print a line on stderr after every 5,000 records."""
    if done % PRINT_EVERY == 0 and done < total:
        Command.remark(f"{done:,} of {total:,} records discarded")


def settle(
    entry: EntryId, /, *, delivered: Annotated[bool, Parameter(help="The record arrived.")] = False, command: Given
) -> None:
    """Mark an unknown record as delivered.

    It leaves the quarantine and is remembered as sent.
    """
    with command.open() as app:
        app.settle(entry, delivered=delivered)
    command.show({"id": entry, "settled": "delivered"}, lambda: [f"{entry} is settled as delivered."])


def _chosen(entries: Sequence[str], cause: str | None, *, everything: bool) -> None:
    """Raises InputError unless exactly one of ids, --cause and --all is given."""
    if sum((bool(entries), cause is not None, everything)) != 1:
        what = "IDs, --cause and --all cannot be used together" if entries or everything else "no records are named"
        raise refuse(
            "quarantine", what, "usage", "write IDs, --cause CAUSE or --all; `penstock quarantine list` shows them"
        )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise refuse("--set", "this is not column=value", "wrong-value", "--set email=ada@example.com", found=text)
    return name, value


def _record_on_stdin(entry: str) -> Any:
    if sys.stdin.isatty():
        raise refuse(entry, "no change is given", "missing-argument", WHOLE)
    try:
        return json.loads(sys.stdin.buffer.read(), parse_constant=_not_json)
    except ValueError as error:
        raise refuse(entry, f"stdin is not JSON: {error}", "not-json", WHOLE) from error


def _not_json(word: str) -> None:
    raise ValueError(f"{word} is not a JSON value")


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The document without these members."""
    return {name: value for name, value in document.items() if name not in names}


def _show(detail: QuarantineDetail, command: Command, *, edited: bool = False) -> None:
    from penstock.cli.text.quarantine import detail_text, edited_text  # noqa: PLC0415 - rich is slow to import
    from penstock.model.reports import quarantined_json  # noqa: PLC0415

    command.show(
        _without(quarantined_json(detail), "values"), lambda: edited_text(detail) if edited else detail_text(detail)
    )
