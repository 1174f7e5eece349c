"""A tolerant JSON parser for record files: one wrong value makes only its own record go to the quarantine.

A name that occurs twice in an object, NaN and Infinity, a value that is nested too deeply and a number of too many
digits are Unfit values in an otherwise exact record. Text that is no JSON at all (an incomplete line) is still NotJson.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from penstock.sources.typing.exact_json import (
    DEEPEST,
    TOO_DEEP,
    NotJson,
    Unfit,
    is_deeper,
    json_text,
    number_of,
    refuse_many,
    skip_blanks,
)

SHOWN = 200  # characters of a value that are stored
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_OPEN, _CLOSE = frozenset("[{"), frozenset("]}")


class _Deep(NamedTuple):
    """A member of the record that is nested too deeply, and the position of its value."""

    name: str
    start: int
    end: int


def parse_record(text: str) -> object:
    """The value of one JSON document. Raises NotJson."""
    refuse_many(text, 0)
    value, end = scan_record(text, skip_blanks(text, 0))
    if skip_blanks(text, end) != len(text):
        raise NotJson("something follows the JSON value", skip_blanks(text, end))
    return value


def scan_record(text: str, start: int) -> tuple[object, int]:
    """The value that begins at `start`, and where it ends. Raises NotJson."""
    try:
        value, end = _scanned(text, start)
    except RecursionError:
        return _shallow(text, start)
    if text.count("[", start, end) + text.count("{", start, end) > DEEPEST and is_deeper(value):
        return _marked(value, text[start:end]), end
    return value, end


def _scanned(text: str, start: int) -> tuple[object, int]:
    try:
        return _scan(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.pos) from None
    except StopIteration as error:
        raise NotJson("a JSON value is missing", error.value) from None
    except ValueError:  # a whole number of more digits than Python reads at once
        return _scan_long(text, start)


def _marked(value: object, text: str) -> object:
    """The record with its too deep members as Unfit values."""
    if not isinstance(value, dict):
        raise NotJson(TOO_DEEP)
    return {
        name: Unfit(text[:SHOWN], TOO_DEEP) if is_deeper({name: member}) else member for name, member in value.items()
    }


def _shallow(text: str, start: int) -> tuple[object, int]:
    """A record that is too deep to be read at once: its deep members are cut out first."""
    deep, end = _deep_members(text, start)
    pieces, at = [], start
    for member in deep:
        pieces += [text[at : member.start], "null"]
        at = member.end
    cut = "".join([*pieces, text[at:end]])
    try:
        value, _ = _scanned(cut, 0)
    except RecursionError:
        raise NotJson(TOO_DEEP) from None
    if not isinstance(value, dict):
        raise NotJson(TOO_DEEP)
    return {**value, **{m.name: Unfit(text[m.start : m.start + SHOWN], TOO_DEEP) for m in deep}}, end


def _deep_members(text: str, start: int) -> tuple[list[_Deep], int]:
    found: list[_Deep] = []
    depth, deepest, begun, name = 0, 0, start, ""
    for token in _TOKEN.finditer(text, start):
        sign = token[0]
        if sign in _OPEN:
            depth += 1
            deepest = max(deepest, depth)
            if depth == 2:
                begun, deepest = token.start(), depth
        elif sign in _CLOSE:
            depth -= 1
            if depth == 1 and deepest > DEEPEST:
                found.append(_Deep(name, begun, token.end()))
            if depth == 0:
                return found, token.end()
        elif depth == 1 and sign[0] == '"':
            name = str(json.loads(sign, strict=False)) if token.end() < len(text) else name
    raise NotJson("Unterminated nesting", len(text))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: dict[str, list[object]] = {}
    for name, value in pairs:
        seen.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else _doubled(name, values) for name, values in seen.items()}


def _doubled(name: str, values: list[object]) -> Unfit:
    shown = ", ".join(f'"{name}":{_text(value)}' for value in values)
    return Unfit(shown[:SHOWN], f'the name "{name}" occurs twice in one object')


def _text(value: object) -> str:
    try:
        return json_text(value)
    except NotJson:
        return "…"


def _constant(text: str) -> Unfit:
    return Unfit(text, f"{text} is not JSON")


def _whole(text: str) -> object:
    try:
        return int(text)
    except ValueError:
        return Unfit(text[:SHOWN], "a whole number of more than 4300 digits")


_decoder: Any = json.JSONDecoder(object_pairs_hook=_object, parse_float=number_of, parse_constant=_constant)
_long_decoder: Any = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=number_of, parse_constant=_constant, parse_int=_whole
)
_scan: Callable[[str, int], tuple[object, int]] = _decoder.scan_once
_scan_long: Callable[[str, int], tuple[object, int]] = _long_decoder.scan_once
