"""What people have set: the versions of the applied project, and other settings (alerts, retention) as JSON documents.

Also the mark of a restored state. Such a state does not know what was sent between the backup and now. A destination
whose requests may be sent twice sends again. One whose requests may not (notes, tasks, manual POST) marks what it would
send as `unknown` until a run of it has ended, or a person has activated it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select

from penstock.model.applied_project import ProjectVersion
from penstock.store.database import upsert
from penstock.store.service_tables import settings
from penstock.store.tables import project_versions as table

NAME = "restored"


@dataclass(frozen=True, slots=True)
class Setting:
    """A document, with its author and time."""

    document: Mapping[str, Any]
    at: str
    by: str


def setting(conn: Connection, name: str) -> Setting | None:
    """The document of this name; None while there is none."""
    row = conn.execute(select(settings).where(settings.c.name == name)).mappings().one_or_none()
    return None if row is None else Setting(orjson.loads(row["document"]), row["at"], row["by"])


def put_setting(conn: Connection, name: str, document: Mapping[str, Any], *, by: str, at: str) -> None:
    """Write a document, over the one that is there."""
    upsert(conn, settings, {"name": name, "document": orjson.dumps(document).decode(), "at": at, "by": by})


def forget_setting(conn: Connection, name: str) -> None:
    """Delete the document of this name."""
    conn.execute(delete(settings).where(settings.c.name == name))


@dataclass(frozen=True, slots=True)
class Restored:
    """A state that was restored at `at` from a backup of `made_at`; `settled` are destinations that continued since.

    With `resend_all` the memory of what can be sent twice is ignored until then.
    """

    made_at: str
    at: str
    resend_all: bool = False
    settled: frozenset[str] = frozenset()


def note_restored(conn: Connection, restored: Restored) -> None:
    document = {
        "made_at": restored.made_at,
        "resend_all": restored.resend_all,
        "settled": sorted(restored.settled),
    }
    put_setting(conn, NAME, document, by="restore", at=restored.at)


def restored_before(conn: Connection) -> Restored | None:
    """What was restored; None when this state never was."""
    found = setting(conn, NAME)
    if found is None:
        return None
    document = found.document
    return Restored(document["made_at"], found.at, document["resend_all"], frozenset(document["settled"]))


def unsettled_restore(conn: Connection, destination: str) -> Restored | None:
    """The restore that this destination has not settled; None when it may trust its memory."""
    found = restored_before(conn)
    return None if found is None or destination in found.settled else found


def settle_restored(conn: Connection, destination: str) -> None:
    """From here on the memory of this destination is whole again. Inside a write transaction."""
    found = unsettled_restore(conn, destination)
    if found is not None:
        note_restored(conn, Restored(found.made_at, found.at, found.resend_all, found.settled | {destination}))


def newest_version(conn: Connection) -> ProjectVersion | None:
    """The newest version; None while no project was ever applied."""
    row = conn.execute(select(table).order_by(table.c.version.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _version(row)


def newest_version_number(conn: Connection) -> int:
    """The number of the newest version; 0 while no project was ever applied."""
    return int(conn.execute(select(func.coalesce(func.max(table.c.version), 0))).scalar_one())


def newest_version_by(conn: Connection, author: str) -> ProjectVersion | None:
    """The newest version of this author; None while there is none."""
    query = select(table).where(table.c.author == author).order_by(table.c.version.desc()).limit(1)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _version(row)


def numbered_version(conn: Connection, number: int) -> ProjectVersion | None:
    row = conn.execute(select(table).where(table.c.version == number)).mappings().one_or_none()
    return None if row is None else _version(row)


def listed_versions(conn: Connection, limit: int, before: int | None) -> list[ProjectVersion]:
    """Newest first; `before` starts below that number."""
    query = select(table).order_by(table.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(table.c.version < before)
    return [_version(row) for row in conn.execute(query).mappings()]


def version_texts(conn: Connection) -> list[str]:
    """The project's text in every version."""
    return list(conn.execute(select(table.c.text)).scalars())


def _version(row: Mapping[Any, Any]) -> ProjectVersion:
    return ProjectVersion(**{**row, "changes": orjson.loads(row["changes"])})


def add_version(conn: Connection, version: ProjectVersion) -> None:
    """Write the next version; of two writers of one number, the second fails."""
    row = {name: getattr(version, name) for name in ("version", "at", "author", "base", "text")}
    conn.execute(insert(table), {**row, "changes": orjson.dumps(list(version.changes)).decode()})
