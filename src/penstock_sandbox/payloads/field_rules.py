"""The published rules for single values. A rule returns what is wrong with a value, or None.

Source: Custify's OpenAPI 1.5.7 unless a comment says otherwise. The texts of errors are ours.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

Rule = Callable[[Any], str | None]

INT32 = 2**31
SHORT, LONG = 100, 255
DATE_LENGTH = len("2026-01-31")

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")
# Only the published formats: a date; date and time with a blank; with T, and then a fraction and an offset.
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?: \d\d:\d\d(?::\d\d)?"
    r"|T\d\d:\d\d:\d\d(?:\.\d{3}|(?:\.\d{3}|\.\d{6})?(?:Z|[+-]\d\d:\d\d))?"
    r")?"
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def is_object_id(value: Any) -> bool:
    return isinstance(value, str) and _OBJECT_ID.fullmatch(value) is not None


def is_date(value: Any) -> bool:
    """Whether text has one of the published ISO 8601 formats and is a valid date and time."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def date(value: Any) -> str | None:
    return None if is_date(value) else "must be a date in ISO 8601 format"


def date_time(value: Any) -> str | None:
    """A date with a time: Custify's OpenAPI 1.5.7 gives its own fields the format date-time."""
    return None if is_date(value) and len(value) > DATE_LENGTH else "must be a date and time in ISO 8601 format"


def text(limit: int | None = None) -> Rule:
    def rule(value: Any) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if limit is not None and len(value) > limit:
            return f"length must be less than or equal to {limit} characters long"
        return None

    return rule


def key(limit: int | None = LONG) -> Rule:
    """Text that is not empty, for ids and names."""
    bounded = text(limit)

    def rule(value: Any) -> str | None:
        return "is not allowed to be empty" if value == "" else bounded(value)

    return rule


def company_key(limit: int | None = LONG) -> Rule:
    """As `key`, but also whole numbers, since one published sample sends an integer `company_id`."""
    bounded = key(limit)

    def rule(value: Any) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return None
        return bounded(value)

    return rule


def integer(value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be an integer"
    if not -INT32 <= value < INT32:
        return "must be between -2147483648 and 2147483647"
    return None


def number(value: Any) -> str | None:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else "must be a number"


def boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be a boolean"


def object_id(value: Any) -> str | None:
    return None if is_object_id(value) else "must be a valid id"


def mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "must be an object"


def anything(_value: Any) -> str | None:
    return None


def one_of(*choices: str) -> Rule:
    def rule(value: Any) -> str | None:
        return None if value in choices else f"must be one of [{', '.join(choices)}]"

    return rule


def listing(of: Rule) -> Rule:
    def rule(value: Any) -> str | None:
        if not isinstance(value, list):
            return "must be an array"
        return next((f"contains an item that {wrong}" for item in value if (wrong := of(item)) is not None), None)

    return rule


def scalar(limit: int) -> Rule:
    """A custom value: text, number or boolean. Objects and arrays are refused."""

    def rule(value: Any) -> str | None:
        if isinstance(value, str):
            too_long = f"length must be less than or equal to {limit} characters long"
            return too_long if len(value) > limit else None
        if isinstance(value, bool | float):
            return None
        if isinstance(value, int):
            return integer(value)
        return "must be a string, a number or a boolean"

    return rule


def is_currency(value: Any) -> bool:
    """Whether a value is `{"value": 12.5, "currency": "EUR"}`, the only object allowed as a custom attribute."""
    return (
        isinstance(value, dict)
        and set(value) == {"value", "currency"}
        and number(value["value"]) is None
        and isinstance(value["currency"], str)
    )


def attribute_name(name: str) -> str | None:
    if len(name) > 190:
        return "name length must be less than or equal to 190 characters long"
    if "." in name or "$" in name:
        return "name must not contain . or $"
    if name.isdigit():
        return "name must not consist of digits only"
    return "name is not allowed to be empty" if name == "" else None


def detected_type(name: str, value: Any) -> str:
    """The type of an attribute by its first value: Currency, Date, Boolean or Number, in this order, else String."""
    if is_currency(value):
        return "Currency"
    if name.endswith("_at") or is_date(value):
        return "Date"
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in {"true", "false"}):
        return "Boolean"
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None):
        return "Number"
    return "String"


def fits(pinned: str, name: str, value: Any) -> bool:
    """Whether a later value has the attribute's type; any text is a String."""
    if pinned == "String":
        return isinstance(value, str)
    if pinned == "Date":
        return is_date(value)
    return detected_type(name, value) == pinned


def as_text(value: Any) -> str:
    """Compact JSON, with the length that is sent."""
    return orjson.dumps(value).decode()
