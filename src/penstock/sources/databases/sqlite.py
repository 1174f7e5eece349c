"""SQLite as a source: read-only, one consistent snapshot, values as they are stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from penstock.bounds import MAX_CELL, bounds, in_megabytes
from penstock.deadline import current_deadline
from penstock.model.errors import EnvironmentFailure, InputError, Problem
from penstock.model.reach import PERSONAL, Reach
from penstock.model.spec import SqlSource
from penstock.model.text import column_hint, joined
from penstock.sources.databases.rows import PIECE_ROWS, Rowset, SqlColumn, bounded_lists, longest_value, not_utf8
from penstock.sources.databases.url import SqlUrl
from penstock.sources.files.source_files import denial_of
from penstock.sources.sql_text import shortened, subquery

IS_STATE = (  # the file of another state, or a copy of this one, in any version
    "select count(*) = 4 from sqlite_master where type = 'table' and name in "
    "('alembic_version', 'ledger_batches', 'memory_segments', 'quarantine')"
)
LONGEST_CONSTANT = 100_000  # bytes of a value of the query itself, which is made when its columns are read
SQLITE_MOST = 2**31 - 1  # bytes of a value, whatever the bound is
STEPS = 2_000  # of SQLite's machine, between two calls of the progress handler
PATIENCE = 10.0  # seconds to wait for a writer's lock


class SqliteDatabase:
    """A SQLite file. SQLite has a type for each value, so that types come from the values."""

    mark = '"'
    placeholder = "?"
    sets_zone = False

    def __init__(self, source: SqlSource, url: SqlUrl, reach: Reach = PERSONAL) -> None:
        """Raises InputError for a file that is missing or out of `reach`."""
        self._source = source
        self._width = 1  # columns of the query
        written = unquote(url.value.partition("://")[2].partition("?")[0]).removeprefix("/")
        written = written.removeprefix("file:")
        self._path = source.base / written
        self._shown = self._path.name if url.is_literal else url.shown
        if not written or written == ":memory:":
            hint = "write sqlite:///PATH"
            raise self._error("a database in memory holds nothing to read", "missing-file", hint, url.shown)
        denial = denial_of(self._path, reach)
        if denial is not None:
            raise self._error(denial.reason, "file-not-allowed", denial.hint, url.shown)
        if not self._path.is_file():
            hint = f"the path is relative to {source.base.absolute()}; an absolute one has four slashes"
            shown = written if url.is_literal else url.shown
            raise self._error(f"no SQLite file {shown}", "missing-file", hint, found=shown)

    def columns(self, query: str) -> list[SqlColumn]:
        with closing(self._connection()) as connection:
            try:
                found = connection.execute(f"select * from {subquery(query)} limit 0").description
            except sqlite3.Error as error:
                raise self._failure(error, connection) from None
            self._width = len(found)
            return [SqlColumn(str(column[0])) for column in found]

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        waiting = current_deadline()
        with closing(self._connection()) as connection:
            try:
                if waiting is not None:
                    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest_value(self._width))
                    cursor = connection.execute(statement, values)
                    yield from bounded_lists(cursor, PIECE_ROWS, waiting, f"sources.{self._source.name}")
                    return
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(bounds().cell, SQLITE_MOST))
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
            message, hint = f"{self._shown} cannot be opened: {error}", "check path and permissions"
            raise self._error(message, "unreadable-file", hint, self._shown) from None
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # a query reads this file and no other
        connection.text_factory = _text
        waiting = current_deadline()
        if waiting is not None:
            connection.set_progress_handler(lambda: waiting.is_over, STEPS)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CONSTANT)
        try:
            is_state = connection.execute(IS_STATE).fetchone() == (1,)
        except sqlite3.Error as error:
            failure = self._failure(error, connection)
            connection.close()
            raise failure from None
        if is_state:
            connection.close()
            message = "this file is a state of Penstock, which is never read as data"
            raise self._error(message, "state-not-a-source", "name another database", self._shown)
        return connection

    def _failure(self, error: sqlite3.Error, connection: sqlite3.Connection) -> Exception:
        words = str(error)
        waiting = current_deadline()
        if waiting is not None and words == "interrupted":
            return waiting.too_slow(f"sources.{self._source.name}", "the query")
        if words == "string or blob too big":
            most = in_megabytes(connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))
            hint = "select less of it, such as substr(column, 1, 1000)"
            if waiting is None:
                hint += f"; if all of it is needed, raise {MAX_CELL}"
            return self._error(f"a value of the query is longer than {most}", "too-long", hint)
        if "locked" in words:
            hint, message = "wait until the other process has written, then run it again", f"{self._shown}: {words}"
            place = f"sources.{self._source.name}"
            return EnvironmentFailure(Problem(place, message, "database-locked", hint, self._shown))
        hint = f"correct the query of sources.{self._source.name}"
        if words.startswith("no such table: "):
            query = "select name from sqlite_master where type in ('table', 'view') order by name"
            tables = [name for (name,) in connection.execute(query)]
            hint = column_hint(words.partition(": ")[2], tables).replace("the columns are", "there are the tables")
            hint = hint if tables else f"there are no tables in {self._shown}{joined(tables)}"
        return self._error(f"SQLite says: {words}", "sql-error", hint, shortened(words.rpartition(": ")[2]))

    def _error(self, message: str, code: str, hint: str = "", found: str | None = None) -> InputError:
        return InputError(Problem(f"sources.{self._source.name}", message, code, hint, found))


def _text(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return not_utf8(data)
