"""One Python value, from a database driver or a JSON document, as text."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite

from penstock.sources.exact_json import Unfit, json_text
from penstock.transform.numbers import float_text
from penstock.transform.scalars import duration_text


def value_text(value: object) -> str:
    """The text that stands for a value where a column has to be text.

    ISO 8601 for dates, times (`12:30:00`) and durations (`PT90.5S`), lower-case hex for bytes, `true` and `false`,
    shortest decimals, compact JSON for lists and objects; `str` for the rest.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = float_text(value)
        return text if isinstance(text, str) else repr(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value // timedelta(microseconds=1), 10**6)
    if isinstance(value, (dict, list, tuple)):
        return json_text(jsonable(value))
    return value.text if isinstance(value, Unfit) else str(value)


def jsonable(value: object) -> object:
    """A nested value with everything that JSON has no form for as text."""
    if isinstance(value, dict):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (float, Decimal)):
        return value if isfinite(value) else str(value)
    if value is None or isinstance(value, (str, bool, int, Unfit)):
        return value
    return value_text(value)
