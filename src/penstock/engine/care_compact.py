"""Giving back to the disk what pruning has freed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from penstock.engine.queue import lease_of
from penstock.model.errors import Problem, StateLocked
from penstock.stores import leases, work
from penstock.stores.compacting import cut, rewrite
from penstock.stores.database import Database
from penstock.stores.schema import metadata


@dataclass(frozen=True, slots=True)
class Compacted:
    """The state's size on disk in bytes: before, after, and the difference."""

    before_bytes: int
    after_bytes: int
    freed_bytes: int


def compact(database: Database) -> Compacted:
    """Give room that is free inside the state back to the disk.

    A SQLite file is shortened a little in each transaction, while others use it. The tables of PostgreSQL, and a SQLite
    file that cannot be shortened so, are written anew: StateLocked while a worker or a run uses the state.
    """
    before = _size(database)
    if database.is_shared or not cut(database):
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
