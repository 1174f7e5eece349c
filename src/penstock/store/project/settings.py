"""The service's own settings (alerts, retention) as one JSON document a name, and the marks of a restored state.

A restored state does not know what was sent between the backup and now. A destination whose requests may be sent twice
just sends again. One whose requests may not (notes, tasks, manual POST) marks what it would send as `unknown` until a
run of it has ended, or a person has activated it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from penstock.store.service_tables import settings
from penstock.store.upsert import upsert

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
