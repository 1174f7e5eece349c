"""The quarantine: list, show, edit, resend, discard and settle its records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection

from penstock.clock import iso
from penstock.model.delivery import cut_request_document
from penstock.model.errors import InputError, Problem
from penstock.model.reports import (
    Page,
    QuarantineDetail,
    QuarantineEntry,
    QuarantineEntryJson,
    QuarantineFilter,
    QuarantineGroupJson,
    as_json,
    page_of,
    quarantine_json,
    read_cursor,
    write_cursor,
)
from penstock.run.context import Context
from penstock.sources.typing.exact_json import read_record, write_record
from penstock.store import quarantine
from penstock.store.quarantine import QuarantineRow

T = TypeVar("T")

DISCARDED_AT_ONCE = 1000  # by one transaction
OnProgress = Callable[[int, int], object]


def ignore_progress(_done: int, _total: int) -> None:
    """Does nothing."""


def chosen(ctx: Context, ids: Sequence[str], *, cause: str | None, everything: bool) -> Sequence[QuarantineRow]:
    """The records in quarantine with these ids or this cause, or all. Raises InputError for an unknown id or cause."""
    return _chosen(ctx, ids, cause, everything=everything, of_ids=quarantine.get_all, matching=quarantine.page)


def _chosen(
    ctx: Context,
    ids: Sequence[str],
    cause: str | None,
    *,
    everything: bool,
    of_ids: Callable[[Connection, Sequence[str]], Sequence[T]],
    matching: Callable[[Connection, QuarantineFilter], Sequence[T]],
) -> Sequence[T]:
    """What `of_ids` returns for these ids, or `matching` for this cause (None: any). Raises InputError as `chosen`."""
    _require_one_way(ids, cause, everything=everything)
    with ctx.database.read() as conn:
        if ids:
            _require_known(conn, ids)
            return of_ids(conn, ids)
        found = matching(conn, QuarantineFilter(cause=cause))
    if cause is not None and not found:
        raise InputError(Problem("quarantine", "no record in quarantine has this cause", "unknown-cause", found=cause))
    return found


def _require_one_way(ids: Sequence[str], cause: str | None, *, everything: bool) -> None:
    if sum((bool(ids), cause is not None, everything)) != 1:
        message = "no records are named" if not ids else "ids, --cause and --all cannot be used together"
        raise InputError(
            Problem(
                "quarantine",
                message,
                "which",
                "write ids, --cause or --all; penstock quarantine list shows the records",
            )
        )


def _require_known(conn: Connection, ids: Sequence[str]) -> None:
    """InputError for the first of these ids that nothing in quarantine has."""
    missing = quarantine.unknown(conn, ids)
    if missing is not None:
        raise _unknown_id(missing)


def _unknown_id(name: str) -> InputError:
    hint = "penstock quarantine list shows the ids"
    return InputError(Problem("quarantine", f"there is no record {name} in quarantine", "unknown-id", hint, found=name))


def still_quarantined(ctx: Context, ids: Sequence[str]) -> list[QuarantineRow]:
    """The records with these ids that are still in quarantine."""
    with ctx.database.read() as conn:
        return quarantine.get_all(conn, ids)


def by_destination(ctx: Context, ids: Sequence[str]) -> dict[str, list[str]]:
    """These ids by destination. Raises InputError for an unknown id."""
    _require_one_way(ids, None, everything=False)
    with ctx.database.read() as conn:
        _require_known(conn, ids)
        return quarantine.by_destination(conn, ids)


def entry_of(conn: Any, name: str) -> QuarantineRow:
    held = quarantine.get(conn, name)
    if held is None:
        raise _unknown_id(name)
    return held


def listed(held: QuarantineRow) -> QuarantineEntry:
    return QuarantineEntry(
        id=held.id,
        destination=held.destination,
        key=held.key,
        outcome=held.outcome.value,
        cause=held.cause,
        reason=held.reason,
        field=held.field,
        at=held.at,
        run=held.run,
        rule=held.rule,
        values=held.values,
        finding=held.finding,
    )


def detail(held: QuarantineRow) -> QuarantineDetail:
    return QuarantineDetail(
        entry=listed(held),
        record=json.loads(held.record),
        value=held.value,
        accepted=held.accepted,
        request=cut_request_document(held.request),
        reply=held.reply,
    )


def listing(ctx: Context, *, destination: str | None, cause: str | None) -> list[QuarantineEntry]:
    """The records in quarantine, of one destination or one cause."""
    with ctx.database.read() as conn:
        return [listed(held) for held in quarantine.entries(conn, destination=destination, cause=cause)]


def shown(ctx: Context, name: str) -> QuarantineDetail:
    """One record in quarantine, with its record, request and reply. Raises InputError for an unknown id."""
    return detail(chosen(ctx, [name], cause=None, everything=False)[0])


def edit(
    ctx: Context,
    name: str,
    *,
    changes: Mapping[str, Any] | None,
    record: Any,
    guard: Callable[[str], None] = lambda _: None,
) -> QuarantineDetail:
    """Change a record in quarantine. Raises InputError unless the new record is a JSON object.

    `guard` is called with the stored text of the record, and raises if the person who edits it has read another text.
    """
    with ctx.database.begin() as conn:
        held = entry_of(conn, name)
        guard(held.record)
        new = read_record(held.record) if record is None else record
        if not isinstance(new, dict):
            raise InputError(Problem(name, "a record is a JSON object", "not-an-object", 'write {"column": value, …}'))
        for path, value in (changes or {}).items():
            _put(new, path, value)
        quarantine.edit(conn, name, write_record(new))
        return detail(entry_of(conn, name))


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    """Set a member: the column with this exact name if there is one, else the dotted path into nested values."""
    if path in record or "." not in path:
        record[path] = value
        return
    *parents, last = path.split(".")
    place = record
    for parent in parents:
        inner = place.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise InputError(
                Problem(path, f"{parent} is not an object", "no-such-path", "set the whole column instead")
            )
        place = inner
    place[last] = value


def discard(
    ctx: Context,
    ids: Sequence[str],
    *,
    cause: str | None,
    everything: bool,
    reason: str,
    on_progress: OnProgress = ignore_progress,
) -> int:
    """Discard these versions, which count as unchanged from now on, and return their number.

    Works in parts, so that others can write in between, and calls `on_progress` with (done, total) after each part.
    Raises InputError for an unknown id, before anything is discarded.
    """
    named = _chosen(ctx, ids, cause, everything=everything, of_ids=lambda _, known: known, matching=quarantine.ids)
    at, done = iso(ctx.clock.now()), 0
    for first in range(0, len(named), DISCARDED_AT_ONCE):
        with ctx.database.begin() as conn:
            done += quarantine.discard(conn, named[first : first + DISCARDED_AT_ONCE], reason, at)
        on_progress(done, len(named))
    return done


@dataclass(frozen=True, slots=True)
class QuarantinePages:
    """The use-cases on lists of records in quarantine. `ctx` returns the context with the current project."""

    ctx: Callable[[], Context]

    def page(self, which: QuarantineFilter, *, limit: int, cursor: str | None = None) -> Page[QuarantineEntryJson]:
        """One page of records in quarantine, oldest first."""
        (after,) = (0,) if cursor is None else read_cursor(cursor, int)
        with self.ctx().database.read() as conn:
            found = quarantine.page(conn, which, limit + 1, after)
        return page_of(found, limit, lambda held: quarantine_json(listed(held)), lambda held: write_cursor(held.number))

    def text(self, entry: str) -> str:
        """The record in quarantine as JSON text, with every digit of its numbers."""
        with self.ctx().database.read() as conn:
            return entry_of(conn, entry).record

    def edit(
        self, entry: str, *, changes: Mapping[str, Any] | None, record: Any, guard: Callable[[str], None]
    ) -> QuarantineDetail:
        """Change a record in quarantine: set members, or replace the whole record."""
        return edit(self.ctx(), entry, changes=changes, record=record, guard=guard)

    @staticmethod
    def record_of(text: str) -> Any:
        """A record from JSON text, with every digit of its numbers. Raises InputError if it is not JSON."""
        try:
            return read_record(text)
        except ValueError as error:
            message = f"this is not JSON: {error}"
            raise InputError(Problem("record_text", message, "not-json", 'write {"column": value, …}')) from None

    def groups(self) -> list[QuarantineGroupJson]:
        """The groups of records in quarantine by destination, cause, outcome and field; the largest first."""
        with self.ctx().database.read() as conn:
            return [as_json(group) for group in quarantine.groups(conn)]

    def ids(self, which: QuarantineFilter) -> list[str]:
        """The ids of records in quarantine. Raises InputError if there are none."""
        with self.ctx().database.read() as conn:
            found = quarantine.ids(conn, which)
        if not found:
            raise InputError(
                Problem("body", "no record in quarantine matches", "nothing-held", "see the groups in the quarantine")
            )
        return found
