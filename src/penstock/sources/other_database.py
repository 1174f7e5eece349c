"""Any other database that SQLAlchemy has a driver for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from penstock.model.errors import HostUnreachable, InputError, PenstockError, Problem
from penstock.model.spec import SqlSource
from penstock.sources.sql_rows import PIECE_ROWS, Rowset, SqlColumn
from penstock.sources.sql_text import part, redacted, shortened


class OtherDatabase:
    """A database behind SQLAlchemy; types come from the values that its driver gives."""

    placeholder = ":start"

    def __init__(self, source: SqlSource, url: str) -> None:
        self._source = source
        self._url = url
        self._engine = self._opened()
        self.mark = self._engine.dialect.identifier_preparer.initial_quote

    def columns(self, query: str) -> list[SqlColumn]:
        try:
            with self._engine.connect() as connection:
                found = connection.execute(text(self.escaped(f"select * from {part(query)} where 1 = 0")))
                return [SqlColumn(name) for name in found.keys()]  # noqa: SIM118 - a result is no dict
        except DBAPIError as error:
            raise self._failure(error) from None

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        bound = {"start": values[0]} if values else {}
        prepared = text(statement if bound else self.escaped(statement))
        try:
            with self._engine.connect().execution_options(stream_results=True, yield_per=PIECE_ROWS) as connection:
                for rows in connection.execute(prepared, bound).partitions(PIECE_ROWS):
                    yield [tuple(row) for row in rows]
        except DBAPIError as error:
            raise self._failure(error) from None

    def escaped(self, query: str) -> str:
        return query.replace(":", "\\:")

    def _opened(self) -> Engine:
        path = f"sources.{self._source.name}.url"
        try:
            return create_engine(make_url(self._url), poolclass=NullPool, hide_parameters=True)
        except ModuleNotFoundError as error:
            message = f"the driver {error.name} for this database is not installed"
            hint = "install it, or name another in the URL, as in mysql+pymysql://…"
            raise InputError(Problem(path, message, "missing-driver", hint, error.name)) from None
        except NoSuchModuleError as error:
            message = redacted(str(error.args[0]), self._url)
            hint = "install the SQLAlchemy dialect for it, or check the beginning of the URL"
            raise InputError(Problem(path, message, "missing-driver", hint, self._url.partition(":")[0])) from None
        except (ArgumentError, SQLAlchemyError):
            hint = "write sqlite:///PATH, postgresql://user:password@host/database or another SQLAlchemy URL"
            found = self._url.partition(":")[0]  # no more: the rest may be a password
            raise InputError(Problem(path, "this is no database URL", "database-url", hint, found)) from None

    def _failure(self, error: DBAPIError) -> PenstockError:
        words = redacted(str(error.orig).strip(), self._url)
        place, message = f"sources.{self._source.name}", f"the database says: {words}"
        if error.connection_invalidated or (
            isinstance(error, (OperationalError, InterfaceError)) and not error.statement
        ):
            hint = "check host, port, user and password in the URL, and whether the server runs"
            found = self._engine.url.set(query={}).render_as_string(hide_password=True)
            return HostUnreachable(Problem(f"{place}.url", message, "host-unreachable", hint, shortened(found)))
        return InputError(Problem(place, message, "sql-error", f"mend the query of {place}", shortened(words)))
