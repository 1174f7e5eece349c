"""One full pass over raw rows that detects the schema of a dataset and its sample records.

Also typed chunks as chunks of exactly the requested size, in bounded memory, and the first rows of a source.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from penstock.deadline import FIRST_ROWS_S, check_patience
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Column, Schema
from penstock.model.spec import ColumnType
from penstock.process_memory import resident, trim
from penstock.render.values.numbers import DecimalSign
from penstock.sources.typing.arrow import examples_of
from penstock.sources.typing.exact_json import NotJson
from penstock.sources.typing.pieces import Caster, Judge, Piece, RawColumn, Rows, compute, shorten, weight
from penstock.sources.typing.rows import typed
from penstock.sources.typing.text import WritingJudge
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


CELLS = 1 << 19  # of a chunk at most: a chunk of many columns has fewer rows

GROWN = 48 * 1024 * 1024  # bytes of resident memory after which freed memory is given back


def rechunked(chunks: Iterator[Chunk], *, skip: int, rows: int) -> Iterator[Chunk]:
    """The rows of `chunks` after the first `skip`, in chunks of exactly `rows` rows but for the last.

    Of a source with many columns the chunks have fewer rows, and a chunk ends where the columns change.
    """
    waiting: list[Chunk] = []
    count, first = 0, skip
    for chunk in _after(chunks, skip):
        if waiting and not waiting[0].records.schema.equals(chunk.records.schema):
            yield part(_joined(waiting, first), 0, count, first)
            first, count, waiting = first + count, 0, []
        most = min(rows, rows_of(chunk.records.num_columns))
        waiting.append(chunk)
        count += chunk.records.num_rows
        while count >= most:
            whole = _joined(waiting, first) if len(waiting) > 1 else waiting[0]
            yield part(whole, 0, most, first)
            first, count = first + most, count - most
            waiting = [part(whole, most, count, first)] if count else []
    if count:
        yield part(_joined(waiting, first), 0, count, first)


def rows_of(columns: int) -> int:
    """How many rows of so many columns a chunk may have."""
    return max(CELLS // max(columns, 1), 1)


def part(chunk: Chunk, start: int, length: int, first: int) -> Chunk:
    """`length` rows of a chunk from row `start`, as a chunk whose row 0 has ordinal `first`."""
    if start == 0 and length >= chunk.records.num_rows:
        return replace(chunk, first=first, cursor=None)
    inside = range(start, start + length)
    cut: dict[int, frozenset[int]] = {}  # columns that are absent in the same rows share one set, here as there
    for found in chunk.absent.values():
        if id(found) not in cut:
            cut[id(found)] = frozenset(row - start for row in found if row in inside)
    absent = {name: rows for name, found in chunk.absent.items() if (rows := cut[id(found)])}
    misfits = {row - start: refusal for row, refusal in chunk.misfits.items() if row in inside}
    originals = {row - start: text for row, text in chunk.originals.items() if row in inside}
    return Chunk(chunk.records.slice(start, length), first, absent, misfits, originals=originals)


def _after(chunks: Iterator[Chunk], skip: int) -> Iterator[Chunk]:
    for chunk in chunks:
        length = chunk.records.num_rows
        if skip >= length:
            skip -= length
        else:
            yield part(chunk, skip, length - skip, 0)
            skip = 0


def _joined(chunks: list[Chunk], first: int) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    misfits: dict[int, Refusal] = {}
    originals: dict[int, str] = {}
    offset = 0
    for chunk in chunks:
        misfits.update({row + offset: refusal for row, refusal in chunk.misfits.items()})
        originals.update({row + offset: text for row, text in chunk.originals.items()})
        offset += chunk.records.num_rows
    records = pa.Table.from_batches([chunk.records for chunk in chunks]).combine_chunks().to_batches()[0]
    return Chunk(records, first, _absent_in(chunks), misfits, originals=originals)


def _absent_in(chunks: list[Chunk]) -> dict[str, frozenset[int]]:
    """The rows in which columns are absent, of chunks that follow each other; equal patterns share one set."""
    patterns: dict[str, list[tuple[int, int]]] = {}
    shifted: dict[tuple[int, int], list[int]] = {}
    offset = 0
    for number, chunk in enumerate(chunks):
        for name, found in chunk.absent.items():
            pattern = (number, id(found))
            if pattern not in shifted:
                shifted[pattern] = [row + offset for row in found]
            patterns.setdefault(name, []).append(pattern)
        offset += chunk.records.num_rows
    made: dict[tuple[tuple[int, int], ...], frozenset[int]] = {}
    for parts in map(tuple, patterns.values()):
        if parts not in made:
            made[parts] = frozenset(row for part in parts for row in shifted[part])
    return {name: made[tuple(parts)] for name, parts in patterns.items()}


class FirstRows:
    """At most so many rows, and none after three seconds.

    After a reading `complete` says whether these were all.
    """

    def __init__(self, rows: Rows, most: int) -> None:
        self.inner = rows
        self._most = most
        self.open_ended = rows.open_ended
        self.complete = True

    def names(self) -> list[str]:
        return self.inner.names()

    def declared(self, name: str) -> ColumnType | None:
        return self.inner.declared(name)

    def judge(self, name: str) -> Judge:
        return self.inner.judge(name)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return self.inner.caster(name, kind, given=given)

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
