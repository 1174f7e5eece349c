"""What was changed, by whom: rows that are only ever added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Select, insert, select

from penstock.stores.schema_people import audit as table

PAGE = 1000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action`: the route's template, or the command; `what`: names, never contents; `origin`: an address, or the
    command line; `result`: `ok`, or why not.
    """

    at: str
    who: str
    action: str
    what: str
    origin: str
    result: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None leaves all through; `since` is from that moment on, `until` before it."""

    person: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


def append(conn: Connection, entry: AuditEntry) -> None:
    row = asdict(entry)
    del row["id"]
    conn.execute(insert(table), row)


def page(conn: Connection, wanted: AuditFilter, limit: int, before: int | None = None) -> list[AuditEntry]:
    """The newest first; `before` starts below that number."""
    query = _filtered(wanted).order_by(table.c.id.desc()).limit(limit)
    rows = conn.execute(query if before is None else query.where(table.c.id < before)).mappings()
    return [AuditEntry(**row) for row in rows]


def every(conn: Connection, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """All of them, the oldest first, a page in memory at a time."""
    after = 0
    while True:
        query = _filtered(wanted).where(table.c.id > after).order_by(table.c.id).limit(PAGE)
        rows = [AuditEntry(**row) for row in conn.execute(query).mappings()]
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].id


def _filtered(wanted: AuditFilter) -> Select[tuple[object, ...]]:
    query = select(table)
    if wanted.person is not None:
        query = query.where(table.c.who == wanted.person)
    if wanted.action is not None:
        query = query.where(table.c.action == wanted.action)
    if wanted.since is not None:
        query = query.where(table.c.at >= wanted.since)
    return query if wanted.until is None else query.where(table.c.at < wanted.until)
