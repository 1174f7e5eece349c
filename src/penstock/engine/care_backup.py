"""The backup of a state in SQLite: what goes in, all of one moment, while others go on writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from penstock.clock import Clock, iso
from penstock.engine.truth import SQLITE
from penstock.model.errors import InputError, Problem
from penstock.stores import archive, backup
from penstock.stores.archive import Manifest
from penstock.stores.credentials import KEY_FILE, KEY_VARIABLE
from penstock.stores.sealed import key_ids
from penstock.version import __version__

TRIES = 5  # an input may be let go of between the copy and our reading of it


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written. `sealed` says how many secrets in it only the sealing key opens."""

    file: str
    bytes: int
    made_at: str
    schema: str
    frozen: int
    uploads: int
    with_key: bool
    sealed: int


def sqlite_path(url: str, command: str) -> Path:
    """The file of a SQLite state; InputError, with what to do there, for PostgreSQL."""
    if not url.startswith(SQLITE):
        message = f"penstock {command} is for a state in SQLite; this one is in PostgreSQL"
        how = {
            "backup": "pg_dump --format=custom --file=penstock.dump DATABASE",
            "restore": "pg_restore --clean --if-exists --dbname=DATABASE penstock.dump, while nothing runs on it",
        }[command]
        raise InputError(Problem("--database", message, "not-sqlite", f"use {how}"))
    return Path(url.removeprefix(SQLITE)).absolute()


def back_up(url: str, target: Path, *, with_key: bool, environ: Mapping[str, str], clock: Clock) -> BackedUp:
    """Write a backup of the state to `target`, while others go on writing to the state."""
    path, target = sqlite_path(url, "backup"), target.absolute()
    if not path.exists():
        raise InputError(Problem(str(path), "there is no state to back up", "no-state", "name it by --database"))
    if target.exists():
        raise InputError(Problem(str(target), "this file is there already", "file-exists", "name another file"))
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
        message = f"the sealing key comes from {KEY_VARIABLE}: there is no key file to put into the backup"
        raise InputError(Problem("--with-key", message, "key-not-in-file", "keep it where you keep your secrets"))
    path = folder / KEY_FILE
    if not path.exists():
        message = "there is no sealing key yet, since nothing was sealed"
        raise InputError(Problem("--with-key", message, "no-key-file", "leave --with-key out", str(path)))
    return path


def _copied(path: Path, copy: Path, stack: ExitStack) -> tuple[backup.Copied, dict[str, IO[bytes]]]:
    """The database, and the frozen inputs that its unfinished runs need, opened: of one moment.

    An input that stays missing was lost before: its run could not be continued, with or without a backup.
    """
    frozen: dict[str, IO[bytes]] = {}
    for _ in range(TRIES):
        copy.unlink(missing_ok=True)
        copied, frozen = backup.copy_database(path, copy), {}
        for name in (file.name for file in copied.frozen):
            with suppress(FileNotFoundError):
                frozen[f"{archive.FROZEN}/{name}"] = stack.enter_context(
                    (path.parent / archive.FROZEN / name).open("rb")
                )
        if len(frozen) == len(copied.frozen):
            break  # else a run may have come to its end just now: a newer copy does not need its input
    return copied, frozen


def _uploads(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted((folder / archive.UPLOADS).rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file.relative_to(folder).as_posix(), file
