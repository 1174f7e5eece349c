"""Raw rows as typed chunks by a stored schema.

`NoRows` is a source of which only the columns are known, so that SQL can be bound to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from penstock.deadline import check_patience
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Schema
from penstock.model.spec import ColumnType
from penstock.sources.typing.arrow import ArrowJudge, arrow_caster
from penstock.sources.typing.pieces import Cast, Caster, Judge, Piece, Rows, arrow_field
from penstock.sources.typing.text import arrow_types, is_written, writing_caster

WIDE = 256  # columns


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
        check_patience()
        yield _chunk(piece, _present(arrow, piece) if lean else arrow, casters)


def _present(arrow: pa.Schema, piece: Piece) -> pa.Schema:
    """The columns that the piece has; one that it does not have where it has none, for the sake of its rows."""
    fields = [field for field in arrow if field.name in piece.columns]
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
            casters[column.name] = _nothing(arrow_types()[column.type])
            continue
        by_person = column.name in given
        by_text = by_person or is_written(column)
        caster = rows.caster(column.name, column.type, given=by_text)
        casters[column.name] = writing_caster(column, caster, given=by_person)
    return casters


def _nothing(kind: Any) -> Caster:
    """For a column that no piece has."""
    return Caster(kind, lambda column: Cast(pa.nulls(len(column), kind), {}))


def _chunk(piece: Piece, arrow: pa.Schema, casters: Mapping[str, Caster]) -> Chunk:
    arrays: list[pa.Array[Any]] = []
    misfits: dict[int, Refusal] = dict(piece.refused)
    absent = dict(piece.absent)
    everywhere = frozenset(range(piece.length))
    for field in arrow:
        column = piece.columns.get(field.name)
        if column is None:
            arrays.append(pa.nulls(piece.length, field.type))
            absent[field.name] = everywhere
            continue
        array, found = casters[field.name].cast(column)
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
