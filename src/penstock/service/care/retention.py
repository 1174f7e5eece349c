"""The retention settings, and the removal of what is older."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlalchemy import select

from penstock.clock import Clock, iso
from penstock.model.errors import InputError, Problem
from penstock.service.care.compaction import free_pages, let_others_write
from penstock.service.store import pruning
from penstock.service.store.pruning import Cutoffs
from penstock.store.database import Database
from penstock.store.project.settings import put_setting, setting
from penstock.store.tables import runs

RETENTION, LAST = "retention", "pruned"
MOST_DAYS = 36_500
EVERY = timedelta(days=1)
A_MOMENT_S = 1.0  # what one tick may work
FROZEN_FOR_S = 86_400.0  # a frozen input that no run names is younger than its run for as long


@dataclass(frozen=True, slots=True)
class Retention:
    """Days; 0 is for ever. `ledger`: records and deliveries of a run; `runs`: its counts."""

    runs: int = 90
    ledger: int = 90
    responses: int = 30
    audit: int = 365
    alerts: int = 90

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Retention:
        """The document of the setting `retention`; what it leaves out has its default. InputError names each fault."""
        known, problems = {item.name for item in fields(Retention)}, []
        for name, value in document.items():
            if name not in known:
                near = get_close_matches(str(name), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                problems.append(Problem(f"{RETENTION}.{name}", f"there is no {name}", "unknown-key", hint, str(name)))
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS:
                hint = f"write 1 to {MOST_DAYS}, or 0 to keep for ever"
                problems.append(
                    Problem(f"{RETENTION}.{name}", "a number of days is wanted", "wrong-value", hint, repr(value))
                )
        if problems:
            raise InputError(*problems)
        return Retention(**document)

    def cutoffs(self, now: datetime) -> Cutoffs:
        days = asdict(self)
        return Cutoffs(**{name: _before(now, days[name]) for name in days}, now=now.timestamp())


def _before(now: datetime, days: int) -> str:
    return iso(now - timedelta(days=days)) if days else ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How much was removed (or, dry, would be), by kind. `gone` are destinations no longer in the project.

    `free_bytes` is space inside the file that new rows use before it grows.
    """

    dry_run: bool
    removed: Mapping[str, int]
    finished: bool = True
    frozen: tuple[str, ...] = ()
    gone: Mapping[str, int] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    free_bytes: int = 0


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
    for sweep in pruning.sweeps(retention(database).cutoffs(clock.now())):
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
