"""PostgreSQL as a source: a server-side cursor in a read-only transaction, every value exact.

libpq takes what a URL leaves out from the environment, from `~/.pgpass` and from a service file. In a service these
belong to the person who runs it, not to the person who edits the project, so none of them is used there unless allowed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import psycopg
import pyarrow as pa
from psycopg import pq
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader

from penstock.bounds import bounds, in_megabytes
from penstock.deadline import Deadline, current_deadline
from penstock.model.errors import CredentialRefused, HostUnreachable, InputError, PenstockError, Problem
from penstock.model.reach import PERSONAL, Reach, variable_denial
from penstock.model.spec import ColumnType, SqlSource
from penstock.sources.databases.rows import PIECE_ROWS, WIDEST_ROW, Rowset, SqlColumn, bounded_lists, not_utf8
from penstock.sources.databases.url import SqlUrl, checked_addresses, is_address
from penstock.sources.files.source_files import denial_of
from penstock.sources.sql_text import pointed, shortened, subquery, word_at
from penstock.sources.typing.exact_json import NotJson, Unfit, parse

FORM = "write postgresql://user:password@host/database"
NO_FILE = "/nonexistent/pgpass"
FILES = ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir", "servicefile", "sslkeylogfile")
IN_A_SERVICE = frozenset(
    {"host", "hostaddr", "port", "dbname", "user", "password", "passfile", "connect_timeout", "client_encoding"}
    | {"options", "application_name", "fallback_application_name", "keepalives", "keepalives_idle"}
    | {"keepalives_interval", "keepalives_count", "tcp_user_timeout", "sslmode", "sslnegotiation", "sslcompression"}
    | {"sslcert", "sslkey", "sslpassword", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslsni"}
    | {"requirepeer", "requiressl", "ssl_min_protocol_version", "ssl_max_protocol_version", "min_protocol_version"}
    | {"max_protocol_version", "gssencmode", "channel_binding", "require_auth", "target_session_attrs"}
    | {"load_balance_hosts"}
)

PATIENCE = 15  # seconds to wait for a connection
REFUSED = ("authentication failed", "no pg_hba.conf entry", "no password supplied", 'FATAL:  role "')
CANCELLED = "57014"  # SQLSTATE: a person or the time-out stopped the statement
TOO_LONG = " bytes in one row"
LOST = ("08", "57P")  # SQLSTATE: the connection broke, the server shuts down
TEXTS = ("text", "varchar", "bpchar", "name", 0)  # 0: every type without a loader in psycopg
KINDS: dict[str, ColumnType] = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "oid": "integer",
    "float4": "number",
    "float8": "number",
    "numeric": "number",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "json": "json",
    "jsonb": "json",
}
AS_WRITTEN = (
    "interval", "time", "timetz", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
    "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
)  # fmt: skip

SESSION = """
    set local client_encoding = 'UTF8'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
    set local timezone = 'UTC'; set local extra_float_digits = 3; set local bytea_output = 'hex'
"""  # what a server, a database or a role sets as default would else decide what is read
UNCHECKED = "; set local client_encoding = 'SQL_ASCII'"  # with UTF8 the server would refuse a statement for one value
TYPE_NAMES = "select oid::int8, format_type(oid, -1) from unnest(%s::oid[]) as oid"


def settings_of(source: SqlSource, url: SqlUrl, reach: Reach) -> dict[str, Any]:
    """The settings of the connection. InputError for a URL that is not PostgreSQL's, and for a host out of reach."""
    scheme, _, rest = url.value.partition("://")
    try:
        given = dict(conninfo_to_dict(f"{scheme.partition('+')[0].lower()}://{rest}"))
    except psycopg.Error:  # its words repeat parts of the URL
        raise _error(source, url, "this is no PostgreSQL URL", "database-url", FORM) from None
    for name in FILES:
        file = str(given.get(name) or "")
        if not file or (name == "sslrootcert" and file == "system"):
            continue
        denial = denial_of(source.base / Path(file).expanduser(), reach)
        if denial is not None:
            raise _error(source, url, f"{name}: {denial.reason}", "file-not-allowed", denial.hint)
    return _bounded(source, url, given, reach) if reach.is_service else given


