"""A copy of a state database in SQLite, made while others write to it, and looked through."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from penstock.model.errors import Problem, StateUnavailable

PAGES = 2048  # copied at a time: ^C is heard in between


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a database: its schema's revision, and the frozen inputs that unfinished runs of it need."""

    schema: str
    frozen: tuple[Path, ...]


def copy_database(source: Path, target: Path) -> Copied:
    """Copy a database as it is at one moment, while others write to it; the copy is checked.

    StateUnavailable when the copy is damaged, which the original then is too.
    """
    copying = closing(sqlite3.connect(target, isolation_level=None))
    with _damage_told(source), closing(_connect(source)) as live, copying as copy:
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it stands still for us
        copy.execute("PRAGMA synchronous=OFF")
        live.backup(copy, pages=PAGES, progress=lambda *_: None)
    settle(target)
    return examine(target)


def settle(path: Path) -> None:
    """Make one file of a database that nobody has open, and have the disk keep it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def examine(path: Path) -> Copied:
    """Look a database through that nobody else has open. StateUnavailable when it is damaged or another program's."""
    with _damage_told(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        wrong = [row[0] for row in connection.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        wrong += [f"{row[0]} refers to nothing in {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")]
        if wrong:
            raise StateUnavailable(_damaged(path, wrong[0]))
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in tables:
            found = ", ".join(sorted(tables)[:3]) or "an empty database"
            hint = "name a backup of a Penstock state"
            raise StateUnavailable(Problem(str(path), "this is not a Penstock state", "foreign", hint, found))
        schema = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        needed = connection.execute("SELECT DISTINCT frozen FROM runs WHERE resumable AND frozen IS NOT NULL")
        return Copied(str(schema), tuple(sorted(Path(row[0]) for row in needed)))


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
            raise
        raise StateUnavailable(_damaged(path, str(error))) from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA busy_timeout=10000")
    return connection


def _damaged(path: Path, found: str) -> Problem:
    hint = "restore an older backup; `penstock doctor` tells what else is wrong"
    return Problem(str(path), "the state database is damaged", "damaged", hint, found=found)
