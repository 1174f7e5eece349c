"""Raw pieces of rows between a source and its typed chunks, and the interfaces that judge and cast their columns.

A JSON object becomes a piece with a column for each member; absent differs from null.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import pyarrow as pa
import pyarrow.compute

from penstock.deadline import FIRST_ROWS_S
from penstock.model.outcome import Note, Refusal
from penstock.model.spec import ColumnType
from penstock.process_memory import resident, trim

compute: Any = pyarrow.compute  # its type stubs know no column of any type
RawColumn: TypeAlias = "pa.Array[Any] | Sequence[object]"  # Python values where each may have its own type
GROWN = 48 * 1024 * 1024  # bytes of resident memory after which freed memory is given back
NOTHING_ABSENT: Mapping[str, frozenset[int]] = MappingProxyType({})
NOTHING_REFUSED: Mapping[int, Refusal] = MappingProxyType({})
NO_ORIGINALS: Mapping[int, str] = MappingProxyType({})
JSON_FIELD = MappingProxyType({b"penstock": b"json"})  # marks a text column that holds JSON
SHOWN = 80  # characters of a value that messages show

ACCEPTED: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "text",
        "integer": "a whole number such as 70",
        "number": "a number such as 70 or 29.85",
        "boolean": "true or false",
        "date": "a date such as 2026-01-31",
        "timestamp": "a time such as 2026-01-31T12:00:00Z",
        "json": "a JSON value",
    }
)

ABSENT = object()
Record = dict[str, object]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive raw rows. A column that is missing from `columns` is absent in all of them.

    `refused[row]` is why a row cannot be laid out in columns; `originals[row]` is then its whole record as JSON.
    """

    length: int
    columns: Mapping[str, RawColumn]
    absent: Mapping[str, frozenset[int]] = field(default_factory=lambda: NOTHING_ABSENT)
    refused: Mapping[int, Refusal] = field(default_factory=lambda: NOTHING_REFUSED)
    originals: Mapping[int, str] = field(default_factory=lambda: NO_ORIGINALS)

    def head(self, rows: int) -> Piece:
        """The first `rows` rows."""
        if rows >= self.length:
            return self
        absent = {name: frozenset(row for row in found if row < rows) for name, found in self.absent.items()}
        refused = {row: refusal for row, refusal in self.refused.items() if row < rows}
        originals = {row: text for row, text in self.originals.items() if row < rows}
        columns = {name: column[:rows] for name, column in self.columns.items()}
        return Piece(rows, columns, absent, refused, originals)


def weight(piece: Piece) -> int:
    """How many bytes the values of a piece take, roughly; at least what their text takes."""
    return sum(map(_weight, piece.columns.values()))


def _weight(value: object) -> int:
    if isinstance(value, pa.Array):
        return int(value.nbytes)
    if isinstance(value, (str, bytes)):
        return len(value) + 40
    if isinstance(value, dict):
        return sum(map(_weight, value)) + sum(map(_weight, value.values())) + 40
    return sum(map(_weight, value)) + 40 if isinstance(value, (list, tuple)) else 40


class Judge(Protocol):
    """Watches one column over a full pass and then knows its type."""

    def observe(self, column: RawColumn) -> None:
        """Look at some more rows of the column."""
        ...

    def verdict(self) -> ColumnType:
        """The type that every value seen fits without loss."""
        ...

    def nullable(self, kind: ColumnType, /) -> bool:
        """Whether a cell seen is null when the column is read as `kind`."""
        ...


class Cast(NamedTuple):
    """A typed column; `misfits` are the rows whose value does not fit (their cell is null), with the reason."""

    array: pa.Array[Any]
    misfits: Mapping[int, Refusal]


@dataclass(frozen=True, slots=True)
class Caster:
    """Types one column: `arrow` is the Arrow type that every cast column has."""

    arrow: pa.DataType
    cast: Callable[[RawColumn], Cast]


