"""One text → one value of a type given under `types:`. Raises Unreadable, never guesses, loses no digit."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from penstock.model.spec import ColumnType
from penstock.sources.exact_json import NotJson, parse

WHOLE = re.compile(r"[+-]?[0-9]+(\.0+)?", re.ASCII)
DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?)?",
    re.ASCII | re.IGNORECASE,
)
FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class Unreadable(ValueError):  # noqa: N818 - it names what was met
    """The text is no value of the type; the message is the reason, empty when there is nothing to add."""


def read_integer(text: str) -> int:
    """`007`, `+5` and `5.0` are read; the range is int64."""
    text = text.strip()
    if not WHOLE.fullmatch(text):
        raise Unreadable
    value = int(text.partition(".")[0])
    if not -(2**63) <= value < 2**63:
        raise Unreadable("larger than 64 bits hold; keep the column as text")
    return value


def read_number(text: str) -> float:
    """`1.10`, `+5`, `1e5` are read; a decimal that float64 cannot hold is refused."""
    text = text.strip()
    if not DECIMAL.fullmatch(text):
        raise Unreadable
    value = float(text)
    if value in {float("inf"), float("-inf")} or Decimal(repr(value)) != Decimal(text):
        raise Unreadable("more digits than a number holds; keep the column as text")
    return value


def read_boolean(text: str) -> bool:
    """`true` and `false` in any case, `1` and `0`."""
    try:
        return BOOLEANS[text.strip().lower()]
    except KeyError:
        raise Unreadable from None


def read_date(text: str) -> date:
    text = text.strip()
    if not DATE.fullmatch(text):
        raise Unreadable
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def read_timestamp(text: str) -> datetime:
    """ISO 8601; without an offset it is taken as UTC. Digits beyond microseconds are cut."""
    text = text.strip()
    if not TIMESTAMP.fullmatch(text):
        raise Unreadable
    try:
        moment = datetime.fromisoformat(FRACTION.sub(r"\1", text.upper()).replace(" Z", "Z").replace(" +", "+"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def read_json(text: str) -> str:
    """The text itself, when it is strict JSON."""
    try:
        parse(text)
    except NotJson as error:
        raise Unreadable(str(error)) from None
    return text


READERS: dict[ColumnType, Callable[[str], object]] = {
    "integer": read_integer,
    "number": read_number,
    "boolean": read_boolean,
    "date": read_date,
    "timestamp": read_timestamp,
    "json": read_json,
}
