"""Discards of many records in quarantine: in the background, in parts, with stored progress."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from penstock.clock import iso
from penstock.model.errors import InputError, PenstockError, Problem, StateLocked
from penstock.model.reports import QuarantineFilter
from penstock.run.context import Context
from penstock.service.model import MANY, DiscardRow
from penstock.service.store.work import this_process
from penstock.store import leases, quarantine
from penstock.store.service_tables import discards as table

SHOWN = 20

AT_ONCE = 1000  # records per transaction, so that others can write in between
LISTED_FOR = timedelta(days=7)
log = logging.getLogger("penstock.discards")


def add_discard(conn: Connection, row: DiscardRow) -> None:
    values = {column.name: getattr(row, column.name) for column in table.columns if column.name != "which"}
    which = {**asdict(row.which), "ids": row.ids}
    conn.execute(insert(table).values(**values, which=orjson.dumps(which).decode()))


def discard_of(conn: Connection, discard: str) -> DiscardRow | None:
    found = conn.execute(select(table).where(table.c.id == discard)).mappings().one_or_none()
    return None if found is None else _row(found)


def unfinished_discards(conn: Connection) -> list[DiscardRow]:
    """The discards that have not ended, oldest first."""
    query = select(table).where(table.c.ended_at.is_(None)).order_by(table.c.asked_at, table.c.id)
    return [_row(row) for row in conn.execute(query).mappings()]


def newest_discards(conn: Connection) -> list[DiscardRow]:
    """The latest discards, newest first."""
    query = select(table).order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(SHOWN)
    return [_row(row) for row in conn.execute(query).mappings()]


def count_discarded(conn: Connection, discard: str, more: int) -> None:
    """Add `more` to the number of discarded records."""
    conn.execute(update(table).where(table.c.id == discard).values(done=table.c.done + more))


def end_discard(conn: Connection, discard: str, at: str) -> None:
    """Mark a discard as ended."""
    conn.execute(update(table).where(table.c.id == discard).values(ended_at=at))


def forget_discards_before(conn: Connection, at: str) -> None:
    """Delete the discards that ended before `at`."""
    conn.execute(delete(table).where(table.c.ended_at < at))


def _row(row: RowMapping) -> DiscardRow:
    which: dict[str, Any] = orjson.loads(row["which"])
    ids: Sequence[str] | None = which.pop("ids")
    values = {name: value for name, value in row.items() if name != "which"}
    return DiscardRow(**values, ids=None if ids is None else tuple(ids), which=QuarantineFilter(**which))


@dataclass(slots=True)
class Discards:
    """The use-cases of discards. A discard whose process has ended is continued by the next call of `resume`."""

    ctx: Callable[[], Context]
    _threads: dict[str, threading.Thread] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def request(self, which: QuarantineFilter, ids: Sequence[str] | None, *, reason: str, by: str) -> DiscardRow | None:
        """Start a discard of the records `ids`, or of all records in quarantine that `which` matches.

        Returns None, and starts nothing, for `MANY` records or fewer; the present discard, if one for the same records
        is in progress. InputError if no record matches, or an id is unknown.
        """
        ctx = self.ctx()
        with ctx.database.begin() as conn:
            wanted = _wanted(conn, which, ids)
            if wanted.total <= MANY:
                return None
            begun = (row for row in unfinished_discards(conn) if _is_same(row, wanted))
            row = next(begun, None)
            if row is None:
                now = ctx.clock.now()
                name = f"d-{int(ctx.clock.dice() * 0xFFFFFFFFFFFF):012x}"
                row = DiscardRow(name, wanted.ids, which, wanted.up_to, reason, by, iso(now), wanted.total)
                add_discard(conn, row)
                forget_discards_before(conn, iso(now - LISTED_FOR))
        self._begin(row.id)
        return row

    def get(self, discard: str) -> DiscardRow:
        """A discard with its progress. InputError for an unknown id."""
        with self.ctx().database.read() as conn:
            found = discard_of(conn, discard)
        if found is None:
            hint = "discards are listed for a week"
            raise InputError(Problem("discard", f"there is no discard {discard}", "unknown-discard", hint, discard))
        return found

    def newest(self) -> list[DiscardRow]:
        """The latest discards, newest first."""
        with self.ctx().database.read() as conn:
            return newest_discards(conn)

    def resume(self) -> None:
        """Continue the discards whose process has ended."""
        with self.ctx().database.read() as conn:
            unfinished = unfinished_discards(conn)
        for row in unfinished:
            self._begin(row.id)

    def close(self) -> None:
        """Stop after the parts in progress."""
        self._stopping.set()
        for thread in list(self._threads.values()):
            thread.join()

    def _begin(self, discard: str) -> None:
        with self._lock:
            if discard not in self._threads and not self._stopping.is_set():
                thread = threading.Thread(target=self._work, args=(discard,), daemon=True, name=f"penstock-{discard}")
                self._threads[discard] = thread
                thread.start()

    def _work(self, discard: str) -> None:
        try:
            with suppress(StateLocked):  # another process continues it
                self._discard(discard)
        except PenstockError as trouble:  # the next `resume` continues it
            log.warning("discards.trouble discard=%s %s", discard, trouble)
        except Exception:
            log.exception("discards.defect discard=%s", discard)
        finally:
            with self._lock:
                del self._threads[discard]

    def _discard(self, discard: str) -> None:
        ctx, row = self.ctx(), self.get(discard)
        with leases.acquire(ctx.database, f"discard {discard}", this_process()) as lease:
            parts = None if row.ids is None else _parts(row.ids)
            while not self._stopping.is_set():
                with ctx.database.begin() as conn:
                    lease.check(conn)
                    now = iso(ctx.clock.now())
                    some = next(parts, ()) if parts else quarantine.some_ids(conn, row.which, row.up_to, AT_ONCE)
                    if not some:
                        end_discard(conn, discard, now)
                        return
                    count_discarded(conn, discard, quarantine.discard(conn, some, row.reason, now))


def _wanted(conn: Connection, which: QuarantineFilter, ids: Sequence[str] | None) -> DiscardRow:
    if ids is None:
        total, last = quarantine.extent(conn, which)
        if total == 0:
            message = "no record in quarantine matches"
            raise InputError(Problem("body", message, "nothing-held", "see the groups of the quarantine"))
        return DiscardRow("", None, which, last, "", "", "", total)
    missing = quarantine.unknown(conn, ids)
    if missing is not None:
        hint = "see the list of records in quarantine"
        message = f"there is no quarantined record {missing}"
        raise InputError(Problem("quarantine", message, "unknown-id", hint, found=missing))
    return DiscardRow("", tuple(dict.fromkeys(ids)), which, 0, "", "", "", len(set(ids)))


def _is_same(row: DiscardRow, wanted: DiscardRow) -> bool:
    """Whether the discard `row` in progress covers the requested records."""
    return row.which == wanted.which and row.ids == wanted.ids and row.up_to >= wanted.up_to


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(ids), AT_ONCE):
        yield ids[first : first + AT_ONCE]
