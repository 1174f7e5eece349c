"""Numbers as people write them: with a point or a comma before the decimals, with groups, with a currency.

`12.000` is 12 with a decimal point and 12000 with a decimal comma. What one text cannot say, its column does: the other
texts that only one of the two explains. A group never begins with 0, so that `0,125` has a decimal comma.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

DecimalSign = Literal[".", ","]
SIGNS: tuple[DecimalSign, DecimalSign] = (".", ",")
GAP = "['\u2019\u0020\u00a0\u202f]"  # what separates groups whatever the decimal sign is
CURRENCY = r"(?:[$€£¥₹]|(?:US|CA|AU|NZ)\$|[A-Z]{3})"
_CURRENCY = re.compile(CURRENCY)
_GAPS = re.compile(rf"(?<=\d){GAP}(?=\d{{3}}(?!\d))")


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
_BEFORE, _AFTER = rf"^\s*[+-]?\s*{CURRENCY}?\s*[+-]?\s*", rf"\s*{CURRENCY}?\s*$"
ONLY: Mapping[DecimalSign, str] = MappingProxyType(
    {".": _BEFORE + _only(r"\.", ",") + _AFTER, ",": _BEFORE + _only(",", r"\.") + _AFTER}
)
Unread = Literal["none", "ambiguous"]


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
    """Plain digits without zeros that say nothing: `0012.50` → `12.5`."""
    minus, digits = ("-", digits[1:]) if digits[:1] == "-" else ("", digits)
    whole, _, rest = digits.partition(".")
    whole, rest = whole.lstrip("0") or "0", rest.rstrip("0")
    minus = "" if (whole, rest) == ("0", "") else minus
    return f"{minus}{whole}.{rest}" if rest else minus + whole