def _bounded(source: SqlSource, url: SqlUrl, given: dict[str, Any], reach: Reach) -> dict[str, Any]:
    foreign = sorted(given.keys() - IN_A_SERVICE)
    if foreign:
        message = f"a service does not accept the option {foreign[0]}"
        raise _error(source, url, message, "option-not-allowed", "remove it from the URL")
    if variable_denial(reach, "PGPASSWORD") is not None:
        given.setdefault("password", "")
    return {"passfile": NO_FILE, **given, **_places(source, url, given, reach)}


def _places(source: SqlSource, url: SqlUrl, given: Mapping[str, Any], reach: Reach) -> dict[str, str]:
    """Hosts with the addresses that were checked, in libpq's lists."""
    names, numbers = _listed(given.get("host")), _listed(given.get("hostaddr"))
    ports = _listed(given.get("port")) or ["5432"]
    if not names and not numbers:
        raise _error(source, url, "the URL names no host", "database-url", FORM)
    found: list[tuple[str, str, str]] = []
    for place, (name, number) in enumerate(zip_longest(names, numbers, fillvalue="")):
        port = ports[place] if len(ports) > 1 and place < len(ports) else ports[0]
        if not port.isascii() or not port.isdigit():
            raise _error(source, url, "the URL has no number as its port", "database-url", FORM)
        host = number or name
        if not host or (number and not is_address(number)):
            raise _error(source, url, "the URL names no host", "database-url", FORM)
        addresses = checked_addresses(source, host, int(port), reach)
        found += [(name or host, address, port) for address in addresses] or [(host, "", port)]
    return {
        key: ",".join(parts) for key, parts in zip(("host", "hostaddr", "port"), zip(*found, strict=True), strict=True)
    }


def _listed(text: object) -> list[str]:
    return str(text).split(",") if text else []


def _error(source: SqlSource, url: SqlUrl, message: str, code: str, hint: str) -> InputError:
    return InputError(Problem(f"sources.{source.name}.url", message, code, hint, url.shown))


