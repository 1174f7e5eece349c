"""The audit log: who changed what, when, from where, and with which result. Entries are only added.

The service writes entries with `Audit`. `note_command` writes the entry of a command that changes something.
"""

from __future__ import annotations

import csv
import io
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from getpass import getuser
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Select, insert, select

from penstock.clock import Clock, SystemClock, iso
from penstock.model.text import harmless_cell
from penstock.service.model import AUDIT_COLUMNS, AuditEntry, AuditFilter, entry_json
from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.store.service_tables import audit as table
from penstock.usecases.applied_project.applied_project import PROJECT_FILE, state_url

PAGE = 1000

TEXT_LIMIT = 300


def append_entry(conn: Connection, entry: AuditEntry) -> None:
    row = asdict(entry)
    del row["id"]
    conn.execute(insert(table), row)


def entries_before(conn: Connection, wanted: AuditFilter, limit: int, before: int | None = None) -> list[AuditEntry]:
    """Entries, newest first; with `before`, only those with a lower id."""
    query = _filtered(wanted).order_by(table.c.id.desc()).limit(limit)
    rows = conn.execute(query if before is None else query.where(table.c.id < before)).mappings()
    return [AuditEntry(**row) for row in rows]


def all_entries(conn: Connection, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """All entries, oldest first, with one page in memory at a time."""
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


@dataclass(frozen=True, slots=True)
class Audit:
    database: Database
    clock: Clock

    def note(self, *, who: str, action: str, what: str, origin: str, result: str) -> None:
        """Add an entry. It is durable when this returns."""
        who, action, what, origin, result = (text[:TEXT_LIMIT] for text in (who, action, what, origin, result))
        with self.database.begin() as conn:
            append_entry(conn, AuditEntry(iso(self.clock.now()), who, action, what, origin, result))

    def page(self, wanted: AuditFilter, limit: int = 50, before: int | None = None) -> list[AuditEntry]:
        """Entries, newest first; with `before`, only those with a lower id."""
        with self.database.read() as conn:
            return entries_before(conn, wanted, limit, before)

    def export(self, wanted: AuditFilter, form: str) -> Iterator[bytes]:
        """All entries, oldest first, as lines of `ndjson` or `csv`."""
        return (_csv if form == "csv" else _ndjson)(self._every(wanted))

    def _every(self, wanted: AuditFilter) -> Iterator[AuditEntry]:
        with self.database.read() as conn:
            yield from all_entries(conn, wanted)


def _ndjson(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    for entry in entries:
        yield orjson.dumps(entry_json(entry)) + b"\n"


def _csv(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    yield _line(AUDIT_COLUMNS)
    for entry in entries:
        yield _line([harmless_cell(str(value)) for value in entry_json(entry).values()])


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def note_command(
    command: Sequence[str], names: Sequence[Any], result: str, file: Path | None, database: str | None
) -> None:
    """Write the audit entry of a command that has ended. EnvironmentFailure when the state cannot be written.

    `file` and `database` are the options of the command. A state of an older version, which only a backup leaves as it
    is, is not upgraded for it.
    """
    path = file or PROJECT_FILE
    folder = (path if path.is_dir() else path.parent) / ".penstock"
    state = Database.look_at(state_url(path, database, os.environ), folder)
    try:
        if state.schema_version() != HEAD:
            return
        Audit(state, SystemClock()).note(
            who=_system_user(),
            action=f"penstock {' '.join(command)}",
            what=" ".join(str(name) for name in names if isinstance(name, str | Path)),
            origin=f"command line on {socket.gethostname()}",
            result=result,
        )
    finally:
        state.close()


def _system_user() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"
