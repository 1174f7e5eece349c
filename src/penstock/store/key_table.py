"""A map from 128-bit key hashes to two 64-bit words, in sorted numpy columns: 32 bytes a key.

The columns form levels, each at least four times as long as the next, and every key is in one level only: a known key
is changed in place, new keys become a level, and levels of like size are merged column by column, so that a merge needs
memory for one column more and no Python object is made for a key.

On disk the map is packed, append-only segments of which the newest wins; small ones are merged as they accumulate. A
segment holds a commit's keys sorted, in four blobs of little-endian 64-bit words. A value of 0 means "forgotten".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from penstock.store.runs.ordinals import Words
from penstock.store.tables import memory_segments as table

if TYPE_CHECKING:
    from numpy.typing import NDArray


Mask: TypeAlias = "NDArray[np.bool_]"
Positions: TypeAlias = "NDArray[np.intp]"

_RATIO = 4
LARGE_COLUMN = 1 << 15  # rows
MERGED_AT_ONCE = 16  # so many small segments are merged into one
LONG_SEGMENT = (
    1 << 16
)  # keys: a longer one is not merged on the way, so that a commit stays short and needs little memory
FORGOTTEN = 0


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
        self._step_over_shared_halves(hashes, spots, found)
        return np.where(found, spots, -1)

    def _step_over_shared_halves(self, hashes: Words, spots: Positions, found: Mask) -> None:
        """Find keys whose high half another key shares, which happens once in 10^7 tables of a million keys."""
        open_rows = np.flatnonzero(~found & (self.high[spots] == hashes[:, 0]))
        while len(open_rows) > 0:
            spots[open_rows] += 1
            open_rows = open_rows[spots[open_rows] < len(self)]
            open_rows = open_rows[self.high[spots[open_rows]] == hashes[open_rows, 0]]
            hit = self.low[spots[open_rows]] == hashes[open_rows, 1]
            found[open_rows[hit]] = True
            open_rows = open_rows[~hit]

    def absorb(self, other: Level) -> None:
        """Add the rows of a level that shares no key with this one."""
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
    """An empty column. A large one has its own pages, which are returned to the system when it is freed."""
    if rows < LARGE_COLUMN:
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
    same = (high[order[1:]] == high[order[:-1]]) & (low[order[1:]] == low[order[:-1]])
    newest_rows: Positions = order[np.append(~same, True)]
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

    def keys(self) -> Words:
        """(n, 2): all known keys, in no order."""
        known = ((level, level.values != FORGOTTEN) for level in self._levels)
        parts = [np.column_stack((level.high[rows], level.low[rows])) for level, rows in known]
        return np.concatenate([np.empty((0, 2), dtype=np.uint64), *parts])

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
        """Remove these keys."""
        for level in self._levels:
            spots = level.positions(hashes)
            spots = spots[spots >= 0]
            level.values[spots] = 0
            level.prints[spots] = 0
            self._forgotten += len(spots)
        if self._forgotten * 2 > len(self):
            self._drop_forgotten()

    def _drop_forgotten(self) -> None:
        known_rows = [(level, level.values != 0) for level in self._levels]
        self._levels = [
            Level(level.high[known], level.low[known], level.values[known], level.prints[known])
            for level, known in known_rows
            if known.any()
        ]
        self._forgotten = 0

    def _settle(self) -> None:
        levels = self._levels
        while len(levels) > 1 and len(levels[-2]) < _RATIO * len(levels[-1]):
            last = levels.pop()
            levels[-1].absorb(last)


_SEGMENT_COLUMNS = {"high": table.c.high, "low": table.c.low, "values": table.c.contents, "prints": table.c.prints}


class SegmentHead(NamedTuple):
    """A segment without its blobs."""

    seq: int
    size: int
    version: str


def read_segments(conn: Connection, destination: str, version: str, since: int = 0) -> Level:
    """The newest row of every key in the segments from `since` on; prints of another version are 0.

    One column is read after the other, so that no more than one is in memory twice.
    """
    mine = (table.c.destination == destination) & (table.c.seq >= since)
    heads = _segment_heads(conn, destination, since)
    sizes = [head.size for head in heads]
    high, low = (_read_column(conn, _SEGMENT_COLUMNS[name], mine, sizes) for name in ("high", "low"))
    order = newest(high, low)
    if order is not None:
        high, low = high[order], low[order]
    values = _read_column(conn, _SEGMENT_COLUMNS["values"], mine, sizes)
    if order is not None:
        values = values[order]
    prints = _read_column(conn, _SEGMENT_COLUMNS["prints"], mine, sizes)
    for head, start in zip(heads, np.cumsum([0, *sizes]), strict=False):
        if head.version != version:
            prints[start : start + head.size] = 0
    return Level(high, low, values, prints if order is None else prints[order])


def _read_column(conn: Connection, column: ColumnElement[bytes], mine: ColumnElement[bool], sizes: list[int]) -> Words:
    words = np.empty(sum(sizes), dtype=np.uint64)
    start = 0
    for blob in conn.execute(select(column).where(mine).order_by(table.c.seq)).scalars():
        part = np.frombuffer(blob, dtype="<u8")
        words[start : start + len(part)] = part
        start += len(part)
    return words


def append_segment(
    conn: Connection, destination: str, version: str, hashes: Words, contents: Words, prints: Words
) -> None:
    """Write a segment; of equal keys the last counts. Many small segments at the end become one."""
    if len(hashes) == 0:
        return
    heads = _segment_heads(conn, destination)
    _write_segment(
        conn, destination, heads[-1].seq + 1 if heads else 0, version, sorted_level(hashes, contents, prints)
    )
    merge_tail(conn, destination)


def forget_in_segments(conn: Connection, destination: str, hashes: Words) -> None:
    """Remove these keys."""
    nothing = np.zeros(len(hashes), dtype=np.uint64)
    append_segment(conn, destination, "", hashes, nothing, nothing)


def merge_tail(conn: Connection, destination: str) -> None:
    """Merge the newest segments while the one before them is no longer than all of them: each key moves rarely."""
    heads = _segment_heads(conn, destination)
    first = len(heads) - 1
    total = heads[first].size if heads else 0
    while first > 0 and heads[first - 1].size <= total <= LONG_SEGMENT - heads[first - 1].size:
        first -= 1
        total += heads[first].size
    if len(heads) - first < MERGED_AT_ONCE:
        return
    since = heads[first].seq
    version = _version_of(heads[first:])
    merged = read_segments(conn, destination, version, since)
    conn.execute(delete(table).where(table.c.destination == destination, table.c.seq >= since))
    _write_segment(conn, destination, since, version, merged)


def count_segment_rows(conn: Connection, destination: str) -> int:
    """Rows of all segments, outdated ones too."""
    return sum(head.size for head in _segment_heads(conn, destination))


def rewrite_segments(conn: Connection, destination: str, version: str) -> Level:
    """Write everything again without what is outdated or forgotten, in long segments; returns what is known."""
    level = read_segments(conn, destination, version)
    known = level.values != FORGOTTEN
    if not known.all():
        level = Level(level.high[known], level.low[known], level.values[known], level.prints[known])
    conn.execute(delete(table).where(table.c.destination == destination))
    for seq, start in enumerate(range(0, len(level), LONG_SEGMENT)):
        part = slice(start, start + LONG_SEGMENT)
        piece = Level(level.high[part], level.low[part], level.values[part], level.prints[part])
        _write_segment(conn, destination, seq, version, piece)
    return level


def _version_of(heads: Sequence[SegmentHead]) -> str:
    return next((head.version for head in reversed(heads) if head.version != ""), "")


def _segment_heads(conn: Connection, destination: str, since: int = 0) -> list[SegmentHead]:
    query = select(table.c.seq, table.c.count, table.c.version).order_by(table.c.seq)
    mine = (table.c.destination == destination) & (table.c.seq >= since)
    return [SegmentHead(*row) for row in conn.execute(query.where(mine))]


def _write_segment(conn: Connection, destination: str, seq: int, version: str, level: Level) -> None:
    packed = {"high": level.high, "low": level.low, "contents": level.values, "prints": level.prints}
    row = {name: column.astype("<u8", copy=False).tobytes() for name, column in packed.items()}
    head = {"destination": destination, "seq": seq, "version": version, "count": len(level)}
    conn.execute(insert(table), {**head, **row})