class PostgresDatabase:
    """A PostgreSQL server. Intervals, times of day and ranges are as PostgreSQL writes them, bytea as hex text.

    Its session sets everything itself that decides how values are written. Text of a SQL_ASCII database, which checks
    no encoding, is read as UTF-8.
    """

    mark = '"'
    placeholder = "%s"
    sets_zone = False  # its times with a zone name it

    def __init__(self, source: SqlSource, url: SqlUrl, reach: Reach = PERSONAL) -> None:
        """Raises InputError for a wrong URL and for a host that is out of `reach`."""
        self._source = source
        self._url = url
        self._reach = reach
        self._settings = settings_of(source, url, reach)

    def columns(self, query: str) -> list[SqlColumn]:
        with self._connection() as connection:
            statement = f"select * from {subquery(query)} limit 0"
            try:
                found = connection.execute(statement.encode()).description or []
                oids = [column.type_code for column in found]
                names = dict(connection.execute(TYPE_NAMES, (oids,)).fetchall())
            except psycopg.Error as error:
                raise self._failure(error, query, statement) from None
            return [replace(_column(column), sql=names.get(column.type_code)) for column in found]

    def rows(self, statement: str, values: Sequence[object]) -> Iterator[Rowset]:
        waiting = current_deadline()
        if waiting is not None and not values:
            yield from self._rows_in_time(statement, waiting)
            return
        with self._connection() as connection:
            try:
                with connection.cursor("penstock") as cursor:
                    cursor.execute(statement.encode(), values or None)
                    while rows := cursor.fetchmany(PIECE_ROWS):
                        yield rows
            except psycopg.Error as error:
                raise self._failure(error, statement, statement) from None

    def _rows_in_time(self, query: str, waiting: Deadline) -> Iterator[Rowset]:
        """The rows for a look: the server refuses a row beyond the bound and stops when the time is over."""
        most = bounds().cell * WIDEST_ROW
        size = "pg_catalog.pg_column_size(source.*)"
        words = f"({size}::text || '{TOO_LONG}')::boolean"  # only a row that is too long makes the error
        statement = f"select source.* from {subquery(query)} where case when {size} > {most} then {words} else true end"
        with self._connection() as connection:
            try:
                with (
                    waiting.stopped_by(connection.cancel),
                    connection.cursor() as cursor,
                    closing(
                        cast("Generator[Any, None, None]", cursor.stream(statement.encode()))
                    ) as rows,  # it holds a lock
                ):
                    yield from bounded_lists(rows, PIECE_ROWS, waiting, f"sources.{self._source.name}")
            except psycopg.Error as error:
                raise self._failure(error, query, statement) from None

    def escaped(self, query: str) -> str:
        return query.replace("%", "%%")

    def _connection(self) -> psycopg.Connection[Any]:
        try:
            seconds = int(self._settings.get("connect_timeout") or PATIENCE)
            waiting = current_deadline()
            if waiting is not None and (left := waiting.left_s()) is not None:
                seconds = min(seconds, int(left) + 1)
            connection = psycopg.connect("", **{**self._settings, "connect_timeout": seconds})
        except psycopg.OperationalError as error:
            raise self._unreached(error) from None
        except (psycopg.Error, ValueError):  # its words repeat parts of the URL
            raise InputError(self._at_url("this is no PostgreSQL URL", "database-url", FORM)) from None
        try:
            self._prepare(connection)
        except psycopg.OperationalError as error:
            connection.close()
            raise self._unreached(error) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        unchecked = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        connection.execute(SESSION + UNCHECKED if unchecked else SESSION)
        waiting = current_deadline()
        if waiting is not None and (left := waiting.left_s()) is not None:
            connection.execute(f"set local statement_timeout = {int(left * 1000) + 1}".encode())
        _read_exactly(connection, unchecked=unchecked)
        if self._reach.server is not None and postgres_identity(connection) == self._reach.server:
            message = "this database is Penstock's own state, which is never read as data"
            raise InputError(self._at_url(message, "state-not-a-source", "name another database"))

    def _unreached(self, error: psycopg.Error) -> PenstockError:
        """Why there is no connection: the login, the database's name, or the network."""
        words = self._url.masked(str(error).strip())
        state = error.sqlstate or ""
        if any(sign in words for sign in REFUSED) or state.startswith("28"):
            hint = "check the user and the password in the URL; keep the password in ${env:NAME}"
            return CredentialRefused(self._at_url(f"PostgreSQL refuses the login: {words}", "login-refused", hint))
        if "does not exist" in words:
            hint = "write the name of an existing database: postgresql://user@host/database"
            return InputError(self._at_url(f"PostgreSQL says: {words}", "database-url", hint))
        hint = "check the host and the port in the URL, and whether the server runs"
        return HostUnreachable(self._at_url(f"PostgreSQL cannot be reached: {words}", "host-unreachable", hint))

    def _failure(self, error: psycopg.Error, query: str, statement: str) -> PenstockError:
        words = self._url.masked(error.diag.message_primary or str(error).strip())
        state = error.sqlstate
        waiting = current_deadline()
        if waiting is not None and state == CANCELLED:
            return waiting.too_slow(f"sources.{self._source.name}", "the query")
        if TOO_LONG in words:
            most = in_megabytes(bounds().cell * WIDEST_ROW)
            hint = "select less of it, such as left(column, 1000)"
            return self._error(f"a row of the query is longer than {most}", "too-long", hint, None)
        if isinstance(error, psycopg.OperationalError) and (state is None or state.startswith(LOST)):
            message = f"the connection to PostgreSQL was lost while it was read: {words}"
            hint = "when the server is there again, run the same command: nothing is lost, and nothing is sent twice"
            return HostUnreachable(self._at_url(message, "connection-lost", hint))
        message = f"PostgreSQL says: {words}"
        if error.diag.statement_position is not None:
            offset = int(error.diag.statement_position) - 1 - max(statement.find(query), 0)
            message, found = pointed(message, query, offset), word_at(query, offset)
        else:
            found = statement
        hint = error.diag.message_hint or f"correct the query of sources.{self._source.name}"
        return self._error(message, "sql-error", hint, found)

    def _error(self, message: str, code: str, hint: str, found: str | None) -> InputError:
        shown = None if found is None else shortened(found)
        return InputError(Problem(f"sources.{self._source.name}", message, code, hint, shown))

    def _at_url(self, message: str, code: str, hint: str) -> Problem:
        return Problem(f"sources.{self._source.name}.url", message, code, hint, self._url.shown)


