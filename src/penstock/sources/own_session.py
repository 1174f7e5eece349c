"""What sessions on databases behind SQLAlchemy set, so that a server's settings do not change what is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

STATEMENTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "mysql": ("set time_zone = '+00:00'",),  # a `timestamp` is shown in the session's zone
        "mariadb": ("set time_zone = '+00:00'",),
        "oracle": ("alter session set time_zone = '+00:00'",),  # `timestamp with local time zone`
        "snowflake": ("alter session set timezone = 'UTC'",),  # `timestamp_ltz`
        "redshift": ("set timezone to 'UTC'", "set datestyle to 'ISO, MDY'"),
    }
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
