"""The results of a dataset's SQL in which a record for which the SQL fails is refused alone; the others are read.

Either the SQL is row-wise (each row of the result comes from one row of the source), or its source are posted records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from penstock.model.errors import EnvironmentFailure, InputError, PenstockError
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Schema
from penstock.model.spec import ColumnType
from penstock.sources.dataset_sql import BATCH, RowWisePlan, SqlResult
from penstock.sources.pushed_rows import SQL_RULE
from penstock.sources.typing.pieces import Piece, Rows, RowsLike
from penstock.sources.typing.schema import typed

HOPELESS = 100  # records that fail before any has passed: it is the SQL that is wrong
MANY = 64  # misfits of a chunk whose results are separated one by one
MOST_KEPT = 10_000  # records whose values do not fit, of SQL that sorts
REASON = 300  # characters
FAULTS = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)

Run = Callable[[pa.RecordBatch], pa.Table]
Fails = Callable[[pa.RecordBatch], "PenstockError | None"]


# ── row-wise SQL ──────────────────────────────────────────────────────────────


class RowWiseSqlResult(RowsLike):
    """The result of row-wise SQL. A record for which it fails, or with a value that does not fit, is refused alone.

    Where the SQL joins, groups, counts or reads other rows, a result cannot be traced to one record, and one unreadable
    value has to stop the whole run (`SqlResult`).
    """

    def __init__(self, result: SqlResult, plan: RowWisePlan, *, part: bool) -> None:
        """`part`: the source returns only what is new. Of a whole one some record must pass, else the SQL is wrong."""
        super().__init__(result)
        self._result, self._plan, self._part = result, plan, part

    def pieces(self) -> Iterator[Piece]:
        if not self._plan.sorts:
            yield from self._row_by_row(self._result.chunks())
            return
        misfits = Misfits()
        for batch in self._result.results(lambda: self._result.batches(map(misfits.take_out, self._result.chunks()))):
            yield self._result.piece(batch)
        if misfits.rows:
            yield from self._row_by_row([misfits.chunk()])

    def _row_by_row(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        with self._result.runner() as run:
            try:
                yield from _RowWiseSql(self._result, self._plan, run, part=self._part).pieces(chunks)
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise self._result.failure(error) from None


class _SqlPart(NamedTuple):
    """Some rows of the result; `refused` by their place, `sources` their rows in the chunk where that is known."""

    table: pa.Table
    refused: Mapping[int, Refusal] = {}
    sources: Mapping[int, int] = {}


class _RowWiseSql:
    """Evaluates a row-wise statement chunk by chunk."""

    def __init__(self, result: SqlResult, plan: RowWisePlan, run: Run, *, part: bool) -> None:
        self._result, self._plan, self._run, self._part = result, plan, run, part
        self._passed = 0  # records
        self._first: list[duckdb.Error] = []  # the first errors

    def pieces(self, chunks: Iterable[Chunk]) -> Iterator[Piece]:
        """The rows of the result, in the order of the source."""
        for chunk in chunks:
            batch = pa.RecordBatch.from_arrays(chunk.records.columns, schema=self._result.source_schema)
            parts = [part for part in self._parts(batch, chunk.misfits) if part.table.num_rows]
            if parts:
                yield self._piece(parts, chunk)
        if self._first and not self._passed and not self._part:
            raise self._first[0]

    def _parts(self, batch: pa.RecordBatch, misfits: Mapping[int, Refusal]) -> Iterator[_SqlPart]:
        bad = sorted(misfits)
        if len(bad) > MANY:
            fits = pa.array([row not in misfits for row in range(batch.num_rows)])
            yield from self._accepted(batch.filter(fits))
            for row in bad:
                yield from self._refused_row(batch.slice(row, 1), row, misfits[row])
            return
        start = 0
        for row in bad:
            yield from self._accepted(batch.slice(start, row - start))
            yield from self._refused_row(batch.slice(row, 1), row, misfits[row])
            start = row + 1
        yield from self._accepted(batch.slice(start))

    def _accepted(self, batch: pa.RecordBatch) -> Iterator[_SqlPart]:
        if not batch.num_rows:
            return
        try:
            table = self._run(batch)
        except FAULTS as error:
            if batch.num_rows > 1:
                half = batch.num_rows // 2
                yield from self._accepted(batch.slice(0, half))
                yield from self._accepted(batch.slice(half))
                return
            if len(self._first) < HOPELESS:
                self._first.append(error)
            if not self._passed and len(self._first) >= HOPELESS:
                raise
            reason = f"the sql of the dataset fails on this record: {self._words(error)}"
            yield _SqlPart(
                self._source_columns(batch), {0: Refusal("sql", reason, accepted="a value that the sql takes")}
            )
        else:
            self._passed += batch.num_rows
            yield _SqlPart(table)

    def _refused_row(self, one: pa.RecordBatch, row: int, refusal: Refusal) -> Iterator[_SqlPart]:
        """Refuse one record whose value does not fit its column; its cell is null."""
        try:
            table = self._run(one)
        except FAULTS:
            table = self._source_columns(one)
        if table.num_rows == 0 and (self._plan.multiplies or (refusal.field or "") in self._plan.filters):
            table = self._source_columns(one)  # it is not known whether the condition holds for it
        if table.num_rows:
            made = range(table.num_rows)
            yield _SqlPart(table, dict.fromkeys(made, refusal), dict.fromkeys(made, row))

    def _words(self, error: duckdb.Error) -> str:
        """The database's message about an error, on one line."""
        message = self._result.failure(error).problems[0].message
        return message.splitlines()[0].removeprefix("DuckDB says: ")

    def _source_columns(self, one: pa.RecordBatch) -> pa.Table:
        """The row of the source in the columns of the result: null in those that the source does not have."""
        columns = {
            field.name: one.column(field.name)
            if field.name in one.schema.names and one.schema.field(field.name).type == field.type
            else pa.array([None], field.type)
            for field in self._result.result_schema
        }
        return pa.table(columns)

    def _piece(self, parts: Sequence[_SqlPart], chunk: Chunk) -> Piece:
        refused: dict[int, Refusal] = {}
        originals: dict[int, str] = {}
        length = 0
        for part in parts:
            refused.update({length + place: refusal for place, refusal in part.refused.items()})
            for place, row in part.sources.items():
                if row in chunk.originals:
                    originals[length + place] = chunk.originals[row]
            length += part.table.num_rows
        whole = pa.concat_tables([part.table for part in parts]).combine_chunks()
        columns: dict[str, Any] = {
            name: whole.column(number).chunk(0) for number, name in enumerate(self._result.names())
        }
        return Piece(length, columns, refused=refused, originals=originals)


