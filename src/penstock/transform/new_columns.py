"""Notes about columns that a source has got or lost since its dataset was first read."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.model.outcome import Note

NEW = "a new column"  # the reasons of the notes begin so
NOT_SENT, GONE, EMPTY = "not sent", "gone", "empty"
EMPTY_NOW = "every value is null now, and there were values before"
MOST_NAMED = 20  # columns with a note of their own


def new_column_notes(names: Sequence[str], dataset: str) -> tuple[Note, ...]:
    """Why these columns are not sent; beyond the first ones, their number."""
    way = f"`penstock schema {dataset} --refresh` takes it in, `new_columns: send` sends such columns"
    reason = f"{NEW}, which came after the dataset was first read: {way}"
    notes = [Note(name, NOT_SENT, reason) for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        more = len(names) - MOST_NAMED
        notes.append(Note("attributes", NOT_SENT, f"{NEW} like these, and {more} more; `penstock schema` names all"))
    return tuple(notes)


def gone_reason(dataset: str) -> str:
    """Why a column of the schema is not sent when the source has it no longer."""
    kept = "the column is no longer in the source: it is not sent, and Custify keeps the values that it has"
    return f"{kept}; if that is meant: `penstock schema {dataset} --refresh`"


def is_column_change(note: Note) -> bool:
    """Whether the note says that a source has got or lost a column, or that one has no values any more."""
    return note.action == GONE or (note.action, note.reason) == (EMPTY, EMPTY_NOW) or is_new(note)


def is_new(note: Note) -> bool:
    """Whether the note says that a new column is not sent."""
    return note.action == NOT_SENT and note.reason.startswith(NEW)
