"""The replies of a destination as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from penstock.model.spec import ColumnType
from penstock.sources.arrow_typing import ArrowJudge, arrow_caster, column_type
from penstock.sources.freezing import Window
from penstock.sources.pieces import JSON_FIELD, Caster, Judge, Piece
from penstock.sources.pushed_rows import place_of, window_at


@dataclass(frozen=True, slots=True)
class Replies:
    """The replies that the state keeps of a destination: the source they are, their columns, those after an id.

    They come in parts; each comes with the id of its last reply. JSON columns are marked.
    """

    source: str
    schema: pa.Schema
    after: Callable[[int], Iterator[tuple[int, pa.RecordBatch]]]


class ReplyRows:
    """The replies of a destination. Their columns are known before there is any."""

    open_ended = False

    def __init__(self, replies: Replies) -> None:
        self.replies = replies
        marked = dict(JSON_FIELD)
        self._types = {f.name: pa.json_() if f.metadata == marked else f.type for f in replies.schema}

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        return column_type(self._types[name])

    def judge(self, name: str) -> Judge:
        return ArrowJudge(self._types[name], narrow=False)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:  # noqa: ARG002 - the same either way
        return arrow_caster(name, self._types[name], kind)

    def pieces(self) -> Iterator[Piece]:
        return self.since(None).pieces()

    def since(self, window: Window | None) -> ReplyIncrement:
        """Only the replies that came after the window."""
        return ReplyIncrement(self, window)


class ReplyIncrement:
    """The replies that are new since a window. After a full reading `reached` is the next window."""

    open_ended = False

    def __init__(self, rows: ReplyRows, window: Window | None) -> None:
        self._replies = rows.replies
        self._last = place_of(window, rows.replies.source)
        self.reached: Window | None = window
        self.names = rows.names
        self.declared = rows.declared
        self.judge = rows.judge
        self.caster = rows.caster

    def pieces(self) -> Iterator[Piece]:
        for last, batch in self._replies.after(self._last):
            yield Piece(batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))
            self.reached = window_at(last, self._replies.source)
