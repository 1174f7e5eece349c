"""The keys in flight whose memory may be outdated if the process dies, as one packed row per chunk.

Without them, a source that went back to its old value after a crash would look unchanged while the API has the new one.
"""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection, delete, select

from penstock.store.memory import segments
from penstock.store.runs.ordinals import Words
from penstock.store.tables import in_flight as table
from penstock.store.upsert import upsert


def add(conn: Connection, destination: str, run: str, first: int, hashes: Words) -> None:
    """Remembered keys of the chunk at ordinal `first` are about to be sent with other content."""
    mine = (table.c.destination == destination) & (table.c.run == run) & (table.c.first == first)
    before = conn.execute(select(table.c.hashes).where(mine)).scalar_one_or_none() or b""
    packed = before + np.ascontiguousarray(hashes, dtype="<u8").tobytes()
    upsert(conn, table, {"destination": destination, "run": run, "first": first, "hashes": packed})


def done(conn: Connection, destination: str, run: str, position: int) -> None:
    """Everything before this ordinal is decided: chunks that began before the one it lies in are over."""
    mine = (table.c.destination == destination) & (table.c.run == run)
    latest = select(table.c.first).where(mine, table.c.first < position).order_by(table.c.first.desc()).limit(1)
    newest = conn.execute(latest).scalar_one_or_none()
    if newest is not None:
        conn.execute(delete(table).where(mine, table.c.first < newest))


def clear(conn: Connection, destination: str, run: str) -> None:
    """The run came to its end: nothing is in flight."""
    conn.execute(delete(table).where(table.c.destination == destination, table.c.run == run))


def left(conn: Connection, destination: str) -> Words:
    """(n, 2) uint64: the keys in flight. When no process runs the destination: what dead processes left."""
    found = conn.execute(select(table.c.hashes).where(table.c.destination == destination)).scalars().all()
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64).reshape(-1, 2)


def take(conn: Connection, destination: str) -> Words:
    """What dead processes left in flight: taken off, and forgotten from the memory in the database."""
    hashes = left(conn, destination)
    conn.execute(delete(table).where(table.c.destination == destination))
    segments.forget(conn, destination, hashes)
    return hashes
