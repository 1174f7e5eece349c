"""`OtherDatabase`: any other database for which SQLAlchemy has a driver.

Its sessions set the time zone and the like themselves, so that a server's settings do not change what is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.pool import NullPool

from penstock.deadline import current_deadline
from penstock.model.errors import HostUnreachable, InputError, PenstockError, Problem
from penstock.model.reach import PERSONAL, Reach, is_listed
from penstock.model.spec import SqlSource
from penstock.sources.databases.rows import PIECE_ROWS, Rowset, SqlColumn, bounded_lists
from penstock.sources.databases.url import SqlUrl, checked_addresses
from penstock.sources.files.source_files import denial_of
from penstock.sources.sql_text import shortened, subquery

STATEMENTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "mysql": ("set time_zone = '+00:00'",),  # a `timestamp` is shown in the session's zone
        "mariadb": ("set time_zone = '+00:00'",),
        "oracle": ("alter session set time_zone = '+00:00'",),  # `timestamp with local time zone`
        "snowflake": ("alter session set timezone = 'UTC'",),  # `timestamp_ltz`
        "redshift": ("set timezone to 'UTC'", "set datestyle to 'ISO, MDY'"),
    }
)

OPTIONS = frozenset(  # of a URL in a service: others may name files, sockets, hosts or libraries
    {"charset", "connect_timeout", "timeout", "ssl", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity"}
    | {"sslmode", "tls", "encrypt", "driver", "trustservercertificate", "service_name"}
)


def sets_zone(engine: Engine) -> bool:
    """Whether its sessions set their time zone, which the server set before release 0.2."""
    return engine.dialect.name in STATEMENTS


def keep_own_session(engine: Engine) -> None:
    """Have each new connection of the engine execute the statements for its kind of database, before anything else."""
    statements = STATEMENTS.get(engine.dialect.name, ())

    def begin(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        try:
            for statement in statements:
                cursor.execute(statement)
        finally:
            cursor.close()

    if statements:
        event.listen(engine, "connect", begin)


class OtherDatabase:
    """A database behind SQLAlchemy; types come from the values that its driver gives."""

    placeholder = ":start"

    def __init__(self, source: SqlSource, url: SqlUrl, reach: Reach = PERSONAL) -> None:
        """Raises InputError for a wrong URL and for what is out of `reach`."""
        self._source = source
        self._url = url
        self._engine = self._opened(reach)
        keep_own_session(self._engine)
        self.sets_zone = sets_zone(self._engine)
        self.mark = self._engine.dialect.identifier_preparer.initial_quote

    def columns(self, query: str) -> list[SqlColumn]:
        try:
            with self._engine.connect() as connection:
                found = connection.execute(text(self.escaped(f"select * from {subquery(query)} where 1 = 0")))
                return [SqlColumn(name) for name in found.keys()]  # noqa: SIM118 - a result is no dict
        except DBAPIError as error:
            raise self._failure(error) from None

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        waiting = current_deadline()
        bound = {"start": values[0]} if values else {}
        prepared = text(statement if bound else self.escaped(statement))
        try:
            with self._engine.connect().execution_options(stream_results=True, yield_per=PIECE_ROWS) as connection:
                result = connection.execute(prepared, bound)
                if waiting is not None:
                    each = (tuple(row) for row in result)
                    yield from bounded_lists(each, PIECE_ROWS, waiting, f"sources.{self._source.name}")
                    return
                for rows in result.partitions(PIECE_ROWS):
                    yield [tuple(row) for row in rows]
        except DBAPIError as error:
            raise self._failure(error) from None

    def escaped(self, query: str) -> str:
        return query.replace(":", "\\:")

    def _opened(self, reach: Reach) -> Engine:
        path = f"sources.{self._source.name}.url"
        try:
            url = self._within(make_url(self._url.value), reach)
            return create_engine(url, poolclass=NullPool, hide_parameters=True)
        except ModuleNotFoundError as error:
            message = f"the driver {error.name} for this database is not installed"
            hint = "install it, or name another in the URL, as in mysql+pymysql://…"
            raise InputError(
                Problem(path, self._url.masked(message), "missing-driver", hint, self._url.shown)
            ) from None
        except NoSuchModuleError as error:
            message = self._url.masked(str(error.args[0]))
            hint = "install the SQLAlchemy dialect for it, or check the beginning of the URL"
            raise InputError(Problem(path, message, "missing-driver", hint, self._url.shown)) from None
        except (ArgumentError, SQLAlchemyError):
            hint = "write sqlite:///PATH, postgresql://user:password@host/database or another SQLAlchemy URL"
            is_safe = "://" in self._url.shown or not self._url.is_literal  # else it may be a password
            found = self._url.shown if is_safe else None
            raise InputError(Problem(path, "this is no database URL", "database-url", hint, found)) from None

    def _within(self, url: URL, reach: Reach) -> URL:
        """The URL with the checked address as its host, in a service. Raises InputError for what is out of reach."""
        path = f"sources.{self._source.name}.url"
        if not url.host and url.database:
            denial = denial_of(self._source.base / url.database, reach)
            if denial is not None:
                raise InputError(Problem(path, denial.reason, "file-not-allowed", denial.hint, self._url.shown))
        if not reach.is_service:
            return url
        if not url.host:
            message, hint = "the URL names no host", "a service reads databases of a server, and SQLite files"
            raise InputError(Problem(path, message, "database-url", hint, self._url.shown))
        for name, value in url.query.items():
            if name.lower() not in OPTIONS or "/" in str(value):
                message, hint = f"a service does not accept the option {name}", "remove it from the URL"
                raise InputError(Problem(path, message, "option-not-allowed", hint, self._url.shown))
        addresses = checked_addresses(self._source, url.host, url.port or 0, reach)
        if not addresses or is_listed(reach, url.host, url.port):
            return url
        return url.set(host=addresses[0])

    def _failure(self, error: DBAPIError) -> PenstockError:
        words = self._url.masked(str(error.orig).strip())
        place, message = f"sources.{self._source.name}", f"the database says: {words}"
        if error.connection_invalidated or (
            isinstance(error, (OperationalError, InterfaceError)) and not error.statement
        ):
            hint = "check host, port, user and password in the URL, and whether the server runs"
            return HostUnreachable(Problem(f"{place}.url", message, "host-unreachable", hint, self._url.shown))
        return InputError(Problem(place, message, "sql-error", f"correct the query of {place}", shortened(words)))
