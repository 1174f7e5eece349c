"""PostgreSQL as the state database: its connection, and the messages for its errors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from penstock.model.errors import InputError, PenstockError, Problem, StateLocked, StateUnavailable

if TYPE_CHECKING:
    import psycopg
    from psycopg.types.string import StrDumper

WRITER = 0x50454E53544F434B  # the advisory lock of writers: any number that no other program uses here
LOCK_TIMEOUT_MS = 10_000
IDLE_TIMEOUT_MS = 8_000  # between two statements of a transaction that writes; less than others wait for its locks
CONNECT_TIMEOUT_S = 10

LOCK_NOT_GIVEN = "55P03"
END_STOPPED = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name = 'penstock'
AND backend_xid IS NOT NULL AND wait_event = 'ClientRead' AND state_change < now() - make_interval(secs => :seconds)
"""

_UNREACHABLE = ("unreachable", "the state database cannot be reached", "check that the server runs, and the URL")
_RIGHTS = ("read-only", "the state database cannot be written", "let this user write and create tables")
_DENIED = ("wrong-password", "the state database refuses this user or password", "check user and password of the URL")
_STOPPED = (
    "unreachable",
    f"the state database ended a transaction in which this process had stopped for {IDLE_TIMEOUT_MS // 1000} s",
    "run the same command again",
)
_PLAIN = {
    "25006": _RIGHTS,
    "25P03": _STOPPED,
    "42501": _RIGHTS,
    "53100": ("disk-full", "the disk of the state database is full", "make room, then run it again"),
    "53200": ("memory", "no memory is left for the state database", "give its server more memory"),
    "53300": ("too-many", "the state database accepts no more connections", "raise max_connections, or close some"),
    "58030": ("disk", "the disk of the state database fails", "check the disk of its server"),
    "3D000": ("no-database", "the server has no database with this name", "create it, or correct the URL"),
    "28": _DENIED,
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
    "XX": ("damaged", "the state database is damaged", "restore it from a copy"),
}
_BUSY = (LOCK_NOT_GIVEN, "40P01", "40001")  # a lock not given in time, a deadlock, a clash of writers


@cache
def _text_dumper() -> type[StrDumper]:
    """Writes text without U+0000, which this database refuses."""
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - not where the state is in SQLite

    class TextDumper(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    return TextDumper


def shown(url: URL) -> str:
    """The URL for people: no password, no parameters."""
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


def local_folder(folder: Path | None) -> Path:
    """Where frozen inputs and the key file live on this machine; made when missing."""
    path = (Path(".penstock") if folder is None else folder).absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"the local folder of the state cannot be created: {error.strerror}"
        raise StateUnavailable(Problem(str(path), message, "cannot-open", "check path and permissions")) from error
    return path


def engine_of(url: URL) -> Engine:
    """An engine with time limits, which connects again after a restart of the server."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        max_overflow=40,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "penstock"},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: psycopg.Connection[Any], _record: object) -> None:
    connection.adapters.register_dumper(str, _text_dumper())
    connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    connection.commit()


def begin_to_write(connection: Connection, *, alone: bool) -> None:
    """The first statement of a transaction that writes.

    The server ends the transaction of a process that stops in it (SIGSTOP, a machine that sleeps), before others have
    waited in vain for its locks. `alone` waits until no other transaction of Penstock writes; none does then until the
    commit.
    """
    lock = ", pg_advisory_xact_lock(:key)" if alone else ""
    limit = f"SELECT set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_MS}', true)"
    connection.execute(text(limit + lock), {"key": WRITER} if alone else {})


def is_lock_timeout(error: BaseException | None) -> bool:
    """Whether a lock was not given in time."""
    return getattr(error, "sqlstate", None) == LOCK_NOT_GIVEN


def end_stopped_transactions(engine: Engine) -> None:
    """End the transactions of Penstock in which the server waits for a process that has stopped, and so their locks.

    The server's own limit does not count while it waits for the rest of a group of statements.
    """
    with engine.connect() as connection:
        connection.execute(text(END_STOPPED), {"seconds": IDLE_TIMEOUT_MS / 1000})


def translated(place: str, error: BaseException | None) -> PenstockError | None:
    """The meaning of an error of the server; None for a programming error."""
    import psycopg  # noqa: PLC0415 - not where the state is in SQLite

    if not isinstance(error, psycopg.Error):
        return None
    code = error.sqlstate
    if code in _BUSY:
        message = f"another process has been writing to the state database for {LOCK_TIMEOUT_MS // 1000} s"
        return StateLocked(Problem(place, message, "busy", "wait for it, then run it again"))
    if code is None:
        return _not_connected(place, error) if isinstance(error, psycopg.OperationalError) else None
    for length in (5, 3, 2):
        if code[:length] in _PLAIN:
            word, message, hint = _PLAIN[code[:length]]
            return StateUnavailable(Problem(place, message, word, hint, found=_first_line(error)))
    return None


def _not_connected(place: str, error: psycopg.Error) -> PenstockError:
    """A connection that was not made has no code: only the server's message has the reason."""
    said = str(error)
    if "invalid" in said and "connection option" in said:
        return InputError(
            Problem("--database", "the URL has an unknown parameter", "not-a-url", found=_first_line(error))
        )
    if "password" in said or "pg_hba.conf" in said or 'role "' in said:
        word, message, hint = _DENIED
    elif 'database "' in said and "does not exist" in said:
        word, message, hint = _PLAIN["3D000"]
    else:
        word, message, hint = _UNREACHABLE
    return StateUnavailable(Problem(place, message, word, hint, found=_first_line(error)))


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
