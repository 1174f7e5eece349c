"""The replies of a destination as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from penstock.model.spec import ColumnType
from penstock.sources.arrow_typing import ArrowJudge, arrow_caster, column_type
from penstock.sources.pieces import JSON_FIELD, Caster, Judge, Piece


class ReplyRows:
    """Record batches that the state gives; as long as there is none, there are no columns. JSON columns are marked."""

    open_ended = False

    def __init__(self, batches: Callable[[], Iterator[pa.RecordBatch]]) -> None:
        self._batches = batches
        first = next(batches(), None)
        fields = [] if first is None else list(first.schema)
        self._types = {field.name: pa.json_() if field.metadata == JSON_FIELD else field.type for field in fields}

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        return column_type(self._types[name])

    def judge(self, name: str) -> Judge:
        return ArrowJudge(self._types[name], narrow=False)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:  # noqa: ARG002 - the same either way
        return arrow_caster(name, self._types[name], kind)

    def pieces(self) -> Iterator[Piece]:
        for batch in self._batches():
            yield Piece(batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))
