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

    The values of `filterType` are not published; these are our choice: equals, notEquals, contains, in, greaterThan,
    lessThan, exists, notExists.
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


def field_of(stored: JsonObject, name: str) -> Any:
    """The value of a field, also `custom_attributes.x`; None if it is absent."""
    value: Any = stored
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def has(value: Any, wanted: str) -> bool:
    """Whether a field is `wanted`, or a list that contains it."""
    return wanted in value if isinstance(value, list) else bool(value == wanted)


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


def _greater(value: Any, wanted: Any) -> bool:
    return isinstance(value, type(wanted)) and bool(value > wanted)


def _less(value: Any, wanted: Any) -> bool:
    return isinstance(value, type(wanted)) and bool(value < wanted)


_COMPARISONS: Mapping[Any, Callable[[Any, Any], bool]] = {
    "equals": lambda value, wanted: bool(value == wanted),
    "notEquals": lambda value, wanted: bool(value != wanted),
    "contains": _contains,
    "in": lambda value, wanted: isinstance(wanted, list) and value in wanted,
    "greaterThan": _greater,
    "lessThan": _less,
    "exists": lambda value, _: value is not None,
    "notExists": lambda value, _: value is None,
}


def _whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(400, f'"{name}" must be a positive number')
    return int(text)