class Rows(Protocol):
    """The interface of one kind of source: raw rows, as often as needed, and how its columns are typed."""

    open_ended: bool  # True: names are only known after a full pass (JSON); a stored column may be missing

    def names(self) -> list[str]:
        """The columns known so far, in order."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """All rows from the start, in bounded memory. Raises InputError where the input is wrong."""
        ...

    def declared(self, name: str, /) -> ColumnType | None:
        """The column's type where the format itself declares it, without looking at values."""
        ...

    def judge(self, name: str, /) -> Judge:
        """A fresh judge for one column."""
        ...

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        """How to type one column as `kind`; `given` when it is from `types:`."""
        ...


class RowsLike:
    """A part of some rows, or a result of them, whose columns are typed as those of the rows."""

    def __init__(self, rows: Rows) -> None:
        self.open_ended = rows.open_ended
        self.names = rows.names
        self.declared = rows.declared
        self.judge = rows.judge
        self.caster = rows.caster


class FirstRows(RowsLike):
    """At most so many rows, and none after three seconds.

    After a reading `complete` says whether these were all.
    """

    def __init__(self, rows: Rows, most: int) -> None:
        super().__init__(rows)
        self.inner = rows
        self._most = most
        self.complete = True

    def pieces(self) -> Iterator[Piece]:
        left, end = self._most, time.monotonic() + FIRST_ROWS_S
        usual = resident()
        for piece in self.inner.pieces():
            if piece.length > left:
                self.complete = False
                if left:
                    yield piece.head(left)
                return
            yield piece
            left -= piece.length
            if resident() > usual + GROWN:  # what was freed lies in between what is used
                trim()
                usual = resident()
            if time.monotonic() >= end:
                self.complete = False
                return


@runtime_checkable
class HasNotes(Protocol):
    """Rows of a source with notes."""

    def notes(self) -> tuple[Note, ...]:
        """What was changed in or left out of the source, as far as it has been read."""
        ...


@runtime_checkable
class HasTypingNotes(Protocol):
    """Rows whose judges find out more than types."""

    def typing_notes(self) -> tuple[Note, ...]:
        """What was found out about the values when the types were decided last."""
        ...


def arrow_field(name: str, array_type: pa.DataType, kind: ColumnType) -> pa.Field[Any]:
    """The Arrow field of a typed column; JSON text is marked as such."""
    marked = kind == "json" and array_type == pa.string()
    return pa.field(name, array_type, metadata=dict(JSON_FIELD) if marked else None)


def shorten(value: object) -> str:
    """A value as text for a message, at most 80 characters; lone surrogates are escaped."""
    text = str(value)[: SHOWN + 1].encode(errors="backslashreplace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def misfit(name: str, kind: ColumnType, value: object, reason: str | None = None) -> Refusal:
    """The refusal of a record whose value does not fit the stored type of its column, or (`reason`) any type."""
    return Refusal(
        rule="type",
        reason=reason or f"column {name} is {kind}, and this value does not fit it",
        field=name,
        value=shorten(value),
        accepted=ACCEPTED[kind],
        column=name,
        type=kind if reason is None else None,  # no other type would accept it
    )


def piece_of(records: list[Record], names: dict[str, None]) -> Piece:
    """Some objects as rows. `names` are the members met so far, in order; new ones are added to it."""
    first = list(records[0])
    if all(list(record) == first for record in records):  # the usual case, three times as fast
        names.update(dict.fromkeys(first))
        return Piece(len(records), dict(zip(first, zip(*map(dict.values, records), strict=True), strict=True)))
    columns: dict[str, list[object]] = {}
    absent: dict[str, frozenset[int]] = {}
    for record in records:
        if not record.keys() <= names.keys():
            names.update(dict.fromkeys(record))
    shared: dict[frozenset[int], frozenset[int]] = {}  # columns that are absent in the same rows share one set
    used = set().union(*records)
    for name in [name for name in names if name in used]:
        column = [record.get(name, ABSENT) for record in records]
        if ABSENT in column:
            rows = frozenset(row for row, value in enumerate(column) if value is ABSENT)
            absent[name] = shared.setdefault(rows, rows)
            column = [None if value is ABSENT else value for value in column]
        columns[name] = column
    return Piece(len(records), columns, absent)
