"""What is wrong in the body, path or query of a request, for people: the place, what was found, what to write instead.

A text is not shown, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.model.errors import Problem

LARGE = 10**18
SEE = "see /api/v1/openapi.json"
_LIMITS: Mapping[str, str] = {
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "multiple_of": "write a multiple of {multiple_of}",
    "literal_error": "write one of {expected}",
    "enum": "write one of {expected}",
    "string_too_short": "write {min_length} or more characters",
    "string_too_long": "write {max_length} or fewer characters",
    "too_short": "write {min_length} or more",
    "too_long": "write {max_length} or fewer",
    "string_pattern_mismatch": "write a text that matches {pattern}",
}
_KINDS: Mapping[str, str] = {
    "missing": "add it",
    "extra_forbidden": "remove it",
    "int": "write a whole number",
    "float": "write a number",
    "bool": "write true or false",
    "string": "write a text",
    "list": "write a list: […]",
    "dict": "write an object: {…}",
    "model": "write an object: {…}",
    "dataclass": "write an object: {…}",
}


def body_problem(found: Mapping[str, Any]) -> Problem:
    """The problem for one of Pydantic's errors."""
    kind, place = str(found["type"]), [str(part) for part in found["loc"]]
    if kind == "json_invalid":
        return Problem("body", "the body is not valid JSON", "not-json", "send one JSON document")
    path = ".".join(place[1:]) or place[0]
    if kind == "missing":
        return Problem(path, "it is missing", "missing", hint_of(kind, {}))
    value = shown(found["input"], is_text=kind == "string_type")
    return Problem(path, str(found["msg"]), "wrong-value", hint_of(kind, found.get("ctx", {})), value)


def hint_of(kind: str, limits: Mapping[str, Any]) -> str:
    """What to write instead, for an error of this kind."""
    if kind in _LIMITS:
        return _LIMITS[kind].format_map(limits)
    return _KINDS.get(kind, _KINDS.get(kind.partition("_")[0], SEE))


def shown(value: Any, *, is_text: bool) -> str:
    """What was found: numbers, true, false and null as they are; of everything else only what it is.

    `is_text`: the place takes a text, which may be a secret, so that a number is not shown either.
    """
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float() if is_text:
            return "a number"
        case int() | float():
            return str(value) if abs(value) < LARGE else "a large number"
        case str():
            return "a text" if value else "an empty text"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"
