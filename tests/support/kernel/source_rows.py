"""The result of a reading, in plain forms that tests compare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from penstock.model.record import Chunk, ReadWindow, Schema
from penstock.sources.chunks import read_frozen
from penstock.sources.dataset import Dataset
from penstock.sources.typing.schema import Detected


def rows_of(chunks: Iterator[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.records.to_pylist()]


def types_of(detected: Detected) -> dict[str, str]:
    return {column.name: column.type for column in detected.schema.columns}


def frozen_ids(
    dataset: Dataset, schema: Schema, path: Path, window: ReadWindow | None = None, now: datetime | None = None
) -> tuple[list[Any], ReadWindow | None]:
    """Freeze what is new, as a run does; the ids, and the next window as it is stored."""
    frozen = dataset.freeze(schema, path, window, now)
    rows = rows_of(read_frozen(path))
    assert len(rows) == frozen.rows
    return [row["id"] for row in rows], None if frozen.window is None else ReadWindow.from_json(frozen.window.to_json())