@dataclass(slots=True)
class Misfits:
    """Each of `rows` is one record, why it is refused, and its whole text where the columns do not hold it."""

    rows: list[tuple[pa.RecordBatch, Refusal, str | None]] = field(default_factory=list)

    def take_out(self, chunk: Chunk) -> Chunk:
        """The chunk without its misfits, which are stored here as long as they are few.

        Absent members of its rows are not marked.
        """
        if not chunk.misfits or len(self.rows) > MOST_KEPT:
            return chunk
        for row, refusal in sorted(chunk.misfits.items()):
            one = chunk.records.take(pa.array([row]))  # not a slice, which would retain the whole chunk
            self.rows.append((one, refusal, chunk.originals.get(row)))
        fits = pa.array([row not in chunk.misfits for row in range(chunk.records.num_rows)])
        return replace(chunk, records=chunk.records.filter(fits), absent={}, misfits={}, originals={})

    def chunk(self) -> Chunk:
        """All of them as one chunk."""
        table = pa.Table.from_batches([one for one, _, _ in self.rows]).combine_chunks()
        refusals = {row: refusal for row, (_, refusal, _) in enumerate(self.rows)}
        originals = {row: text for row, (_, _, text) in enumerate(self.rows) if text is not None}
        return Chunk(table.to_batches()[0], 0, misfits=refusals, originals=originals)


