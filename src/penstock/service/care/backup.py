"""The backup of a SQLite state: a checked, consistent copy that is made while others write to the state."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem, StateUnavailable
from penstock.service.care import archive
from penstock.service.care.archive import Manifest
from penstock.service.model import BackedUp
from penstock.store.project.credentials import KEY_FILE, KEY_VARIABLE, key_ids
from penstock.usecases.applied_project.applied_project import SQLITE
from penstock.version import __version__

PAGES = 2048  # copied at a time; ^C is handled in between

TRIES = 5  # a run may end, and delete its frozen input, between the copy and the opening of the input


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of a database: the revision of its schema, and the frozen inputs that its unfinished runs need."""

    schema: str
    frozen: tuple[Path, ...]


def copy_database(source: Path, target: Path) -> Copied:
    """Make a consistent copy of a database while others write to it, and check the copy.

    StateUnavailable when the copy is damaged, since the original is too then.
    """
    copying = closing(sqlite3.connect(target, isolation_level=None))
    with _damage_reported(source), closing(_connect(source)) as live, copying as copy:
        live.execute("BEGIN")
        live.execute(
            "SELECT count(*) FROM sqlite_master"
        ).fetchone()  # from here on this transaction reads one snapshot
        copy.execute("PRAGMA synchronous=OFF")
        live.backup(copy, pages=PAGES, progress=lambda *_: None)
    finish_copy(target)
    return examine_copy(target)


def finish_copy(path: Path) -> None:
    """Write the log of a database that no process has open into its file, and sync it to the disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def examine_copy(path: Path) -> Copied:
    """Check a database that no other process has open. StateUnavailable if it is damaged or not a Penstock state."""
    with _damage_reported(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
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
def _damage_reported(path: Path) -> Iterator[None]:
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
    hint = "restore an older backup; `penstock doctor` lists other problems"
    return Problem(str(path), "the state database is damaged", "damaged", hint, found=found)


def sqlite_path(url: str, command: str) -> Path:
    """The file of a SQLite state. InputError for PostgreSQL; its hint names the tool to use."""
    if not url.startswith(SQLITE):
        message = f"penstock {command} supports only SQLite; this state is in PostgreSQL"
        how = {
            "backup": "pg_dump --format=custom --file=penstock.dump DATABASE",
            "restore": "pg_restore --clean --if-exists --dbname=DATABASE penstock.dump, while nothing runs on it",
        }[command]
        raise InputError(Problem("--database", message, "not-sqlite", f"use {how}"))
    return Path(url.removeprefix(SQLITE)).absolute()


def back_up(url: str, target: Path, *, with_key: bool, environ: Mapping[str, str], clock: Clock) -> BackedUp:
    """Write a backup of the state to the new file `target`, while others write to the state."""
    path, target = sqlite_path(url, "backup"), target.absolute()
    if not path.exists():
        raise InputError(
            Problem(str(path), "there is no state to back up", "no-state", "name the state with --database")
        )
    if target.exists():
        raise InputError(Problem(str(target), "the file already exists", "file-exists", "name another file"))
    key = _key_file(path.parent, environ) if with_key else None
    with archive.drafted(target) as draft, archive.writing(target), ExitStack() as stack:
        archive.require_room(draft, 2 * path.stat().st_size)
        made_at = iso(clock.now())
        copy = draft / archive.DATABASE
        copied, frozen = _copied(path, copy, stack)
        uploads = dict(_uploads(path.parent))
        files: dict[str, IO[bytes] | Path] = {archive.DATABASE: copy, **frozen, **uploads}
        if key is not None:
            files[archive.KEY] = key
        sealed = key_ids(copy)
        manifest = Manifest(__version__, made_at, copied.schema, str(path.parent), {}, sorted(sealed))
        archive.pack(target, files, manifest)
    return BackedUp(
        file=str(target),
        bytes=target.stat().st_size,
        made_at=made_at,
        schema=copied.schema,
        frozen=len(frozen),
        uploads=len(uploads),
        with_key=key is not None,
        sealed=sealed.total(),
    )


def _key_file(folder: Path, environ: Mapping[str, str]) -> Path:
    if KEY_VARIABLE in environ:
        message = f"the sealing key is in {KEY_VARIABLE}; there is no key file to include"
        hint = "leave --with-key out, and store the key with your other secrets"
        raise InputError(Problem("--with-key", message, "key-not-in-file", hint))
    path = folder / KEY_FILE
    if not path.exists():
        message = "there is no sealing key, since nothing is sealed"
        raise InputError(Problem("--with-key", message, "no-key-file", "leave --with-key out", str(path)))
    return path


def _copied(path: Path, copy: Path, stack: ExitStack) -> tuple[Copied, dict[str, IO[bytes]]]:
    """A copy of the database, and the frozen inputs of its unfinished runs, opened, all from one moment.

    An input that stays missing was lost earlier: its run cannot be resumed, with or without a backup.
    """
    frozen: dict[str, IO[bytes]] = {}
    for _ in range(TRIES):
        copy.unlink(missing_ok=True)
        copied, frozen = copy_database(path, copy), {}
        for name in (file.name for file in copied.frozen):
            with suppress(FileNotFoundError):
                frozen[f"{archive.FROZEN}/{name}"] = stack.enter_context(
                    (path.parent / archive.FROZEN / name).open("rb")
                )
        if len(frozen) == len(copied.frozen):
            break  # else a run has just ended: a newer copy does not need its input
    return copied, frozen


def _uploads(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted((folder / archive.UPLOADS).rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file.relative_to(folder).as_posix(), file
