"""The replies of a destination, stored as records of its response source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select

from penstock.store.tables import responses

ROWS = 1000
COLUMNS = (
    "sent_at", "run", "delivery", "attempt", "request", "response", "duration_ms", "outcome", "records", "error",
)  # fmt: skip
NESTED = ("request", "response", "records")


def append(conn: Connection, destination: str, records: Sequence[Mapping[str, Any]]) -> None:
    rows = [{"destination": destination, "record": orjson.dumps(record).decode()} for record in records]
    if rows:
        conn.execute(insert(responses), rows)


def newest(conn: Connection, destination: str) -> int:
    """The number of the last reply; 0 while there is none."""
    mine = responses.c.destination == destination
    return int(conn.execute(select(func.coalesce(func.max(responses.c.id), 0)).where(mine)).scalar_one())


def page(conn: Connection, destination: str, limit: int, before: int | None = None) -> list[tuple[int, dict[str, Any]]]:
    """The newest replies with their ids, newest first; `before` starts below that id."""
    query = select(responses.c.id, responses.c.record).where(responses.c.destination == destination)
    if before is not None:
        query = query.where(responses.c.id < before)
    rows = conn.execute(query.order_by(responses.c.id.desc()).limit(limit))
    return [(number, orjson.loads(record)) for number, record in rows]


def after(conn: Connection, destination: str, number: int) -> list[tuple[int, dict[str, Any]]]:
    """The replies after the one of this id, the oldest first, at most a thousand; nested members are JSON text."""
    query = select(responses).where(responses.c.destination == destination, responses.c.id > number)
    rows = conn.execute(query.order_by(responses.c.id).limit(ROWS)).mappings()
    return [(row["id"], _columns(orjson.loads(row["record"]))) for row in rows]


def _columns(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: orjson.dumps(value).decode() if name in NESTED and value is not None else value
        for name, value in record.items()
    }
