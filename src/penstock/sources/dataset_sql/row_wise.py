"""SQL in which each row of the result comes from one row of the source. A row for which it fails is quarantined alone.

Where the SQL joins, groups, counts or reads other rows, a result cannot be traced to one record, and one unreadable
value has to stop the whole run (`shaped_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import orjson
import pyarrow as pa

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk
from penstock.sources.typing.pieces import Piece

STEPS = frozenset({"PROJECTION", "FILTER", "PYTHON_ARROW_SCAN", "UNNEST"})  # each makes rows of one row
SORT = "ORDER_BY"
HOPELESS = 100  # records that fail before any has passed: it is the SQL that is wrong
MANY = 64  # misfits of a chunk whose results are separated one by one
FAULTS = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)


class _SqlPart(NamedTuple):
    """Some rows of the result; `refused` by their place, `sources` their rows in the chunk where that is known."""

    table: pa.Table
    refused: Mapping[int, Refusal] = {}
    sources: Mapping[int, int] = {}


class RowWisePlan(NamedTuple):
    """A plan whose results can each be led back to one row: its conditions, and whether it sorts the rows, or
    makes any number of rows of one.
    """

    filters: str
    sorts: bool
    multiplies: bool


def row_wise_plan(plan: str) -> RowWisePlan | None:
    """The plan (JSON of DuckDB's `explain`) when it is row-wise; None when it is not."""
    nodes: list[dict[str, Any]] = list(orjson.loads(plan))
    said: list[str] = []
    names: set[str] = set()
    scans = 0
    while nodes:
        node = nodes.pop()
        names.add(node["name"])
        if node["name"] not in STEPS and node["name"] != SORT:
            return None
        scans += node["name"] == "PYTHON_ARROW_SCAN"
        told = node.get("extra_info") or {}
        said += [str(told.get(name, "")) for name in ("Expression", "Filters")]
        nodes += node.get("children", [])
    return RowWisePlan("\n".join(said), SORT in names, "UNNEST" in names) if scans == 1 else None


class RowWiseSql:
    """Evaluates a row-wise statement chunk by chunk, on a connection whose `source` it sets."""

    def __init__(
        self,
        statement: str,
        types: Mapping[str, pa.DataType],
        plan: RowWisePlan,
        words: Callable[[duckdb.Error], str],
        *,
        part: bool,
    ) -> None:
        """`words`: the database's message about an error, on one line.

        `part`: the source returns only what is new. Of a whole source some record must pass, else the SQL is wrong.
        """
        self._statement, self._types, self._plan, self._words = statement, types, plan, words
        self._part, self._passed, self._first = part, 0, list[duckdb.Error]()

    def pieces(
        self, connection: duckdb.DuckDBPyConnection, chunks: Iterator[Chunk], arrow: pa.Schema
    ) -> Iterator[Piece]:
        """The rows of the result, in the order of the source."""
        for chunk in chunks:
            batch = pa.RecordBatch.from_arrays(chunk.records.columns, schema=arrow)
            parts = [part for part in self._parts(connection, batch, chunk.misfits) if part.table.num_rows]
            if parts:
                yield self._piece(parts, chunk)
        if self._first and not self._passed and not self._part:
            raise self._first[0]

    def _parts(
        self, connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, misfits: Mapping[int, Refusal]
    ) -> Iterator[_SqlPart]:
        bad = sorted(misfits)
        if len(bad) > MANY:
            fits = pa.array([row not in misfits for row in range(batch.num_rows)])
            yield from self._good(connection, batch.filter(fits))
            for row in bad:
                yield from self._bad(connection, batch.slice(row, 1), row, misfits[row])
            return
        start = 0
        for row in bad:
            yield from self._good(connection, batch.slice(start, row - start))
            yield from self._bad(connection, batch.slice(row, 1), row, misfits[row])
            start = row + 1
        yield from self._good(connection, batch.slice(start))

    def _good(self, connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> Iterator[_SqlPart]:
        if not batch.num_rows:
            return
        try:
            table = self._result(connection, batch)
        except FAULTS as error:
            if batch.num_rows > 1:
                half = batch.num_rows // 2
                yield from self._good(connection, batch.slice(0, half))
                yield from self._good(connection, batch.slice(half))
                return
            if len(self._first) < HOPELESS:
                self._first.append(error)
            if not self._passed and len(self._first) >= HOPELESS:
                raise
            reason = f"the sql of the dataset fails on this record: {self._words(error)}"
            yield _SqlPart(self._itself(batch), {0: Refusal("sql", reason, accepted="a value that the sql takes")})
        else:
            self._passed += batch.num_rows
            yield _SqlPart(table)

    def _bad(
        self, connection: duckdb.DuckDBPyConnection, one: pa.RecordBatch, row: int, refusal: Refusal
    ) -> Iterator[_SqlPart]:
        """What becomes of one record whose value does not fit its column: the cell is null, the record refused."""
        try:
            table = self._result(connection, one)
        except FAULTS:
            table = self._itself(one)
        if table.num_rows == 0 and (self._plan.multiplies or (refusal.field or "") in self._plan.filters):
            table = self._itself(one)  # it is not known whether the condition holds for it
        if table.num_rows:
            made = range(table.num_rows)
            yield _SqlPart(table, dict.fromkeys(made, refusal), dict.fromkeys(made, row))

    def _result(self, connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.Table:
        connection.register("source", pa.Table.from_batches([batch]))
        table: pa.Table = connection.sql(self._statement).to_arrow_table()
        return table

    def _itself(self, one: pa.RecordBatch) -> pa.Table:
        """The source's row in the columns of the result, as far as they are the same."""
        columns = [
            one.column(name)
            if name in one.schema.names and one.schema.field(name).type == kind
            else pa.array([None], kind)
            for name, kind in self._types.items()
        ]
        return pa.table(dict(zip(self._types, columns, strict=True)))

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
        columns: dict[str, Any] = {name: whole.column(number).chunk(0) for number, name in enumerate(self._types)}
        return Piece(length, columns, refused=refused, originals=originals)
