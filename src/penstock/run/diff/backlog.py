"""The records that have been read but not decided yet, and so how far the checkpoint may advance.

A row that equals one in flight gets the outcome of that one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from penstock.model.record import Chunk, Key, Payload
from penstock.run.diff.records import Fields, present_fields, record_json
from penstock.store.memory import Memory
from penstock.store.quarantine import KeyHash

if TYPE_CHECKING:
    from numpy.typing import NDArray


Ordinals: TypeAlias = "NDArray[np.int64]"


COLUMN_CELLS = 128
SENT_AGAIN_FROM = 1 << 40  # ordinals from here on: records that the run sends again, which are not of its input


class Traced(NamedTuple):
    """One record as the recorder knows it: `record` is its JSON, `print` the fingerprint of its input (0: none)."""

    ordinal: int
    key: Key | None
    hash: tuple[int, int]
    print: int
    record: str


@dataclass(slots=True)
class OpenChunk:
    """A chunk in flight: its records' keys, (rows, 2) key hashes (0, 0 without a key) and (rows,) fingerprints.

    `prints` is None where memory is not used.
    """

    chunk: Chunk
    rows: Ordinals  # row indices that this run still has to decide
    keys: list[Key | None]
    hashes: NDArray[np.uint64]
    prints: NDArray[np.uint64] | None = None
    left: int = 0
    is_part: bool = False  # whether it is classified in parts: `rows` are those of one part
    fields: Fields | None = field(default=None, repr=False)

    def trace(self, ordinal: int) -> Traced:
        """One of its records as the recorder needs it."""
        row = ordinal - self.chunk.first
        print_ = 0 if self.prints is None else int(self.prints[row])
        return Traced(ordinal, self.keys[row], self.hash_of(ordinal), print_, self.json(row))

    def hash_of(self, ordinal: int) -> tuple[int, int]:
        """The key hash of one of its records."""
        high, low = self.hashes[ordinal - self.first]
        return int(high), int(low)

    def json(self, row: int) -> str:
        """One of its records as JSON."""
        if self.fields is None:
            self.fields = present_fields(self.chunk)
        return record_json(self.chunk, row, self.fields)

    @property
    def weight(self) -> int:
        """Its cells, and for each column what a column takes without any."""
        return self.chunk.records.num_columns * (self.chunk.records.num_rows + COLUMN_CELLS)

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

    def trace(self, ordinal: int) -> Traced:
        """One open record as the recorder knows it."""
        return self.find(ordinal).trace(ordinal)

    def hash_of(self, ordinal: int) -> tuple[int, int]:
        """The key hash of an open record."""
        return self.find(ordinal).hash_of(ordinal)

    def words(self, ordinals: Sequence[int]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Key hashes (n, 2) and fingerprints (n,) of open records."""
        hashes = np.empty((len(ordinals), 2), dtype=np.uint64)
        prints = np.zeros(len(ordinals), dtype=np.uint64)
        chunk: OpenChunk | None = None
        for index, ordinal in enumerate(ordinals):
            if chunk is None or not chunk.first <= ordinal < chunk.end:
                chunk = self.find(ordinal)
            hashes[index] = chunk.hashes[ordinal - chunk.first]
            if chunk.prints is not None:
                prints[index] = chunk.prints[ordinal - chunk.first]
        return hashes, prints

    def decided(self, ordinals: Ordinals) -> None:
        """Take these ordinals off; each must be decided exactly once."""
        for chunk in self._open:
            chunk.left -= int(((ordinals >= chunk.first) & (ordinals < chunk.end)).sum())
        self._advance()

    def weight(self) -> int:
        """Approximately how much memory the open chunks take, in cells."""
        return sum(chunk.weight for chunk in self._open)

    def undecided(self) -> int:
        """The records of the input without an outcome. One that was to be sent again has the outcome that it had."""
        return sum(chunk.left for chunk in self._open if chunk.first < SENT_AGAIN_FROM)

    def _advance(self) -> None:
        while self._open and self._open[0].left == 0:
            chunk = self._open.popleft()
            if chunk.first < SENT_AGAIN_FROM:
                self.position = chunk.end


class SameKeyRow(NamedTuple):
    """A row that waits; `hash` is its key's."""

    payload: Payload
    hash: KeyHash


class SameKeyRows:
    """Those that wait, by the key's hash."""

    def __init__(self) -> None:
        self._waiting: dict[KeyHash, list[SameKeyRow]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, row: SameKeyRow) -> None:
        self._waiting.setdefault(row.hash, []).append(row)

    def take(self, hash_: KeyHash, content: int) -> list[SameKeyRow]:
        """Remove and return the rows equal to a payload that was not delivered."""
        found = self._waiting.pop(hash_, [])
        others = [row for row in found if row.payload.content != content]
        if others:
            self._waiting[hash_] = others
        return [row for row in found if row.payload.content == content]

    def take_sent(self, memory: Memory) -> Iterator[SameKeyRow]:
        """Remove and return the rows equal to a payload that was delivered."""
        keys = list(self._waiting)
        in_flight = memory.is_in_flight(np.array(keys, dtype=np.uint64).reshape(-1, 2))
        for key, still in zip(keys, in_flight.tolist(), strict=True):
            if not still:
                yield from self._waiting.pop(key)

    def take_all(self) -> Iterator[SameKeyRow]:
        found, self._waiting = self._waiting, {}
        for rows in found.values():
            yield from rows
