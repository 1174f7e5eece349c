"""The service's own settings (alerts, retention): one JSON document a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from penstock.stores.put import put
from penstock.stores.schema_care import settings


@dataclass(frozen=True, slots=True)
class Setting:
    """A document, and who wrote it when."""

    document: Mapping[str, Any]
    at: str
    by: str


def setting(conn: Connection, name: str) -> Setting | None:
    """The document of this name; None while nobody has written one."""
    row = conn.execute(select(settings).where(settings.c.name == name)).mappings().one_or_none()
    return None if row is None else Setting(orjson.loads(row["document"]), row["at"], row["by"])


def put_setting(conn: Connection, name: str, document: Mapping[str, Any], *, by: str, at: str) -> None:
    """Write a document, over the one that is there."""
    put(conn, settings, {"name": name, "document": orjson.dumps(document).decode(), "at": at, "by": by})


def forget_setting(conn: Connection, name: str) -> None:
    """As if nobody had written it."""
    conn.execute(delete(settings).where(settings.c.name == name))
