"""`CommitWatch`: detects commits to the state database at almost no cost, so that tables are read only after one."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from penstock.store.database import Database, error_for_people

SQLITE = "PRAGMA data_version"  # changes with each commit of another connection; takes microseconds
POSTGRESQL = "SELECT txid_current_snapshot()::text"  # changes when the writes of a transaction become visible


class CommitWatch:
    """Keeps its own connection open until `close`. Any thread may call it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statement = POSTGRESQL if database.is_shared else SQLITE
        self._connection: PoolProxiedConnection | None = None
        self._opened = 0
        self._lock = threading.Lock()

    def mark(self) -> str:
        """A text that changes with each commit of any process, and sometimes without one.

        Marks of different CommitWatch objects cannot be compared. Raises StateUnavailable if the database cannot be
        reached.
        """
        driver: Any = self._database.engine.dialect.loaded_dbapi
        with self._lock:
            try:
                return f"{self._opened}.{self._value()}"
            except (DBAPIError, driver.Error) as error:
                self._drop()  # the server may have restarted: the next call connects again
                plain = error_for_people(self._database.place, error)
                if plain is None:
                    raise
                raise plain from error

    def close(self) -> None:
        """Close the connection; `mark` opens a new one."""
        with self._lock:
            self._drop()

    def _value(self) -> object:
        if self._connection is None:
            connection = self._database.engine.raw_connection()
            connection.detach()  # it does not count against the pool's limit
            if self._database.is_shared:
                connection.dbapi_connection.autocommit = True  # type: ignore[union-attr]
            self._connection, self._opened = connection, self._opened + 1
        cursor = self._connection.cursor()
        try:
            cursor.execute(self._statement)
            return cursor.fetchone()
        finally:
            cursor.close()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # the connection may be broken
                connection.close()
