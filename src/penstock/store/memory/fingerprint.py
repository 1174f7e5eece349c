"""A fingerprint of the input columns in use. A record with the same fingerprint as last time is not rendered.

DuckDB's hash is not promised to be the same in all versions, so a fingerprint counts only under the version it was made
with; after an upgrade a run is slower once, and sends nothing because of it (the content hash decides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.render.values.columns import json_values
from penstock.store.runs.ordinals import Words


def fingerprint_version() -> str:
    """Fingerprints of another version do not count."""
    return f"2/{duckdb.__version__}"


def fingerprints(
    batch: pa.RecordBatch, columns: Sequence[str], absent: Mapping[str, frozenset[int]] | None = None
) -> Words:
    """(rows,) uint64, never 0. Absent differs from null; the columns' order counts, their neighbours do not."""
    if not columns:
        return np.ones(batch.num_rows, dtype=np.uint64)
    known = set(batch.schema.names)
    nothing: pa.Array = pa.nulls(batch.num_rows, pa.string())  # type: ignore[type-arg]
    arrays = [_plain(batch.column(name)) if name in known else nothing for name in columns]
    try:
        prints = _hashed(arrays)
    except duckdb.Error:
        prints = _hashed([_spelled(array) for array in arrays])
    for number, name in enumerate(columns, start=1):
        gone = list((absent or {}).get(name, ())) if name in known else list(range(batch.num_rows))
        if gone:
            prints[gone] = _stirred(prints[gone], number)
    prints[prints == 0] = 1
    return prints


def _hashed(arrays: Sequence[pa.Array]) -> Words:  # type: ignore[type-arg]
    names = [f"c{number}" for number in range(len(arrays))]
    with _database().cursor() as con:
        con.register("input", pa.Table.from_arrays(arrays, names))
        found = con.sql(f"select hash({', '.join(names)}) as print from input").fetchnumpy()
    return np.asarray(found["print"], dtype=np.uint64)


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
    return pc.cast(array, array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _spelled(array: pa.Array) -> pa.Array:  # type: ignore[type-arg]
    """A nested column as text: DuckDB knows fewer types than Arrow, and refuses text that is not UTF-8."""
    return pa.array(map(repr, json_values(array)), pa.string()) if pa.types.is_nested(array.type) else array
