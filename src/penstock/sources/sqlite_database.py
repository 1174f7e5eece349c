"""SQLite as a source: read-only, one consistent reading, values as they are stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.spec import SqlSource
from penstock.sources.exact_json import Unfit
from penstock.sources.names import listed, nearest
from penstock.sources.sql_rows import PIECE_ROWS, Rowset, SqlColumn
from penstock.sources.sql_text import part, shortened

PATIENCE = 10.0  # seconds to wait for a writer's lock


class SqliteDatabase:
    """A SQLite file. SQLite keeps a type for each value, so that types come from the values."""

    mark = '"'
    placeholder = "?"

    def __init__(self, source: SqlSource, url: str) -> None:
        self._source = source
        written = unquote(url.partition("://")[2].partition("?")[0]).removeprefix("/")
        self._path = source.base / written
        if not written or written == ":memory:":
            raise self._wrong("a database in memory holds nothing to read", "missing-file", "write sqlite:///PATH", url)
        if not self._path.is_file():
            hint = f"the path is relative to {source.base.absolute()}; an absolute one has four slashes"
            raise self._wrong(f"no SQLite file {written}", "missing-file", hint, found=written)

    def columns(self, query: str) -> list[SqlColumn]:
        with closing(self._connection()) as connection:
            try:
                found = connection.execute(f"select * from {part(query)} limit 0").description
            except sqlite3.Error as error:
                raise self._failure(error, connection) from None
            return [SqlColumn(str(column[0])) for column in found]

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        with closing(self._connection()) as connection:
            try:
                cursor = connection.execute(statement, values)
                while rows := cursor.fetchmany(PIECE_ROWS):
                    yield rows
            except sqlite3.Error as error:
                raise self._failure(error, connection) from None

    def escaped(self, query: str) -> str:
        return query

    def _connection(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                Path(self._path).absolute().as_uri() + "?mode=ro",
                uri=True,
                timeout=PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            message, hint = f"{self._path.name} cannot be opened: {error}", "check the path and its rights"
            raise self._wrong(message, "unreadable-file", hint, self._path.name) from None
        connection.text_factory = _text
        return connection

    def _failure(self, error: sqlite3.Error, connection: sqlite3.Connection) -> Exception:
        words = str(error)
        if "locked" in words:
            hint, message = "wait for who writes to it, then run it again", f"{self._path.name}: {words}"
            place = f"sources.{self._source.name}"
            return EnvironmentFailure(Problem(place, message, "database-locked", hint, self._path.name))
        hint = f"mend the query of sources.{self._source.name}"
        if words.startswith("no such table: "):
            query = "select name from sqlite_master where type in ('table', 'view') order by name"
            tables = [name for (name,) in connection.execute(query)]
            hint = nearest(words.partition(": ")[2], tables).replace("the columns are", "there are the tables")
            hint = hint if tables else f"there are no tables in {self._path.name}{listed(tables)}"
        return self._wrong(f"SQLite says: {words}", "sql-error", hint, shortened(words.rpartition(": ")[2]))

    def _wrong(self, message: str, code: str, hint: str = "", found: str | None = None) -> InputError:
        return InputError(Problem(f"sources.{self._source.name}", message, code, hint, found))


def _text(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Unfit(data.decode(errors="backslashreplace"), "not UTF-8 text")
