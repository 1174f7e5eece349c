"""Which records have been read but not decided yet, and so how far the checkpoint may go."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from penstock.model.record import Chunk

Ordinals = NDArray[np.int64]


@dataclass(slots=True)
class OpenChunk:
    """A chunk on its way. `hashes` is (rows, 2) uint64, `prints` (rows,) uint64: both only where memory is asked."""

    chunk: Chunk
    rows: Ordinals  # row indices that this run still has to decide
    hashes: NDArray[np.uint64] | None = None
    prints: NDArray[np.uint64] | None = None
    left: int = 0

    @property
    def first(self) -> int:
        return self.chunk.first

    @property
    def end(self) -> int:
        return self.chunk.first + self.chunk.records.num_rows


class Backlog:
    """The open chunks in input order. `position` is the checkpoint: every ordinal before it is decided."""

    def __init__(self, position: int) -> None:
        self.position = position
        self._open: deque[OpenChunk] = deque()

    def add(self, chunk: OpenChunk) -> None:
        chunk.left = len(chunk.rows)
        self._open.append(chunk)
        self._advance()

    def find(self, ordinal: int) -> OpenChunk:
        """The open chunk that holds this ordinal; KeyError if it was closed."""
        for chunk in self._open:
            if chunk.first <= ordinal < chunk.end:
                return chunk
        raise KeyError(ordinal)

    def decided(self, ordinals: Iterable[int]) -> None:
        """Take these ordinals off; each must be decided exactly once."""
        chunk: OpenChunk | None = None
        for ordinal in ordinals:
            if chunk is None or not chunk.first <= ordinal < chunk.end:
                chunk = self.find(ordinal)
            chunk.left -= 1
        self._advance()

    def undecided(self) -> int:
        return sum(chunk.left for chunk in self._open)

    def open_chunks(self) -> Iterator[OpenChunk]:
        return iter(self._open)

    def _advance(self) -> None:
        while self._open and self._open[0].left == 0:
            self.position = self._open.popleft().end
