"""Replaces the state database with a restored one; refuses while any process has it open; keeps the old one.

The backup is checked and migrated beside the state, then moved into place in one step.
How a restore affects deliveries: docs/decisions/2026-11-25-what-a-restored-state-knows.md.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, select, update

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem, StateLocked
from penstock.run.context import sealer_of
from penstock.service.care import archive, backup
from penstock.service.care.archive import Manifest
from penstock.service.care.backup import sqlite_path
from penstock.service.model import RestoredState, RestoreRequest
from penstock.store.database import Database
from penstock.store.project import resources
from penstock.store.project.credentials import KEY_FILE, KEY_VARIABLE
from penstock.store.project.resources import Restored
from penstock.store.service_tables import people
from penstock.store.tables import project_versions, runs

SHARED_LOCK = (510, 0x40000002)  # the bytes on which every process with the SQLite database open holds a read lock
_SIDES = ("-wal", "-shm", "-journal")

SESSIONS_END = 1_000_000  # added to everybody's epoch: more than any number of sign-outs since the backup


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
            kept = aside / file.relative_to(path.parent)
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(file, kept)


def put_in_place(folder: Path, target: Path) -> None:
    """Move the files of `folder` beside `target`, and `state.db` last: until then the old state is in use."""
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
            schema = backup.examine_copy(draft / archive.DATABASE).schema
            unfinished = _made_ready(draft, target, manifest, Restored(manifest.made_at, at, wanted.resend_all))
            key = _key(draft, target.parent, manifest, environ)
            aside = _free(target.parent / f"replaced-{at.replace(':', '')[:17]}Z") if there else None
            if aside is None:
                put_in_place(draft, target)
            else:
                with exclusive_access(target):
                    set_aside(target, _belongings(target.parent), aside)
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


def _free(folder: Path) -> Path:
    """The folder, or the first of `folder-2`, `folder-3`, … that does not exist."""
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _belongings(folder: Path) -> Iterator[Path]:
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
    backup.finish_copy(draft / archive.DATABASE)
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
