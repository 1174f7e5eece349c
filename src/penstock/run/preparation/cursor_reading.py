"""Of a source with a cursor: the position from which a run reads, and what the end of a run does to the cursor.

Also the note for older rows that were read under other settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note
from penstock.model.record import ReadWindow, Schema
from penstock.model.settings_text import settings_text, without_settling
from penstock.model.spec import BatchSpec, CursorSpec, SqlSource
from penstock.run.preparation.prepare import Prepared
from penstock.sources.cursor import READ, value_of
from penstock.store.project import resources
from penstock.store.runs import runs
from penstock.store.runs.runs import START, RunRow

FARTHEST_ZONE = timedelta(hours=14)  # ahead of UTC
READ_AGAIN = "the mapping or settings changed since older rows were read: they keep what was sent before"


@dataclass(frozen=True, slots=True)
class CursorReading:
    """`window` None: the source is read whole. `settings` is the mark of those that every row before it was read with.

    `begins_at` is what a person requested: `start`, a value of the cursor, or None. `in_utc`: the session sets its time
    zone. `beside` is the unfinished run at whose end it begins.
    """

    window: ReadWindow | None
    settings: str
    column: str | None = None
    begins_at: str | None = None
    notes: tuple[Note, ...] = ()
    in_utc: bool = False
    beside: str | None = None

    def document(self, reached: ReadWindow | None) -> dict[str, Any] | None:
        """What is stored with the destination when the run has come to its end."""
        if reached is None:
            return None
        zone = {"zone": "UTC"} if self.in_utc else {}
        zone |= {} if self.beside is None else {"beside": self.beside}
        return {**reached.to_json(), "column": self.column, "settings": self.settings, "from": self.begins_at, **zone}


def reading_of(
    conn: Connection,
    prepared: Prepared,
    begins_at: str | None,
    now: datetime,
    *,
    alone: bool = True,
    beside: RunRow | None = None,
) -> CursorReading:
    """Where a run of this destination begins to read. `beside` is an unfinished run that another process continues.

    `begins_at` is what a person requested. InputError when it is a value, and the source has no cursor (unless it is
    part of a flow: not `alone`), the value is none of the column, or a run from it on would pass over rows.
    """
    stored = resources.window_of(conn, prepared.spec.name)
    after = None
    if stored is None and beside is not None and beside.window is not None:
        stored, after = dict(beside.window), beside.id
    cursor = _cursor(prepared)
    mark, column = settings_mark(prepared), None if cursor is None else cursor.column
    before = None if stored is None else ReadWindow.from_json(stored)
    notes: tuple[Note, ...] = ()
    if before is not None and column is not None and (stored or {}).get("column", column) not in (column, None):
        reason = f"the cursor was {stored['column'] if stored else ''}: the source is read from its start"
        before, notes = None, (Note(column, "read again", reason),)
    in_utc = prepared.data.dataset.sets_zone
    if before is not None and in_utc and "zone" not in (stored or {}):
        before, notes = in_any_zone(before, notes)
    if begins_at == START or before is None:
        window = None
        if begins_at not in (None, START):
            window = _requested_window(prepared, cursor, None, str(begins_at), now, alone=alone)
        return CursorReading(window, mark, column, begins_at, notes, in_utc, after)
    old = (stored or {}).get("settings") or mark
    if column is not None and old != mark:
        hint = f"penstock run {prepared.spec.name} --from start reads them again; what is unchanged is not sent"
        notes = (*notes, Note("cursor", "not read again", f"{READ_AGAIN}; {hint}"))
    window = before if begins_at is None else _requested_window(prepared, cursor, before, begins_at, now, alone=alone)
    return CursorReading(window, old, column, begins_at, notes, in_utc, after)


def in_any_zone(before: ReadWindow, notes: tuple[Note, ...]) -> tuple[ReadWindow, tuple[Note, ...]]:
    """Where to continue after a time that was read in the server's time zone, so that no newer row is skipped."""
    value = value_of(before)
    if not isinstance(value, datetime) or value.tzinfo is not None:
        return before, notes
    earlier = ReadWindow((value - FARTHEST_ZONE).isoformat(" "), kind=before.kind)
    note = Note("cursor", "read again", "times are read in UTC now: rows of the 14 hours before are read once more")
    return earlier, (*notes, note)


