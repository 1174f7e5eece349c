"""The notes that were delivered: a read-back of others recognizes them, and compares their texts with Custify's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, insert, not_, select

from penstock.clock import iso
from penstock.model.delivery import SentNote
from penstock.model.outcome import Outcome
from penstock.store.tables import quarantine, sent_notes

KEPT = timedelta(days=30)
SLACK = timedelta(days=1)  # clocks differ, and a record is in quarantine later than it was sent


def add_sent_notes(conn: Connection, notes: Sequence[SentNote]) -> None:
    if notes:
        conn.execute(insert(sent_notes), [_row(note) for note in notes])


def sent_notes_of(conn: Connection, credential: str, entity: str) -> list[SentNote]:
    """The notes of a company or person, by Custify's id of it, the oldest first."""
    c = sent_notes.c
    query = select(sent_notes).where(c.credential == credential, c.entity == entity).order_by(c.id)
    return [_note(row) for row in conn.execute(query).mappings()]


def newest_sent_note(conn: Connection, credential: str, besides: Collection[str]) -> SentNote | None:
    """The newest note that has an id of Custify's, of an entity that is not in `besides`."""
    c = sent_notes.c
    mine = and_(c.credential == credential, c.remote_id.is_not(None), c.entity.not_in(besides))
    row = conn.execute(select(sent_notes).where(mine).order_by(c.at.desc(), c.id.desc()).limit(1)).mappings().first()
    return None if row is None else _note(row)


def old_sent_notes(now: datetime) -> ColumnElement[bool]:
    """Which notes to delete: those of more than 30 days ago, unless a record is unknown for as long.

    A note that was delivered after such a record may have its text, and would be taken for it.
    """
    c = quarantine.c
    before, unknown_before = iso(now - KEPT), iso(now - KEPT + SLACK)
    unknown = exists().where(c.outcome == Outcome.UNKNOWN.value, c.at < unknown_before)
    return and_(sent_notes.c.at < before, not_(unknown))


def _row(note: SentNote) -> dict[str, Any]:
    whole, bare = note.forms
    names = {"credential": note.credential, "entity": note.entity, "remote_id": note.remote_id}
    return {**names, "text_hash": whole, "bare_hash": bare, "at": note.at}


def _note(row: RowMapping) -> SentNote:
    forms = (row["text_hash"], row["bare_hash"])
    return SentNote(row["credential"], row["entity"], row["remote_id"], forms, row["at"])
