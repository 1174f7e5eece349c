"""One page of a list, and the opaque cursor that marks where the next page begins."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson

from penstock.model.errors import InputError, Problem

WHOLE = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ListPage:
    """`next` is the cursor of what follows; None at the end."""

    items: list[dict[str, Any]]
    next: str | None = None


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
