"""The retention settings, and the removal of what is older."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from penstock.clock import Clock, iso
from penstock.service.care.compaction import free_pages, let_others_write
from penstock.service.model import RETENTION, Pruned, Retention
from penstock.service.store import pruning
from penstock.service.store.pruning import Cutoffs
from penstock.store.database import Database
from penstock.store.project.settings import put_setting, setting
from penstock.store.tables import runs

LAST = "pruned"
EVERY = timedelta(days=1)
A_MOMENT_S = 1.0  # what one tick may work
FROZEN_FOR_S = 86_400.0  # a frozen input that no run names is younger than its run for as long


def cutoffs_of(kept: Retention, now: datetime) -> Cutoffs:
    """Before which moments things are removed."""
    days = asdict(kept)
    return Cutoffs(**{name: _before(now, days[name]) for name in days}, now=now.timestamp())


def _before(now: datetime, days: int) -> str:
    return iso(now - timedelta(days=days)) if days else ""


def retention(database: Database) -> Retention:
    with database.read() as conn:
        found = setting(conn, RETENTION)
    return Retention() if found is None else Retention.from_json(found.document)


def prune(database: Database, clock: Clock, *, dry_run: bool = False, most_s: float | None = None) -> Pruned:
    """Remove what is older than the retention. With `most_s` it returns after about that long, not finished."""
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
    """Frozen inputs, and drafts of them, that no unfinished run of this database reads any more."""
    folder, now = database.folder / "frozen", clock.now().timestamp()
    with database.read() as conn:
        query = select(runs.c.id).where(runs.c.resumable | runs.c.status.in_(pruning.UNDER_WAY))
        needed = {f"{run}.arrow" for run in conn.execute(query).scalars()}
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
    """Once a day, a second at a time until all is done; None when it is not the time."""
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
