"""How a database gives room back to the disk: SQLite's file a little at a time, others by new tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from penstock.stores.database import Database
from penstock.stores.schema import metadata

PAGES = 1000  # cut off by one transaction
INCREMENTAL = 2  # SQLite's word for a file that can be shortened while it is in use


def cut(database: Database, is_late: Callable[[], bool] = lambda: False) -> bool:
    """Shorten a SQLite file by its free pages, others writing in between; False when the file cannot be."""
    with database.read() as conn:
        if conn.exec_driver_sql("PRAGMA auto_vacuum").scalar_one() != INCREMENTAL:
            return False
    while not is_late():
        began = time.monotonic()
        if not _cut_some(database):
            break
        let_others(time.monotonic() - began)
    with database.alone() as execute:
        execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log has the pages that moved
    return True


def _cut_some(database: Database) -> bool:
    """Whether there is more to cut."""
    with database.begin() as conn:
        free = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
        for _ in range(min(free, PAGES)):  # the driver ends this pragma after its first page, whatever it is asked for
            conn.exec_driver_sql("PRAGMA incremental_vacuum(1)").close()
        left = int(conn.exec_driver_sql("PRAGMA freelist_count").scalar_one())
    return 0 < left < free


def let_others(seconds: float) -> None:
    """Others write as long as we did."""
    threading.Event().wait(min(max(seconds, 0.002), 0.5))


def rewrite(database: Database) -> None:
    """Write the tables anew; others that use them wait, or are waited for for some seconds at most."""
    with database.alone() as execute:
        if database.is_shared:
            for table in metadata.sorted_tables:
                execute(f'VACUUM (FULL) "{table.name}"')
            return
        execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        execute("VACUUM")
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
