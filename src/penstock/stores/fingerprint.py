"""A fingerprint of the input columns in use: when it is the same as last time, a record is not even rendered.

DuckDB's hash is not promised to stay the same between versions, so a fingerprint counts only under the version it was
made with; after an upgrade a run is slower once, and sends nothing because of it (the content hash decides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.stores.packing import Words
from penstock.transform.nested import json_values


def fingerprint_version() -> str:
    """Fingerprints of another version do not count."""
    return f"2/{duckdb.__version__}"


def fingerprints(
    batch: pa.RecordBatch, columns: Sequence[str], absent: Mapping[str, frozenset[int]] | None = None
) -> Words:
    """(rows,) uint64, never 0. Absent is told from null; the columns' order counts, their neighbours do not."""
    if not columns:
        return np.ones(batch.num_rows, dtype=np.uint64)
    names = [f"c{number}" for number in range(len(columns))]
    table = pa.Table.from_arrays([_plain(batch.column(name)) for name in columns], names)
    with _database().cursor() as con:
        con.register("input", table)
        found = con.sql(f"select hash({', '.join(names)}) as print from input").fetchnumpy()
    prints = np.asarray(found["print"], dtype=np.uint64)
    for number, name in enumerate(columns, start=1):
        gone = list((absent or {}).get(name, ()))
        if gone:
            prints[gone] = _stirred(prints[gone], number)
    prints[prints == 0] = 1
    return prints


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for the process: to open one takes longer than to hash a chunk. Every use has its own cursor."""
    return duckdb.connect(config={"threads": 1})


def _stirred(prints: Words, number: int) -> Words:
    """Other words, by which column is absent: the finishing steps of a 64-bit hash."""
    words = prints + np.uint64(number * 0x9E3779B97F4A7C15 % (1 << 64))
    words ^= words >> np.uint64(32)
    words *= np.uint64(0xD6E8FEB86659FD93)
    return words ^ (words >> np.uint64(32))


def _plain(array: pa.Array) -> pa.Array:  # type: ignore[type-arg]
    kind = array.type
    if pa.types.is_dictionary(kind):
        return pc.cast(array, kind.value_type)
    if pa.types.is_nested(kind) and _holds_foreign(kind):
        return pa.array([repr(value) for value in json_values(array)], pa.string())
    return array


def _holds_foreign(kind: pa.DataType) -> bool:
    """Whether a type, or one inside it, is one that DuckDB does not read."""
    if pa.types.is_nested(kind):
        return any(_holds_foreign(kind.field(number).type) for number in range(kind.num_fields))
    return pa.types.is_float16(kind) or pa.types.is_decimal256(kind)
