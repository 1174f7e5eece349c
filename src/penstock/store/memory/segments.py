"""The memory on disk: packed, append-only segments of which the newest wins. Small ones are merged as they accumulate.

A segment holds a commit's keys sorted, in four blobs of little-endian 64-bit words. A content of 0 means "forgotten".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from penstock.store.memory.key_table import Level, newest, sorted_level
from penstock.store.runs.ordinals import Words
from penstock.store.tables import memory_segments as table

TAIL = 16  # so many small segments are merged into one
LARGE = 1 << 16  # keys: a longer segment is not merged on the way, so that a commit stays short and needs little memory
FORGOTTEN = 0

_COLUMNS = {"high": table.c.high, "low": table.c.low, "values": table.c.contents, "prints": table.c.prints}


class Head(NamedTuple):
    """A segment without its blobs."""

    seq: int
    size: int
    version: str


def read(conn: Connection, destination: str, version: str, since: int = 0) -> Level:
    """The newest row of every key in the segments from `since` on; prints of another version are 0.

    One column is read after the other, so that no more than one is in memory twice.
    """
    mine = (table.c.destination == destination) & (table.c.seq >= since)
    heads = _heads(conn, destination, since)
    sizes = [head.size for head in heads]
    high, low = (_column(conn, _COLUMNS[name], mine, sizes) for name in ("high", "low"))
    order = newest(high, low)
    if order is not None:
        high, low = high[order], low[order]
    values = _column(conn, _COLUMNS["values"], mine, sizes)
    if order is not None:
        values = values[order]
    prints = _column(conn, _COLUMNS["prints"], mine, sizes)
    for head, start in zip(heads, np.cumsum([0, *sizes]), strict=False):
        if head.version != version:
            prints[start : start + head.size] = 0
    return Level(high, low, values, prints if order is None else prints[order])


def _column(conn: Connection, column: ColumnElement[bytes], mine: ColumnElement[bool], sizes: list[int]) -> Words:
    words = np.empty(sum(sizes), dtype=np.uint64)
    start = 0
    for blob in conn.execute(select(column).where(mine).order_by(table.c.seq)).scalars():
        part = np.frombuffer(blob, dtype="<u8")
        words[start : start + len(part)] = part
        start += len(part)
    return words


def append(conn: Connection, destination: str, version: str, hashes: Words, contents: Words, prints: Words) -> None:
    """Write a segment; of equal keys the last counts. Many small segments at the end become one."""
    if len(hashes) == 0:
        return
    heads = _heads(conn, destination)
    _write(conn, destination, heads[-1].seq + 1 if heads else 0, version, sorted_level(hashes, contents, prints))
    merge_tail(conn, destination)


def forget(conn: Connection, destination: str, hashes: Words) -> None:
    """These keys are not known any more."""
    nothing = np.zeros(len(hashes), dtype=np.uint64)
    append(conn, destination, "", hashes, nothing, nothing)


def merge_tail(conn: Connection, destination: str) -> None:
    """Merge the newest segments while the one before them is no longer than all of them: each key moves rarely."""
    heads = _heads(conn, destination)
    first = len(heads) - 1
    total = heads[first].size if heads else 0
    while first > 0 and heads[first - 1].size <= total <= LARGE - heads[first - 1].size:
        first -= 1
        total += heads[first].size
    if len(heads) - first < TAIL:
        return
    since = heads[first].seq
    version = _version(heads[first:])
    merged = read(conn, destination, version, since)
    conn.execute(delete(table).where(table.c.destination == destination, table.c.seq >= since))
    _write(conn, destination, since, version, merged)


def rows(conn: Connection, destination: str) -> int:
    """Rows of all segments, outdated ones too."""
    return sum(head.size for head in _heads(conn, destination))


def rewrite(conn: Connection, destination: str, version: str) -> Level:
    """Write everything again without what is outdated or forgotten, in long segments; returns what is known."""
    level = read(conn, destination, version)
    known = level.values != FORGOTTEN
    if not known.all():
        level = Level(level.high[known], level.low[known], level.values[known], level.prints[known])
    conn.execute(delete(table).where(table.c.destination == destination))
    for seq, start in enumerate(range(0, len(level), LARGE)):
        part = slice(start, start + LARGE)
        piece = Level(level.high[part], level.low[part], level.values[part], level.prints[part])
        _write(conn, destination, seq, version, piece)
    return level


def _version(heads: Sequence[Head]) -> str:
    return next((head.version for head in reversed(heads) if head.version != ""), "")


def _heads(conn: Connection, destination: str, since: int = 0) -> list[Head]:
    query = select(table.c.seq, table.c.count, table.c.version).order_by(table.c.seq)
    mine = (table.c.destination == destination) & (table.c.seq >= since)
    return [Head(*row) for row in conn.execute(query.where(mine))]


def _write(conn: Connection, destination: str, seq: int, version: str, level: Level) -> None:
    packed = {"high": level.high, "low": level.low, "contents": level.values, "prints": level.prints}
    row = {name: column.astype("<u8", copy=False).tobytes() for name, column in packed.items()}
    head = {"destination": destination, "seq": seq, "version": version, "count": len(level)}
    conn.execute(insert(table), {**head, **row})
