"""Columns that a dataset's SQL names and no posted record has yet: null to the SQL, and a note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from penstock.bounds import bounds
from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.record import Column, Schema
from penstock.model.spec import ColumnType
from penstock.sources.pieces import Rows
from penstock.sources.sql_text import EARLY_COLUMN, MISSING_COLUMN

KINDS: tuple[ColumnType, ...] = ("text", "number", "timestamp", "json", "boolean")
"""The types of such columns, tried in this order: `seats * 2` needs a number, `date_trunc('day', at)` a time."""
NOT_SEEN = "no record that came so far has this column: the sql reads it as null"


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
