"""The exported ledger as three tables in a schema of a PostgreSQL database: a run is replaced in one transaction.

The tables are made when they are missing, and get columns that a newer version added. A table of the same name that
Penstock did not make is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.abc import PQGen
from sqlalchemy import Connection

from penstock.model.errors import InputError, Problem
from penstock.store.ledger_export.columns import COLUMNS, TABLES, VERSION, ExportedTable
from penstock.store.ledger_export.rows import tables_of
from penstock.store.runs.erasure import ERASED
from penstock.store.runs.runs import RunRow, is_pruned

T = TypeVar("T")

PATIENCE_S = 15  # for a connection, and for locks of others
STATEMENT_S = 300  # for a statement other than COPY, then the server stops it
ANSWER_S = 330.0  # for any answer, then the connection is closed: the server may have stopped
NETWORK = {  # libpq's: the connection ends when the host has not been reached for a minute
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
MADE_BY = "Penstock's ledger"  # how the comment of a table of ours begins
TYPES = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.timestamp("ms"): "timestamp with time zone",
}
SESSION = f"""
    set timezone = 'UTC'; set client_encoding = 'UTF8';
    set lock_timeout = '{PATIENCE_S}s'; set statement_timeout = '{STATEMENT_S}s'
"""
FOUND = "select obj_description(to_regclass(%s)::oid, 'pg_class'), to_regclass(%s) is not null"


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is closed, with OperationalError, when the server does not answer for `ANSWER_S`."""

    def wait(self, gen: PQGen[T], *how: Any, **more: Any) -> T:
        return super().wait(self._in_time(gen), *how, **more)

    def _in_time(self, gen: PQGen[T]) -> PQGen[T]:
        began = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if not ready and time.monotonic() - began > ANSWER_S:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the database has not answered for {ANSWER_S:g} s")
                state = gen.send(ready)
        except StopIteration as end:
            found: T = end.value
            return found


class PostgresLedger:
    """Writes runs to a database; raises psycopg.Error. `settings` are libpq's, of a database that may be reached.

    No call waits forever for a server or a network that has stopped.
    """

    def __init__(self, settings: Mapping[str, Any], schema: str) -> None:
        self._schema = schema
        self._connection = _Connection.connect("", **{"connect_timeout": PATIENCE_S, **NETWORK, **settings})
        try:
            self._connection.execute(SESSION)
            self._make_tables()
        except BaseException:
            self._connection.close()
            raise

    def write(self, conn: Connection, run: RunRow) -> None:
        """Write what the ledger has about a run, in place of what was written before, in one transaction.

        Of a run whose records were pruned only the run itself is written: its earlier rows have more than the state.
        """
        with self._connection.transaction():
            names = [name for name in TABLES if name == "runs" or not is_pruned(run)]
            for name in names:
                self._connection.execute(sql.SQL("delete from {} where run = %s").format(self._table(name)), (run.id,))
            self._connection.execute("set local statement_timeout = 0")
            for name in names:
                self._copy(conn, run, name)

    def erase(self, key: str, *, dry_run: bool) -> int:
        """Remove a key and the reasons of its records from the tables; returns of how many records."""
        with self._connection.transaction():
            find = sql.SQL("select run, request from {} where key = %s").format(self._table("records"))
            found = self._connection.execute(find, (key.replace("\0", "\ufffd"),)).fetchall()
            if found and not dry_run:
                self._erase(key.replace("\0", "\ufffd"), found)
        return len(found)

    def _erase(self, key: str, found: Sequence[tuple[Any, ...]]) -> None:
        """A reason that is null stays null."""
        reason = sql.SQL("reason = case when reason is null then null else %(erased)s end")
        records = sql.SQL("update {} set key = %(erased)s, {} where key = %(key)s")
        self._connection.execute(records.format(self._table("records"), reason), {"key": key, "erased": ERASED})
        requests = sql.SQL("update {} set url = %(erased)s, {} where run = any(%(runs)s) and request = any(%(sent)s)")
        sent = {"runs": [run for run, _ in found], "sent": [request for _, request in found], "erased": ERASED}
        self._connection.execute(requests.format(self._table("requests"), reason), sent)

    def close(self) -> None:
        self._connection.close()

    def _table(self, name: ExportedTable) -> sql.Identifier:
        return sql.Identifier(self._schema, name)

    def _make_tables(self) -> None:
        with self._connection.transaction():
            schema = sql.Identifier(self._schema)
            self._connection.execute(sql.SQL("create schema if not exists {}").format(schema))
            for name in TABLES:
                self._make_table(name)
        self._connection.commit()

    def _make_table(self, name: ExportedTable) -> None:
        table, place = self._table(name), f'"{self._schema}"."{name}"'
        comment, exists = self._connection.execute(FOUND, (place, place)).fetchone() or (None, False)
        if exists and not (comment or "").startswith(MADE_BY):
            message = f"the table {self._schema}.{name} exists, and Penstock did not make it"
            raise InputError(
                Problem("ledger_to.schema", message, "not-our-table", "write another `schema`", self._schema)
            )
        if not exists:
            self._connection.execute(sql.SQL("create table {} (run text not null)").format(table))
            index = "create unique index on {} (run)" if name == "runs" else "create index on {} (run)"
            self._connection.execute(sql.SQL(index).format(table))
            words = sql.Literal(f"{MADE_BY}, version {VERSION}")
            self._connection.execute(sql.SQL("comment on table {} is {}").format(table, words))
        add = sql.SQL(", ").join(
            sql.SQL("add column if not exists {} {}").format(sql.Identifier(field.name), sql.SQL(TYPES[field.type]))
            for field in COLUMNS[name]
        )
        self._connection.execute(sql.SQL("alter table {} {}").format(table, add))

    def _copy(self, conn: Connection, run: RunRow, name: ExportedTable) -> None:
        columns = sql.SQL(", ").join(map(sql.Identifier, ("run", *COLUMNS[name].names)))
        statement = sql.SQL("copy {} ({}) from stdin").format(self._table(name), columns)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for part in tables_of(conn, run, name):
                for row in zip(*map(_values, part.columns), strict=True):
                    copy.write_row((run.id, *row))


def _values(column: pa.ChunkedArray[Any]) -> list[Any]:
    """The values of a column; text without U+0000, which this database refuses."""
    values: list[Any] = column.to_pylist()
    if column.type != pa.string():
        return values
    return [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
