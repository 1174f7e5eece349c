"""Rows of a chunk as JSON text, records as a chunk, and the rows of a chunk that share a key or make no record.

The quarantine stores, shows, edits and resends a record in this text. A dataset's SQL may mark rows in two columns that
are never sent: `penstock_no_record` has the reason why a row makes no record (null: it makes one), `penstock_left_out`
the names that the row does not pass on, as a list or as JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
import xxhash

from penstock.model.outcome import Refusal
from penstock.model.record import LEFT_OUT, NO_RECORD, Chunk, Column, Schema
from penstock.model.spec import ColumnType
from penstock.render.values.columns import json_values
from penstock.sources.typing.exact_json import plain_value, write_record
from penstock.sources.typing.pieces import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray


JSON_MARK = {b"penstock": b"json"}
INT64 = range(-(2**63), 2**63)


Fields: TypeAlias = "Sequence[tuple[int, pa.Field[Any]]]"

NoteCounts = Counter[tuple[str, str, str]]

IS_NO_RECORD = "no record"
IS_LEFT_OUT = "left out"
BY_SQL = "the SQL of the dataset does not pass it on"
MOST_NAMES = 50  # of one record: they come from outside

Rows: TypeAlias = "NDArray[np.int64]"


def present_fields(chunk: Chunk) -> Fields:
    """The columns of a chunk, by their place, without those that are absent in every row."""
    rows, absent = chunk.records.num_rows, chunk.absent
    found = enumerate(chunk.records.schema)
    return [(index, field) for index, field in found if len(absent.get(field.name, ())) < rows]


def record_json(chunk: Chunk, row: int, fields: Fields | None = None) -> str:
    """Row `row` of the chunk as one JSON object: absent members left out, nulls kept, numbers exact.

    `fields` are the chunk's `present_fields`, for callers that write many of its rows.
    """
    original = chunk.originals.get(row)
    if original is not None:
        return original
    members: dict[str, Any] = {}
    for index, field in present_fields(chunk) if fields is None else fields:
        if row in chunk.absent.get(field.name, ()):
            continue
        value = _value(chunk.records.column(index), row)
        if value is not None and is_json_text(field):
            value = orjson.Fragment(value)
        members[field.name] = value
    for refusal in [chunk.misfits[row]] if row in chunk.misfits else []:
        members[refusal.field or ""] = refusal.value  # its cell is empty because it did not fit: show what was there
    return orjson.dumps(members, default=plain_value, option=orjson.OPT_NON_STR_KEYS).decode()


def _value(column: pa.Array[Any], row: int) -> Any:
    """One cell; where Python's own types do not hold it, as the text or JSON value that is sent or refused."""
    try:
        return column[row].as_py()
    except (ValueError, OverflowError):
        return _shown(json_values(column[row : row + 1])[0])


def _shown(value: Any) -> Any:
    """A value for people; of a refused one the text that was found."""
    if isinstance(value, Refusal):
        return value.value
    if isinstance(value, dict):
        return {name: _shown(member) for name, member in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def record_hash(text: str) -> int:
    """A stable 64-bit hash of a record's JSON: the same on every machine and in every version; never 0."""
    return xxhash.xxh3_64_intdigest(text.encode()) or 1


def is_json_text(field: pa.Field[Any]) -> bool:
    """Whether a text column has JSON, which is decoded."""
    return (field.metadata or {}).get(b"penstock") == b"json"


def chunk_of(records: Sequence[Mapping[str, Any]], schema: Schema) -> Chunk:
    """Edited records as a chunk of the dataset: members missing are absent, values that do not fit are misfits.

    Members that the dataset has no column for are left out: nothing in its settings could name them.
    """
    absent: dict[str, frozenset[int]] = {}
    misfits: dict[int, Refusal] = {}
    arrays, fields = [], []
    for column in schema.columns:
        rows = frozenset(row for row, record in enumerate(records) if column.name not in record)
        if rows:
            absent[column.name] = rows
        values: list[Any] = []
        for row, record in enumerate(records):
            value = record.get(column.name)
            fitting = None if value is None else _fit(value, column)
            if isinstance(fitting, Refusal):
                misfits.setdefault(row, fitting)
                fitting = None
            values.append(fitting)
        array = _array(values, column)
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, metadata=JSON_MARK if column.type == "json" else None))
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))
    return Chunk(batch, 0, absent, misfits)