def with_notes(prepared: Prepared, reading: CursorReading) -> Prepared:
    """The destination with the notes of the reading, also when there is nothing to read."""
    return replace(prepared, reading_notes=reading.notes)


def settings_mark(prepared: Prepared) -> str:
    """A digest of the settings that decide which records older rows became and what was sent for them."""
    spec = replace(
        without_settling(prepared.spec),
        active=None,
        line=None,
        concurrency=0,
        fuse=None,
        canary=None,
        responses=False,
        mode=None,
        batch=BatchSpec(),
    )
    source: object = prepared.data.dataset.source
    if isinstance(source, SqlSource):
        source = (source.query, source.table, *(() if source.decimal is None else (source.decimal,)))
    text = f"{settings_text(spec)} {settings_text(prepared.data.spec)} {source if isinstance(source, tuple) else ''}"
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _cursor(prepared: Prepared) -> CursorSpec | None:
    source = prepared.data.dataset.source
    return source.cursor if isinstance(source, SqlSource) else None


def _requested_window(
    prepared: Prepared, cursor: CursorSpec | None, before: ReadWindow | None, value: str, now: datetime, *, alone: bool
) -> ReadWindow | None:
    """The window that begins at a value that a person gave; of a part of a flow without a cursor the usual one."""
    source = prepared.data.dataset.source
    if cursor is None:
        if not alone:
            return before
        raise _wrong(value, f"the source {source.name} has no cursor", "write --from start, or no --from")
    known = before if before is not None and before.value is not None else None
    kind = known.kind if known is not None else _kind(prepared.data.schema, cursor.column)
    try:
        begin = READ[kind](value)
    except (ValueError, ArithmeticError):
        message = f"{value} is no value of the cursor {cursor.column}, which is {kind}"
        raise _wrong(value, message, "write a value of that column, or --from start") from None
    latest = value_of(known)
    if (
        isinstance(begin, datetime)
        and begin.tzinfo is None
        and isinstance(latest, datetime)
        and latest.tzinfo is not None
    ):
        begin = begin.replace(tzinfo=UTC)
    if latest is not None and begin > latest:
        hint = f"write a value up to {known.value if known else ''}, or no --from: the run continues there"
        raise _wrong(value, f"rows up to {known.value if known else ''} were read: later ones would be skipped", hint)
    if isinstance(begin, datetime) and (begin if begin.tzinfo else begin.replace(tzinfo=UTC)) > now:
        raise _wrong(value, f"{value} is in the future: rows that come until then would be skipped", "write a past one")
    return ReadWindow(value, kind=kind)


def _kind(schema: Schema, column: str) -> str:
    """The kind of a cursor that was never read, by its column's type."""
    found = (schema.source or schema).column(column)
    kind: Mapping[str, str] = {"json": "text"}
    return "text" if found is None else kind.get(found.type, found.type)


def _wrong(value: str, message: str, hint: str) -> InputError:
    return InputError(Problem("--from", message, "wrong-start", hint, found=value))


def move_cursor(conn: Connection, destination: str, window: Mapping[str, Any]) -> None:
    """Store the place up to which a destination has read its source, when all rows before it have their outcome.

    While an unfinished run has not sent all that it has read, a run beside it moves the place at which that one will
    leave the cursor; and the cursor itself, unless it began to read where that one ends.
    """
    left = runs.unfinished_alone(conn, destination)
    after, reached = window.get("beside"), {name: value for name, value in window.items() if name != "beside"}
    if left is not None and left.window is not None:
        kept = {name: left.window[name] for name in ("settings", "from") if name in left.window}
        runs.save(conn, replace(left, window={**reached, **kept}))
    if after is not None:
        before = runs.get(conn, after)
        if before is None or before.status not in ("succeeded", "partial"):
            return
    resources.store_window(conn, destination, reached)
