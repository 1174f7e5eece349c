"""The applied project with all its versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select

from penstock.model.applied_project import ProjectVersion
from penstock.store.tables import project_versions as table


def newest(conn: Connection) -> ProjectVersion | None:
    """The newest version; None while no project was ever applied."""
    row = conn.execute(select(table).order_by(table.c.version.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _version(row)


def newest_number(conn: Connection) -> int:
    """The number of the newest version; 0 while no project was ever applied."""
    return int(conn.execute(select(func.coalesce(func.max(table.c.version), 0))).scalar_one())


def newest_by(conn: Connection, author: str) -> ProjectVersion | None:
    """The newest version of this author; None while there is none."""
    query = select(table).where(table.c.author == author).order_by(table.c.version.desc()).limit(1)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _version(row)


def numbered(conn: Connection, number: int) -> ProjectVersion | None:
    row = conn.execute(select(table).where(table.c.version == number)).mappings().one_or_none()
    return None if row is None else _version(row)


def listed(conn: Connection, limit: int, before: int | None) -> list[ProjectVersion]:
    """Newest first; `before` starts below that number."""
    query = select(table).order_by(table.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.version < before)
    return [_version(row) for row in conn.execute(query).mappings()]


def texts(conn: Connection) -> list[str]:
    """The project's text in every version."""
    return list(conn.execute(select(table.c.text)).scalars())


def _version(row: Mapping[Any, Any]) -> ProjectVersion:
    return ProjectVersion(**{**row, "changes": orjson.loads(row["changes"])})


def add(conn: Connection, version: ProjectVersion) -> None:
    """Write the next version; of two writers of one number, the second fails."""
    row = {name: getattr(version, name) for name in ("version", "at", "author", "base", "text")}
    conn.execute(insert(table), {**row, "changes": orjson.dumps(list(version.changes)).decode()})
