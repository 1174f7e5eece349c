"""Lists, statistics and searches of the API are the same on every database."""

import pytest

from penstock.model.outcome import Outcome, Refusal
from penstock.model.reports import QuarantineFilter
from penstock.service import replays
from penstock.service.model import KeyedRequest
from penstock.service.overview import search
from penstock.service.replays import StoredResponse
from penstock.store import quarantine
from penstock.store.memory import key_hashes
from penstock.store.quarantine import NewQuarantineRow
from penstock.store.runs import deliveries, ledger, runs, timeseries
from penstock.store.runs.ledger import LedgerEntry, LedgerException, OutcomeChange, Sent
from penstock.store.runs.runs import RunRow
from penstock.store.tables import ledger_batches


def at(hour, minute=0):
    return f"2026-01-31T{hour:02}:{minute:02}:00.000Z"


def sent(number, ms=80.0, *, is_test=False):
    return Sent(number, "POST", "https://api.example.com/people", 200, 1, 2, ms, is_test=is_test)


def hold(conn, key, *, destination="people", field="email", outcome=Outcome.QUARANTINED, hour=12):
    high, low = key_hashes([key]).tolist()[0]
    refusal = Refusal("required", f"{field} of {key} is missing", field)
    quarantine.add(
        conn, NewQuarantineRow(destination, key, (high, low), outcome, refusal, at(hour), "r-1", "{}", 1, settings="s")
    )


def test_records_in_quarantine_are_read_in_pages_and_groups(database):
    with database.begin() as conn:
        for number in range(5):
            hold(conn, f"k{number}", hour=number)
        hold(conn, "other", field="name")
        hold(conn, "lost", outcome=Outcome.UNKNOWN, destination="notes")
        first = quarantine.page(conn, QuarantineFilter(destination="people"), 4)
        rest = quarantine.page(conn, QuarantineFilter(destination="people"), 4, int(first[-1].id.removeprefix("q-")))
        groups = quarantine.groups(conn)
        assert [held.key for held in first + rest] == ["k0", "k1", "k2", "k3", "k4", "other"]
        assert quarantine.ids(conn, QuarantineFilter(outcome="unknown")) == [
            quarantine.entries(conn, destination="notes")[0].id
        ]
        assert quarantine.ids(conn, QuarantineFilter(destination="people", cause="name: required")) == [rest[-1].id]
    assert [(group.count, group.field, group.reason, group.first_at, group.last_at) for group in groups] == [
        (5, "email", "email of k0 is missing", at(0), at(4)),
        (1, "name", "name of other is missing", at(12), at(12)),
        (1, "email", "email of lost is missing", at(12), at(12)),
    ]


@pytest.fixture
def sent_records(database):
    """Two runs of `people` and a test send; in the second run, one record of three was quarantined."""
    odd = [LedgerException(1, Outcome.QUARANTINED, "no", "email")]
    with database.begin() as conn:
        for run, hour in (("r-1", 8), ("r-2", 10)):
            runs.start(
                conn, RunRow(run, "destination", "people", at(hour), status="succeeded", finished_at=at(hour, 30))
            )
        runs.start(conn, RunRow("t-1", "test", "people", at(10), status="succeeded", finished_at=at(10)))
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.DELIVERED, [0, 1], at(8, 10), ["a_1", "b"], None, sent(0))])
        again = [
            LedgerEntry(Outcome.DELIVERED, [0, 1, 2], at(10, 10), ["a_1", ("de", "7"), "c"], None, sent(0, 400.0), odd),
            LedgerEntry(Outcome.UNCHANGED, range(3, 9), at(10, 20)),
        ]
        ledger.append(conn, "r-2", again)
        ledger.append(conn, "t-1", [LedgerEntry(Outcome.DELIVERED, [0], at(10), ["a_1"], None, sent(0, is_test=True))])
    return database


def added_up(database):
    with database.begin() as conn:
        while timeseries.fold(conn, 2):
            pass


@pytest.mark.parametrize("first", [lambda _: None, added_up], ids=["as written down", "added up"])
def test_the_statistics_of_a_period_count_records_requests_and_durations(sent_records, first):
    first(sent_records)
    with sent_records.read() as conn:
        whole = timeseries.parts(conn, at(0), 60)
        late = timeseries.parts(conn, at(9), 24 * 60, "people")
        short = timeseries.parts(conn, at(10, 12), 5)
        other = timeseries.parts(conn, at(0), 60, "companies")
    assert {part: dict(found.records) for part, found in whole.items()} == {
        "2026-01-31T08:00": {"delivered": 2},
        "2026-01-31T10:00": {"delivered": 2, "quarantined": 1, "unchanged": 6},
    }
    assert [whole["2026-01-31T10:00"].requests, whole["2026-01-31T08:00"].requests] == [2, 2]
    assert 70 <= whole["2026-01-31T08:00"].quantile(0.5) <= 100
    assert 300 <= whole["2026-01-31T10:00"].quantile(0.95) <= 400
    assert {part: sum(found.records.values()) for part, found in late.items()} == {"2026-01-31T00:00": 11}
    assert [part for part, found in short.items() if sum(found.records.values())] == [
        "2026-01-31T10:10",
        "2026-01-31T10:20",
    ]
    assert dict(other) == {}


