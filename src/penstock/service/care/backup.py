"""Backup and restore of a SQLite state.

A backup is a checked, consistent copy that is made while others write to the state. A restore checks and migrates the
backup beside the state, then moves it into place in one step. It refuses while any process has the state open, and
moves the old state aside. How a restore affects deliveries: docs/decisions/2026-11-25-what-a-restored-state-knows.md.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, select, update

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem, StateLocked, StateUnavailable
from penstock.run.context import sealer_of
from penstock.service.care import archive
from penstock.service.care.archive import Manifest
from penstock.service.model import BackedUp, RestoredState, RestoreRequest
from penstock.store.database import Database
from penstock.store.project import resources
from penstock.store.project.credentials import KEY_FILE, KEY_VARIABLE, key_ids
from penstock.store.project.resources import Restored
from penstock.store.service_tables import people, project_versions
from penstock.store.tables import runs
from penstock.usecases.applied_project.applied_project import SQLITE
from penstock.version import __version__

BACKED_UP = "backed-up"  # the setting with the time of the last backup
PAGES = 2048  # copied at a time; ^C is handled in between
TRIES = 5  # a run may end, and delete its frozen input, between the copy and the opening of the input
SESSIONS_END = 1_000_000  # added to everybody's epoch: more than any number of sign-outs since the backup
SHARED_LOCK = (510, 0x40000002)  # the bytes on which every process with the SQLite database open holds a read lock
_SIDES = ("-wal", "-shm", "-journal")


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
    _sync(path)


def _sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk."""
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


# ── restore ──────────────────────────────────────────────────────────────────


def restore(url: str, wanted: RestoreRequest, *, environ: Mapping[str, str], clock: Clock) -> RestoredState:
    """Restore the state from a backup. Every check is made before anything is changed.

    InputError: not a backup, or a state exists and `replace` is false. StateLocked: a process has the state open.
    """
    target, source = sqlite_path(url, "restore"), wanted.file.absolute()
    there = target.exists()
    if there and not wanted.replace:
        message = "a state already exists"
        hint = "--replace replaces it with the backup, and moves it to a folder beside it"
        raise InputError(Problem(str(target), message, "state-exists", hint, str(target)))
    at = iso(clock.now())
    with archive.writing(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.drafted(target) as draft:
            manifest = archive.unpack(source, draft)
            schema = examine_copy(draft / archive.DATABASE).schema
            unfinished = _made_ready(draft, target, manifest, Restored(manifest.made_at, at, wanted.resend_all))
            key = _key(draft, target.parent, manifest, environ)
            aside = _free(target.parent / f"replaced-{at.replace(':', '')[:17]}Z") if there else None
            if aside is None:
                put_in_place(draft, target)
            else:
                with exclusive_access(target):
                    set_aside(target, _files_beside_database(target.parent), aside)
                    put_in_place(draft, target)
    return RestoredState(
        database=str(target),
        file=str(source),
        made_at=manifest.made_at,
        schema=schema,
        replaced=None if aside is None else str(aside),
        key=key,
        unfinished=unfinished,
        resend_all=wanted.resend_all,
    )


@contextmanager
def exclusive_access(path: Path) -> Iterator[None]:
    """Lock the database for the block, with its log written into its file. StateLocked if any process has it open.

    A damaged database is locked as it is.
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
    """Write the write-ahead log into the file, which SQLite does only for the last process that has it open."""
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise _in_use(path) from error
    except sqlite3.DatabaseError:  # damaged: the log cannot be written back
        return


def _in_use(path: Path) -> StateLocked:
    hint = "stop `penstock serve`, workers and runs, then try again"
    return StateLocked(Problem(str(path), "a process has this state open", "in-use", hint))


def set_aside(path: Path, names: Iterator[Path], aside: Path) -> None:
    """Link the database at `path` and the files `names` into the new folder `aside`; `path` itself stays."""
    aside.mkdir(mode=0o700)
    os.link(path, aside / path.name)
    for side in _SIDES:
        beside = path.with_name(path.name + side)
        if beside.exists():
            beside.rename(aside / beside.name)
    for file in names:
        if file.is_file():
            place = aside / file.relative_to(path.parent)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(file, place)


def put_in_place(folder: Path, target: Path) -> None:
    """Move the files of `folder` beside `target`, and `state.db` last: until then the old state is in use."""
    database = folder / "state.db"
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path != database):
        place = target.parent / file.relative_to(folder)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(place)
    database.replace(target)
    _sync(target.parent)


def _free(folder: Path) -> Path:
    """The folder, or the first of `folder-2`, `folder-3`, … that does not exist."""
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _files_beside_database(folder: Path) -> Iterator[Path]:
    yield folder / KEY_FILE
    for name in (archive.FROZEN, archive.UPLOADS):
        yield from (folder / name).rglob("*")


def _made_ready(draft: Path, target: Path, manifest: Manifest, note: Restored) -> tuple[str, ...]:
    """Migrate the database and change its paths to the future place; returns the ids of its unfinished runs."""
    database = Database.open(f"sqlite:///{draft / archive.DATABASE}")
    try:
        with database.begin() as conn:
            _move(conn, Path(manifest.folder), target.parent)
            conn.execute(update(people).values(epoch=people.c.epoch + SESSIONS_END))
            resources.note_restored(conn, note)
            unfinished = conn.execute(select(runs.c.id).where(runs.c.resumable).order_by(runs.c.id)).scalars().all()
    finally:
        database.close()
    finish_copy(draft / archive.DATABASE)
    return tuple(unfinished)


def _move(conn: Connection, old: Path, new: Path) -> None:
    """Change paths into the state's folder, and the project's base if it is this folder or its parent."""
    for run, frozen in conn.execute(select(runs.c.id, runs.c.frozen).where(runs.c.frozen.is_not(None))).all():
        place = new / archive.FROZEN / Path(frozen).name
        conn.execute(update(runs).where(runs.c.id == run).values(frozen=str(place)))
    for before, after in ((old, new), (old.parent, new.parent)):
        here = project_versions.c.base == str(before)
        conn.execute(update(project_versions).where(here).values(base=str(after)))


def _key(draft: Path, folder: Path, manifest: Manifest, environ: Mapping[str, str]) -> str:
    """Where the key for the sealed secrets is: a value of `RestoredState.key`."""
    if not manifest.key_ids:
        return "none"
    inside = (draft / KEY_FILE).exists() and KEY_VARIABLE not in environ
    if not inside and KEY_VARIABLE not in environ and not (folder / KEY_FILE).exists():
        return "missing"
    known = sealer_of(environ, draft if inside else folder).ids()
    if not set(manifest.key_ids) <= set(known):
        return "missing"
    return "from-backup" if inside else "present"
