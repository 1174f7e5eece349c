"""One full pass over raw rows that detects the schema of a dataset and its sample records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import ColumnType
from penstock.render.values.numbers import DecimalSign
from penstock.sources.deadline import check_patience
from penstock.sources.typing.arrow import examples_of
from penstock.sources.typing.chunks import rechunked
from penstock.sources.typing.exact_json import NotJson
from penstock.sources.typing.number_writing import WritingJudge
from penstock.sources.typing.pieces import Judge, Piece, RawColumn, Rows, compute, shorten, weight
from penstock.sources.typing.rows import typed
from penstock.sources.typing.values import value_text

SAMPLES = 20  # records stored
HEAVIEST = 1 << 20  # bytes of the records stored, or the first record alone
EXAMPLES = 3  # distinct values shown per column
LOOKED_AT = 200  # rows of a piece in which examples are looked for


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
    shaped: bool = False,
) -> Detected:
    """Read everything once. `given` are the types a person wrote.

    `known` are types that were decided before, and stay; `decimal` is how the source's numbers are written.
    Of a `shaped` result a declared type is only final once there was a value: it may come from a column without one.
    """
    decided = {**(known or {}), **given}
    watches = {name: _Watch(rows.judge(name), WritingJudge(decimal), 0) for name in rows.names()}
    heads: list[Piece] = []
    seen = heavy = 0
    for piece in rows.pieces():
        check_patience()
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
            name, decided.get(name), given=name in given, declared=not shaped and rows.declared(name) is not None
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
    """What is known of SQL over a source that has had no record and declares no columns."""
    return Detected(Schema((), 0, source), Chunk(pa.RecordBatch.from_pylist([], schema=pa.schema([])), 0))
