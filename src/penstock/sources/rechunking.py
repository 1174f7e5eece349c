"""Typed chunks of any size → chunks of exactly the size asked for, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk


def rechunked(chunks: Iterator[Chunk], *, skip: int, rows: int) -> Iterator[Chunk]:
    """The rows of `chunks` after the first `skip`, in chunks of exactly `rows` rows but for the last."""
    waiting: list[Chunk] = []
    count, first = 0, skip
    for chunk in _after(chunks, skip):
        waiting.append(chunk)
        count += chunk.records.num_rows
        while count >= rows:
            whole = _joined(waiting, first) if len(waiting) > 1 else waiting[0]
            yield part(whole, 0, rows, first)
            first, count = first + rows, count - rows
            waiting = [part(whole, rows, count, first)] if count else []
    if count:
        yield part(_joined(waiting, first), 0, count, first)


def part(chunk: Chunk, start: int, length: int, first: int) -> Chunk:
    """`length` rows of a chunk from row `start`, as a chunk whose row 0 has ordinal `first`."""
    if start == 0 and length >= chunk.records.num_rows:
        return Chunk(chunk.records, first, chunk.absent, chunk.misfits)
    inside = range(start, start + length)
    absent = {
        name: frozenset(row - start for row in found if row in inside)
        for name, found in chunk.absent.items()
        if any(row in inside for row in found)
    }
    misfits = {row - start: refusal for row, refusal in chunk.misfits.items() if row in inside}
    return Chunk(chunk.records.slice(start, length), first, absent, misfits)


def _after(chunks: Iterator[Chunk], skip: int) -> Iterator[Chunk]:
    for chunk in chunks:
        length = chunk.records.num_rows
        if skip >= length:
            skip -= length
        else:
            yield part(chunk, skip, length - skip, 0)
            skip = 0


def _joined(chunks: list[Chunk], first: int) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    absent: dict[str, set[int]] = {}
    misfits: dict[int, Refusal] = {}
    offset = 0
    for chunk in chunks:
        for name, found in chunk.absent.items():
            absent.setdefault(name, set()).update(row + offset for row in found)
        misfits.update({row + offset: refusal for row, refusal in chunk.misfits.items()})
        offset += chunk.records.num_rows
    records = pa.Table.from_batches([chunk.records for chunk in chunks]).combine_chunks().to_batches()[0]
    return Chunk(records, first, {name: frozenset(found) for name, found in absent.items()}, misfits)
