"""Discards of many held records: what is to be discarded, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from penstock.stores.quarantine import Which
from penstock.stores.schema_care import discards as table

SHOWN = 20


@dataclass(frozen=True, slots=True)
class DiscardRow:
    """`ids`, or else `which` of the records up to number `up_to`. `done` of `total` are discarded."""

    id: str
    ids: tuple[str, ...] | None
    which: Which
    up_to: int
    reason: str
    asked_by: str
    asked_at: str
    total: int
    done: int = 0
    ended_at: str | None = None


def add(conn: Connection, row: DiscardRow) -> None:
    values = {column.name: getattr(row, column.name) for column in table.columns if column.name != "which"}
    which = {**asdict(row.which), "ids": row.ids}
    conn.execute(insert(table).values(**values, which=orjson.dumps(which).decode()))


def get(conn: Connection, discard: str) -> DiscardRow | None:
    found = conn.execute(select(table).where(table.c.id == discard)).mappings().one_or_none()
    return None if found is None else _row(found)


def unfinished(conn: Connection) -> list[DiscardRow]:
    """Those that have not come to their end, oldest first."""
    query = select(table).where(table.c.ended_at.is_(None)).order_by(table.c.asked_at, table.c.id)
    return [_row(row) for row in conn.execute(query).mappings()]


def newest(conn: Connection) -> list[DiscardRow]:
    """The last ones, newest first."""
    query = select(table).order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(SHOWN)
    return [_row(row) for row in conn.execute(query).mappings()]


def count(conn: Connection, discard: str, more: int) -> None:
    """So many more are done."""
    conn.execute(update(table).where(table.c.id == discard).values(done=table.c.done + more))


def end(conn: Connection, discard: str, at: str) -> None:
    """It has come to its end."""
    conn.execute(update(table).where(table.c.id == discard).values(ended_at=at))


def forget_before(conn: Connection, at: str) -> None:
    """Those that ended before."""
    conn.execute(delete(table).where(table.c.ended_at < at))


def _row(row: RowMapping) -> DiscardRow:
    which: dict[str, Any] = orjson.loads(row["which"])
    ids: Sequence[str] | None = which.pop("ids")
    values = {name: value for name, value in row.items() if name != "which"}
    return DiscardRow(**values, ids=None if ids is None else tuple(ids), which=Which(**which))
