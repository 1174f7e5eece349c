"""Another state in the place of the one that is there: only while nobody has that open, and without losing it."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from penstock.model.errors import Problem, StateLocked

SHARED_LOCK = (510, 0x40000002)  # the bytes that every process which has a SQLite database open holds a read lock on
_SIDES = ("-wal", "-shm", "-journal")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody has this database open during the block, and its file holds all of it. StateLocked otherwise.

    A damaged one is taken as it is.
    """
    _write_back(path)
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, *SHARED_LOCK)
        except OSError as error:
            raise _in_use(path) from error
        yield
    finally:
        os.close(handle)


def _write_back(path: Path) -> None:
    """Bring what stands in the write-ahead log into the file, which SQLite does only for who is alone."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise _in_use(path) from error
    except sqlite3.DatabaseError:  # damaged: there is nothing to bring back
        return


def _in_use(path: Path) -> StateLocked:
    hint = "stop `penstock serve`, workers and runs, then do it again"
    return StateLocked(Problem(str(path), "a process has this state open", "in-use", hint))


def set_aside(path: Path, names: Iterator[Path], aside: Path) -> None:
    """Keep what stands at `path`, and files that belong to it, in the folder `aside` too; `path` itself stays."""
    aside.mkdir(mode=0o700)
    os.link(path, aside / path.name)
    for side in _SIDES:
        beside = path.with_name(path.name + side)
        if beside.exists():
            beside.rename(aside / beside.name)
    for file in names:
        if file.is_file():
            kept = aside / file.relative_to(path.parent)
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(file, kept)


def put_in_place(folder: Path, target: Path) -> None:
    """Move what `folder` holds beside `target`, its `state.db` last: until then the old state counts."""
    database = folder / "state.db"
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path != database):
        place = target.parent / file.relative_to(folder)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(place)
    database.replace(target)
    handle = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
