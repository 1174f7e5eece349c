"""The frozen inputs of runs, in the database.

They are stored when several machines share the database, so that a run resumes with the same records on any of them.
With SQLite the file beside the database is enough.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from penstock.store.database import Database
from penstock.store.service_tables import frozen_parts

PART_BYTES = 4 << 20  # before they are compressed
COMPRESSION_LEVEL = 1  # of zlib: the quickest


def store_frozen_input(database: Database, run: str, path: Path) -> None:
    """Store a file; once this comes back it is whole."""
    if not database.is_shared:
        return
    with database.begin(alone=False) as conn, path.open("rb") as file:
        forget_frozen_input(conn, run)
        for number, data in enumerate(iter(lambda: file.read(PART_BYTES), b"")):
            conn.execute(
                insert(frozen_parts).values(run=run, part=number, bytes=zlib.compress(data, COMPRESSION_LEVEL))
            )


def fetch_frozen_input(database: Database, run: str, path: Path) -> bool:
    """Bring a stored file to `path`, whole or not at all; False when there is none."""
    if not database.is_shared:
        return False
    query = select(frozen_parts.c.bytes).where(frozen_parts.c.run == run).order_by(frozen_parts.c.part)
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, database.read() as conn:
            rows = conn.execution_options(stream_results=True, max_row_buffer=2).execute(query)
            written = sum(file.write(zlib.decompress(data)) for data in rows.scalars())
        if written:
            part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return written > 0


def move_frozen_input(conn: Connection, before: str, run: str) -> None:
    """Let a run have the stored file of the one before it."""
    conn.execute(update(frozen_parts).where(frozen_parts.c.run == before).values(run=run))


def forget_frozen_input(conn: Connection, run: str) -> None:
    """Delete the stored file."""
    conn.execute(delete(frozen_parts).where(frozen_parts.c.run == run))
