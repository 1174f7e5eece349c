"""Values as JSON can hold them: JSON text, nested Python values, dates, and Arrow columns of single values.

A value without such a form becomes a Refusal. Dates and moments are sent as ISO 8601 in UTC, in the forms that Custify
recognises: its OpenAPI 1.5.7 lists `YYYY-MM-DD`, `…THH:MM:SSZ`, `….SSSZ` and `….SSSSSSZ`; it stores anything else as
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.outcome import Refusal, refuse
from penstock.render.values.numbers import Digits, sent

Test = Callable[[Any], bool]

DEPTH = 100  # levels of nesting; the JSON encoder ends at 254

# Digits that a float may not hold, or an exponent that may overflow it: then every number is read exactly.
_DELICATE = re.compile(r"\d[\d.]{14}|[eE][+-]?\d|\\u[dD]|NaN|Infinity")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
A_JSON_VALUE = "JSON"

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r" ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
DATE_LENGTH, MIDNIGHT = 10, "T00:00:00Z"
ACCEPTED = "a date such as 2026-01-31, or a moment such as 2026-01-31T08:30:00Z or 2026-01-31 08:30:00+01:00"

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NOT_UTF8 = "is not UTF-8 text"


class Absent:
    """The one value `ABSENT`: a JSON record has no such member, which is not the same as null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


def read_json(text: str) -> object:
    """JSON text as Python, with every digit of its numbers; a Refusal when it is not JSON."""
    try:
        if _DELICATE.search(text) is None:
            return orjson.loads(text)
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return refuse("json", text, f"is not JSON: {str(error)[:80]}", A_JSON_VALUE)


def plain(value: object) -> object:
    """A copy of any value in types of JSON: dates as ISO 8601, numbers exactly; or a Refusal."""
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


# ── dates and moments ────────────────────────────────────────────────────────


