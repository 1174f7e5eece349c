"""Refusals, counts and notes: their texts and their values."""

from dataclasses import replace

import pytest

from penstock.model.outcome import (
    EMPTY,
    EMPTY_NOW,
    GONE,
    MOST_NAMED,
    Counts,
    Note,
    Refusal,
    gone_reason,
    is_column_change,
    is_new,
    named,
    new_column_notes,
    only_quarantine,
    quarantine_reason,
    refuse,
    shown,
)


def test_a_refusal_gets_its_field_once_and_quotes_the_value():
    found = named(refuse("int32", 2**31, "is outside the 32-bit range", "a smaller number"), "seats")
    assert found.reason == "seats: '2147483648' is outside the 32-bit range; accepted: a smaller number"
    assert (found.cause, found.finding) == ("seats: int32", "is outside the 32-bit range")
    assert named(found, "other") is found
    bare = named(Refusal("required", "is missing"), "email")
    assert bare.reason == "email: is missing"


def test_the_values_of_a_refusal_leave_out_unknown_ones():
    found = named(refuse("int32", 0, "is refused", "another"), "seats")
    assert found.values == {"field": "seats", "value": "0", "accepted": "another", "finding": "is refused"}
    assert Refusal("api", "422: no", limit=0).values == {"limit": 0, "sentence": "422: no"}
    assert Refusal("api", "422: no", sentence="no", mapped=True).values == {"mapped": True, "sentence": "no"}
    assert Refusal("api", "422: no").cause == "api"


def test_invisible_characters_are_escaped_in_the_reason_and_unchanged_in_the_value():
    found = Refusal("key", "a\u200bb is taken", value="a\u200bb", accepted="ä")
    assert (found.reason, found.value, found.accepted) == (r"a\u200bb is taken", "a\u200bb", "ä")


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (0, "0"), (None, "None"), ("", ""), ("\ud800", "\\ud800"), ("x" * 80, "x" * 80)],
)
def test_the_text_of_a_value(value, text):
    assert shown(value) == text


def test_a_long_value_is_cut_and_an_unprintable_one_is_shown_by_its_type():
    assert shown("x" * 81) == "x" * 79 + "…"
    assert shown(10**5000) == "(int)"


def test_counts_are_added_by_name():
    counts = Counts(read=2, delivered=2).plus({"read": 1, "unknown": 1})
    assert counts == Counts(read=3, delivered=2, unknown=1)


@pytest.mark.parametrize(
    ("status", "counts", "only"),
    [
        ("partial", Counts(read=2, delivered=1, quarantined=1), True),
        ("partial", Counts(read=2, quarantined=2), True),
        ("partial", Counts(read=2, quarantined=1, unknown=1), False),
        ("partial", Counts(read=2, quarantined=1, waiting=1), False),
        ("failed", Counts(read=2, quarantined=1, unsent=1), False),
        ("succeeded", Counts(read=2, delivered=2), False),
    ],
)
def test_whether_a_run_is_partial_only_because_of_records_in_quarantine(status, counts, only):
    assert only_quarantine(status, counts) is only


@pytest.mark.parametrize(
    ("quarantined", "new", "since", "text"),
    [
        (1, True, None, "delivered, 1 in quarantine"),
        (1, True, "r-1", "delivered, 1 in quarantine, some since run r-1"),
        (1, False, "r-1", "delivered, 1 in quarantine since run r-1"),
        (2000, True, None, "nothing delivered, 2,000 records in quarantine"),
    ],
)
def test_the_reason_of_a_run_with_records_in_quarantine(quarantined, new, since, text):
    counts = Counts(read=2000, quarantined=quarantined, delivered=2000 - quarantined)
    assert quarantine_reason(counts, new=new, since=since) == text


def test_the_reason_of_a_run_that_sent_nothing_does_not_say_delivered():
    counts = Counts(read=2, unchanged=1, quarantined=1)
    assert quarantine_reason(counts, new=False, since="r-1") == "1 in quarantine since run r-1"


def test_the_reason_of_a_run_whose_only_record_is_in_quarantine():
    assert (
        quarantine_reason(Counts(read=1, quarantined=1), new=True, since=None)
        == "nothing delivered, 1 record in quarantine"
    )


def test_of_many_new_columns_only_the_first_have_their_own_note():
    notes = new_column_notes([f"c{n}" for n in range(MOST_NAMED + 5)], "people")
    assert [note.field for note in notes] == [*(f"c{n}" for n in range(MOST_NAMED)), "attributes"]
    assert "5 more" in notes[-1].reason
    assert "penstock schema people --refresh" in notes[0].reason
    assert all(is_new(note) and is_column_change(note) for note in notes)
    assert len(new_column_notes(["a"], "people")) == 1


def test_notes_about_changed_columns_are_recognized():
    gone = Note("a", GONE, gone_reason("people"))
    assert "penstock schema people --refresh" in gone.reason
    assert is_column_change(gone)
    assert not is_new(gone)
    empty = Note("a", EMPTY, EMPTY_NOW)
    assert is_column_change(empty)
    assert not is_column_change(replace(empty, reason="every value is null"))
    assert not is_column_change(Note("a", "derived", "from the key"))
