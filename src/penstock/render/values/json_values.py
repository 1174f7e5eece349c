"""JSON text read without loss, and nested values converted to what JSON can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final

import orjson

from penstock.model.outcome import Refusal, refuse
from penstock.render.values.numbers import Digits, sent
from penstock.render.values.scalars import iso


class Absent:
    """The one value `ABSENT`: a JSON record has no such member, which is not the same as null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
DEPTH = 100  # levels of nesting; the JSON encoder ends at 254

# Digits that a float may not hold, or an exponent that may overflow it: then every number is read exactly.
_DELICATE = re.compile(r"\d[\d.]{14}|[eE][+-]?\d|\\u[dD]|NaN|Infinity")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
A_JSON_VALUE = "JSON"


def read_json(text: str) -> object:
    """JSON text as Python, whole numbers of any size and decimals unharmed; a Refusal when it is not JSON."""
    try:
        if _DELICATE.search(text) is None:
            return orjson.loads(text)
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return refuse("json", text, f"is not JSON: {str(error)[:80]}", A_JSON_VALUE)


def plain(value: object) -> object:
    """Any value as JSON can say it: dates as ISO 8601, numbers exactly; or a Refusal. What was given is not changed."""
    return _plain(value, 0)


def _plain(value: Any, depth: int) -> object:
    if value is None or isinstance(value, bool | Digits | Refusal):
        return value
    if isinstance(value, str):
        return value if value.isascii() or not _SURROGATE.search(value) else _broken(value)
    if isinstance(value, int | float | Decimal):
        return sent(value)
    if depth >= DEPTH:
        return refuse("depth", "…", f"is nested more than {DEPTH} levels deep", "a flatter value")
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, list | tuple):
        items = [_plain(item, depth + 1) for item in value]
        return next((item for item in items if isinstance(item, Refusal)), items)
    return _temporal(value)


def _object(value: Mapping[Any, Any], depth: int) -> object:
    made: dict[str, object] = {}
    for name, member in value.items():
        own = _plain(name if isinstance(name, str) else str(name), depth)
        part = _plain(member, depth + 1)
        if isinstance(own, Refusal):
            return own
        if isinstance(part, Refusal):
            return part
        made[str(own)] = part
    return made


def _temporal(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, date | time):
        return value.isoformat()
    return refuse("type", value, f"is {type(value).__name__}, which JSON cannot hold", "text, numbers, booleans, dates")


def _broken(value: str) -> Refusal:
    return refuse("text", value, "holds half of a character (a lone surrogate)", "valid Unicode text")


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON number")
