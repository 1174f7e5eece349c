"""Rules on numbers: whole, decimal and money. Each maps a value to the value to send, or to a Refusal.

A number may have a decimal point or a decimal comma, groups and a currency. `12.000` is 12 with a decimal point and
12000 with a decimal comma; the other texts of the column decide, where only one of the two explains them. A group never
begins with 0, so `0,125` has a decimal comma.
A whole float is sent as an integer; a Decimal, and an integer past 64 bits, digit by digit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from penstock.model.outcome import Refusal, refuse

DecimalSign = Literal[".", ","]
SIGNS: tuple[DecimalSign, DecimalSign] = (".", ",")
GAP = "['\u2019\u0020\u00a0\u202f]"  # what separates groups whatever the decimal sign is
CURRENCY = r"(?:[$€£¥₹]|(?:US|CA|AU|NZ)\$|[A-Z]{3})"
_CURRENCY = re.compile(CURRENCY)
_GAPS = re.compile(rf"(?<=\d){GAP}(?=\d{{3}}(?!\d))")

_BEFORE, _AFTER = rf"^\s*[+-]?\s*{CURRENCY}?\s*[+-]?\s*", rf"\s*{CURRENCY}?\s*$"

Unread = Literal["none", "ambiguous"]

INT32 = 2**31
INT64 = 2**63
WHOLE_FLOATS = 1e15  # past it a float no longer holds every integer: it is sent as it is
LAST_WHOLE = 2**53 - 1  # up to here every float is one whole number
DIGITS = 308  # before the point: past it, a reader of JSON numbers as floats reads infinity
SMALLEST = -324  # the exponent of the smallest float
EXACT_DIGITS = 15  # significant digits that a float holds exactly

_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_POINTED = re.compile(r"[+-]?(?:\d+|\d*\.(?:\d{1,2}|\d{4,})|(?:0\d*|\d{4,})\.\d{3})", re.ASCII)  # only one reading
_EXPONENT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d{1,3}", re.ASCII)

A_NUMBER = "a number such as 70 or 29.85"
AN_AMOUNT = "a number or an amount such as 1299, $1,299.00 or 1.299,00 €"
UNAMBIGUOUS = (
    'a number such as 1299 or 1299.00; or write the decimal sign of its numbers at the source: decimal: "," or "."'
)
A_WHOLE = "a whole number such as 70"


def _body(point: str, comma: str) -> str:
    """Texts that are numbers with `point` as the decimal sign."""
    return rf"(?:\d+(?:{point}\d*)?|{point}\d+|[1-9]\d{{0,2}}(?:{comma}\d{{3}})+(?:{point}\d+)?)"


def _only(point: str, comma: str) -> str:
    """Texts that are numbers with `point` as the decimal sign, and none with `comma`."""
    whole = rf"(?:\d+|\d{{1,3}}(?:{GAP}\d{{3}})+)"
    other = rf"(?:0\d*|\d{{4,}}|\d{{1,3}}(?:{GAP}\d{{3}})+)?"
    grouped = rf"[1-9]\d{{0,2}}(?:{comma}\d{{3}})"
    return (
        rf"(?:{whole}{point}(?:\d{{1,2}}|\d{{4,}})|{other}{point}\d{{3}}|{point}\d+"
        rf"|{grouped}+{point}\d+|{grouped}{{2,}})"
    )


_FORMS: Mapping[DecimalSign, re.Pattern[str]] = MappingProxyType(
    {".": re.compile(_body(r"\.", ","), re.ASCII), ",": re.compile(_body(",", r"\."), re.ASCII)}
)
ONLY: Mapping[DecimalSign, str] = MappingProxyType(
    {".": _BEFORE + _only(r"\.", ",") + _AFTER, ",": _BEFORE + _only(",", r"\.") + _AFTER}
)


def plain_digits(text: str, sign: DecimalSign | None, *, currency: bool = True) -> str | Unread:
    """A written number without currency and groups, with a decimal point: `1.299,00 €` → `1299.00`.

    `sign` is the decimal sign of its column, None where nothing is known; without `currency` none may be written.
    `ambiguous`: it may be two numbers; `none`: it is no number.
    """
    bare = (_CURRENCY.sub("", text, count=1) if currency else text).strip()
    minus = "-" if bare[:1] == "-" else ""
    bare = _GAPS.sub("", bare[1:].strip() if bare[:1] in ("+", "-") else bare)
    readings = {each: _pointed(bare, each) for each in SIGNS if _FORMS[each].fullmatch(bare) is not None}
    if not readings:
        return "none"
    if sign in readings:
        return minus + readings[sign]
    return minus + next(iter(readings.values())) if len(set(readings.values())) == 1 else "ambiguous"


def _pointed(text: str, sign: str) -> str:
    return text.replace(",", "") if sign == "." else text.replace(".", "").replace(",", ".")


def shortest(digits: str) -> str:
    """Plain digits without insignificant zeros: `0012.50` → `12.5`."""
    minus, digits = ("-", digits[1:]) if digits[:1] == "-" else ("", digits)
    whole, _, rest = digits.partition(".")
    whole, rest = whole.lstrip("0") or "0", rest.rstrip("0")
    minus = "" if (whole, rest) == ("0", "") else minus
    return f"{minus}{whole}.{rest}" if rest else minus + whole


@dataclass(frozen=True, slots=True)
class Digits:
    """A number that neither a 64-bit integer nor a float holds: its JSON text, written as it is."""

    text: str

    def __repr__(self) -> str:
        return self.text


def number(value: object, sign: DecimalSign | None = None) -> object:
    """Numbers, and text that is one (`70`, `29.85`, `1e3`, `1.299,00`). Blank text is null.

    `sign` is the decimal sign of the value's column, where that is known.
    """
    return _read(value, sign, A_NUMBER) if isinstance(value, str) else exact(value)


def money(value: object, sign: DecimalSign | None = None) -> object:
    """As `number`, and text with a currency and with digits in groups: `$1,299.00`, `1.299,00 €`, `CHF 1'299`.

    A point or comma before exactly three digits may be thousands or thousandths: the column's other values decide, and
    where they do not, the value is refused.
    """
    return _read(value, sign, AN_AMOUNT) if isinstance(value, str) else exact(value)


def exact(value: object) -> object:
    """The value as it is sent; refused if its type is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return refuse("type", value, "is not a number", A_NUMBER)
    return sent(value)


