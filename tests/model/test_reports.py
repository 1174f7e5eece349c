"""Reports as JSON, pages of lists, and their cursors."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.reports import (
    CheckReport,
    PreviewedRequest,
    QuarantineDetail,
    QuarantineEntry,
    SettleReport,
    TestReport,
    as_json,
    check_json,
    page_of,
    quarantine_json,
    quarantined_json,
    read_cursor,
    settle_json,
    single_page,
    test_json,
    write_cursor,
)

ENTRY = QuarantineEntry(
    "q-1", "it", ("a", "b"), "quarantined", "email: required", "is missing", "email", "now", None, "required", None
)
TEST = TestReport(PreviewedRequest("POST", "/people", {}, "{}", ("a",)), {"status": 201, "body": ""}, None, 1.0)


def test_reports_become_plain_json_values():
    assert as_json({"a": (1, None), 2: frozenset({"b", "a"}), "c": MappingProxyType({})}) == {
        "a": [1, None],
        "2": ["a", "b"],
        "c": {},
    }
    note = {"field": "f", "action": "derived", "reason": "r", "count": 0}
    assert as_json([Note("f", "derived", "r")]) == [note]
    assert as_json(Note) is Note
    assert [as_json(value) for value in (0, False, "", None)] == [0, False, "", None]


@pytest.mark.parametrize(("response", "succeeded"), [({"status": 299}, True), ({"status": 404}, False)])
def test_a_test_send_succeeded_if_the_status_is_2xx(response, succeeded):
    assert replace(TEST, response=response).succeeded is succeeded


def test_a_test_without_a_reply_succeeded_if_there_is_no_error():
    written = replace(TEST, response=None)  # of a destination that writes a file
    assert written.succeeded
    assert not replace(written, error="no answer").succeeded


def test_the_json_of_a_test_has_the_key_earlier_only_if_there_are_earlier_requests():
    assert "earlier" not in test_json(TEST)
    [earlier] = test_json(replace(TEST, earlier=(TEST,)))["earlier"]
    assert earlier == test_json(TEST)


def test_the_json_of_a_record_in_quarantine_in_a_list_and_with_all_details():
    listed = quarantine_json(ENTRY)
    assert (listed["key"], listed["run"], listed["values"]) == (["a", "b"], None, None)
    whole = quarantined_json(QuarantineDetail(ENTRY, {"id": 0}))
    assert whole == {**listed, "record": {"id": 0}, "value": None, "accepted": None, "request": None, "reply": None}


def test_the_json_of_a_check_has_the_result_of_each_base_url():
    tried = ({"base_url": "https://x", "result": "401"},)
    shown = check_json(CheckReport("acme", False, None, None, tried, None, "refused"))
    assert (shown["ok"], shown["tried"]) == (False, [dict(tried[0])])


ROWS = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("limit", "items", "more"), [(2, ["A", "B"], "b"), (3, ["A", "B", "C"], None), (9, ["A", "B", "C"], None)]
)
def test_a_page_has_a_next_cursor_only_if_there_is_a_row_past_the_limit(limit, items, more):
    assert page_of(ROWS, limit, str.upper, str) == {"items": items, "next": more}


def test_a_single_page_has_no_next_cursor():
    assert single_page([]) == {"items": [], "next": None}


@pytest.mark.parametrize("place", [("r-1", 0), ("", -(2**63)), ("ü", 2**63 - 1)])
def test_reading_a_cursor_returns_the_place_that_was_written(place):
    assert read_cursor(write_cursor(*place), str, int) == place


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "~~~",
        write_cursor("r-1"),
        write_cursor(1, "r-1"),
        write_cursor("r-1", 1, 2),
        "eyJhIjoxfQ",
        "WyJyLTEiLDkyMjMzNzIwMzY4NTQ3NzU4MDhd",
    ],
)
def test_a_text_that_is_no_cursor_of_these_kinds_is_refused(cursor):
    with pytest.raises(InputError) as caught:
        read_cursor(cursor, str, int)
    [problem] = caught.value.problems
    assert (problem.path, problem.code, problem.found) == ("cursor", "wrong-cursor", cursor)


def test_a_settlement_is_printed_as_its_four_numbers():
    assert settle_json(SettleReport("r", 1, 2, 3, 4)) == {
        "delivered": 1,
        "sent_again": 2,
        "undecided": 3,
        "requests": 4,
    }
