"""Typed records in chunks of exactly the requested size, in bounded memory; and chunks as bytes.

A run whose input could read differently a second time stores it in a private file (`write_frozen`). The file holds
chunk after chunk, each its length and an Arrow IPC stream; each batch carries what a chunk has besides its columns
(absent members, misfits).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from penstock.model.errors import not_stored
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, ReadWindow

MEMBERS = b"penstock.members"
CHUNK_ROWS = 16384
CELLS = 1 << 19  # of a chunk at most: a chunk of many columns has fewer rows


def rechunked(chunks: Iterator[Chunk], *, skip: int, rows: int) -> Iterator[Chunk]:
    """The rows of `chunks` after the first `skip`, in chunks of exactly `rows` rows but for the last.

    Of a source with many columns the chunks have fewer rows, and a chunk ends where the columns change.
    """
    waiting: list[Chunk] = []
    count, first = 0, skip
    for chunk in _after(chunks, skip):
        if waiting and not waiting[0].records.schema.equals(chunk.records.schema):
            yield _part(_joined(waiting, first), 0, count, first)
            first, count, waiting = first + count, 0, []
        most = min(rows, rows_of(chunk.records.num_columns))
        waiting.append(chunk)
        count += chunk.records.num_rows
        while count >= most:
            whole = _joined(waiting, first) if len(waiting) > 1 else waiting[0]
            yield _part(whole, 0, most, first)
            first, count = first + most, count - most
            waiting = [_part(whole, most, count, first)] if count else []
    if count:
        yield _part(_joined(waiting, first), 0, count, first)


def rows_of(columns: int) -> int:
    """How many rows of so many columns a chunk may have."""
    return max(CELLS // max(columns, 1), 1)


def _part(chunk: Chunk, start: int, length: int, first: int) -> Chunk:
    """`length` rows of a chunk from row `start`, as a chunk whose row 0 has ordinal `first`."""
    if start == 0 and length >= chunk.records.num_rows:
        return replace(chunk, first=first, cursor=None)
    inside = range(start, start + length)
    cut: dict[int, frozenset[int]] = {}  # columns that are absent in the same rows share one set, here as there
    for found in chunk.absent.values():
        if id(found) not in cut:
            cut[id(found)] = frozenset(row - start for row in found if row in inside)
    absent = {name: rows for name, found in chunk.absent.items() if (rows := cut[id(found)])}
    misfits = {row - start: refusal for row, refusal in chunk.misfits.items() if row in inside}
    originals = {row - start: text for row, text in chunk.originals.items() if row in inside}
    return Chunk(chunk.records.slice(start, length), first, absent, misfits, originals=originals)


def _after(chunks: Iterator[Chunk], skip: int) -> Iterator[Chunk]:
    for chunk in chunks:
        length = chunk.records.num_rows
        if skip >= length:
            skip -= length
        else:
            yield _part(chunk, skip, length - skip, 0)
            skip = 0


def _joined(chunks: list[Chunk], first: int) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    misfits: dict[int, Refusal] = {}
    originals: dict[int, str] = {}
    offset = 0
    for chunk in chunks:
        misfits.update({row + offset: refusal for row, refusal in chunk.misfits.items()})
        originals.update({row + offset: text for row, text in chunk.originals.items()})
        offset += chunk.records.num_rows
    records = pa.Table.from_batches([chunk.records for chunk in chunks]).combine_chunks().to_batches()[0]
    return Chunk(records, first, _absent_in(chunks), misfits, originals=originals)


def _absent_in(chunks: list[Chunk]) -> dict[str, frozenset[int]]:
    """The rows in which columns are absent, of chunks that follow each other; equal patterns share one set."""
    patterns: dict[str, list[tuple[int, int]]] = {}
    shifted: dict[tuple[int, int], list[int]] = {}
    offset = 0
    for number, chunk in enumerate(chunks):
        for name, found in chunk.absent.items():
            pattern = (number, id(found))
            if pattern not in shifted:
                shifted[pattern] = [row + offset for row in found]
            patterns.setdefault(name, []).append(pattern)
        offset += chunk.records.num_rows
    made: dict[tuple[tuple[int, int], ...], frozenset[int]] = {}
    for parts in map(tuple, patterns.values()):
        if parts not in made:
            made[parts] = frozenset(row for part in parts for row in shifted[part])
    return {name: made[tuple(parts)] for name, parts in patterns.items()}


# ── stored ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen input: the number of its rows, and the position of the cursor when all of them are decided."""

    rows: int
    window: ReadWindow | None


