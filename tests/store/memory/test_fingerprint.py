"""Equal inputs have equal fingerprints wherever they stand; inputs that differ in anything have others."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.store.memory.fingerprint import fingerprints

TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "0", "null", "a", "007", "7", " ", "é", "x" * 13]), st.text(max_size=30)
)


def batch(**columns):
    return pa.RecordBatch.from_pydict(columns)


def prints(*rows, absent=None):
    """The fingerprints of rows of two texts."""
    a, b = zip(*rows, strict=True)
    return fingerprints(batch(a=pa.array(a, pa.string()), b=pa.array(b, pa.string())), ["a", "b"], absent).tolist()


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20, unique=True))
@settings(max_examples=40, deadline=None)
def test_rows_that_differ_have_different_prints(rows):
    assert len(set(prints(*rows))) == len(rows)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20), st.integers(0, 19))
@settings(max_examples=40, deadline=None)
def test_a_row_has_the_same_print_in_any_chunk(rows, start):
    start %= len(rows)
    a, b = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
    whole = batch(a=a, b=b)
    packed = batch(b=b.dictionary_encode(), other=b, a=a)
    assert fingerprints(whole.slice(start), ["a", "b"]).tolist() == fingerprints(whole, ["a", "b"]).tolist()[start:]
    assert fingerprints(packed, ["a", "b"]).tolist() == fingerprints(whole, ["a", "b"]).tolist()


def test_absent_is_not_null_and_null_is_not_empty():
    rows = [(None, None)] * 3 + [("", None), (None, "")]
    found = prints(*rows, absent={"a": frozenset({1}), "b": frozenset({2})})
    assert len(set(found)) == 5


def test_absent_rows_elsewhere_in_the_chunk_change_nothing_for_a_record():
    """The same record in two chunks, of which only one has a row without the member."""
    alone = prints(("x", None), ("y", "z"))
    beside = prints(("x", None), ("y", None), absent={"b": frozenset({1})})
    assert beside[0] == alone[0]


def test_which_member_is_absent_counts():
    nulls = [(None, None)] * 2
    assert prints(*nulls, absent={"a": frozenset({0})})[0] != prints(*nulls, absent={"b": frozenset({0})})[0]
    assert prints(*nulls, absent={"a": frozenset({0})})[0] == prints(*nulls, absent={"a": frozenset({0, 1})})[0]


def test_every_kind_of_column_has_a_print():
    one = batch(
        text=["a"],
        integer=pa.array([2**62], pa.int64()),
        number=[0.1],
        exact=pa.array([Decimal("1.10")], pa.decimal128(10, 2)),
        truth=[True],
        day=[dt.date(2026, 1, 31)],
        moment=pa.array([dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
        nested=pa.array([{"a": [1, None], "b": {"c": "d"}}]),
        nothing=pa.nulls(1),
    )
    found = fingerprints(one, one.schema.names)
    assert found.dtype == np.uint64
    assert found[0] != 0
    singles = [fingerprints(one, [name])[0] for name in one.schema.names]
    assert len(set(singles)) == len(singles)


def test_a_thousand_columns_and_odd_names():
    wide = batch(**{f'c "{n}" select': [n] for n in range(1000)})
    assert len(fingerprints(wide, wide.schema.names)) == 1


def test_names_that_differ_in_case_only():
    twins = batch(A=["x", "x"], a=["y", "z"])
    assert len(set(fingerprints(twins, ["A", "a"]).tolist())) == 2


def test_no_columns_and_no_rows():
    assert len(set(fingerprints(batch(a=["x", "y"]), []).tolist())) == 1
    assert fingerprints(batch(a=pa.array([], pa.string())), ["a"]).tolist() == []
