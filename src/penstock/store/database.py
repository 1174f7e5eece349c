"""`Database`: the state database, one SQLite file in WAL mode or a PostgreSQL database.

Opens it, upgrades its schema, and translates its errors into messages for people. `upsert` and `insert_all` are the
statements that differ between the databases.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from penstock.model.errors import InputError, NotAvailableYet, PenstockError, Problem, StateLocked, StateUnavailable
from penstock.store import postgresql, service_tables, shared_tables  # noqa: F401 - their tables are the metadata's
from penstock.store.migrations import HEAD, REVISIONS
from penstock.store.tables import metadata

BUSY_TIMEOUT_MS = 10_000
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # the file system has no hard links

_PLAIN = {
    sqlite3.SQLITE_FULL: ("disk-full", "the disk of the state database is full", "make room, then run it again"),
    sqlite3.SQLITE_READONLY: ("read-only", "the state database cannot be written", "let this user write to it"),
    sqlite3.SQLITE_PERM: ("read-only", "the state database cannot be written", "let this user write to it"),
    sqlite3.SQLITE_CANTOPEN: ("cannot-open", "the state database cannot be opened", "check path and permissions"),
    sqlite3.SQLITE_CORRUPT: ("damaged", "the state database is damaged", "restore it from a copy, or start a new one"),
    sqlite3.SQLITE_NOTADB: ("not-a-database", "this file is not a state database", "choose another with --database"),
    sqlite3.SQLITE_IOERR: ("disk", "the disk of the state database is full or fails", "make room, or check the disk"),
    sqlite3.SQLITE_NOMEM: ("memory", "no memory is left for the state database", "close other programs"),
}
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class Database:
    """An open state database. `place` names it to people; `folder` is this machine's own: key file, frozen inputs.

    Every failure of the database itself, in `open`, `begin` and `read`, is `StateUnavailable` (unreachable, full disk,
    no rights, damage, too old or newer schema) or `StateLocked` (another process writes for ten seconds); both exit 3.
    """

    place: str
    folder: Path
    engine: Engine
    path: Path | None = None  # SQLite's file

    @property
    def is_shared(self) -> bool:
        """Whether processes of several machines may have it open: PostgreSQL."""
        return self.path is None

    @property
    def locks(self) -> Path:
        """The folder of lock files of a database that only this machine uses."""
        assert self.path is not None
        return self.path.with_name(f"{self.path.name}.locks")

    @staticmethod
    def open(url: str, folder: Path | None = None) -> Database:
        """Open `sqlite:///path`, making folder (0700), file (0600) and tables, or `postgresql://…`, making tables.

        `folder` is for PostgreSQL alone (default `.penstock` here); SQLite's is the file's own. A database of an older
        revision is upgraded; one that no migration upgrades is refused. Raises InputError for a URL that
        is not one, NotAvailableYet for another kind.
        """
        parsed = _parsed(url)
        if parsed.get_backend_name() == "sqlite":
            path = _path_of(parsed)
            with _errors_for_people(str(path)):
                _make_file(path)
            database = Database(str(path), path.parent, _engine(path), path)
        else:
            database = Database(postgresql.shown(parsed), postgresql.local_folder(folder), postgresql.engine_of(parsed))
        try:
            with _errors_for_people(database.place):
                _upgrade(database)
        except BaseException:
            database.close()
            raise
        return database

    @staticmethod
    def look_at(url: str, folder: Path | None = None) -> Database:
        """Open a database of any version, or an empty one, without any change to it. A SQLite file must exist."""
        parsed = _parsed(url)
        if parsed.get_backend_name() == "sqlite":
            path = _path_of(parsed)
            return Database(str(path), path.parent, _engine(path), path)
        here = (Path(".penstock") if folder is None else folder).absolute()
        return Database(postgresql.shown(parsed), here, postgresql.engine_of(parsed))

    def schema_version(self) -> str | None:
        """The revision of its tables; None for an empty database. StateUnavailable for another program's."""
        with _errors_for_people(self.place), self.engine.connect() as connection:
            return _version(connection.execution_options(penstock_reads=True))

    @contextmanager
    def begin(self, *, alone: bool = True) -> Iterator[Connection]:
        """A write transaction: committed at the end of the block, rolled back by an exception.

        One writer at a time, so that what the block has read stays true until its end. `alone` False lets others write
        meanwhile, where the database can: for blocks that lock the rows they change.
        """
        with _errors_for_people(self.place), self._waiting_for_no_stopped_process(), self.engine.begin() as connection:
            if self.is_shared:
                postgresql.begin_to_write(connection, alone=alone)
            yield connection

    @contextmanager
    def _waiting_for_no_stopped_process(self) -> Iterator[None]:
        """If the block waits for a lock in vain, a process that has stopped does not have it the next time."""
        try:
            yield
        except DBAPIError as error:
            if postgresql.is_lock_timeout(error.orig):
                postgresql.end_stopped_transactions(self.engine)
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one snapshot of the database, and never waits for a writer."""
        options: dict[str, Any] = {"penstock_reads": True}
        if self.is_shared:
            options["isolation_level"] = "REPEATABLE READ"
        with _errors_for_people(self.place), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Callable[[str], None]]:
        """Executes statements that cannot run in a transaction, each alone."""
        with _errors_for_people(self.place):
            if self.is_shared:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    yield lambda statement: connection.exec_driver_sql(statement).close()
                return
            with closing(self.engine.raw_connection()) as raw:
                yield lambda statement: raw.cursor().execute(statement).close()

    def close(self) -> None:
        self.engine.dispose()


def _parsed(url: str) -> URL:
    hint = "write sqlite:///path or postgresql://user@host/name"
    try:
        parsed = make_url(re.sub("^postgres://", "postgresql://", url))
    except (ArgumentError, ValueError) as error:
        found = f"{url.partition('://')[0]}://…" if "://" in url else "…"  # the rest may be a password
        raise InputError(_problem(found, "not-a-url", "this is not a database URL", hint)) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        message = "the state can only be in SQLite or PostgreSQL so far"
        raise NotAvailableYet(_problem(parsed.get_backend_name(), "not-available", message, hint))
    return parsed


def _path_of(parsed: URL) -> Path:
    if parsed.database in {None, "", ":memory:"}:
        found = parsed.render_as_string()
        raise InputError(_problem(found, "no-file", "the state database needs a file", "write sqlite:///path"))
    return Path(str(parsed.database)).absolute()


def _problem(found: str, code: str, message: str, hint: str) -> Problem:
    return Problem("--database", message, code, hint, found=found)


def _make_file(path: Path) -> None:
    """Create the file, readable only by its owner from the start; SQLite gives its side files the same rights.

    It is made under a name of its own and comes to its place in WAL mode: SQLite refuses, without waiting, to set that
    mode on a file that another process is opening.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            made = Path(folder) / path.name
            _make_empty(made)
            try:
                os.link(made, path)
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                _make_empty(path)
    except FileExistsError:
        if path.parent.is_dir():
            return
        raise StateUnavailable(
            _problem(str(path), "cannot-open", f"{path.parent} is not a folder", "choose another place with --database")
        ) from None
    except OSError as error:
        message = f"the state database cannot be created: {error.strerror}"
        raise StateUnavailable(_problem(str(path), "cannot-open", message, "check path and permissions")) from error


