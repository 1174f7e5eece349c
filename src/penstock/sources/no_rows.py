"""A source of which only the columns are known: SQL can be bound to them, and there is nothing to read."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from penstock.model.record import Schema
from penstock.model.spec import ColumnType
from penstock.sources.arrow_typing import ArrowJudge, arrow_caster
from penstock.sources.pieces import Caster, Judge, Piece
from penstock.sources.text_typing import arrow_types


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
