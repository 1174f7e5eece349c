"""Every column that holds sealed texts, in one list: a rotation of the sealing key must not forget a table."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, select, update

from penstock.store.project.credentials import Sealer
from penstock.store.service_tables import answers
from penstock.store.tables import credentials as credentials_table


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed texts; `named` is the name that a row's text was sealed for."""

    table: Table
    column: str
    named: Callable[[RowMapping], str]


def _name(row: RowMapping) -> Any:
    return row["name"]


def _request(row: RowMapping) -> str:
    return response_name(row["who"], row["key"])


def response_name(who: str, key: str) -> str:
    """Under what name the stored response of a request is sealed: no credential can have it."""
    return f"answers/{who}/{key}"


SEALED = (SealedColumn(credentials_table, "sealed", _name), SealedColumn(answers, "sealed", _request))


def key_ids(path: Path) -> Counter[str]:
    """How many texts each key (its id, in hex) has sealed, in a SQLite file of whatever version."""
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(path)) as connection:
        for sealed in SEALED:
            table, column = sealed.table.name, sealed.column
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                key = f"lower(hex(substr({column}, 2, 4)))"
                query = f"SELECT {key}, count(*) FROM {table} WHERE {column} IS NOT NULL GROUP BY 1"
                found.update(dict(connection.execute(query).fetchall()))
    return found


def ids(conn: Connection) -> Counter[str]:
    """How many texts each key (its id, in hex) has sealed."""
    found: Counter[str] = Counter()
    for sealed in SEALED:
        column = sealed.table.c[sealed.column]
        found.update(
            bytes(text[1:5]).hex() for text in conn.execute(select(column).where(column.is_not(None))).scalars()
        )
    return found


def seal_anew(conn: Connection, ring: Sealer) -> int:
    """Seal with the ring's first key what another of its keys, or an older Penstock, sealed; returns how much.

    InputError when something opens with none of them.
    """
    number = 0
    for sealed in SEALED:
        table, column = sealed.table, sealed.table.c[sealed.column]
        for row in conn.execute(select(table).where(column.is_not(None))).mappings().all():
            name, text = sealed.named(row), row[sealed.column]
            opened = ring.open(text, name)
            if not ring.is_newest(text):
                mine = and_(*(key == row[key.name] for key in table.primary_key))
                conn.execute(update(table).where(mine).values({sealed.column: ring.seal(opened, name)}))
                number += 1
    return number
