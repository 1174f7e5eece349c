"""Paging and filters of the list reads."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, JsonObject

MANY, FEW = 200, 50
USUAL = 20


def page_of(account: Account, found: list[JsonObject], query: Mapping[str, str], most: int = MANY) -> list[JsonObject]:
    """The requested page: `itemsPerPage` (default 20, at most `most`) and `page` (from 1)."""
    size = _whole(query, "itemsPerPage", min(USUAL, most))
    page = _whole(query, "page", 1)
    if size > most:
        account.object_to(f'"itemsPerPage" must be less than or equal to {most}')
        size = most
    return found[(page - 1) * size : page * size]


def filtered(account: Account, objects: Iterable[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    """Visible objects that match every entry of `filters`, a JSON array.

    An entry is `{fieldName, fieldType, filterType, filterValue}`.

    The values of `filterType` are not published. contains, is_any_of, before and after are those of Custify's own MCP
    server; equals, notEquals, in, greaterThan, lessThan, exists and notExists are our choice.
    """
    objects, query = account.visible(objects), account.filters(query)
    if "filters" not in query:
        return objects
    try:
        wanted = orjson.loads(query["filters"])
    except orjson.JSONDecodeError as error:
        raise ApiError(400, '"filters" must be a valid JSON array') from error
    if not isinstance(wanted, list) or not all(isinstance(entry, dict) for entry in wanted):
        raise ApiError(400, '"filters" must be an array of objects')
    tests = [_test(entry) for entry in wanted]
    return [candidate for candidate in objects if all(test(candidate) for test in tests)]


def sorted_by(objects: list[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    """In the order of `sorting`, a JSON object `{field, direction: asc|desc}` (Custify's own MCP server)."""
    if "sorting" not in query:
        return objects
    try:
        wanted = orjson.loads(query["sorting"])
    except orjson.JSONDecodeError as error:
        raise ApiError(400, '"sorting" must be valid JSON') from error
    if not isinstance(wanted, dict) or not isinstance(wanted.get("field"), str):
        raise ApiError(400, '"sorting" must be an object with a "field"')
    direction = wanted.get("direction", "asc")
    if direction not in {"asc", "desc"}:
        raise ApiError(400, '"sorting.direction" must be one of [asc, desc]')
    return ordered(objects, wanted["field"], descending=direction == "desc")


def ordered(objects: list[JsonObject], field: str, *, descending: bool) -> list[JsonObject]:
    """By one field: numbers before other values, which are compared as text. Objects without the field are last."""
    values = [(field_of(stored, field), stored) for stored in objects]
    known = [(_rank(value), stored) for value, stored in values if value is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [stored for _, stored in known] + [stored for value, stored in values if value is None]


def field_of(stored: JsonObject, name: str) -> Any:
    """The value of a field, also `custom_attributes.x`; None if it is absent."""
    value: Any = stored
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def has(value: Any, wanted: str) -> bool:
    """Whether a field is `wanted`, or a list that contains it."""
    return wanted in value if isinstance(value, list) else bool(value == wanted)


def _rank(value: Any) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))


def _test(entry: JsonObject) -> Callable[[JsonObject], bool]:
    name, how, wanted = entry.get("fieldName"), entry.get("filterType"), entry.get("filterValue")
    if not isinstance(name, str) or how not in _COMPARISONS:
        raise ApiError(400, f'"filters" contains an unknown filter: {how}')
    compare = _COMPARISONS[how]
    return lambda stored: compare(field_of(stored, name), wanted)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, list):
        return wanted in value
    return value is not None and str(wanted).lower() in str(value).lower()


def _in(value: Any, wanted: Any) -> bool:
    return isinstance(wanted, list) and value in wanted


def _greater(value: Any, wanted: Any) -> bool:
    return isinstance(value, type(wanted)) and bool(value > wanted)


def _less(value: Any, wanted: Any) -> bool:
    return isinstance(value, type(wanted)) and bool(value < wanted)


_COMPARISONS: Mapping[Any, Callable[[Any, Any], bool]] = {
    "equals": lambda value, wanted: bool(value == wanted),
    "notEquals": lambda value, wanted: bool(value != wanted),
    "contains": _contains,
    "in": _in,
    "greaterThan": _greater,
    "lessThan": _less,
    "is_any_of": _in,
    "after": _greater,
    "before": _less,
    "exists": lambda value, _: value is not None,
    "notExists": lambda value, _: value is None,
}


def _whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, f'"{name}" must be a positive number')
    return int(text)