def sent(value: int | float | Decimal) -> object:  # noqa: PYI041 - Decimal is no float
    """A number in the form in which it is sent; NaN and infinities are refused, since JSON has none."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return refuse("type", value, "is no finite number", A_NUMBER)
        return int(value) if value.is_integer() and abs(value) < WHOLE_FLOATS else value
    if isinstance(value, int):
        return value if -INT64 <= value < INT64 else _digits(value)
    return _decimal(value)


def float_text(value: float) -> str | Refusal:
    """A float as text: whole ones by their digits. Past 2^53 - 1 a float no longer says which whole number it is."""
    if not math.isfinite(value):
        return refuse("type", value, "is no finite number", A_NUMBER)
    if not value.is_integer():
        return repr(value)
    if abs(value) > LAST_WHOLE:
        return refuse("digits", value, "has more digits than a float holds", "the digits as text or as an integer")
    return str(int(value))


def whole_number(value: object) -> object:
    """A number (after `number` or `money`) that must be whole."""
    if value is None or isinstance(value, Refusal | int):
        return value
    if isinstance(value, Digits) and "." not in value.text:
        return value
    return refuse("integer", value, "is not a whole number", A_WHOLE)


def int32(value: object) -> object:
    """A whole number within 32 bits (Custify's OpenAPI 1.5.7: people, company and event models)."""
    checked = whole_number(value)
    if checked is None or isinstance(checked, Refusal):
        return checked
    if isinstance(checked, int) and -INT32 <= checked < INT32:
        return checked
    return refuse("int32", checked, "is outside the 32-bit range", f"a whole number from {-INT32} to {INT32 - 1}")


def int32_if_whole(value: object) -> object:
    """An attribute's number, which must be within 32 bits only if it is whole."""
    if isinstance(value, Digits):
        return int32(value) if "." not in value.text else value
    return int32(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _read(value: str, sign: DecimalSign | None, accepted: str) -> object:
    """Written text as a number, read by its own shape and, where that is not enough, by its column's sign."""
    text = value.strip()
    if not text:
        return None
    if _POINTED.fullmatch(text) or _EXPONENT.fullmatch(text):
        return _parsed(text, value, accepted)
    digits = plain_digits(text, sign, currency=accepted == AN_AMOUNT)
    if digits == "ambiguous":
        return refuse("ambiguous", value, "may be thousands or thousandths", UNAMBIGUOUS)
    if digits == "none":
        if accepted == AN_AMOUNT:
            return refuse("money", value, "is not an amount", accepted)
        return refuse("type", value, "is not a number", accepted)
    return _parsed(digits, value, accepted)


def _parsed(text: str, found: str, accepted: str) -> object:
    """Plain number text as a number, without loss."""
    if not _PLAIN.fullmatch(text) or len(text) > DIGITS:
        return refuse("type", found, "is not a number", accepted)
    if len(text) <= EXACT_DIGITS:
        return sent(float(text))
    return _decimal(Decimal(text))


def _decimal(value: Decimal) -> object:
    if not value.is_finite():
        return refuse("type", value, "is no finite number", A_NUMBER)
    if value.adjusted() >= DIGITS or value.adjusted() < SMALLEST:
        return refuse("type", value, "has too many digits", A_NUMBER)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if "." in text:
        return Digits(text) if len(text) > EXACT_DIGITS else float(text)
    return sent(int(text))


def _digits(value: int) -> object:
    if abs(value) >= 10**DIGITS:
        return refuse("type", f"about {'-' if value < 0 else ''}10^{DIGITS}", "has too many digits", A_NUMBER)
    return Digits(str(value))
