"""The shared part of the hand-written peers: pages of rows from Parquet, and the unchecked payload of a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from records import SENT

READ_AT_ONCE = 10_000


def pages(path: Path, size: int) -> Iterator[list[dict[str, Any]]]:
    """Rows as dicts, `size` at a time; the file is streamed, so that a peer's memory does not grow with it."""
    for batch in pq.ParquetFile(path).iter_batches(READ_AT_ONCE):
        for start in range(0, len(batch), size):
            yield batch.slice(start, size).to_pylist()


def payload(row: dict[str, Any]) -> dict[str, Any]:
    """The 15 fields, without nulls."""
    return {name: row[name] for name in SENT if row[name] is not None}


def body(rows: list[dict[str, Any]], size: int) -> Any:
    """The body of one request: {"batch": [records]}, or the one record."""
    return {"batch": [payload(row) for row in rows]} if size > 1 else payload(rows[0])


def plain(value: Any) -> str:
    """json.dumps's `default`: dates and times as ISO 8601."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(value)
