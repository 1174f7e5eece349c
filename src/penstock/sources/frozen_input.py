"""Typed rows in a private file, for a run whose input could read differently a second time.

The file holds chunk after chunk, each its length and an Arrow IPC stream; each batch carries what a chunk has besides
its columns (absent members, misfits).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from penstock.model.errors import Problem, StateUnavailable
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, ReadWindow

MEMBERS = b"penstock.members"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen input: its rows, and the position of the cursor when all of them are decided."""

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
        message = f"the run's input cannot be kept in {path.parent}: {error.strerror}"
        raise StateUnavailable(Problem("--database", message, "state-unavailable")) from error
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


def read_frozen_chunks(path: Path) -> Iterator[Chunk]:
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