def _fit(value: Any, column: Column) -> Any:
    """The value in its column's type, or the refusal."""
    try:
        return _as_type(value, column.type)
    except ValueError:
        shown, kind = write_record(value)[:80], column.type
        reason = f"{shown} is no {kind}, the type of the column {column.name}"
        return Refusal("type", reason, field=column.name, value=shown, accepted=f"a value of type {kind}, or null")


def _as_type(value: Any, kind: ColumnType) -> Any:
    """The value as a column of this type holds it. Raises ValueError where it does not fit."""
    match kind, value:
        case "json", _:
            return write_record(value)
        case ("text", str()) | ("boolean", bool()):
            return value
        case "integer", int() if type(value) is int and value in INT64:
            return value
        case "number", int() | float() | Decimal() if not isinstance(value, bool):
            return value
        case "date", str():
            return date.fromisoformat(value)
        case "timestamp", str():
            return datetime.fromisoformat(value)
    raise ValueError


def _array(values: list[Any], column: Column) -> pa.Array[Any]:
    if column.type == "number":
        if any(isinstance(value, Decimal) for value in values):
            return pa.array([None if value is None else Decimal(value) for value in values])
        return pa.array(values, pa.float64())
    if column.type == "timestamp":
        aware = any(value is not None and value.tzinfo is not None for value in values)
        return pa.array(values, pa.timestamp("us", "UTC" if aware else None))
    types = {
        "text": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    return pa.array(values, types[column.type])


def without_record(chunk: Chunk, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Reason → those of `rows` that make no record for this reason."""
    found: dict[str, list[int]] = {}
    for row, reason in _present(chunk, NO_RECORD, rows):
        found.setdefault(shorten(reason), []).append(row)
    return {reason: np.array(some, dtype=np.int64) for reason, some in found.items()}


def left_out(chunk: Chunk, rows: NDArray[np.int64]) -> NoteCounts:
    """How many of `rows` have each name that the SQL left out."""
    counted: NoteCounts = Counter()
    for _, value in _present(chunk, LEFT_OUT, rows):
        names = value if isinstance(value, list) else [value]
        counted.update((shorten(name), IS_LEFT_OUT, BY_SQL) for name in names[:MOST_NAMES])
        if len(names) > MOST_NAMES:
            counted["other names", IS_LEFT_OUT, BY_SQL] += 1
    return counted


def _present(chunk: Chunk, column: str, rows: NDArray[np.int64]) -> list[tuple[int, Any]]:
    """The rows that have a value in the column, with the value."""
    place = chunk.records.schema.get_field_index(column)
    if place < 0:
        return []
    values = chunk.records.column(place)
    if values.null_count == len(values):
        return []
    is_json = is_json_text(chunk.records.schema.field(place))
    cells = zip(rows.tolist(), values.take(rows).to_pylist(), strict=True)
    given = ((row, orjson.loads(value) if is_json and value is not None else value) for row, value in cells)
    return [(row, value) for row, value in given if value is not None]


def key_groups(hashes: NDArray[np.uint64], rows: Rows) -> list[Rows]:
    """The rows of each key that has several of them, in their order; rows without a key (hash 0) share none.

    `hashes` are the (rows, 2) key hashes of the whole chunk, `rows` the indices to look at, ascending.
    """
    keys = hashes[rows, 0] ^ hashes[rows, 1]
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    again = in_order[1:] == in_order[:-1]
    again &= in_order[1:] != 0
    if not again.any():
        return []
    borders = np.flatnonzero(np.diff(np.concatenate(([False], again, [False])).astype(np.int8)))
    return [rows[np.sort(order[start : stop + 1])] for start, stop in borders.reshape(-1, 2).tolist()]


def fold_prints(prints: NDArray[np.uint64], groups: list[Rows], misfits: frozenset[int]) -> None:
    """Give the last row of each group the fingerprint of the whole group, and the others none.

    Memory keeps one fingerprint a key: it may say *the same input* only of all versions together, in their order. With
    a misfit among them (whose cell is empty) it says nothing.
    """
    for group in groups:
        folded = np.uint64(0)
        with np.errstate(over="ignore"):
            for print_ in prints[group]:
                folded = (folded ^ print_) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(len(group))
        prints[group] = 0
        if misfits.isdisjoint(group.tolist()):
            prints[group[-1]] = folded
