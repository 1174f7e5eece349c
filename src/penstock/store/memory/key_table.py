"""A map from 128-bit key hashes to two 64-bit words, in sorted numpy columns: 32 bytes a key.

The columns form levels, each at least four times as long as the next, and every key is in one level only: a known key
is changed in place, new keys become a level, and levels of like size are merged column by column, so that a merge needs
memory for one column more and no Python object is made for a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from penstock.store.runs.ordinals import Words

if TYPE_CHECKING:
    from numpy.typing import NDArray

Mask: TypeAlias = "NDArray[np.bool_]"
Positions: TypeAlias = "NDArray[np.intp]"

_RATIO = 4
LARGE = 1 << 15  # rows


class FoundKeys(NamedTuple):
    """The values of the requested keys; `values` is 0 where the key is not known."""

    values: Words
    prints: Words


@dataclass(slots=True)
class Level:
    """Four columns of equal length, sorted by `high`; no key twice."""

    high: Words
    low: Words
    values: Words
    prints: Words

    def __len__(self) -> int:
        return len(self.high)

    def positions(self, hashes: Words) -> Positions:
        """The position of each key, or -1."""
        if len(self) == 0:
            return np.full(len(hashes), -1, dtype=np.intp)
        high, low = hashes[:, 0], hashes[:, 1]
        spots = np.searchsorted(self.high, high)
        spots[spots == len(self)] = 0
        found = (self.high[spots] == high) & (self.low[spots] == low)
        self._step_over_twins(hashes, spots, found)
        return np.where(found, spots, -1)

    def _step_over_twins(self, hashes: Words, spots: Positions, found: Mask) -> None:
        """Two keys may share their high half (once in 10^7 tables of a million keys): then look further."""
        open_rows = np.flatnonzero(~found & (self.high[spots] == hashes[:, 0]))
        while len(open_rows) > 0:
            spots[open_rows] += 1
            open_rows = open_rows[spots[open_rows] < len(self)]
            open_rows = open_rows[self.high[spots[open_rows]] == hashes[open_rows, 0]]
            hit = self.low[spots[open_rows]] == hashes[open_rows, 1]
            found[open_rows[hit]] = True
            open_rows = open_rows[~hit]

    def absorb(self, other: Level) -> None:
        """Take in the rows of a level that shares no key with this one."""
        total = len(self) + len(other)
        new = np.searchsorted(self.high, other.high) + np.arange(len(other))
        old = np.ones(total, dtype=np.bool_)
        old[new] = False
        for name in ("high", "low", "values", "prints"):
            column = _room(total)
            column[new] = getattr(other, name)
            column[old] = getattr(self, name)
            setattr(self, name, column)


def _room(rows: int) -> Words:
    """An empty column. A large one has pages of its own, which the system has back as soon as it is let go."""
    if rows < LARGE:
        return np.empty(rows, dtype=np.uint64)
    return np.frombuffer(mmap(-1, rows * 8), dtype=np.uint64)


def newest(high: Words, low: Words) -> Positions | None:
    """The order that sorts the keys and keeps the last row of each; None if they are sorted and single already."""
    if bool(np.all(high[1:] > high[:-1])):
        return None
    order = np.argsort(high, kind="stable")
    if not bool(np.any(high[order[1:]] == high[order[:-1]])):
        return order
    order = np.lexsort((low, high))
    twins = (high[order[1:]] == high[order[:-1]]) & (low[order[1:]] == low[order[:-1]])
    newest_rows: Positions = order[np.append(~twins, True)]
    return newest_rows


def sorted_level(hashes: Words, values: Words, prints: Words) -> Level:
    """Rows in any order as a level; of equal keys the last one counts."""
    high, low = np.ascontiguousarray(hashes[:, 0]), np.ascontiguousarray(hashes[:, 1])
    order = newest(high, low)
    if order is None:
        return Level(high, low, values.copy(), prints.copy())
    return Level(high[order], low[order], values[order], prints[order])


class KeyTable:
    """The levels together. A value of 0 means "not known": callers do not store 0."""

    def __init__(self, level: Level | None = None) -> None:
        self._levels = [] if level is None or len(level) == 0 else [level]
        self._forgotten = 0  # rows at most that are only there to be dropped

    def __len__(self) -> int:
        """The number of rows, forgotten keys included."""
        return sum(len(level) for level in self._levels)

    @property
    def nbytes(self) -> int:
        return 32 * len(self)

    def find(self, hashes: Words) -> FoundKeys:
        """`hashes` is (n, 2). They are looked up in sorted order, which is three times as fast."""
        values, prints = np.zeros(len(hashes), dtype=np.uint64), np.zeros(len(hashes), dtype=np.uint64)
        order = np.argsort(hashes[:, 0])
        ordered = hashes[order]
        for level in self._levels:
            spots = level.positions(ordered)
            rows = np.flatnonzero(spots >= 0)
            values[order[rows]], prints[order[rows]] = level.values[spots[rows]], level.prints[spots[rows]]
        return FoundKeys(values, prints)

    def put(self, hashes: Words, values: Words, prints: Words) -> None:
        """Set the values of these keys; of equal keys the last one counts."""
        fresh = sorted_level(hashes, values, prints)
        for level in self._levels:
            keys = np.column_stack((fresh.high, fresh.low))
            spots = level.positions(keys)
            rows = np.flatnonzero(spots >= 0)
            level.values[spots[rows]], level.prints[spots[rows]] = fresh.values[rows], fresh.prints[rows]
            if len(rows) > 0:
                rest = spots < 0
                fresh = Level(fresh.high[rest], fresh.low[rest], fresh.values[rest], fresh.prints[rest])
        if len(fresh) > 0:
            self._levels.append(fresh)
            self._settle()

    def forget(self, hashes: Words) -> None:
        """These keys are not known any more."""
        for level in self._levels:
            spots = level.positions(hashes)
            spots = spots[spots >= 0]
            level.values[spots] = 0
            level.prints[spots] = 0
            self._forgotten += len(spots)
        if self._forgotten * 2 > len(self):
            self._drop_forgotten()

    def _drop_forgotten(self) -> None:
        kept = [(level, level.values != 0) for level in self._levels]
        self._levels = [
            Level(level.high[known], level.low[known], level.values[known], level.prints[known])
            for level, known in kept
            if known.any()
        ]
        self._forgotten = 0

    def _settle(self) -> None:
        levels = self._levels
        while len(levels) > 1 and len(levels[-2]) < _RATIO * len(levels[-1]):
            last = levels.pop()
            levels[-1].absorb(last)
