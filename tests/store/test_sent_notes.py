"""Delivered notes are stored with hashes of their text, by credential and entity, and deleted after 30 days."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, select

from penstock.clock import iso
from penstock.delivery.settle import sent_note
from penstock.model.outcome import Outcome, Refusal
from penstock.store import quarantine
from penstock.store.quarantine import NewQuarantineRow
from penstock.store.sent_notes import add_sent_notes, newest_sent_note, old_sent_notes, sent_notes_of
from penstock.store.tables import sent_notes

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def note(entity, remote, *, days=0.0, text="Called Ada", credential="acme"):
    return sent_note(credential, {"entity": entity, "text": text}, remote, iso(NOW - timedelta(days=days)))


def test_notes_are_found_by_credential_and_entity(database):
    first, second = note("c1", "r1", text="<p>a</p>"), note("c1", None)
    with database.begin() as conn:
        add_sent_notes(conn, [first, note("c2", "r2"), second, note("c1", "r3", credential="other")])
        add_sent_notes(conn, [])
    with database.read() as conn:
        assert sent_notes_of(conn, "acme", "c1") == [first, second]
        assert sent_notes_of(conn, "acme", "c3") == []


def test_the_newest_note_with_an_id_is_found_besides_an_entity(database):
    old, new = note("c1", "r1", days=2), note("c2", "r2", days=1)
    with database.begin() as conn:
        add_sent_notes(conn, [new, old, note("c3", None), note("c4", "r4", credential="other")])
    with database.read() as conn:
        assert newest_sent_note(conn, "acme", ()) == new
        assert newest_sent_note(conn, "acme", {"c2"}) == old
        assert newest_sent_note(conn, "acme", {"c2", "c1"}) is None


@pytest.mark.parametrize(
    ("outcome", "days", "left"),
    [(None, 0, 1), (Outcome.UNKNOWN, 28, 1), (Outcome.UNKNOWN, 30, 2), (Outcome.QUARANTINED, 30, 1)],
)
def test_notes_of_more_than_30_days_are_old_unless_a_record_is_unknown_for_as_long(database, outcome, days, left):
    with database.begin() as conn:
        add_sent_notes(conn, [note("c1", "r1", days=30.01), note("c1", "r2", days=29.9)])
        if outcome is not None:
            at, why = iso(NOW - timedelta(days=days)), Refusal("lost", "no answer came")
            quarantine.add(conn, NewQuarantineRow("notes", "a", (1, 1), outcome, why, at, "r-1", "{}", 1, "s1"))
        conn.execute(delete(sent_notes).where(old_sent_notes(NOW)))
        assert conn.execute(select(func.count()).select_from(sent_notes)).scalar_one() == left
