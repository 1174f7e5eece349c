"""The retention settings, the deletion of older data, and the compaction that returns free space to the disk.

A SQLite file is shortened in small steps; tables of PostgreSQL are rewritten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from penstock.clock import Clock, iso
from penstock.model.errors import Problem, StateLocked
from penstock.service.model import RETENTION, Compacted, Pruned, Retention
from penstock.service.store import pruning, work
from penstock.service.store.pruning import Cutoffs
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.project.resources import put_setting, setting
from penstock.store.runs.runs import last_alone
from penstock.store.tables import metadata, runs

LAST = "pruned"
EVERY = timedelta(days=1)
A_MOMENT_S = 1.0  # at most, for one call of `tick`
FROZEN_FOR_S = 86_400.0  # at least, before an unused frozen input is deleted: its run may not be stored yet


def cutoffs_of(wanted: Retention, now: datetime) -> Cutoffs:
    """The times before which data of each kind is deleted."""
    days = asdict(wanted)
    return Cutoffs(**{name: _before(now, days[name]) for name in days}, now=now.timestamp())


def _before(now: datetime, days: int) -> str:
    return iso(now - timedelta(days=days)) if days else ""


def retention(database: Database) -> Retention:
    with database.read() as conn:
        return stored_retention(conn)


def stored_retention(conn: Connection) -> Retention:
    """The stored settings, or the defaults."""
    found = setting(conn, RETENTION)
    return Retention() if found is None else Retention.from_json(found.document)


def prune(database: Database, clock: Clock, *, dry_run: bool = False, most_s: float | None = None) -> Pruned:
    """Delete data older than its retention. With `most_s`, stop after about so many seconds, `finished` being false."""
    began, removed = clock.monotonic(), dict[str, int]()

    def late() -> bool:
        return most_s is not None and clock.monotonic() - began > most_s

    finished = True
    for sweep in pruning.sweeps(cutoffs_of(retention(database), clock.now())):
        removed[sweep.name] = _count(database, sweep) if dry_run else _sweep(database, sweep, clock, late)
        finished = finished and not late()
    frozen = _orphans(database, clock) if finished else ()
    if not dry_run:
        for name in frozen:
            Path(name).unlink(missing_ok=True)
        if not database.is_shared:
            free_pages(database, late)
    return Pruned(dry_run, removed, finished, frozen, free_bytes=_free(database))


def _count(database: Database, sweep: pruning.Sweep) -> int:
    with database.read() as conn:
        return len(sweep.find(conn, pruning.EVERYTHING))


def _sweep(database: Database, sweep: pruning.Sweep, clock: Clock, late: Callable[[], bool]) -> int:
    total = 0
    while not late():
        with database.read() as conn:
            ids = sweep.find(conn, pruning.PART)
        if not ids:
            break
        began = clock.monotonic()
        with database.begin() as conn:
            total += sweep.drop(conn, ids)
        let_others_write(clock.monotonic() - began)
    return total


def _orphans(database: Database, clock: Clock) -> tuple[str, ...]:
    """Frozen inputs, and drafts of them, that no unfinished run and no next run with a limit reads."""
    folder, now = database.folder / "frozen", clock.now().timestamp()
    with database.read() as conn:
        query = select(runs.c.id).where(runs.c.resumable | runs.c.status.in_(pruning.UNDER_WAY))
        followed = select(runs.c.target).where(runs.c.limit.is_not(None), runs.c.frozen.is_not(None)).distinct()
        newest = [last_alone(conn, target) for target in conn.execute(followed).scalars().all()]
        kept = [*conn.execute(query).scalars(), *(run.id for run in newest if run is not None)]
        needed = {f"{run}.arrow" for run in kept}
    old = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file() and path.name not in needed and now - path.stat().st_mtime > FROZEN_FOR_S
    ]
    return tuple(sorted(map(str, old)))


def _free(database: Database) -> int:
    if database.is_shared:
        return 0
    with database.read() as conn:
        pages = conn.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        return int(pages * conn.exec_driver_sql("PRAGMA page_size").scalar_one())


def tick(database: Database, clock: Clock) -> Pruned | None:
    """Prune once a day, for about a second per call until it is finished. None when it is not due."""
    with database.read() as conn:
        last = setting(conn, LAST)
    now = clock.now()
    if last is not None and last.at > iso(now - EVERY):
        return None
    pruned = prune(database, clock, most_s=A_MOMENT_S)
    if pruned.finished:
        with database.begin() as conn:
            put_setting(conn, LAST, {"removed": dict(pruned.removed)}, by="retention", at=iso(now))
    return pruned


PAGES = 1000  # removed in one transaction
INCREMENTAL = 2  # SQLite's auto_vacuum mode in which a file can be shortened while it is in use


def free_pages(database: Database, is_late: Callable[[], bool] = lambda: False) -> bool:
    """Remove the free pages of a SQLite file, in steps between which others can write. False if it is not possible."""
    with database.read() as conn:
        if conn.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() != INCREMENTAL:
            return False
    while not is_late():
        began = time.monotonic()
        if not _free_some_pages(database):
            break
        let_others_write(time.monotonic() - began)
    with database.alone() as execute:
        execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the moved pages are in the log
    return True


def _free_some_pages(database: Database) -> bool:
    """Remove some free pages; returns whether there are more."""
    with database.begin() as conn:
        free = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
        for _ in range(min(free, PAGES)):  # the driver ends this pragma after its first page, whatever its argument
            conn.exec_driver_sql("PRAGMA incremental_vacuum(1)").close()
        left = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    return 0 < left < free


def let_others_write(seconds: float) -> None:
    """Wait for as long as the last transaction took, so that others can write."""
    threading.Event().wait(min(max(seconds, 0.002), 0.5))


def rewrite(database: Database) -> None:
    """Rewrite all tables. Other users of them wait meanwhile; this waits some seconds for them at most."""
    with database.alone() as execute:
        if database.is_shared:
            for table in metadata.sorted_tables:
                execute(f'VACUUM (FULL) "{table.name}"')
            return
        execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        execute("VACUUM")
        execute("PRAGMA wal_checkpoint(TRUNCATE)")


def compact(database: Database) -> Compacted:
    """Return free space inside the state to the disk.

    A SQLite file is shortened in small steps while others use it. The tables of PostgreSQL, and a SQLite file that
    cannot be shortened, are rewritten: StateLocked while a worker or a run uses the state.
    """
    before = _size(database)
    if database.is_shared or not free_pages(database):
        _refuse_while_in_use(database)
        rewrite(database)
    after = _size(database)
    return Compacted(before, after, before - after)


def _size(database: Database) -> int:
    if database.path is not None:
        files = (database.path, Path(f"{database.path}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    with database.read() as conn:
        sizes = (func.pg_total_relation_size(table.name) for table in metadata.sorted_tables)
        return sum(int(conn.execute(select(size)).scalar_one()) for size in sizes)


def _refuse_while_in_use(database: Database) -> None:
    with database.read() as conn:
        workers = {row.id: row.place for row in work.registered(conn)}
    for worker, place in workers.items():
        if leases.is_taken(database, leases.of_worker(worker)):
            raise _in_use(database, place)
    if (run := leases.any_holder(database)) is not None:
        raise _in_use(database, run)


def _in_use(database: Database, who: str) -> StateLocked:
    message = f"{who} uses the state, and its tables can be rewritten only while no process uses it"
    return StateLocked(Problem(database.place, message, "in-use", "stop it, then run `penstock compact` again", who))
