"""What a dataset's SQL says about its rows: which of them make no record, and which members it left out.

The SQL says so in two columns that are never sent: `penstock_no_record` has the reason why a row makes no record (null:
it makes one), `penstock_left_out` the names that the row does not pass on, as a list or as JSON.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from penstock.engine.rows import is_json_text
from penstock.model.record import LEFT_OUT, NO_RECORD, Chunk
from penstock.sources.pieces import shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

NoteCounts = Counter[tuple[str, str, str]]

IS_NO_RECORD = "no record"
IS_LEFT_OUT = "left out"
BY_SQL = "the SQL of the dataset does not pass it on"
MOST_NAMES = 50  # of one record: they come from outside


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
