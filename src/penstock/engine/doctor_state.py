"""The doctor looks at the state: database, disk, sealing key, clock, backups. Nothing is made or changed by looking."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from penstock.clock import iso
from penstock.engine.doctor_findings import BACKED_UP, Examined, Findings, note, of_error, wrong
from penstock.engine.surroundings import sealer_of
from penstock.model.errors import PenstockError
from penstock.stores import sealed
from penstock.stores.credentials import KEY_FILE, KEY_VARIABLE
from penstock.stores.database import Database, refused_revision
from penstock.stores.migrations import HEAD
from penstock.stores.schema import runs
from penstock.stores.settings import setting

LEAST_FREE = 500_000_000  # bytes on the disk of the state
CHECKED_AT_MOST = 200_000_000  # a larger file takes too long to be read whole
OLD_BACKUP = timedelta(days=7)
CLOCK_MAY_DIFFER_S = 2.0
OTHERS = 0o077


def schema(database: Database) -> Findings:
    """Whether the tables are those of this version. Raises what opening the database raises."""
    version = database.schema_version()
    if version is None:
        yield note("empty-state", "nothing is in the state yet", "the first command makes its tables")
    elif (refused := refused_revision(database.place, version)) is not None:
        yield wrong(refused.code, f"{refused.message} (its form is {version})", refused.hint)
    elif version != HEAD:
        hint = "back it up: the next command brings it up to date"
        yield note("older-schema", f"the state was written by an older Penstock (its form is {version})", hint)


def state(found: Examined) -> Findings:
    """It can be written, it is whole, and only its owner can read it."""
    try:
        with found.database.begin():
            pass
    except PenstockError as error:
        yield from of_error(error)
    path = found.database.path
    if path is None:
        return
    for each in (path, path.parent):
        if each.stat().st_mode & OTHERS:
            rights = "700" if each.is_dir() else "600"
            yield wrong(
                "open-to-others", "other users of this machine can read it", f"chmod {rights} {each}", str(each)
            )
    if path.stat().st_size <= CHECKED_AT_MOST:
        with found.database.read() as conn:
            said = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        if said != "ok":
            yield wrong("damaged", f"the state database is damaged: {said}", "`penstock restore` a backup")


def disk(found: Examined) -> Findings:
    """There is room for what comes, and for a backup."""
    folder, path = found.database.folder, found.database.path
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        message = f"only {free / 1e6:,.0f} MB are free on the disk of the state"
        yield wrong("little-room", message, "make room: a run stops when the disk is full", str(folder))
    elif path is not None and free < 2 * path.stat().st_size:
        message = f"{free / 1e6:,.0f} MB are free: not enough for a backup of {path.stat().st_size / 1e6:,.0f} MB"
        yield note("no-room-for-backup", message, "a backup needs twice the size of the state", str(folder))


def sealing_key(found: Examined) -> Findings:
    """The key is there, is its owner's alone, and opens everything that is sealed."""
    file = found.database.folder / KEY_FILE
    with found.database.read() as conn:
        ids = sealed.ids(conn)
    if KEY_VARIABLE in found.environ and file.exists():
        message = f"{KEY_VARIABLE} is set, so that the key in {KEY_FILE} opens nothing"
        yield note("two-keys", message, "keep the file only as long as something was sealed by it", str(file))
    if KEY_VARIABLE not in found.environ:
        yield from _key_file(file, ids.total())
        if not file.exists():
            return
    try:
        ring = sealer_of(found.environ, found.database.folder)
    except PenstockError as error:
        yield from of_error(error)
        return
    lost = sum(number for key, number in ids.items() if key not in ring.ids())
    if lost:
        message = f"{lost} of {ids.total()} sealed secrets were sealed with another key than the one at hand"
        hint = f"give back the old {KEY_VARIABLE} or {KEY_FILE}, or set those API keys again"
        yield wrong("other-sealing-key", message, hint)
    elif ring.older:
        yield note("rotation-begun", "an older sealing key is still there", "`penstock credential rotate-key` ends it")


def _key_file(file: Path, number: int) -> Findings:
    if not file.exists():
        if number:
            hint = f"put {KEY_FILE} back beside the state, or set {KEY_VARIABLE}"
            yield wrong("no-sealing-key", f"{number} secrets are sealed, and there is no key to open them", hint)
    elif file.stat().st_mode & OTHERS:
        message = "other users of this machine can read the sealing key"
        yield wrong("open-to-others", message, f"chmod 600 {file}", str(file))


def time_of_day(found: Examined) -> Findings:
    """The clock agrees with the database's, and did not go back."""
    now = found.clock.now()
    with found.database.read() as conn:
        newest = conn.execute(select(func.max(runs.c.started_at))).scalar_one()
        if found.database.is_shared:
            theirs = float(conn.execute(text("select extract(epoch from clock_timestamp())")).scalar_one())
            apart = found.clock.now().timestamp() - theirs
            if abs(apart) > CLOCK_MAY_DIFFER_S:
                message = f"this machine's clock is {apart:+.1f} s from the database server's"
                yield wrong("clock-differs", message, "let both keep the time by NTP")
    if newest is not None and newest > iso(now + timedelta(minutes=1)):
        message = f"a run began at {newest}, which is still to come: the clock went back"
        yield wrong("clock-went-back", message, "set the clock right: schedules and rate limits go by it")


def backups(found: Examined) -> Findings:
    """What was sent would not be forgotten. PostgreSQL has its own backups, of which nothing is known here."""
    if found.database.is_shared:
        return
    with found.database.read() as conn:
        last = setting(conn, BACKED_UP)
        began = conn.execute(select(func.min(runs.c.finished_at)).where(runs.c.delivered > 0)).scalar_one()
    before = iso(found.clock.now() - OLD_BACKUP)
    if began is None or began > before:
        return
    if last is None:
        message = "it sends since more than a week, and no backup was ever made"
        yield wrong("no-backup", message, "`penstock backup FILE` writes one while it is in use")
    elif last.at < before:
        days = (found.clock.now() - datetime.fromisoformat(last.at)).days
        yield wrong("old-backup", f"the last backup is {days} days old", "`penstock backup FILE`, every day")


def told_versions(database: Database | None) -> Mapping[str, str]:
    """What is at work here, by name."""
    import platform  # noqa: PLC0415 - only for this
    import sqlite3  # noqa: PLC0415

    from penstock.version import __version__  # noqa: PLC0415

    told = {"penstock": __version__, "python": platform.python_version(), "state": HEAD}
    if database is None or not database.is_shared:
        return {**told, "sqlite": sqlite3.sqlite_version}
    with database.read() as conn:
        return {**told, "postgresql": str(conn.execute(text("show server_version")).scalar_one())}
