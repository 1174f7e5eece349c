"""The rotation of the sealing key: everything sealed is sealed again, while other processes open old and new.

`SEALED` lists every sealed column, so that none is forgotten when the key is rotated or lost.
With the key file: the new key is put in front of the old one, everything is sealed again in one transaction, the old
key is removed. A process that dies in between leaves a file with both keys, and the next rotation completes the first.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, and_, select, update

from penstock.model.errors import InputError, Problem
from penstock.run.context import sealer_of
from penstock.service.replays import KeyedRequest, response_name
from penstock.store.database import Database
from penstock.store.project import credentials
from penstock.store.project.credentials import KEY_VARIABLE, Sealer
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
    return response_name(KeyedRequest(row["who"], row["key"], row["asked"]))


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


@dataclass(frozen=True, slots=True)
class Rotated:
    """`sealed` texts were sealed again by the key `key`; `from_environment`: a person has to remove the old key."""

    key: str
    sealed: int
    from_environment: bool


def rotate(database: Database, environ: Mapping[str, str]) -> Rotated:
    """Seal everything with another key. InputError when something opens with none of the keys: then nothing changes."""
    from_environment = KEY_VARIABLE in environ
    if from_environment and not sealer_of(environ, database.folder).older:
        message = f"{KEY_VARIABLE} holds one key: there is no other to rotate to"
        hint = "write the new key in front of it, with a comma between, and run this again"
        raise InputError(Problem(KEY_VARIABLE, message, "one-key", hint))
    if not from_environment:
        credentials.put_new_key_first(database.folder)
    ring = sealer_of(environ, database.folder)
    with database.begin() as conn:
        number = seal_anew(conn, ring)
    if not from_environment:
        credentials.drop_older_keys(database.folder)
    return Rotated(ring.ids()[0], number, from_environment)


def seal_by_derived_keys(database: Database, environ: Mapping[str, str]) -> None:
    """Seal again what 0.1.0 sealed with the sealing key itself. Does nothing where a text opens with no key."""
    with database.read() as conn:
        if not credentials.sealed_by_root(conn):
            return
    with suppress(InputError), database.begin() as conn:  # it still opens as before: `doctor` names the missing key
        seal_anew(conn, sealer_of(environ, database.folder))
