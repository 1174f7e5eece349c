"""JSON is read without loss, and what JSON cannot say is refused."""

import json
from datetime import UTC, date, datetime, time

import orjson
import pytest
from hypothesis import given

from penstock.model.outcome import Refusal
from penstock.render.values.json_values import ABSENT, plain, read_json
from penstock.render.values.numbers import Digits
from support.kernel.json_values import JSON_VALUES


def written(value):
    def digits(found):
        assert isinstance(found, Digits)
        return orjson.Fragment(found.text)

    return json.loads(orjson.dumps(value, default=digits, option=orjson.OPT_PASSTHROUGH_DATACLASS))


@given(JSON_VALUES)
def test_json_arrives_as_it_is(value):
    assert written(plain(read_json(json.dumps(value)))) == value
    assert written(plain(value)) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "[Infinity]", "-Infinity", "1" * 5000, "[" * 5000, '"\x01"', "nul", "01"]
)
def test_what_is_not_json_is_refused(text):
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
def test_what_json_cannot_say_is_refused(value):
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
def test_what_json_has_no_type_for_is_written_as_text(value, meant):
    assert plain(value) == meant


def test_a_member_that_is_not_there_is_named():
    assert repr(ABSENT) == "ABSENT"
