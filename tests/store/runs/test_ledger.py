"""The ledger has one outcome for every record: its counts, its view and its packed rows agree."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from penstock.model.delivery import delivery_json
from penstock.model.outcome import Outcome
from penstock.store.runs import deliveries, ledger
from penstock.store.runs.ledger import LedgerEntry, LedgerException, OutcomeChange, Sent
from penstock.store.runs.ordinals import pack_ordinals, unpack_ordinals
from support.kernel.outcome_counts import outcome_counts

AT = "2026-01-31T12:00:00.000Z"
OUTCOMES = st.sampled_from(list(Outcome))


def sent(number, *, is_test=False):
    return Sent(number, "POST", "https://api.example.com/people", 200, 2, 3, 81.5, is_test=is_test)


@st.composite
def ledgers(draw):
    """Entries of shuffled ordinals, some with keys, some with exceptions; and the expected outcome of each ordinal."""
    ordinals = draw(st.permutations(range(draw(st.integers(0, 30)))))
    cuts = sorted(draw(st.sets(st.integers(0, len(ordinals)), max_size=5)) | {0, len(ordinals)})
    entries, truth = [], {}
    for number, (start, end) in enumerate(pairwise(cuts)):
        part, outcome = list(ordinals[start:end]), draw(OUTCOMES)
        odd = draw(st.dictionaries(st.integers(0, end - start - 1), OUTCOMES, max_size=3))
        keyed = draw(st.booleans())
        keys = [draw(st.sampled_from([f"k{n}", ("a", str(n)), None])) for n in part] if keyed else None
        exceptions = [LedgerException(item, fate, f"why {item}", "email") for item, fate in odd.items()]
        entries.append(LedgerEntry(outcome, part, AT, keys, "because", sent(number) if keyed else None, exceptions))
        truth.update({n: odd.get(item, outcome) for item, n in enumerate(part)})
    return entries, truth


def rows(conn, run="r-1"):
    query = text('SELECT ordinal, "key", outcome, reason, field, delivery FROM ledger WHERE run = :run')
    return conn.execute(query, {"run": run}).all()


@given(ledgers())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_rows_and_packed_rows_agree(database, made):
    entries, truth = made
    with database.engine.connect() as conn:
        ledger.append(conn, "r-1", entries)
        ledger.append(conn, "r-2", [LedgerEntry(Outcome.DELIVERED, [0, 1], AT)])
        assert {row.ordinal: row.outcome for row in rows(conn)} == truth
        assert len(rows(conn)) == len(truth)
        assert ledger.outcomes(conn, "r-1") == truth
        middle = len(truth) // 2
        assert ledger.decided_beyond(conn, "r-1", middle).tolist() == sorted(n for n in truth if n >= middle)
        conn.rollback()


@given(st.lists(st.integers(0, 2**40), unique=True))
def test_packed_ordinals_are_unpacked_in_their_order(ordinals):
    assert unpack_ordinals(pack_ordinals(ordinals)).tolist() == ordinals


def test_a_million_unchanged_records_take_one_small_row(database):
    with database.begin() as conn:
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.UNCHANGED, range(1_000_000), AT)])
        size = conn.execute(text("SELECT length(ordinals) + coalesce(length(keys), 0) FROM ledger_batches")).scalar()
        assert size < 50
        assert len(ledger.decided_beyond(conn, "r-1", 0)) == 1_000_000
        assert len(ledger.decided_beyond(conn, "r-1", 999_999)) == 1


def test_the_view_shows_key_reason_and_field_of_each_record(database):
    odd = [LedgerException(1, Outcome.QUARANTINED, "422: email is wrong", "email")]
    entry = LedgerEntry(Outcome.DELIVERED, [7, 3, 4], AT, ["a", ("b", "c"), None], None, sent(0), odd)
    with database.begin() as conn:
        ledger.append(conn, "r-1", [entry])
        assert [tuple(row) for row in rows(conn)] == [
            (7, "a", "delivered", None, None, 0),
            (3, '["b","c"]', "quarantined", "422: email is wrong", "email", 0),
            (4, None, "delivered", None, None, 0),
        ]


def test_deliveries_have_the_documented_members(database):
    with database.begin() as conn:
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.DELIVERED, [0, 1], AT, ["a", ("b", "c")], "2xx", sent(0))])
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.UNCHANGED, [2], AT)])
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.UNSENT, [], AT, [], "503", sent(1))])
        assert ledger.next_delivery(conn, "r-1") == 2
        assert ledger.next_delivery(conn, "r-2") == 0
        first, second = deliveries.of_run(conn, "r-1")
    assert delivery_json(first) == {
        "delivery": "r-1-0",
        "method": "POST",
        "url": "https://api.example.com/people",
        "status": 200,
        "attempts": 2,
        "duration_ms": 81.5,
        "records": ["a", ["b", "c"]],
        "outcome": "delivered",
        "reason": "2xx",
    }
    assert second.records == ()


def test_a_test_send_is_marked_and_not_counted(database):
    with database.begin() as conn:
        ledger.append(conn, "r-1", [LedgerEntry(Outcome.DELIVERED, [0], AT, ["a"], None, sent(0, is_test=True))])
        assert outcome_counts(conn, "r-1") == {}
        assert len(ledger.decided_beyond(conn, "r-1", 0)) == 0
        assert [row.test for row in deliveries.of_run(conn, "r-1")] == [True]


@pytest.mark.parametrize("field", [None, "email"])
def test_the_end_of_a_job_changes_the_outcomes_of_its_accepted_records(database, field):
    entry = LedgerEntry(Outcome.ACCEPTED, [5, 6, 7, 8], AT, ["a", "b", "c", "d"], "202", sent(0))
    with database.begin() as conn:
        ledger.append(conn, "r-1", [entry])
        done = OutcomeChange(Outcome.DELIVERED, "job done")
        wrong = OutcomeChange(Outcome.QUARANTINED, "no such company", field)
        ledger.change_outcomes(conn, "r-1", 0, {5: done, 6: wrong, 7: done})
        assert outcome_counts(conn, "r-1") == {"delivered": 2, "quarantined": 1, "accepted": 1}
        ledger.change_outcomes(conn, "r-1", 0, {8: wrong, 7: wrong, 5: wrong})
        assert outcome_counts(conn, "r-1") == {"quarantined": 4}
        assert {(row.ordinal, row.reason, row.field) for row in rows(conn)} == {
            (n, "no such company", field) for n in (5, 6, 7, 8)
        }
        assert [row.outcome for row in deliveries.of_run(conn, "r-1")] == ["quarantined"]
