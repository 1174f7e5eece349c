"""The quarantine has one exact entry per key; discarded versions stay discarded."""

import json

import pytest
from sqlalchemy import event

from penstock.model.outcome import Outcome, Refusal
from penstock.model.reports import QuarantineFilter
from penstock.store import quarantine
from penstock.store.memory import key_hashes
from penstock.store.quarantine import NewQuarantineRow

BIG = 2**64 - 1
RECORD = '{"id": 123456789012345678901234567890, "mail": null, "born": "2026-01-31", "rate": 1.10}'


def new_row(key="a", *, destination="people", **changes):
    high, low = (0, 0) if key is None else key_hashes([key]).tolist()[0]
    given = {
        "outcome": Outcome.QUARANTINED,
        "refusal": Refusal("required", "email is missing", "email", None, "an e-mail address"),
        "at": "2026-01-31T12:00:00.000Z",
        "run": "r-1",
        "record": RECORD,
        "record_print": BIG,
        "settings": "s1",
        "content": BIG - 1,
        "request": {"method": "POST", "body": "ü"},
        "reply": {"status": 422},
    }
    return NewQuarantineRow(destination=destination, key=key, key_hash=(high, low), **{**given, **changes})


def test_an_entry_is_read_exactly_as_it_was_added(database):
    with database.begin() as conn:
        quarantine.add(conn, new_row(("de", "17")))
        [entry] = quarantine.entries(conn)
        assert quarantine.get(conn, "q-1") == entry
    assert (entry.id, entry.key, entry.record) == ("q-1", ("de", "17"), RECORD)
    assert json.loads(entry.record)["id"] == 123456789012345678901234567890
    assert (entry.record_print, entry.content) == (BIG, BIG - 1)
    assert (entry.cause, entry.field, entry.rule) == ("email: required", "email", "required")
    assert (entry.request, entry.reply) == ({"method": "POST", "body": "ü"}, {"status": 422})


def test_a_key_has_one_entry_which_keeps_its_id(database):
    with database.begin() as conn:
        quarantine.add(conn, new_row("a"), new_row("b"))
        quarantine.edit(conn, "q-1", "{}")
        quarantine.add(conn, new_row("a", run="r-2", outcome=Outcome.UNKNOWN))
        quarantine.add(conn, new_row("a", destination="companies"))
        found = quarantine.entries(conn)
    assert [(e.destination, e.key, e.run, e.outcome, e.edited) for e in found] == [
        ("people", "a", "r-2", "unknown", False),
        ("people", "b", "r-1", "quarantined", False),
        ("companies", "a", "r-1", "quarantined", False),
    ]
    assert [e.id for e in found[:2]] == ["q-1", "q-2"]
    assert found[2].id not in ("q-1", "q-2")


def test_of_equal_keys_added_together_the_last_one_is_stored(database):
    with database.begin() as conn:
        quarantine.add(conn, new_row("a", record="1"), new_row("b"), new_row("a", record="2"))
        assert [(e.key, e.record) for e in quarantine.entries(conn)] == [("a", "2"), ("b", RECORD)]


def test_records_without_a_key_are_identified_by_their_content(database):
    with database.begin() as conn:
        for print_ in (1, 2, 1):
            quarantine.add(conn, new_row(None, record_print=print_))
        assert [(e.key, e.record_print) for e in quarantine.entries(conn)] == [(None, 1), (None, 2)]
        assert list(quarantine.versions(conn, "people")) == []


def test_entries_are_found_by_cause_and_destination(database):
    with database.begin() as conn:
        quarantine.add(
            conn, new_row("a"), new_row("b", refusal=Refusal("key", "no key")), new_row("c", destination="x")
        )
        assert [e.key for e in quarantine.entries(conn, cause="email: required")] == ["a", "c"]
        assert [e.key for e in quarantine.entries(conn, destination="people", cause="key")] == ["b"]


@pytest.mark.parametrize("wrong", ["q-9", "q-", "9x", "", "q-²", "q--1"])
def test_an_unknown_id_has_no_entry(database, wrong):
    with database.begin() as conn:
        quarantine.add(conn, new_row("a"))
        assert quarantine.get(conn, wrong) is None


def test_an_edited_record_keeps_the_version_that_runs_compare_with(database):
    with database.begin() as conn:
        quarantine.add(conn, new_row("a"))
        quarantine.edit(conn, "q-1", '{"mail": "a@b.c"}')
        entry = quarantine.get(conn, "q-1")
    assert (entry.record, entry.edited, entry.record_print) == ('{"mail": "a@b.c"}', True, BIG)


def test_a_run_finds_what_is_in_quarantine_by_key(database):
    with database.begin() as conn:
        quarantine.add(
            conn, new_row("a"), new_row("b", outcome=Outcome.UNKNOWN, record_print=0), new_row("c", destination="x")
        )
        found = dict(quarantine.versions(conn, "people"))
    a, b = (tuple(row) for row in key_hashes(["a", "b"]).tolist())
    assert found.keys() == {a, b}
    assert found[a][:4] == (Outcome.QUARANTINED, BIG, "s1", "email is missing")
    assert json.loads(found[a].refusal or "")["rule"] == "required"
    assert found[b][:2] == (Outcome.UNKNOWN, 0)


def test_a_released_entry_is_deleted_and_its_id_is_not_used_again(database):
    with database.begin() as conn:
        quarantine.add(conn, new_row("a"), new_row("b"))
        quarantine.release(conn, ["q-2"])
        quarantine.release_key(conn, "people", tuple(key_hashes(["a"]).tolist()[0]))
        assert quarantine.entries(conn) == []
        quarantine.add(conn, new_row("a"))
        assert [e.id for e in quarantine.entries(conn)] == ["q-3"]


def test_every_discarded_version_stays_discarded(database):
    a = tuple(key_hashes(["a"]).tolist()[0])
    with database.begin() as conn:
        for version in (1, BIG, 1):
            quarantine.add(conn, new_row("a", record_print=version))
            quarantine.discard(conn, [quarantine.entries(conn)[0].id], "not ours", "2026-02-01T00:00:00.000Z")
        assert quarantine.entries(conn) == []
        assert set(quarantine.discarded_versions(conn, "people")) == {(a, 1), (a, BIG)}
        assert list(quarantine.discarded_versions(conn, "companies")) == []


def test_many_records_are_discarded_in_a_few_statements(database):
    """0.1.0 took three statements for each: 25 s for 50,000."""
    statements = []
    with database.begin() as conn:
        quarantine.add(conn, *(new_row(f"k{n}", record_print=n) for n in range(3000)), new_row(None, record_print=7))
        ids = quarantine.ids(conn, QuarantineFilter(destination="people"))
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with database.begin() as conn:
        assert quarantine.unknown(conn, [*ids, "q-999999"]) == "q-999999"
        assert quarantine.discard(conn, [*ids, "q-999999", "nonsense"], "not ours", "2026-02-01T00:00:00.000Z") == 3001
    assert len(statements) < 40
    with database.read() as conn:
        assert quarantine.entries(conn) == []
        unwanted = set(quarantine.discarded_versions(conn, "people"))
    assert len(unwanted) == 3001
    assert (tuple(key_hashes(["k2999"]).tolist()[0]), 2999) in unwanted
