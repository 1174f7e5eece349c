"""What a reading gave, in the plain forms that tests compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from penstock.model.record import Chunk
from penstock.sources.typing.schema import Detected


def rows_of(chunks: Iterator[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.records.to_pylist()]


def types_of(detected: Detected) -> dict[str, str]:
    return {column.name: column.type for column in detected.schema.columns}
