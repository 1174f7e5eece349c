"""The schema of rows: detected in one full pass, with sample records; and raw rows as typed chunks by a stored schema.

`NoRows` is a source of which only the columns are known, so that SQL can be bound to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from penstock.deadline import check_deadline
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import ColumnType
from penstock.render.values.numbers import DecimalSign
from penstock.sources.chunks import rechunked
from penstock.sources.typing.arrow import ArrowJudge, arrow_caster, examples_of
from penstock.sources.typing.exact_json import NotJson
from penstock.sources.typing.pieces import (
    Cast,
    Caster,
    Judge,
    Piece,
    RawColumn,
    Rows,
    arrow_field,
    compute,
    shorten,
    weight,
)
from penstock.sources.typing.text import WritingJudge, arrow_types, is_written, writing_caster
from penstock.sources.typing.values import value_text

SAMPLES = 20  # records stored
HEAVIEST = 1 << 20  # bytes of the records stored, or the first record alone
EXAMPLES = 3  # distinct values shown per column
LOOKED_AT = 200  # rows of a piece in which examples are looked for
WIDE = 256  # columns


@dataclass(frozen=True, slots=True)
class Detected:
    """What one full pass found. `samples` are the first records, at most 20, typed as in `schema`."""

    schema: Schema
    samples: Chunk


@dataclass(slots=True)
class _Watch:
    judge: Judge
    writing: WritingJudge
    since: int  # rows that came before the column was first seen
    missing: bool = False  # absent in some row
    valued: bool = False  # whether some value was seen that is neither null nor blank
    examples: list[str] = field(default_factory=list)

    def observe(self, column: RawColumn) -> None:
        self.judge.observe(column)
        self.writing.observe(column)
        self.valued = self.valued or has_value(column)
        if len(self.examples) < EXAMPLES:
            head = column[:LOOKED_AT]
            values = examples_of(head) if isinstance(head, pa.Array) else head
            for value in values:
                self._show(value)

    def _show(self, value: object) -> None:
        if value is not None and len(self.examples) < EXAMPLES:
            try:
                text = shorten(value_text(value))
            except NotJson:  # its record is quarantined when it is read
                return
            if text not in self.examples:
                self.examples.append(text)

    def column(self, name: str, decided: ColumnType | None, *, given: bool, declared: bool) -> Column:
        kind, sign = self.writing.typed(decided or self.judge.verdict(), given=given or decided is not None)
        nullable = self.missing or self.since > 0 or self.judge.nullable(kind)
        is_open = not (self.valued or given or declared)
        return Column(name, kind, nullable, tuple(self.examples), sign, is_open)


def detect(
    rows: Rows,
    given: Mapping[str, ColumnType],
    known: Mapping[str, ColumnType] | None = None,
    decimal: DecimalSign | None = None,
    *,
    is_result: bool = False,
) -> Detected:
    """Read everything once. `given` are the types a person wrote.

    `known` are types that were decided before, and stay; `decimal` is how the source's numbers are written.
    In the result of SQL (`is_result`) a declared type is only final once there was a value: it may come from a column
    without one.
    """
    decided = {**(known or {}), **given}
    watches = {name: _Watch(rows.judge(name), WritingJudge(decimal), 0) for name in rows.names()}
    heads: list[Piece] = []
    seen = heavy = 0
    for piece in rows.pieces():
        check_deadline()
        kept = sum(head.length for head in heads)
        if kept < SAMPLES and heavy < HEAVIEST:
            head = _light(piece.head(SAMPLES - kept), HEAVIEST - heavy, least=0 if heads else 1)
            heavy += weight(head) if head.length else HEAVIEST
            heads += [head] if head.length else []
        for name in rows.names():
            watch = watches.get(name)
            if watch is None:
                watch = watches[name] = _Watch(rows.judge(name), WritingJudge(decimal), seen)
            if name in piece.columns:
                watch.observe(piece.columns[name])
            watch.missing = watch.missing or name not in piece.columns or bool(piece.absent.get(name))
        seen += piece.length
    columns = (
        watches[name].column(
            name, decided.get(name), given=name in given, declared=not is_result and rows.declared(name) is not None
        )
        for name in rows.names()
    )
    schema = Schema(tuple(columns), seen)
    return Detected(schema, _samples(rows, schema, given, heads))


def has_value(column: RawColumn) -> bool:
    """Whether some cell is neither null nor blank."""
    if not isinstance(column, pa.Array):
        return any(value is not None for value in column)
    if column.null_count == len(column):
        return False
    if not pa.types.is_string(column.type):
        return True
    return bool(compute.any(compute.match_substring_regex(column, r"[^\s]")).as_py())


def _light(piece: Piece, most: int, *, least: int) -> Piece:
    """The first rows of a piece that weigh no more than `most`; at least `least`."""
    while piece.length > least and weight(piece) > most:
        piece = piece.head(max(piece.length // 2, least))
    return piece


def _samples(rows: Rows, schema: Schema, given: Mapping[str, ColumnType], heads: list[Piece]) -> Chunk:
    chunks = list(typed(rows, schema, given, heads or [Piece(0, {})], whole=True))
    return next(rechunked(iter(chunks), skip=0, rows=SAMPLES), chunks[0])


def nothing_yet(source: Schema) -> Detected:
    """The schema of SQL over a source that has had no record and declares no columns."""
    return Detected(Schema((), 0, source), Chunk(pa.RecordBatch.from_pylist([], schema=pa.schema([])), 0))


def typed(
    rows: Rows,
    schema: Schema,
    given: Mapping[str, ColumnType],
    pieces: Iterable[Piece] | None = None,
    *,
    whole: bool = False,
) -> Iterator[Chunk]:
    """All rows (or the `pieces` of them given) typed as `schema`. Chunks are as long as their pieces; `first` is 0.

    Of a source whose columns may be missing, with hundreds of them, chunks have no columns that are absent in all of
    their rows; `whole` chunks have every column.
    """
    casters = _casters(rows, schema, given)
    arrow = _arrow_schema(schema, casters)
    lean = rows.open_ended and not whole and len(schema.columns) > WIDE
    for piece in rows.pieces() if pieces is None else pieces:
        check_deadline()
        yield _chunk(piece, _present(arrow, piece) if lean else arrow, casters)


def _present(arrow: pa.Schema, piece: Piece) -> pa.Schema:
    """The columns that the piece has; one that it does not have where it has none, for the sake of its rows."""
    fields = [each for each in arrow if each.name in piece.columns]
    return pa.schema(fields or [arrow.field(0)])


def arrow_schema(rows: Rows, schema: Schema, given: Mapping[str, ColumnType]) -> pa.Schema:
    """The Arrow schema of the chunks that `typed` gives."""
    return _arrow_schema(schema, _casters(rows, schema, given))


def _arrow_schema(schema: Schema, casters: Mapping[str, Caster]) -> pa.Schema:
    return pa.schema([arrow_field(column.name, casters[column.name].arrow, column.type) for column in schema.columns])


def _casters(rows: Rows, schema: Schema, given: Mapping[str, ColumnType]) -> dict[str, Caster]:
    casters = {}
    there = None if rows.open_ended else frozenset(rows.names())
    for column in schema.columns:
        if there is not None and column.name not in there:
            casters[column.name] = _null_caster(arrow_types()[column.type])
            continue
        by_person = column.name in given
        by_text = by_person or is_written(column)
        caster = rows.caster(column.name, column.type, given=by_text)
        casters[column.name] = writing_caster(column, caster, given=by_person)
    return casters


def _null_caster(kind: Any) -> Caster:
    """For a column that no piece has."""
    return Caster(kind, lambda column: Cast(pa.nulls(len(column), kind), {}))


def _chunk(piece: Piece, arrow: pa.Schema, casters: Mapping[str, Caster]) -> Chunk:
    arrays: list[pa.Array[Any]] = []
    misfits: dict[int, Refusal] = dict(piece.refused)
    absent = dict(piece.absent)
    everywhere = frozenset(range(piece.length))
    for each in arrow:
        column = piece.columns.get(each.name)
        if column is None:
            arrays.append(pa.nulls(piece.length, each.type))
            absent[each.name] = everywhere
            continue
        array, found = casters[each.name].cast(column)
        arrays.append(array)
        for row, refusal in found.items():
            misfits.setdefault(row, refusal)
    records = pa.RecordBatch.from_arrays(arrays, schema=arrow)
    wanted = {name: rows for name, rows in absent.items() if rows and name in casters}
    return Chunk(records, 0, wanted, misfits, originals=piece.originals)


class NoRows:
    """No rows, with the columns of a stored schema."""

    open_ended = False

    def __init__(self, schema: Schema) -> None:
        self._kinds = {column.name: column.type for column in schema.columns}

    def names(self) -> list[str]:
        return list(self._kinds)

    def pieces(self) -> Iterator[Piece]:
        return iter(())

    def declared(self, name: str) -> ColumnType | None:
        return self._kinds.get(name)

    def judge(self, name: str) -> Judge:
        return ArrowJudge(self._arrow(name), narrow=False)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return arrow_caster(name, self._arrow(name), kind, given=given)

    def _arrow(self, name: str) -> pa.DataType:
        kind = self._kinds[name]
        return pa.string() if kind == "json" else arrow_types()[kind]


# ── two schemas ───────────────────────────────────────────────────────────────


def gone_from(rows: Rows, schema: Schema) -> tuple[str, ...]:
    """The columns of the schema that the rows do not have; records of JSON may lack any of them."""
    known = () if rows.open_ended else frozenset(rows.names())
    return () if rows.open_ended else tuple(name for name in schema.names() if name not in known)


def combined(new: Schema, old: Schema) -> Schema:
    """The new schema, then the columns that only the old one has."""
    names = new.names()
    return replace(new, columns=(*new.columns, *(column for column in old.columns if column.name not in names)))


def decided_types(schema: Schema | None) -> Mapping[str, ColumnType]:
    """The types that a value was seen for."""
    return {} if schema is None else {column.name: column.type for column in schema.columns if not column.open}


def with_types_of(old: Schema, new: Schema) -> tuple[Column, ...]:
    """The old columns, those without a type yet as the new schema has them."""
    return tuple((new.column(column.name) or column) if column.open else column for column in old.columns)
