"""Cursors: where the next part of a list begins, as a text that callers only hand back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import BaseModel

from penstock.api.answers import Page
from penstock.model.errors import InputError, Problem

Row = TypeVar("Row")
Out = TypeVar("Out", bound=BaseModel)
Cursor = Annotated[str | None, Query(description="`next` of the page before; without it the list begins.")]
Limit = Annotated[int, Query(ge=1, le=500, description="How many to answer at most.")]
LARGEST = 2**63 - 1


def paged(rows: Sequence[Row], limit: int, place: Callable[[Row], str], out: Callable[[Row], Out]) -> Page[Out]:
    """The page of `limit + 1` rows that were asked for: the one too many only says that there is more."""
    more = len(rows) > limit
    shown = rows[:limit]
    return Page(items=[out(row) for row in shown], next=cursor_of(place(shown[-1])) if more else None)


def cursor_of(place: str) -> str:
    """The cursor that leads behind this place."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> str | None:
    """The place that a cursor leads behind. InputError for a text that is none."""
    if cursor is None:
        return None
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        raise _bad() from None


def number_of(cursor: str | None) -> int | None:
    """As `place_of`, for lists that are in the order of a number."""
    place = place_of(cursor)
    if place is None:
        return None
    if not place.isascii() or not place.isdecimal() or int(place) > LARGEST:
        raise _bad()
    return int(place)


def _bad() -> InputError:
    return InputError(Problem("cursor", "this is no cursor of ours", "bad-cursor", "hand back `next` as it came"))
