"""Columns of every Arrow type become values that JSON can hold, and excluded parts are cut from them."""

import copy
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given

from penstock.model.outcome import Refusal
from penstock.render.values.columns import cut, decode
from support.kernel.json_values import JSON_VALUES


@pytest.mark.parametrize(
    ("array", "meant"),
    [
        (pa.array(["a", None], pa.dictionary(pa.int8(), pa.string())), ["a", None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array([None, None], pa.null()), [None, None]),
        (pa.array([1.5, None], pa.float32()), [1.5, None]),
        (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
        (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int8())), [{"a": 1}, None]),
        (pa.array([date(2026, 1, 31), None], pa.date64()), ["2026-01-31", None]),
        (pa.array([datetime(2026, 1, 31, tzinfo=UTC)], pa.timestamp("ns", "UTC")), ["2026-01-31T00:00:00Z"]),
        (pa.array([Decimal("1.10")], pa.decimal128(10, 2)), [Decimal("1.10")]),
    ],
)
def test_every_arrow_type_is_decoded(array, meant):
    assert decode(array, pa.field("x", array.type)).values == meant


@pytest.mark.parametrize(
    "array", [pa.array([10**6 * 4, -(10**6)], pa.date32()), pa.array([2**62, -(2**62)], pa.timestamp("us"))]
)
def test_years_without_an_iso_form_are_refused(array):
    assert all(isinstance(value, Refusal) for value in decode(array, pa.field("x", array.type)).values)


@given(JSON_VALUES)
def test_cutting_changes_nothing_that_was_given(value):
    before = copy.deepcopy(value)
    cut(value, ("a", "b"))
    assert value == before


def test_cutting_reaches_into_lists():
    value = {"items": [{"price": 1, "name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("items", "price")) == {"items": [{"name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("price", "deep")) == value
