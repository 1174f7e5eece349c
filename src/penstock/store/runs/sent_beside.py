"""The keys that runs beside an unfinished run have read, packed as in `store/memory.py`: newer versions than it has.

A backfill gives way to live runs of its destination. What they have read was read later than its input, so that it must
not send its own versions of these keys. The rows are there until that unfinished run ends, whatever dies meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from sqlalchemy import Connection, delete, select

from penstock.store.database import upsert
from penstock.store.runs.ordinals import Words
from penstock.store.tables import quarantine, runs, sent_beside


def add_keys(conn: Connection, destination: str, run: str, first: int, hashes: Words) -> None:
    """The keys of the chunk at ordinal `first` of this run: (n, 2) uint64."""
    if not len(hashes):
        return
    mine = (sent_beside.c.destination == destination) & (sent_beside.c.run == run) & (sent_beside.c.first == first)
    before = conn.execute(select(sent_beside.c.hashes).where(mine)).scalar_one_or_none() or b""
    packed = before + np.ascontiguousarray(hashes, dtype="<u8").tobytes()
    upsert(conn, sent_beside, {"destination": destination, "run": run, "first": first, "hashes": packed})


def keys(conn: Connection, destination: str) -> Words:
    """(n, 2) uint64: all of them; one may be there several times."""
    found = conn.execute(select(sent_beside.c.hashes).where(sent_beside.c.destination == destination)).scalars().all()
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64).reshape(-1, 2)


def clear(conn: Connection, destination: str) -> None:
    """Forget them: the run beside which they were read has ended, or its input is read anew."""
    conn.execute(delete(sent_beside).where(sent_beside.c.destination == destination))


def newer_in_quarantine(conn: Connection, destination: str, run: str, own_below: int) -> set[tuple[int, int]]:
    """The keys whose record in quarantine was put there by a run beside `run`, and is newer than those of `run`.

    It is, if that run has read it (ordinals from `own_below` on are of older records that it sent again), or if the key
    is one that `run` must not send any more. A resend and `settle` send what was in quarantine before: its run may be
    beside `run`, its record is not newer for that.
    """
    c = quarantine.c
    is_own = (runs.c.kind == "destination") & (c.ordinal < own_below)
    query = select(c.identity, is_own).join(runs, runs.c.id == c.run)
    found = conn.execute(query.where(c.destination == destination, runs.c.target == destination, runs.c.beside == run))
    entries = [(np.frombuffer(identity, dtype="<u8")[:2].tolist(), own) for identity, own in found]
    superseded = set(map(tuple, keys(conn, destination).tolist())) if entries else set[tuple[int, int]]()
    return {(high, low) for (high, low), own in entries if own or (high, low) in superseded}


def runs_beside(conn: Connection, run: str | None, some: Collection[str]) -> set[str]:
    """Which of these runs of input were made beside `run`."""
    mine = (runs.c.beside == run) & (runs.c.kind == "destination") & runs.c.id.in_(some)
    return set() if run is None else set(conn.execute(select(runs.c.id).where(mine)).scalars())
