"""Stored data besides runs: schemas, switches, cursors, ids, settings, intents, jobs, replies."""

import orjson
import pytest

from penstock.model.record import Column, Schema
from penstock.store.project import resources
from penstock.store.project.resources import Activation, StoredDataset, put_setting, setting
from penstock.store.runs import deliveries, ledger
from penstock.store.runs.ledger import Intent, JobRecord, PendingJob

AT = "2026-01-31T12:00:00.000Z"
BIG = 2**64 - 1


def test_a_stored_dataset_is_read_back_unchanged(database):
    columns = (Column("id", "integer", nullable=False, examples=("1", "2")), Column("", "json", nullable=True))
    row = StoredDataset("contacts", "csv", None, Schema(columns, 7), b"\x00\xff")
    with database.begin() as conn:
        assert resources.stored_dataset(conn, "contacts") is None
        resources.store_dataset(conn, StoredDataset("contacts", "old", "i", Schema((), 0), b""))
        resources.store_dataset(conn, row)
        assert resources.stored_dataset(conn, "contacts") == row


def test_the_last_choice_for_a_destination_applies(database):
    with database.begin() as conn:
        assert resources.switch_of(conn, "people") is None
        resources.set_switch(conn, "people", "active", by="me", at=AT)
        resources.set_switch(conn, "people", "paused", by="you", at=AT)
        assert resources.switch_of(conn, "people") == Activation("paused", "you", AT)


def test_the_position_of_a_cursor_is_stored(database):
    with database.begin() as conn:
        assert resources.window_of(conn, "people") is None
        for until in (1, 2):
            resources.store_window(conn, "people", {"until": until, "ties": ["a"]})
        assert resources.window_of(conn, "people") == {"until": 2, "ties": ["a"]}


def test_custifys_ids_are_stored_by_credential_and_identifier(database):
    with database.begin() as conn:
        resources.store_id(conn, "acme", ("person", "email", "a@b.c"), "64a", AT)
        resources.store_id(conn, "acme", ("person", "email", "a@b.c"), "64b", AT)
        assert resources.known_id(conn, "acme", "person", "email", "a@b.c") == "64b"
        assert resources.known_id(conn, "acme", "person", "user_id", "a@b.c") is None
        assert resources.known_id(conn, "other", "person", "email", "a@b.c") is None
        resources.forget_id(conn, "acme", "person", "email", "a@b.c")
        assert resources.known_id(conn, "acme", "person", "email", "a@b.c") is None


def test_an_intent_is_stored_until_it_ends(database):
    first = Intent(1, [5, 3, 4], ["a", ("b", "c"), None], [0, 1, BIG], {"method": "POST", "url": "ü"}, AT)
    second = Intent(2, [9], ["d"], [7], {}, AT)
    with database.begin() as conn:
        ledger.begin_intents(conn, "r-1", [first])
        ledger.begin_intents(conn, "r-1", [second])
        ledger.begin_intents(conn, "r-2", [first])
        assert ledger.leftover_intents(conn, "r-1") == [first, second]
        ledger.end_intents(conn, "r-1", [1])
        assert ledger.leftover_intents(conn, "r-1") == [second]
        assert ledger.leftover_intents(conn, "r-2") == [first]


def test_a_job_is_pending_until_it_ends(database):
    records = [
        JobRecord(3, "a", (BIG, 0), BIG, '{"id": 12345678901234567890123}', BIG),
        JobRecord(4, ("b", "c"), (1, 2), 0, "{}", 0),
        JobRecord(5, None, (0, 0), 0, "{}", 0),
    ]
    job = PendingJob("people", "r-1", 7, "64f", AT, records)
    with database.begin() as conn:
        ledger.add_job(conn, job)
        assert ledger.pending_jobs(conn, "people") == [job]
        assert ledger.pending_jobs(conn, "companies") == []
        ledger.end_job(conn, "r-1", 7)
        assert ledger.pending_jobs(conn, "people") == []


@pytest.mark.parametrize("number", [0, 1, 999, 1000, 2001])
def test_replies_are_read_in_order_and_in_parts(database, number):
    reply = {"status": 200, "headers": {"a": "b"}, "body": "é"}
    rows = [
        {
            "sent_at": AT,
            "run": "r-1",
            "delivery": str(n),
            "attempt": 1,
            "request": {"method": "POST"},
            "response": None if n % 2 else reply,
            "duration_ms": 1.5,
            "outcome": "delivered",
            "records": ["a", ["b", "c"]],
            "error": None,
        }
        for n in range(number)
    ]
    with database.begin() as conn:
        for row in rows:
            deliveries.append_responses(conn, "raw", [row])
        deliveries.append_responses(conn, "other", [rows[0]] if rows else [])
        parts = [deliveries.responses_after(conn, "raw", 0)]
        while parts[-1]:
            parts.append(deliveries.responses_after(conn, "raw", parts[-1][-1][0]))
    assert max(map(len, parts)) <= 1000
    found = [row for part in parts for _, row in part]
    assert [row["delivery"] for row in found] == [str(n) for n in range(number)]
    for row, sent in zip(found, rows, strict=True):
        assert orjson.loads(row["records"]) == sent["records"]
        assert (None if row["response"] is None else orjson.loads(row["response"])) == sent["response"]


def test_a_setting_is_its_last_document(database):
    with database.begin() as conn:
        assert setting(conn, "retention") is None
        put_setting(conn, "retention", {"runs_days": 0}, by="ada", at="2026-01-01T00:00:00.000Z")
        put_setting(conn, "alerts", {"channels": {}}, by="ada", at="2026-01-01T00:00:00.000Z")
        put_setting(conn, "retention", {"runs_days": None, "note": "ü"}, by="bob", at="2026-01-02T00:00:00.000Z")
    with database.read() as conn:
        found = setting(conn, "retention")
    assert found is not None
    assert (found.document, found.by, found.at) == ({"runs_days": None, "note": "ü"}, "bob", "2026-01-02T00:00:00.000Z")
