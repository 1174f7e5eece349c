"""The audit log: who changed what, when, from where, and how it ended; looked at, and handed out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from penstock.clock import Clock, iso
from penstock.engine.csv_cells import harmless_cell
from penstock.model.errors import InputError, Problem
from penstock.stores import audit
from penstock.stores.audit import AuditEntry, AuditFilter
from penstock.stores.database import Database

COLUMNS = ("id", "at", "who", "action", "what", "from", "result")
TEXT_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Audit:
    database: Database
    clock: Clock

    def note(self, *, who: str, action: str, what: str, origin: str, result: str) -> None:
        """Write down what happened; it is durable when this comes back."""
        who, action, what, origin, result = (text[:TEXT_LIMIT] for text in (who, action, what, origin, result))
        with self.database.begin() as conn:
            audit.append(conn, AuditEntry(iso(self.clock.now()), who, action, what, origin, result))

    def page(self, wanted: AuditFilter, limit: int = 50, before: int | None = None) -> list[AuditEntry]:
        """The newest first; `before` starts below that number."""
        with self.database.read() as conn:
            return audit.page(conn, wanted, limit, before)

    def export(self, wanted: AuditFilter, form: str) -> Iterator[bytes]:
        """All entries, the oldest first, as `ndjson` or `csv`: a line at a time."""
        return (_csv if form == "csv" else _ndjson)(self._every(wanted))

    def _every(self, wanted: AuditFilter) -> Iterator[AuditEntry]:
        with self.database.read() as conn:
            yield from audit.every(conn, wanted)


def moment(text: str, path: str) -> str:
    """A moment that somebody wrote, in the form of the log. InputError when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "write a moment such as 2026-01-31T12:00:00Z, or a day"
        raise InputError(Problem(path, "this is no moment", "wrong-value", hint, text[:80])) from None
    return iso(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is shown."""
    return dict(
        zip(
            COLUMNS,
            (entry.id, entry.at, entry.who, entry.action, entry.what, entry.origin, entry.result),
            strict=True,
        )
    )


def _ndjson(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    for entry in entries:
        yield orjson.dumps(entry_json(entry)) + b"\n"


def _csv(entries: Iterable[AuditEntry]) -> Iterator[bytes]:
    yield _line(COLUMNS)
    for entry in entries:
        yield _line([harmless_cell(str(value)) for value in entry_json(entry).values()])


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
