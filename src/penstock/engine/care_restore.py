"""The restoring of a backup: checked and brought up to date beside the state, then put in its place in one step.

What it means for what is sent is told in docs/decisions/2026-11-25-what-a-restored-state-knows.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sqlalchemy import Connection, select, update

from penstock.clock import Clock, iso
from penstock.engine.care_backup import sqlite_path
from penstock.engine.surroundings import sealer_of
from penstock.model.errors import InputError, Problem
from penstock.stores import archive, backup, restored, swap
from penstock.stores.archive import Manifest
from penstock.stores.credentials import KEY_FILE, KEY_VARIABLE
from penstock.stores.database import Database
from penstock.stores.restored import Restored
from penstock.stores.schema import runs
from penstock.stores.schema_people import people
from penstock.stores.schema_truth import project_versions

SESSIONS_END = 1_000_000  # added to everybody's epoch: more than any number of sign-outs since the backup


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored. `resend_all`: destinations that may send twice do not trust what they remember."""

    file: Path
    replace: bool = False
    resend_all: bool = False


@dataclass(frozen=True, slots=True)
class RestoredState:
    """What a restore did. `replaced` is the folder that keeps what was there.

    `key` says what opens the sealed secrets: `from-backup`, `present`, `missing`; `none` when nothing is sealed.
    """

    database: str
    file: str
    made_at: str
    schema: str
    replaced: str | None
    key: str
    unfinished: tuple[str, ...]
    resend_all: bool


def restore(url: str, wanted: Wanted, *, environ: Mapping[str, str], clock: Clock) -> RestoredState:
    """Put the state of a backup in place. Raises before anything is touched, unless all is well with it.

    InputError: not a backup, or a state is there and may not be replaced. StateLocked: a process has it open.
    """
    target, source = sqlite_path(url, "restore"), wanted.file.absolute()
    there = target.exists()
    if there and not wanted.replace:
        message = "there is a state already"
        hint = "--replace puts the backup in its place, and keeps what is there in a folder beside it"
        raise InputError(Problem(str(target), message, "state-exists", hint, str(target)))
    at = iso(clock.now())
    with archive.writing(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with archive.drafted(target) as draft:
            manifest = archive.unpack(source, draft)
            schema = backup.examine(draft / archive.DATABASE).schema
            unfinished = _made_ready(draft, target, manifest, Restored(manifest.made_at, at, wanted.resend_all))
            key = _key(draft, target.parent, manifest, environ)
            aside = _free(target.parent / f"replaced-{at.replace(':', '')[:17]}Z") if there else None
            if aside is None:
                swap.put_in_place(draft, target)
            else:
                with swap.alone(target):
                    swap.set_aside(target, _belongings(target.parent), aside)
                    swap.put_in_place(draft, target)
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
    """The folder, or the first of `folder-2`, `folder-3`, … that is not there yet."""
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _belongings(folder: Path) -> Iterator[Path]:
    yield folder / KEY_FILE
    for name in (archive.FROZEN, archive.UPLOADS):
        yield from (folder / name).rglob("*")


def _made_ready(draft: Path, target: Path, manifest: Manifest, note: Restored) -> tuple[str, ...]:
    """Bring the database up to date, and to the place where it will stand; answers its unfinished runs."""
    database = Database.open(f"sqlite:///{draft / archive.DATABASE}")
    try:
        with database.begin() as conn:
            _move(conn, Path(manifest.folder), target.parent)
            conn.execute(update(people).values(epoch=people.c.epoch + SESSIONS_END))
            restored.note(conn, note)
            unfinished = conn.execute(select(runs.c.id).where(runs.c.resumable).order_by(runs.c.id)).scalars().all()
    finally:
        database.close()
    backup.settle(draft / archive.DATABASE)
    return tuple(unfinished)


def _move(conn: Connection, old: Path, new: Path) -> None:
    """Paths that lead into the state's folder, and the project's base where it is the folder around it, follow."""
    for run, frozen in conn.execute(select(runs.c.id, runs.c.frozen).where(runs.c.frozen.is_not(None))).all():
        place = new / archive.FROZEN / Path(frozen).name
        conn.execute(update(runs).where(runs.c.id == run).values(frozen=str(place)))
    for before, after in ((old, new), (old.parent, new.parent)):
        here = project_versions.c.base == str(before)
        conn.execute(update(project_versions).where(here).values(base=str(after)))


def _key(draft: Path, folder: Path, manifest: Manifest, environ: Mapping[str, str]) -> str:
    """What opens the sealed secrets once the state is in place."""
    if not manifest.key_ids:
        return "none"
    inside = (draft / KEY_FILE).exists() and KEY_VARIABLE not in environ
    if not inside and KEY_VARIABLE not in environ and not (folder / KEY_FILE).exists():
        return "missing"
    known = sealer_of(environ, draft if inside else folder).ids()
    if not set(manifest.key_ids) <= set(known):
        return "missing"
    return "from-backup" if inside else "present"
