"""JSON, dates, moments and other single values, from text, Python and Arrow; what JSON cannot say is refused."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render.values.json_values import (
    ABSENT,
    bytes_as_texts,
    date_time,
    moment,
    plain,
    read_json,
    scalar_values,
)
from penstock.render.values.numbers import Digits
from support.kernel.json_values import JSON_VALUES


def written(value):
    def digits(found):
        assert isinstance(found, Digits)
        return orjson.Fragment(found.text)

    return json.loads(orjson.dumps(value, default=digits, option=orjson.OPT_PASSTHROUGH_DATACLASS))


@given(JSON_VALUES)
def test_json_arrives_unchanged(value):
    assert written(plain(read_json(json.dumps(value)))) == value
    assert written(plain(value)) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "[Infinity]", "-Infinity", "1" * 5000, "[" * 5000, '"\x01"', "nul", "01"]
)
def test_text_that_is_not_json_is_refused(text):
    assert isinstance(read_json(text), Refusal)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("-12345678901234567890", "-12345678901234567890"),
    ],
)
def test_long_numbers_in_json_keep_every_digit(text, meant):
    assert plain(read_json(text)) == Digits(meant)


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udfff": 1}, ["\ud83d"], float("nan"), {"a": [float("inf")]}, b"x", {1: object()}]
)
def test_values_that_json_cannot_represent_are_refused(value):
    assert isinstance(plain(value), Refusal)


def test_endless_nesting_is_refused():
    value = []
    for _ in range(150):
        value = [value]
    assert plain(value).rule == "depth"


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (datetime(2026, 1, 31, 8, 30, tzinfo=UTC), "2026-01-31T08:30:00Z"),
        (datetime(2026, 1, 31, 8, 30), "2026-01-31T08:30:00Z"),  # noqa: DTZ001
        (date(2026, 1, 31), "2026-01-31"),
        (time(8, 30), "08:30:00"),
        ((1, "a", None), [1, "a", None]),
        ({1: {"at": date(2026, 1, 31)}}, {"1": {"at": "2026-01-31"}}),
    ],
)
def test_values_without_a_type_in_json_are_written_as_text(value, meant):
    assert plain(value) == meant


def test_an_absent_member_has_a_name():
    assert repr(ABSENT) == "ABSENT"


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC) | ZONES)  # noqa: DTZ001


@given(MOMENTS)
def test_a_time_stays_the_same_instant_and_ends_in_z(value):
    written = moment(value)
    assert datetime.fromisoformat(written) == value
    assert written.endswith("Z")
    assert len(written) in (20, 24, 27)
    assert moment(written) == written


@given(MOMENTS, st.sampled_from([" ", "T"]))
def test_text_with_an_offset_means_the_same_instant(value, between):
    assert moment(value.isoformat(sep=between)) == moment(value)


@given(st.dates())
def test_a_date_stays_a_date(value):
    assert moment(value) == moment(f" {value.isoformat()} ") == value.isoformat()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-01T00:00+05:30", "2025-12-31T18:30:00Z"),
        ("2026-01-31 08:30", "2026-01-31T08:30:00Z"),
        ("2026-01-31 08:30:15", "2026-01-31T08:30:15Z"),
        ("2026-01-31T08:30:15.5Z", "2026-01-31T08:30:15.500Z"),
        ("2026-01-31T08:30:15.123456789Z", "2026-01-31T08:30:15.123456Z"),
        ("2026-01-31 08:30:15 UTC", "2026-01-31T08:30:15Z"),
        ("2026-01-31 08:30:15-0800", "2026-01-31T16:30:15Z"),
        ("2026-01-31 08:30:15+02", "2026-01-31T06:30:15Z"),
    ],
)
def test_listed_shapes_are_read(text, meant):
    assert moment(text) == meant


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "2026-13-01",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "0000-01-01",
        "0001-01-01T00:00:00+05:00",
        "20260131",
        "31.01.2026",
        "01/31/2026",
        "1769817600",
        "tomorrow",
        "2026-1-1",
        "٢٠٢٦-01-01",
        1769817600,
        1.5,
        True,
        [],
    ],
)
def test_every_other_form_of_a_time_is_refused_with_an_accepted_example(value):
    found = moment(value)
    assert isinstance(found, Refusal)
    assert "2026-01-31" in found.accepted


def test_blank_text_is_null():
    assert moment("") is None
    assert moment(" \t") is None


def test_a_time_without_an_offset_is_utc():
    assert moment(datetime(2026, 1, 31, 8, 30)) == "2026-01-31T08:30:00Z"  # noqa: DTZ001
    assert moment(date(2026, 1, 31)) == "2026-01-31"


def test_a_date_is_its_first_second_in_a_date_time_field():
    assert date_time("2026-01-31") == "2026-01-31T00:00:00Z"
    assert date_time("2026-01-31 08:30") == "2026-01-31T08:30:00Z"
    assert date_time("") is None
    assert isinstance(date_time("tomorrow"), Refusal)


def test_a_time_whose_utc_is_past_the_year_9999_is_refused():
    assert isinstance(moment(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))), Refusal)


@pytest.mark.parametrize(
    ("array", "meant"),
    [
        (pa.array([90, None, 0], pa.duration("s")), ["PT90S", None, "PT0S"]),
        (pa.array([1500, -1500], pa.duration("ms")), ["PT1.5S", "PT-1.5S"]),
        (pa.array([1_999, -1], pa.duration("ns")), ["PT0.000001S", "PT0S"]),
        (pa.array([time(8, 30), None], pa.time32("s")), ["08:30:00", None]),
        (pa.array([1_500], pa.time64("ns")), ["00:00:00.000001"]),
        (pa.array([29.85, None], pa.float32()), [29.85, None]),
        (pa.array([b"\x00\xff", None], pa.binary()), ["00ff", None]),
        (pa.array(["ä", None]), ["ä", None]),
        (pa.array([1, None], pa.int64()), [1, None]),
        (pa.array([date(2026, 1, 31), None]), ["2026-01-31", None]),
        (
            pa.array([0, 1_500_000, 1, None], pa.timestamp("us")),
            ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01.500Z", "1970-01-01T00:00:00.000001Z", None],
        ),
        (pa.array([0, None], pa.timestamp("s", "Nowhere/Unknown")), ["1970-01-01T00:00:00Z", None]),
    ],
)
def test_columns_of_single_values(array, meant):
    assert scalar_values(array) == meant


@pytest.mark.parametrize(
    "array",
    [
        pa.array([10**6 * 4, -(10**6)], pa.date32()),
        pa.array([2**62, -(2**62)], pa.timestamp("us")),
        pa.array([2**62, -(2**62)], pa.timestamp("s")),  # beyond the range of microseconds
    ],
)
def test_years_without_an_iso_text_are_refused(array):
    assert [found.rule for found in scalar_values(array)] == ["date", "date"]


def test_a_time_beside_one_beyond_the_range_of_microseconds_is_decoded():
    assert scalar_values(pa.array([0, 2**62, None], pa.timestamp("s")))[::2] == ["1970-01-01T00:00:00Z", None]


def test_bytes_as_text():
    found = bytes_as_texts(pa.array([b"ok", b"\xff", None]))
    assert found[0] == "ok"
    assert (found[1].rule, found[1].value) == ("text", "\\xff")
    assert found[2] is None


def test_text_that_is_not_utf_8_is_refused_alone():
    data, offsets = pa.py_buffer(b"ok\xff"), pa.py_buffer(bytes([0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
    found = scalar_values(pa.StringArray.from_buffers(2, offsets, data))
    assert found[0] == "ok"
    assert isinstance(found[1], Refusal)