def test_sums_stay_correct_when_the_ledger_changes(sent_records):
    """Later rows are counted once, new outcomes of accepted records are applied, and pruning changes no sum."""
    with sent_records.begin() as conn:
        ledger.append(conn, "r-2", [LedgerEntry(Outcome.ACCEPTED, [9, 10], at(10, 40), ["x", "y"], None, sent(1))])
        timeseries.fold(conn)
        more = LedgerEntry(Outcome.UNCHANGED, range(11, 14), at(11))
        ledger.append(conn, "r-2", [more])
        done = OutcomeChange(Outcome.DELIVERED)
        ledger.change_outcomes(conn, "r-2", 1, {9: done, 10: OutcomeChange(Outcome.QUARANTINED, "no", "email")})
        changed = timeseries.parts(conn, at(0), 24 * 60)["2026-01-31T00:00"]
        timeseries.fold(conn)
        conn.execute(ledger_batches.delete())
        pruned = timeseries.parts(conn, at(0), 24 * 60)["2026-01-31T00:00"]
        ledger.append(conn, "r-2", [more])  # with the id of a row that was already added up
        later = timeseries.parts(conn, at(11), 60)["2026-01-31T11:00"]
    expected = {"delivered": 5, "quarantined": 2, "unchanged": 9}
    assert {word: number for word, number in changed.records.items() if number} == expected
    assert {word: number for word, number in pruned.records.items() if number} == expected
    assert (changed.requests, pruned.requests) == (6, 6)
    assert later.records["unchanged"] == 6


def test_short_buckets_are_stored_for_a_short_time(sent_records):
    added_up(sent_records)
    with sent_records.begin() as conn:
        later = "2026-03-02T00:00:00.000Z"
        ledger.append(conn, "r-2", [LedgerEntry(Outcome.UNCHANGED, [20], later)])
        timeseries.fold(conn)
        kept = {minutes: len(timeseries.parts(conn, at(0), minutes)) for minutes in timeseries.LENGTHS}
    assert kept == {5: 1, 60: 1, 24 * 60: 2}


def test_runs_and_keys_are_found_by_a_part_of_them_and_wildcards_are_literal(sent_records):
    with sent_records.begin() as conn:
        hold(conn, "Wild%Card")
        assert [run.id for run in search.runs_named(conn, "R-", 5)] == ["r-2", "r-1"]
        assert [found.key for found in search.quarantined_keys(conn, "d%c", 5)] == ["Wild%Card"]
        assert search.quarantined_keys(conn, "d_c", 5) == []
        assert [(found.run, found.key) for found in search.sent_keys(conn, "a_1", 5)] == [
            ("r-2", "a_1"),
            ("r-1", "a_1"),
        ]
        assert [found.key for found in search.sent_keys(conn, "7", 5)] == [("de", "7")]
        assert list(search.sent_keys(conn, "axc", 5)) == []


def test_replies_are_listed_newest_first_in_pages(database):
    with database.begin() as conn:
        deliveries.append_responses(conn, "people", [{"n": number} for number in range(4)])
        first = deliveries.page_of_responses(conn, "people", 2)
        assert [record["n"] for _, record in first] == [3, 2]
        assert [record["n"] for _, record in deliveries.page_of_responses(conn, "people", 9, first[-1][0])] == [1, 0]


def test_a_response_is_stored_until_it_expires_and_can_be_replaced(database):
    request = KeyedRequest("ada", "k", "hash")
    with database.begin() as conn:
        assert replays.stored_response(conn, request, 1.0) is None
        replays.begin_response(conn, request, 10.0)
        assert replays.stored_response(conn, request, 1.0) == StoredResponse("hash", None, {}, None)
        replays.store_response(conn, request, StoredResponse("hash", 201, {"etag": '"1"'}, b"\x00sealed"))
        assert replays.stored_response(conn, request, 10.0) == StoredResponse(
            "hash", 201, {"etag": '"1"'}, b"\x00sealed"
        )
        assert replays.stored_response(conn, KeyedRequest("bob", "k", "hash"), 1.0) is None
        assert replays.stored_response(conn, request, 11.0) is None
        replays.begin_response(conn, KeyedRequest("ada", "k", "other"), 20.0)
        assert replays.stored_response(conn, request, 11.0).content_hash == "other"