def _make_empty(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before anything else: what is pruned is given back
        connection.execute("PRAGMA journal_mode=WAL")


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get("penstock_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _version(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    found = set(inspect(connection).get_table_names())
    if "alembic_version" in found:
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    if found:
        message = "this database belongs to another program"
        raise StateUnavailable(_problem(", ".join(sorted(found)[:3]), "foreign", message, "choose another one"))
    return None


def refused_revision(place: str, version: str) -> Problem | None:
    """Why no migration leads from this revision to the present one; None where one does."""
    if version in REVISIONS:
        return None
    if version < HEAD:
        message = "the state database was written by a Penstock before release 0.1.0, or between two releases"
        hint = "open it once with Penstock 0.1.0, which upgrades older ones, or choose another one with --database"
        return Problem(place, message, "too-old-schema", hint, found=version)
    message = "the state database was written by a newer Penstock"
    hint = "upgrade Penstock, or choose another one with --database"
    return Problem(place, message, "newer-schema", hint, found=version)


def _upgrade(database: Database) -> None:
    if database.schema_version() == HEAD:
        return
    with database.begin() as connection:
        version = _version(connection)  # again, now that no other process can be at it
        if version is None:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
        elif (refused := refused_revision(database.place, version)) is not None:
            raise StateUnavailable(refused)
        elif version != HEAD:
            from penstock.store.migrations.upgrade import upgrade  # noqa: PLC0415 - Alembic costs 0.2 s

            upgrade(connection)


@contextmanager
def _errors_for_people(place: str) -> Iterator[None]:
    """For the block, translate errors of the disk and the server into errors for people, but not programming errors."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        plain = error_for_people(place, error)
        if plain is None:
            raise
        raise plain from error


def error_for_people(place: str, raised: BaseException) -> PenstockError | None:
    """The error for people behind an error of the database or its driver; None for a programming error."""
    error = raised.orig if isinstance(raised, DBAPIError) else raised
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return postgresql.translated(place, error)
    if code & 0xFF in _BUSY:
        message = f"another process has been writing to the state database for {BUSY_TIMEOUT_MS // 1000} s"
        return StateLocked(Problem(place, message, "busy", "wait for it, then run it again"))
    if code & 0xFF not in _PLAIN:
        return None
    word, message, hint = _PLAIN[code & 0xFF]
    return StateUnavailable(Problem(place, message, word, hint, found=str(error)))


def upsert(conn: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert or replace one row, by the table's primary key."""
    upsert_all(conn, table, [row], [column.name for column in table.primary_key])


def upsert_all(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], by: Sequence[str], stay: Sequence[str] = ()
) -> None:
    """Insert or update rows with equal columns; `by` are the columns of a unique index.

    Columns that are not given, and those in `stay`, are not updated.
    """
    if not rows:
        return
    dialect = postgresql_dialect if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in (*by, *stay)}
    conn.execute(statement.on_conflict_do_update(index_elements=list(by), set_=new), [dict(row) for row in rows])


def insert_all(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], number: str) -> None:
    """Add to the `number` of rows by the table's primary key; a row that is not there yet begins with it."""
    if not rows:
        return
    dialect = postgresql_dialect if conn.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    key = [column.name for column in table.primary_key]
    more = {number: table.c[number] + statement.excluded[number]}
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=more), [dict(row) for row in rows])
