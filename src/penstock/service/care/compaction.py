"""The compaction of a database: returns the space that pruning has freed to the disk.

SQLite's file shrinks in small steps, tables of other databases are rewritten.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from penstock.model.errors import Problem, StateLocked
from penstock.service.model import Compacted
from penstock.service.store import work
from penstock.service.work.queue import lease_of
from penstock.store import leases
from penstock.store.database import Database
from penstock.store.tables import metadata

PAGES = 1000  # cut off by one transaction
INCREMENTAL = 2  # SQLite's word for a file that can be shortened while it is in use


def free_pages(database: Database, is_late: Callable[[], bool] = lambda: False) -> bool:
    """Shorten a SQLite file by its free pages, others writing in between; False when the file cannot be."""
    with database.read() as conn:
        if conn.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() != INCREMENTAL:
            return False
    while not is_late():
        began = time.monotonic()
        if not _free_some_pages(database):
            break
        let_others_write(time.monotonic() - began)
    with database.alone() as execute:
        execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log has the pages that moved
    return True


def _free_some_pages(database: Database) -> bool:
    """Whether there is more to cut."""
    with database.begin() as conn:
        free = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
        for _ in range(min(free, PAGES)):  # the driver ends this pragma after its first page, whatever its argument
            conn.exec_driver_sql("PRAGMA incremental_vacuum(1)").close()
        left = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    return 0 < left < free


def let_others_write(seconds: float) -> None:
    """Others write as long as we did."""
    threading.Event().wait(min(max(seconds, 0.002), 0.5))


def rewrite(database: Database) -> None:
    """Write the tables again; others that use them wait, or are waited for for some seconds at most."""
    with database.alone() as execute:
        if database.is_shared:
            for table in metadata.sorted_tables:
                execute(f'VACUUM (FULL) "{table.name}"')
            return
        execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        execute("VACUUM")
        execute("PRAGMA wal_checkpoint(TRUNCATE)")


def compact(database: Database) -> Compacted:
    """Give room that is free inside the state back to the disk.

    A SQLite file is shortened a little in each transaction, while others use it. The tables of PostgreSQL, and a SQLite
    file that cannot be shortened so, are written again: StateLocked while a worker or a run uses the state.
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
        if leases.is_held(database, lease_of(worker)):
            raise _in_use(database, place)
    if (run := leases.any_holder(database)) is not None:
        raise _in_use(database, run)


def _in_use(database: Database, who: str) -> StateLocked:
    message = f"{who} uses the state: its tables are written anew, which nobody may use meanwhile"
    return StateLocked(Problem(database.place, message, "in-use", "stop it, then run `penstock compact` again", who))
