"""The columns of a source compared with a stored schema: missing, new, doubled and most similar names.

A column that a dataset's SQL names and no posted record has yet is null for the SQL, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from penstock.bounds import bounds
from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.record import Column, Schema
from penstock.model.spec import ColumnType
from penstock.model.text import did_you_mean
from penstock.sources.sql_text import EARLY_COLUMN, MISSING_COLUMN
from penstock.sources.typing.pieces import Rows

KINDS: tuple[ColumnType, ...] = ("text", "number", "timestamp", "json", "boolean")
"""The types of such columns, tried in this order: `seats * 2` needs a number, `date_trunc('day', at)` a time."""
NOT_SEEN = "no record that came so far has this column: the sql reads it as null"


def nearest(name: str, names: Sequence[str]) -> str:
    """A hint that names the nearest of `names`, or lists them."""
    return did_you_mean(name, names, f"the columns are {listed(names)}" if names else "there are no columns")


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a row, the rest counted."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def doubled(names: Sequence[str]) -> str | None:
    """The first name that occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def not_seen(name: str) -> Note:
    return Note(name, "not seen yet", NOT_SEEN)


def with_missing(shaped: Callable[[Schema], Rows], inner: Schema, unknown: InputError) -> tuple[Rows, tuple[str, ...]]:
    """The result of the SQL over `inner` and the columns that it lacks, and the names of these.

    `shaped` makes the result, or raises an error of the class of `unknown`. Raises `unknown`, which it raised for
    `inner`, where the SQL fails with columns of each type.
    """
    for kind in KINDS:
        names: list[str] = []
        while len(names) < bounds().columns:
            more = (Column(name, kind, nullable=True) for name in names)
            try:
                return shaped(replace(inner, columns=(*inner.columns, *more))), tuple(names)
            except type(unknown) as error:
                words = error.problems[0].message
                found = MISSING_COLUMN.search(words) or EARLY_COLUMN.search(words)
                if found is None or found[1] in names:
                    break
                names.append(found[1])
    raise unknown


def gone_from(rows: Rows, schema: Schema) -> tuple[str, ...]:
    """The columns of the schema that the rows do not have; records of JSON may lack any of them."""
    known = () if rows.open_ended else frozenset(rows.names())
    return () if rows.open_ended else tuple(name for name in schema.names() if name not in known)


def united(new: Schema, old: Schema) -> Schema:
    """The new schema, then the columns that only the old one has."""
    names = new.names()
    return replace(new, columns=(*new.columns, *(column for column in old.columns if column.name not in names)))


def decided_types(schema: Schema | None) -> Mapping[str, ColumnType]:
    """The types that a value was seen for."""
    return {} if schema is None else {column.name: column.type for column in schema.columns if not column.open}


def closed(old: Schema, new: Schema) -> tuple[Column, ...]:
    """The old columns, those without a type yet as the new schema has them."""
    return tuple((new.column(column.name) or column) if column.open else column for column in old.columns)
