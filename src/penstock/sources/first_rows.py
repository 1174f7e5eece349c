"""The first rows of others: for a look that must not take long."""

from __future__ import annotations

import time
from collections.abc import Iterator

from penstock.model.spec import ColumnType
from penstock.sources.patience import FIRST_ROWS_S
from penstock.sources.pieces import Caster, Judge, Piece, Rows
from penstock.sources.process_memory import resident, trim

GROWN = 48 * 1024 * 1024  # bytes of resident memory after which freed memory is given back


class FirstRows:
    """At most so many rows, and no more once three seconds are over.

    After a reading `complete` says whether these were all.
    """

    def __init__(self, rows: Rows, most: int) -> None:
        self.inner = rows
        self._most = most
        self.open_ended = rows.open_ended
        self.complete = True

    def names(self) -> list[str]:
        return self.inner.names()

    def declared(self, name: str) -> ColumnType | None:
        return self.inner.declared(name)

    def judge(self, name: str) -> Judge:
        return self.inner.judge(name)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return self.inner.caster(name, kind, given=given)

    def pieces(self) -> Iterator[Piece]:
        left, end = self._most, time.monotonic() + FIRST_ROWS_S
        usual = resident()
        for piece in self.inner.pieces():
            if piece.length > left:
                self.complete = False
                if left:
                    yield piece.head(left)
                return
            yield piece
            left -= piece.length
            if resident() > usual + GROWN:  # what was freed lies in between what is used
                trim()
                usual = resident()
            if time.monotonic() >= end:
                self.complete = False
                return
