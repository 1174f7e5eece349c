"""A record's key is the same text in every run, whatever type its columns have."""

from decimal import Decimal

import pyarrow as pa
import pytest

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk
from penstock.render.values.keys import key_cells, one_text, rows_of_another_form, why_no_key


def chunk(misfits=None, **columns):
    return Chunk(pa.RecordBatch.from_pydict(columns), 0, {}, misfits or {})


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        (["u-1", None, "", " ", " a\u200b "], ["u-1", None, None, None, "a"]),
        ([1, 0, None], ["1", "0", None]),
        ([7.0, 1.5, float("nan")], ["7", "1.5", None]),
        ([True, False, None], ["true", "false", None]),
        ([Decimal("1.10"), None, Decimal("2.00")], ["1.1", None, "2"]),
        ([["a"], None], [None, None]),
    ],
)
def test_keys_of_one_column(values, keys):
    assert key_cells(chunk(id=values), ["id"]) == keys


def test_a_key_of_several_columns_needs_all_its_parts():
    rows = chunk(a=["x", "y", None], b=[1, None, 3])
    assert key_cells(rows, ["a", "b"]) == [("x", "1"), None, None]
    assert key_cells(rows, ["a", "gone"]) == [None, None, None]


def test_a_value_that_does_not_fit_its_column_is_still_the_key():
    misfit = Refusal("type", "is not a number", value="x-7", column="id")
    other = Refusal("type", "is not a number", value="x-7", column="at")
    long = Refusal("type", "is not a number", value="x" * 80, column="id")
    rows = chunk({0: misfit, 1: other, 2: long}, id=[None, None, None], at=["a", "b", "c"])
    assert key_cells(rows, ["id"]) == ["x-7", None, None]


def test_why_a_row_has_no_key():
    rows = chunk(a=["x", None, "y"], b=[["p"], ["p"], None])
    found = why_no_key(rows, ["a", "b"], 0)
    assert (found.field, found.rule) == ("b", "type")
    assert why_no_key(rows, ["a"], 1) is None
    assert why_no_key(rows, ["a", "b"], 2) is None


def test_keys_as_release_0_1_0_wrote_them():
    rows = chunk(id=["a\u200b", " ", "b"], number=[1e15, 7.0, None])
    assert key_cells(rows, ["id"], former=True) == ["a\u200b", None, "b"]
    assert key_cells(rows, ["number"], former=True) == ["1000000000000000.0", "7", None]
    assert rows_of_another_form(rows, ["id", "number", "gone"]) == {0}
    assert rows_of_another_form(rows, ["number"]) == {0}


@pytest.mark.parametrize("values", [["a", "b"], [1, 2], [None, None], [1.5, None]])
def test_other_columns_have_the_form_of_0_1_0(values):
    assert rows_of_another_form(chunk(id=values), ["id"]) == frozenset()


@pytest.mark.parametrize(
    ("key", "text"),
    [("a:b", "a:b"), (("a:b",), "a:b"), (("a:b", "c"), "a\\:b:c"), (("a", "b:c"), "a:b\\:c"), (("\\", ""), "\\\\:")],
)
def test_a_key_as_one_text(key, text):
    assert one_text(key) == text