# ── SQL over posted records ───────────────────────────────────────────────────


class PostedSqlResult(RowsLike):
    """The result of the SQL over posted records, then the records that it cannot take: refused, with their own text.

    The SQL is run whole before anything is given, for it may fail at the last record. After a failure the records are
    halved again and again to find those with which it fails. InputError where it fails with none of them alone: then
    it is the SQL that is wrong.
    """

    def __init__(self, result: SqlResult, inner: Rows, schema: Schema, given: Mapping[str, ColumnType]) -> None:
        super().__init__(result)
        self._result = result
        self._inner, self._schema, self._given = inner, schema, given
        self._refused: dict[int, tuple[str, Refusal]] = {}  # by the record's number

    def pieces(self) -> Iterator[Piece]:
        with NamedTemporaryFile(prefix="result-", suffix=".arrow", dir=self._result.workspace) as spool:
            while True:
                try:
                    self._run(spool.name)
                    break
                except InputError:
                    if not self._refuse_failing():
                        raise
            with pa.OSFile(spool.name, "rb") as file, pa.ipc.open_stream(file) as reader:
                for batch in reader:
                    yield self._result.piece(batch)
        found = [self._refused[number] for number in sorted(self._refused)]
        for start in range(0, len(found), BATCH):
            some = found[start : start + BATCH]
            refused = {row: refusal for row, (_, refusal) in enumerate(some)}
            yield Piece(len(some), {}, refused=refused, originals={row: text for row, (text, _) in enumerate(some)})

    def _run(self, path: str) -> None:
        """The whole result, written to a file."""
        results = self._result.results(lambda: (batch for batch, _, _ in self._accepted()))
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, self._result.result_schema) as writer:
            for batch in results:
                writer.write_batch(batch)

    def _accepted(self) -> Iterator[tuple[pa.RecordBatch, Sequence[int], Mapping[int, str]]]:
        """The typed records that are not refused, with their numbers and, by number, their texts."""
        first = 0
        for chunk in typed(self._inner, self._schema, self._given, whole=True):
            count = chunk.records.num_rows
            for row, refusal in chunk.misfits.items():
                self._refuse(first + row, chunk.originals[row], refusal)
            kept = [row for row in range(count) if first + row not in self._refused]
            batch = pa.RecordBatch.from_arrays(chunk.records.columns, schema=self._result.source_schema)
            if len(kept) < count:
                batch = batch.take(pa.array(kept, pa.int64()))
            yield batch, [first + row for row in kept], {first + row: chunk.originals[row] for row in kept}
            first += count

    def _refuse(self, number: int, text: str, refusal: Refusal) -> None:
        self._refused[number] = (text, replace(refusal, rule=SQL_RULE))

    def _refuse_failing(self) -> bool:
        """Refuse every record with which the SQL fails; whether there is one."""
        before = len(self._refused)
        with self._result.trial() as fails:
            for batch, numbers, texts in self._accepted():
                for place, error in _failing(fails, batch, 0):
                    words = error.problems[0].message.splitlines()[0][:REASON]
                    accepted = "a record that the SQL takes; correct the record, or the SQL of the dataset"
                    refusal = Refusal(SQL_RULE, f"the dataset's SQL fails with this record: {words}", accepted=accepted)
                    self._refuse(numbers[place], texts[numbers[place]], refusal)
        return len(self._refused) > before


def _failing(fails: Fails, batch: pa.RecordBatch, start: int) -> Iterator[tuple[int, PenstockError]]:
    """The places of the records with which alone the SQL fails, with the error of each."""
    error = fails(batch) if batch.num_rows else None
    if error is None:
        return
    if isinstance(error, EnvironmentFailure):
        raise error  # it is not about the records
    if batch.num_rows == 1:
        yield start, error
        return
    half = batch.num_rows // 2
    yield from _failing(fails, batch.slice(0, half), start)
    yield from _failing(fails, batch.slice(half), start + half)
