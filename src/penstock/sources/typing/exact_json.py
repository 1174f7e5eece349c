"""A strict JSON parser that changes no number and allows no name twice in an object.

Integers are exact at any size; a decimal that float64 cannot hold comes as Decimal; one that no float64 can reach
(`1e999`) comes as Unfit. NaN, Infinity, doubled names and nesting deeper than 200 levels are not JSON here;
`refuse_surrogates` refuses halves of surrogate pairs.

Also a record as JSON text and back, every digit of its numbers kept, and as short text for people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

from penstock.bounds import bounds

DEEPEST = 200  # levels of lists and objects
TOO_DEEP = f"nested deeper than {DEEPEST} levels"
SHORT = 1 << 20  # characters: their values need not be counted before they are built
CHARACTERS_OF_A_VALUE = 32  # that a long text must have on average: 16 MB are 500,000 values
SURE = 16  # characters: up to 15 digits and a point are exact in float64
LONGEST_SHOWN = 1000  # characters of a value that people look at
LONGEST_RECORD_SHOWN = 20_000  # characters of a record


class NotJson(ValueError):  # noqa: N818 - it says what the text is
    """What was read is not strict JSON.

    The message says why and where; `reason` only why, `at` is the 0-based character, where that is known.
    """

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason if at is None else f"{reason} at character {at + 1}")
        self.reason = reason
        self.at = at


@dataclass(frozen=True, slots=True)
class Unfit:
    """A value of the source that no column type can hold; `text` is how the source writes it."""

    text: str
    reason: str


def parse(text: str) -> object:
    """The value of one JSON document. Raises NotJson."""
    return parse_by(scan, text)


def parse_by(scanner: Callable[[str, int], tuple[object, int]], text: str) -> object:
    """The value of one JSON document by a function like `scan`. Raises NotJson."""
    refuse_many(text, 0)
    value, end = scanner(text, skip_blanks(text, 0))
    if skip_blanks(text, end) != len(text):
        raise NotJson("something follows the JSON value", skip_blanks(text, end))
    return value


def scan(text: str, start: int) -> tuple[object, int]:
    """The value that begins at `start`, and where it ends. Raises NotJson."""
    try:
        value, end = _scan_once(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except StopIteration as error:
        raise NotJson("a JSON value is missing", error.value) from None
    except RecursionError:
        raise NotJson(TOO_DEEP) from None
    except NotJson:
        raise
    except ValueError:  # Python's own guard against quadratic work
        raise NotJson("a whole number of more than 4300 digits") from None
    if text.count("[", start, end) + text.count("{", start, end) > DEEPEST and is_deeper(value):
        raise NotJson(TOO_DEEP)
    return value, end


def refuse_many(text: str, start: int) -> None:
    """Raise NotJson where a long text holds more values than may be built: each takes many times its text."""
    if len(text) - start <= SHORT:
        return
    most = max(bounds().cell, SHORT) // CHARACTERS_OF_A_VALUE
    if sum(text.count(sign, start) for sign in ",[{") > most:
        raise NotJson(f"it holds more than {most:,} values")


def is_deeper(value: object) -> bool:
    """Whether a value has more than the allowed levels; without recursion, so that no depth is dangerous."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        inside = [item for item in level if isinstance(item, list | dict)]
        if not inside:
            return False
        level = [item for each in inside for item in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(item, list | dict) for item in level)


def refuse_surrogates(value: object) -> None:
    """Raise NotJson where a text of the value, or a name, holds half of a surrogate pair."""
    level: list[object] = [value]
    while level:
        inside: list[object] = []
        for item in level:
            if isinstance(item, str):
                _refuse_surrogates(item)
            elif isinstance(item, dict):
                inside.extend(item)
                inside.extend(item.values())
            elif isinstance(item, list):
                inside.extend(item)
        level = inside


def json_text(value: object) -> str:
    """A value as compact JSON text, its numbers exact. Raises NotJson on Unfit values inside."""
    try:
        return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except (TypeError, ValueError):
        return _slow_text(value)


def _slow_text(value: object) -> str:
    if isinstance(value, Unfit):
        raise NotJson(value.reason)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise NotJson(f"{value} is not JSON")
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_slow_text(str(key))}:{_slow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_slow_text(item) for item in value) + "]"
    if isinstance(value, str):
        _refuse_surrogates(value)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson("half of a surrogate pair is no character") from None


def number_of(text: str) -> object:
    value = float(text)
    if len(text) <= SURE and "e" not in text and "E" not in text:
        return value
    if value in {float("inf"), float("-inf")}:
        return Unfit(text, "larger than a number can be")
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return Unfit(text, "its exponent is beyond those of numbers")
    return value if Decimal(repr(value)) == exact else exact


def _constant(text: str) -> NoReturn:
    raise NotJson(f"{text} is not JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        double = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotJson(f'the name "{double}" occurs twice in one object')
    return found


def skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


_decoder: Any = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=number_of, parse_constant=_constant
)  # typed Any: `scan_once` is known to no stub, and is what `raw_decode` calls
_scan_once: Callable[[str, int], tuple[object, int]] = _decoder.scan_once


def word(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "true or false", dict: "an object"}.get(type(value), "a number")


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
