"""A record as JSON text and back, every digit of its numbers kept; and as short text for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from penstock.sources.typing.exact_json import json_text

LONGEST_SHOWN = 1000  # characters of a value that people look at
LONGEST_RECORD_SHOWN = 20_000  # characters of a record


def read_record(text: str) -> Any:
    """A record's JSON as Python, whole numbers of any size and decimals as they are."""
    return json.loads(text, parse_float=_exact_float)


def readable(record: Any) -> Any:
    """A record for people to look at: long texts are cut, and long lists and objects shown as cut JSON text."""
    return {name: _cut(value) for name, value in record.items()} if isinstance(record, dict) else _cut(record)


def short_record(text: str) -> str:
    """A record's JSON for people to look at: `readable`, and one JSON string that is cut where even that is long."""
    if len(text) <= LONGEST_SHOWN:
        return text
    short = write_record(readable(read_record(text)))
    return short if len(short) <= LONGEST_RECORD_SHOWN else write_record(short[: LONGEST_RECORD_SHOWN - 1] + "…")


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 1] + "…"
    if not isinstance(value, (dict, list)):
        return value
    text = write_record(value)
    return value if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def write_record(record: Any) -> str:
    """A record as JSON text, as `record_json` writes it."""
    try:
        return orjson.dumps(record, default=plain_value, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits
        return json_text(record)


def _exact_float(text: str) -> float | Decimal | str:
    """A float where it equals the text, else a decimal; the text where its exponent is beyond both."""
    number = float(text)
    try:
        return number if Decimal(repr(number)) == Decimal(text) else Decimal(text)
    except InvalidOperation:
        return text


def plain_value(value: object) -> object:
    """What orjson cannot write by itself, exactly: for its `default`. TypeError for what JSON has no place for."""
    if isinstance(value, int | Decimal):
        return orjson.Fragment(str(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    msg = f"cannot write a {type(value).__name__} as JSON"
    raise TypeError(msg)