def save_chunk(chunk: Chunk) -> bytes:
    """A chunk as bytes, with everything it has besides its columns."""
    sink = pa.BufferOutputStream()
    batch = _with_members(chunk)
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def load_chunk(data: bytes) -> Chunk:
    """The chunk that `save_chunk` wrote."""
    with pa.ipc.open_stream(data) as reader:
        return _chunk(reader.read_next_batch())


def write_frozen(chunks: Iterator[Chunk], path: Path) -> int:
    """Write the chunks to `path`, whole or not at all, readable by this user only; returns how many rows.

    Raises StateUnavailable when the disk is full or the folder cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        rows = _write(chunks, part)
        part.rename(path)
    except OSError as error:
        raise not_stored(str(path.parent), "the input of the run", error) from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def _write(chunks: Iterator[Chunk], part: Path) -> int:
    rows = 0
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            data = save_chunk(chunk)
            file.write(len(data).to_bytes(8, "little") + data)
            rows += chunk.records.num_rows
        file.flush()
        os.fsync(file.fileno())
    return rows


def read_frozen(path: Path, *, skip: int = 0, rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
    """The records of a frozen file after the first `skip`, in chunks of `rows` rows."""
    return rechunked(_stored_chunks(path), skip=skip, rows=rows)


def _stored_chunks(path: Path) -> Iterator[Chunk]:
    """The chunks of a frozen file, in their order."""
    with path.open("rb") as file:
        while size := file.read(8):
            yield load_chunk(file.read(int.from_bytes(size, "little")))


def _with_members(chunk: Chunk) -> pa.RecordBatch:
    document = {
        "first": chunk.first,
        "absent": _by_rows(chunk.absent),
        "misfits": {str(row): asdict(refusal) for row, refusal in chunk.misfits.items()},
        "cursor": chunk.cursor,
        "originals": {str(row): text for row, text in chunk.originals.items()},
    }
    return chunk.records.replace_schema_metadata({MEMBERS: orjson.dumps(document)})


def _by_rows(absent: Mapping[str, frozenset[int]]) -> list[tuple[list[int], list[str]]]:
    """The rows in which columns are absent, once for all columns that share them."""
    shared: dict[int, tuple[frozenset[int], list[str]]] = {}
    for name, rows in absent.items():
        shared.setdefault(id(rows), (rows, []))[1].append(name)
    return [(sorted(rows), names) for rows, names in shared.values()]


def _by_name(absent: Any) -> dict[str, frozenset[int]]:
    if isinstance(absent, dict):  # written by 0.1.0
        return {name: frozenset(rows) for name, rows in absent.items()}
    found: dict[str, frozenset[int]] = {}
    for rows, names in absent:
        found.update(dict.fromkeys(names, frozenset(rows)))
    return found


def _chunk(batch: pa.RecordBatch) -> Chunk:
    document = orjson.loads((batch.schema.metadata or {})[MEMBERS])
    return Chunk(
        batch.replace_schema_metadata(None),
        document["first"],
        _by_name(document["absent"]),
        {int(row): Refusal(**refusal) for row, refusal in document["misfits"].items()},
        document["cursor"],
        {int(row): text for row, text in document.get("originals", {}).items()},
    )
