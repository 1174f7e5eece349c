"""The rows of alerts, and of messages that are still to be sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from penstock.clock import iso
from penstock.service.model import Alert
from penstock.store.database import upsert_all
from penstock.store.service_tables import alerts, messages

CLAIMED = 20  # messages at a time


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a channel. `due` is in epoch seconds, `error` is that of the last attempt."""

    id: str
    channel: str
    title: str
    body: str
    at: str
    tries: int = 0
    due: float = 0.0
    error: str | None = None


def all_alerts(conn: Connection) -> dict[str, Alert]:
    """All alerts by id, the newest last."""
    rows = conn.execute(select(alerts).order_by(alerts.c.since)).mappings()
    return {
        row["id"]: Alert(
            **{name: row[name] for name in ("id", "kind", "subject", "state", "reason")},
            reported=row["told"],
            since=datetime.fromisoformat(row["since"]),
            over_at=_moment(row["over_at"]),
            reported_at=_moment(row["told_at"]),
        )
        for row in rows
    }


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def put_alerts(conn: Connection, changed: Iterable[Alert]) -> None:
    """Insert or update these alerts."""
    rows = [
        {
            "id": alert.id,
            "kind": alert.kind,
            "subject": alert.subject,
            "state": alert.state,
            "reason": alert.reason,
            "since": iso(alert.since),
            "over_at": None if alert.over_at is None else iso(alert.over_at),
            "told": alert.reported,
            "told_at": None if alert.reported_at is None else iso(alert.reported_at),
        }
        for alert in changed
    ]
    upsert_all(conn, alerts, rows, ["id"])


def post(conn: Connection, new: Iterable[Message]) -> None:
    """Add messages that are to be sent."""
    rows = [{name: getattr(message, name) for name in message.__slots__} for message in new]
    if rows:
        conn.execute(insert(messages), rows)


def claim(conn: Connection, now: float, until: float) -> list[Message]:
    """The messages that are due. No other process gets them before `until`."""
    rows = conn.execute(
        select(messages).where(messages.c.due <= now).order_by(messages.c.at, messages.c.id).limit(CLAIMED)
    ).mappings()
    found = [Message(**row) for row in rows]
    if found:
        mine = messages.c.id.in_([message.id for message in found])
        conn.execute(update(messages).where(mine).values(due=until, tries=messages.c.tries + 1))
    return found


def sent(conn: Connection, message: str) -> None:
    """Delete a message that was sent or given up."""
    conn.execute(delete(messages).where(messages.c.id == message))


def failed(conn: Connection, message: str, error: str, due: float) -> None:
    """Store the error of an attempt to send; the message is due again at `due`."""
    conn.execute(update(messages).where(messages.c.id == message).values(error=error, due=due))
