import json
import math
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render.values import numbers
from penstock.render.values.numbers import Digits

NUMBERS = st.integers() | st.floats() | st.decimals()


def as_json(value):
    """The sent number, read back without loss."""
    text = value.text if isinstance(value, Digits) else orjson.dumps(value).decode()
    return json.loads(text, parse_float=Decimal)


@given(NUMBERS)
def test_a_number_is_sent_unchanged_or_refused(value):
    found = numbers.number(value)
    if isinstance(found, Refusal):
        unwritable = not math.isfinite(value) if not isinstance(value, Decimal) else not value.is_finite()
        assert unwritable or not numbers.SMALLEST <= Decimal(value).adjusted() < numbers.DIGITS
    elif isinstance(value, float):
        assert float(as_json(found)) == value
    else:
        assert as_json(found) == value


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_number_text_means_the_number(value):
    found = numbers.number(f" {value} ", ".")
    assert isinstance(found, Refusal) is (len(str(value)) > numbers.DIGITS)
    if not isinstance(found, Refusal):
        assert math.isclose(as_json(found), value, rel_tol=1e-14, abs_tol=0) or as_json(found) == value


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e14, max_value=1e14).map(round))
def test_a_whole_float_is_written_as_an_integer(value):
    assert orjson.dumps(numbers.number(float(value))) == str(value).encode()


@pytest.mark.parametrize(
    "text", ["1e999", "-1e999", "1_000", "0x10", "NaN", "inf", "٣", "12a", "1.2.3", "+", "1" * 1001, "t", "1e9999"]
)
def test_text_that_only_looks_like_a_number_is_refused(text):
    assert isinstance(numbers.number(text), Refusal)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$1,299.00", 1299),
        ("1.299,00 €", 1299),
        ("12,5", 12.5),
        ("1 299,50 €", 1299.5),
        ("CHF 1'299.05", 1299.05),
        ("-$5", -5),
        ("$-5", -5),
        ("1.299.000", 1299000),
        ("1,299,000.5", 1299000.5),
        ("70", 70),
        ("70.0", 70),
        ("0.001", 0.001),
        ("€0,99", 0.99),
        ("US$7", 7),
    ],
)
def test_money_text_is_read(text, meant):
    assert numbers.money(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "1.299 €",
        "$1.299",
        "1,299",
        "12.000",
        "$ 1,299",
        "5 %",
        "12,34,5",
        "1,29.9",
        "(5)",
        "five",
        "$",
        "€ €5",
        "1 2",
        "--5",
    ],
)
def test_ambiguous_money_is_refused(text):
    found = numbers.money(text)
    assert isinstance(found, Refusal)
    assert found.accepted


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12.000", 12, 12000),
        ("1,299", 1299, 1.299),
        ("-12.345", -12.345, -12345),
        ("$1.299", 1.299, 1299),
        ("0.125", 0.125, 0.125),
        ("0,125", 0.125, 0.125),
        ("1234.567", 1234.567, 1234.567),
        ("1.299.000", 1299000, 1299000),
        ("1.299,00", 1299, 1299),
        ("1 234,567", 1234.567, 1234.567),
        ("007", 7, 7),
        ("1.5e3", 1500, 1500),
    ],
)
def test_a_text_is_read_by_the_decimal_sign_of_its_column(text, point, comma):
    assert (numbers.money(text, "."), numbers.money(text, ",")) == (point, comma)
    alone = numbers.money(text)
    assert alone == point if point == comma else alone.rule == "ambiguous"


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=2),
    st.sampled_from(".,"),
    st.sampled_from(["", "'", "other"]),
)
def test_an_amount_is_read_with_the_decimal_sign_it_is_written_with(value, sign, gap):
    text = f"{value:,.2f}".replace(",", "g").replace(".", sign)
    other = "," if sign == "." else "."
    read = numbers.money(text.replace("g", other if gap == "other" else gap), sign)
    assert orjson.loads(repr(read)) == float(value)


def test_integers_are_whole_and_within_32_bits():
    assert [numbers.int32(value) for value in (70, -(2**31), 2**31 - 1)] == [70, -(2**31), 2**31 - 1]
    refused = [numbers.int32(value) for value in (70.5, 2**31, -(2**31) - 1, Digits("1" * 30), Digits("0." + "1" * 30))]
    assert [found.rule for found in refused] == ["integer", "int32", "int32", "int32", "integer"]


@given(st.text(max_size=30) | st.from_regex(r"[$€ ]?-?[0-9., ']{1,12}[$€ ]?", fullmatch=True))
def test_any_text_is_money_or_null_or_refused(text):
    found = numbers.money(text)
    assert isinstance(found, Refusal | int | float | Digits) or (found is None and not text.strip())


@pytest.mark.parametrize(
    ("digits", "meant"),
    [("0012.50", "12.5"), ("-0.00", "0"), ("0", "0"), (".5", "0.5"), ("-007", "-7"), ("100", "100"), ("-0.10", "-0.1")],
)
def test_digits_without_insignificant_zeros(digits, meant):
    assert numbers.shortest(digits) == meant


@pytest.mark.parametrize("value", [True, False, None, [], {}, "x", b"1"])
def test_values_of_types_without_numbers_are_refused(value):
    assert numbers.exact(value).rule == "type"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-3.0, "-3"), (1.5, "1.5"), (2.0**53 - 1, "9007199254740991")],
)
def test_a_float_as_text(value, text):
    assert numbers.float_text(value) == text


@pytest.mark.parametrize(("value", "rule"), [(math.inf, "type"), (math.nan, "type"), (2.0**53, "digits")])
def test_a_float_that_is_not_an_exact_number_is_refused_as_text(value, rule):
    assert numbers.float_text(value).rule == rule


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (0, 0),
        (7, 7),
        (1.5, 1.5),
        (True, True),
        ("x", "x"),
        (None, None),
        (Digits("0." + "1" * 30), Digits("0." + "1" * 30)),
    ],
)
def test_only_whole_numbers_are_limited_to_32_bits(value, meant):
    assert numbers.int32_if_whole(value) == meant


def test_a_whole_number_past_32_bits_is_refused():
    assert [numbers.int32_if_whole(value).rule for value in (2**31, Digits("1" * 30))] == ["int32", "int32"]


def test_a_missing_whole_number_stays_missing():
    refused = numbers.number("x")
    assert numbers.int32(None) is None
    assert numbers.int32(refused) is refused


def test_numbers_of_too_many_digits_are_refused():
    assert numbers.number(10**numbers.DIGITS).value == f"about 10^{numbers.DIGITS}"
    assert numbers.number(-(10**numbers.DIGITS)).value == f"about -10^{numbers.DIGITS}"
    assert numbers.number(Decimal(10) ** (numbers.DIGITS + 1)).rule == "type"
    assert numbers.number(Decimal("NaN")).rule == "type"


def test_digits_are_shown_as_they_are():
    assert repr(Digits("1" * 30)) == "1" * 30
