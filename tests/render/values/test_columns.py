"""Columns of every Arrow type become values that JSON can hold, and a record's key is the same text in every run."""

import copy
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk
from penstock.render.values.columns import (
    JSON_MARK,
    cut,
    decode,
    json_values,
    key_cells,
    one_text,
    rows_of_another_form,
    why_no_key,
)
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
def test_cutting_does_not_change_the_given_value(value):
    before = copy.deepcopy(value)
    cut(value, ("a", "b"))
    assert value == before


def test_excluded_parts_are_cut_from_lists_too():
    value = {"items": [{"price": 1, "name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("items", "price")) == {"items": [{"name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("price", "deep")) == value


class Point(pa.ExtensionType):
    def __init__(self):
        super().__init__(pa.int64(), "tests.point")

    def __arrow_ext_serialize__(self):
        return b""


TWICE = pa.StructArray.from_arrays([pa.array([1, 2]), pa.array([3, 4])], ["a", "a"], mask=pa.array([False, True]))
PAIRS = pa.map_(pa.string(), pa.int64())


@pytest.mark.parametrize(
    ("array", "meant"),
    [
        (pa.ExtensionArray.from_storage(Point(), pa.array([0, None])), [0, None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pc.run_end_encode(pa.array([1, 1, 2])), [1, 1, 2]),
        (pa.array([{"a": 0, "b": {"c": None}}, None]), [{"a": 0, "b": {"c": None}}, None]),
        (pa.array([{}, None], pa.struct([])), [{}, None]),
        (pa.array([[1, None], [], None]), [[1, None], [], None]),
        (pa.array([[1], None, [2, 3]], pa.large_list(pa.int64()))[1:], [None, [2, 3]]),
        (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), [[1, 2], None]),
        (pa.array([[1], None, [2, 3], []], pa.list_view(pa.int64())), [[1], None, [2, 3], []]),
        (pa.ListViewArray.from_arrays([1, 0], [1, 2], pa.array([7, 8])), [[8], [7, 8]]),
        (pa.array([], pa.list_(pa.int64())), []),
        (pa.array([], PAIRS), []),
        (pa.Array.from_buffers(pa.list_(pa.int64()), 0, [None, None], children=[pa.array([], pa.int64())]), []),
        (pa.array([[("a", 0)], None, []], PAIRS), [{"a": 0}, None, {}]),
        (pa.array([[(True, 1)]], pa.map_(pa.bool_(), pa.int64())), [{"true": 1}]),
        (pa.array([[(False, 1)]], pa.map_(pa.bool_(), pa.int64())), [{"false": 1}]),
        (pa.array([[(7, 1)]], pa.map_(pa.int64(), pa.int64())), [{"7": 1}]),
        (pa.array([[date(2026, 1, 31)]]), [["2026-01-31"]]),
    ],
)
def test_nested_columns_are_json(array, meant):
    assert json_values(array) == meant


def test_a_name_that_occurs_twice_in_an_object_is_refused():
    assert [found and found.rule for found in json_values(TWICE)] == ["json", None]
    assert [found.value for found in json_values(pa.array([[("a", 1), ("a", 2)]], PAIRS))] == ["a"]
    [broken] = json_values(pa.array([[(b"\xff", 1)]], pa.map_(pa.binary(), pa.int64())))
    assert broken == {"ff": 1}
    [refused] = json_values(pa.array([[(date(1, 1, 1), 1)]], pa.map_(pa.date32(), pa.int64())))
    assert refused == {"0001-01-01": 1}
    [outside] = json_values(pa.array([[(10**7, 1)]], pa.map_(pa.date32(), pa.int64())))
    assert outside.rule == "date"


def text(*values):
    return decode(pa.array(values, pa.string()), pa.field("x", pa.string()))


def test_properties_of_a_column_of_texts():
    assert (text("a", "ßß", None).longest(), text(None).longest()) == (2, 0)
    assert (text("a").full, text("a", None).full) == (True, False)
    assert text("a", None, "ß").identify()
    assert not any(text("a", bad).identify() for bad in ("", " b", "b\u200b"))
    assert text("ß\u00ad").hide()
    assert not text(None).hide()
    assert text("ab", None).all_match("^a")
    assert not text("ab", "b").all_match("^a")


def test_the_bounds_of_a_column_of_numbers():
    cells = decode(pa.array([0, None, 5]), pa.field("x", pa.int64()))
    assert cells.within(0, 5)
    assert not cells.within(1, 5)
    assert not cells.within(0, 4)
    assert decode(pa.array([None], pa.int64()), pa.field("x", pa.int64())).within(1, 0)


def test_json_in_a_column_of_text_is_read_where_it_is_marked():
    array = pa.array(['{"a": 0}', "null", None, "{"])
    marked = decode(array, pa.field("x", pa.string(), metadata=JSON_MARK))
    assert marked.values[:3] == [{"a": 0}, None, None]
    assert (marked.kind, marked.has_refusals, marked.values[3].rule) == ("json", True, "json")
    assert decode(array, pa.field("x", pa.string()), is_json=True).kind == "json"
    assert decode(array, pa.field("x", pa.string())).kind == "text"


@pytest.mark.parametrize(
    ("ticks", "meant"),
    [
        ([0, None], ["1970-01-01T00:00:00Z", None]),
        ([0, 1_500_000], ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01.500Z"]),
        ([1], ["1970-01-01T00:00:00.000001Z"]),
    ],
)
def test_times_have_as_many_decimals_as_they_need(ticks, meant):
    array = pa.array(ticks, pa.timestamp("us"))
    assert decode(array, pa.field("x", array.type)).values == meant


def test_booleans_and_nested_values():
    assert decode(pa.array([True, False, None]), pa.field("x", pa.bool_())).values == [True, False, None]
    nested = decode(TWICE, pa.field("x", TWICE.type))
    assert (nested.kind, nested.has_refusals) == ("json", True)


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
