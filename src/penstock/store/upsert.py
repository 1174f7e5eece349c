"""Inserts a row, or overwrites the one of the same key. Only this statement differs between the databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(conn: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Put one row in its place, by the table's primary key."""
    upsert_all(conn, table, [row], [column.name for column in table.primary_key])


def upsert_all(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], by: Sequence[str]) -> None:
    """Put rows of equal columns in their places; `by` are the columns of a unique index. Other columns stay."""
    if not rows:
        return
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in by}
    conn.execute(statement.on_conflict_do_update(index_elements=list(by), set_=new), [dict(row) for row in rows])


def insert_all(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], number: str) -> None:
    """Add to the `number` of rows by the table's primary key; a row that is not there yet begins with it."""
    if not rows:
        return
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    more = {number: table.c[number] + statement.excluded[number]}
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=more), [dict(row) for row in rows])