def moment(value: object) -> object:
    """Dates and times as ISO 8601 in UTC; a time without an offset is UTC; a date stays a date. Blank text is null.

    Numbers are refused: seconds, milliseconds and day numbers look alike, and Custify lists none of them.
    """
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, datetime):
        return iso(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return refuse("date", value, "is a number, not a date", ACCEPTED)
    return refuse("date", value, "is not a date", ACCEPTED)


def date_time(value: object) -> object:
    """As `moment`; a date is its first second: Custify's OpenAPI 1.5.7 says date-time of its own fields."""
    found = moment(value)
    return f"{found}{MIDNIGHT}" if isinstance(found, str) and len(found) == DATE_LENGTH else found


def iso(value: datetime) -> object:
    """An aware moment in UTC with as many decimals as it needs: none, 3 or 6."""
    try:
        utc = value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return refuse("date", value.isoformat(), "is outside the years 1 to 9999", ACCEPTED)
    if utc.microsecond % 1000:
        return utc.isoformat(timespec="microseconds") + "Z"
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"


def _from_text(value: str) -> object:
    text = value.strip()
    if not text:
        return None
    match = _SHAPE.fullmatch(text)
    if match is None:
        return refuse("date", value, "is not a date", ACCEPTED)
    return _from_parts(value, *match.groups())


def _from_parts(
    value: str, day: str, clock: str | None, seconds: str | None, fraction: str | None, offset: str | None
) -> str | object:
    """Digits below microseconds are cut off: Custify stores none."""
    try:
        if clock is None:
            return date.fromisoformat(day).isoformat()
        zone = "+00:00" if offset in (None, "Z", "z", "UTC") else offset
        micros = (fraction or "0")[:6].ljust(6, "0")
        return iso(datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{micros}{zone}"))
    except ValueError:
        return refuse("date", value, "is no day or time of the calendar", ACCEPTED)


# ── Arrow columns of single values ───────────────────────────────────────────


def scalar_values(array: Any) -> list[Any]:
    """The column's values, one per row."""
    for test, values in _forms():
        if test(array.type):
            return values(array)
    return list(array.to_pylist())


def durations(array: Any) -> list[str | None]:
    """Durations as ISO 8601 text; finer than microseconds is cut."""
    unit = PER_SECOND[array.type.unit]
    return [None if ticks is None else duration_text(ticks, unit) for ticks in array.cast(pa.int64()).to_pylist()]


def duration_text(ticks: int, per_second: int) -> str:
    """A duration of so many ticks, cut to microseconds: `PT90.5S`, `PT-1.5S`."""
    whole, rest = divmod(abs(ticks), per_second)
    micros = rest * 10**6 // per_second
    sign = "-" if ticks < 0 and (whole or micros) else ""
    return f"PT{sign}{whole}.{micros:06d}".rstrip("0").rstrip(".") + "S" if micros else f"PT{sign}{whole}S"


def times(array: Any) -> list[str | None]:
    """Times of day as `12:30:00`; finer than microseconds is cut."""
    cut = array.cast(pa.time64("us"), safe=False) if array.type == pa.time64("ns") else array
    return [None if value is None else value.isoformat() for value in cut.to_pylist()]


def moments(array: Any) -> Any:
    """Time stamps as moments in UTC without a zone, cut to microseconds. Raises ArrowInvalid on an overflow."""
    # A zone only changes how a moment is shown: it is not needed, and may be unknown on this machine.
    return array.cast(pa.timestamp("us", array.type.tz), safe=array.type.unit != "ns").cast(pa.timestamp("us"))


def moment_texts(array: Any) -> list[Any]:
    """Time stamps as ISO 8601 in UTC, with 0, 3 or 6 decimals; those outside the years 1 to 9999 are Refusals."""
    try:
        return [value if value is None else _moment_text(value) for value in _texts(moments(array))]
    except pa.ArrowInvalid:  # a unit so coarse that microseconds do not reach as far
        return [None if one is None else _moment_texts_alone(array, row) for row, one in enumerate(array.is_valid())]


def date_texts(array: Any) -> list[Any]:
    """Dates as ISO 8601; those outside the years 1 to 9999 are Refusals."""
    texts = array.cast(pa.date32()).cast(pa.string()).to_pylist()
    return [text if text is None or _in_years(text, {10}) else out_of_years(text) for text in texts]


def out_of_years(text: str) -> Refusal:
    return refuse("date", text, "is outside the years 1 to 9999", ACCEPTED)


def shortest_floats(array: Any) -> list[float | None]:
    """Narrow floats by their shortest decimal: 29.85, not 29.850000381469727."""
    return list(array.cast(pa.float32()).cast(pa.string()).cast(pa.float64()).to_pylist())


def utf8_texts(array: Any) -> list[Any]:
    """Text; what is not UTF-8 is a Refusal."""
    try:
        return list(array.to_pylist())
    except UnicodeDecodeError:
        return bytes_as_texts(array)


def bytes_as_texts(array: Any) -> list[Any]:
    """Bytes as UTF-8 text; a Refusal if they are not UTF-8."""
    return [_utf8(value) for value in array.cast(pa.large_binary()).to_pylist()]


def not_utf8(data: bytes) -> Refusal:
    return refuse("text", data.decode(errors="backslashreplace"), NOT_UTF8, "UTF-8 text")


def _utf8(data: bytes | None) -> object:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return not_utf8(data)


def _hexes(array: Any) -> list[str | None]:
    return [None if value is None else value.hex() for value in array.to_pylist()]


def _texts(array: Any) -> list[Any]:
    return list(array.cast(pa.string()).to_pylist())


def _moment_texts_alone(array: Any, row: int) -> object:
    one = array[row : row + 1]
    try:
        text = _texts(moments(one))[0]
    except pa.ArrowInvalid:
        return out_of_years(str(one.cast(pa.int64())[0].as_py()) + f" {array.type.unit} since 1970")
    return None if text is None else _moment_text(text)


def _moment_text(text: str) -> object:
    """Arrow's `2026-01-31 12:30:00.000000` in the shortest of the three forms."""
    if not _in_years(text, {19, 26}):
        return out_of_years(text)
    bare = f"{text[:10]}T{text[11:]}"
    if bare.endswith(".000000"):
        return bare[:-7] + "Z"
    return (bare.removesuffix("000") if "." in bare else bare) + "Z"


def _in_years(text: str, lengths: set[int]) -> bool:
    return len(text) in lengths and text[:4] != "0000"


def _is_narrow(kind: pa.DataType) -> bool:
    return kinds.is_float32(kind) or kinds.is_float16(kind)


def is_bytes(kind: pa.DataType) -> bool:
    sized = kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind)
    return sized or kinds.is_binary_view(kind)


def _is_text(kind: pa.DataType) -> bool:
    return kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)


@cache
def _forms() -> tuple[tuple[Test, Callable[[Any], list[Any]]], ...]:
    """Made at the first use, because an idle service does not load Arrow."""
    return (
        (_is_text, utf8_texts),
        (_is_narrow, shortest_floats),
        (is_bytes, _hexes),
        (kinds.is_timestamp, moment_texts),
        (kinds.is_date, date_texts),
        (kinds.is_time, times),
        (kinds.is_duration, durations),
    )