def postgres_identity(connection: psycopg.Connection[Any]) -> str:
    """An identity of the database behind a connection, the same for every host, port or socket."""
    try:
        with connection.transaction():
            server = connection.execute("select system_identifier::text from pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        with connection.transaction():
            server = connection.execute("select concat(inet_server_addr(), ' ', inet_server_port())").fetchone()
    with connection.transaction():
        number = connection.execute("select oid::text from pg_database where datname = current_database()").fetchone()
    return f"{server} {number}"


def _column(column: psycopg.Column) -> SqlColumn:
    found = psycopg.adapters.types.get(column.type_code)
    name = "" if found is None or found.array_oid == column.type_code else found.name
    if found is not None and found.array_oid == column.type_code:
        return SqlColumn(column.name, "json")
    kind = KINDS.get(name, "text")
    precision, scale = column.precision, column.scale
    if name == "numeric" and precision and scale is not None and 0 <= scale <= precision <= 38:
        return SqlColumn(column.name, kind, pa.decimal128(precision, scale))
    if name == "timestamp":
        return SqlColumn(column.name, kind, pa.timestamp("us"))
    return SqlColumn(column.name, kind)


def _read_exactly(connection: psycopg.Connection[Any], *, unchecked: bool) -> None:
    """Exact JSON, and values that Python has no room for (infinity, the year 20000) as what they are.

    `unchecked`: text may be anything.
    """
    adapters = connection.adapters
    for name in ("json", "jsonb"):
        adapters.register_loader(name, _JsonLoader)
    for name in AS_WRITTEN:
        adapters.register_loader(name, TextLoader)
    for text in TEXTS if unchecked else ():
        adapters.register_loader(text, _UncheckedTextLoader)
    for name, loader in (("date", DateLoader), ("timestamp", TimestampLoader), ("timestamptz", TimestamptzLoader)):
        adapters.register_loader(name, _tolerant(loader))


class _JsonLoader(Loader):
    """Exact JSON; what PostgreSQL takes for JSON and we do not (a name twice in an object) as Unfit."""

    def load(self, data: Any) -> object:
        try:
            return parse(bytes(data).decode())
        except NotJson as error:
            return Unfit(bytes(data).decode(), str(error))
        except UnicodeDecodeError:
            return not_utf8(bytes(data))


class _UncheckedTextLoader(Loader):
    """Text of a server that checks no encoding: what is not UTF-8 as Unfit."""

    def load(self, data: Any) -> object:
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            return not_utf8(bytes(data))


def _tolerant(loader: type[Loader]) -> type[Loader]:
    """A loader that returns what it cannot load as Unfit, so that only its record is quarantined."""

    class Tolerant(loader):  # type: ignore[valid-type, misc]
        def load(self, data: Any) -> object:
            try:
                return super().load(data)
            except psycopg.DataError as error:
                return Unfit(bytes(data).decode(), str(error))

    Tolerant.format = pq.Format.TEXT
    return Tolerant
