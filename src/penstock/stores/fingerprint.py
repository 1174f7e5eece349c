"""A fingerprint of the input columns in use: when it is the same as last time, a record is not even rendered.

DuckDB's hash is not promised to stay the same between versions, so a fingerprint counts only under the version it was
made with; after an upgrade a run is slower once, and sends nothing because of it (the content hash decides).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.stores.packing import Words

FINGERPRINT_VERSION = f"1/{duckdb.__version__}"


def fingerprints(
    batch: pa.RecordBatch, columns: Sequence[str], absent: Mapping[str, frozenset[int]] | None = None
) -> Words:
    """(rows,) uint64, never 0. Absent is told from null; the columns' order counts, their neighbours do not."""
    arrays = [_plain(batch.column(name)) for name in columns]
    for name in columns:
        if (absent or {}).get(name):
            gone = np.zeros(batch.num_rows, dtype=np.int64)
            gone[list((absent or {})[name])] = 1
            arrays.append(pa.array(gone))
    if not arrays:
        return np.ones(batch.num_rows, dtype=np.uint64)
    names = [f"c{number}" for number in range(len(arrays))]
    table = pa.Table.from_arrays(arrays, names)
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("input", table)
        found = con.sql(f"select hash({', '.join(names)}) as print from input").fetchnumpy()
    prints = np.asarray(found["print"], dtype=np.uint64)
    prints[prints == 0] = 1
    return prints


def _plain(array: pa.Array) -> pa.Array:  # type: ignore[type-arg]
    return pc.cast(array, array.type.value_type) if pa.types.is_dictionary(array.type) else array
