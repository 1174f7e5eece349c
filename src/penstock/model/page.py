"""One page of a list, and the opaque cursor that marks where the next page begins."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import orjson
from typing_extensions import TypedDict

from penstock.model.errors import InputError, Problem

WHOLE = range(-(2**63), 2**63)
T = TypeVar("T")
Row = TypeVar("Row")


class Page(TypedDict, Generic[T]):
    """A page of a list; `next` is the cursor of the next page, null on the last one."""

    items: list[T]
    next: str | None


def page(rows: Sequence[Row], limit: int, shown: Callable[[Row], T], place: Callable[[Row], str]) -> Page[T]:
    """The page of the first `limit` rows, of which `place` makes the cursor; one more row says that more follows."""
    more = place(rows[limit - 1]) if len(rows) > limit else None
    return {"items": [shown(row) for row in rows[:limit]], "next": more}


def whole(items: list[T]) -> Page[T]:
    """A list that has one page."""
    return {"items": items, "next": None}


def write(*place: str | int) -> str:
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def read(cursor: str, *kinds: type[str | int]) -> Any:
    """The place as it was written, a tuple of these kinds. InputError for anything else."""
    try:
        place = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        place = None
    if isinstance(place, list) and len(place) == len(kinds) and all(map(_is, place, kinds)):
        return tuple(place)
    hint = "take the `next` of the page before it"
    raise InputError(Problem("cursor", "this cursor is not one of ours", "wrong-cursor", hint, found=cursor[:80]))


def _is(value: object, kind: type[str | int]) -> bool:
    """Whether a value is of this kind, and a whole number one that a database holds."""
    return isinstance(value, kind) and not (isinstance(value, int) and value not in WHOLE)
