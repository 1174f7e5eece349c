"""How far a cursor has come, and which rows stand at exactly that value: none of them is lost, none read twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import xxhash

from penstock.sources.exact_json import Unfit, json_text
from penstock.sources.freezing import Window
from penstock.sources.python_values import jsonable, value_text

READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "integer": int,
        "number": float,
        "decimal": Decimal,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
        "bytes": bytes.fromhex,
        "text": str,
    }
)
WORDS = ((int, "integer"), (float, "number"), (Decimal, "decimal"), (datetime, "timestamp"), (date, "date"))


class Reached:
    """Follows rows that come in the order of their cursor, and drops those that were read before.

    A row is known by its values and by how many equal ones came before it, so that of two equal rows both count.
    The rows at the largest value are kept as one number each; equal across processes and versions of Python.
    """

    def __init__(self, place: int, window: Window | None) -> None:
        self._place = place  # of the cursor in a row
        self._start = value_of(window)
        self._reached = self._start
        self._ties = set(window.ties) if window is not None else set()
        self._group: object = None
        self._counts: Counter[int] = Counter()

    def fresh(self, rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
        """The rows that were not read before, and those without a value; the next rows continue where these end."""
        place, start = self._place, self._start
        values = [_plain(row[place]) for row in rows]
        last = next((value for value in reversed(values) if value is not None), None)
        kept = []
        for row, value in zip(rows, values, strict=True):
            if value is not None and value in (last, start) and self._known(row, value):
                continue
            kept.append(row)
        return kept

    def window(self) -> Window | None:
        """Where the next reading begins."""
        if self._reached is None:
            return None
        return Window(value_text(self._reached), frozenset(self._ties), kind_of(self._reached))

    def _known(self, row: Sequence[object], value: object) -> bool:
        if value != self._group:
            self._group = value
            self._counts.clear()
            if value != self._start and self._beyond(value):
                self._reached, self._ties = value, set()
        if value != self._reached:
            return False
        number = xxhash.xxh64_intdigest(json_text(jsonable(list(row))).encode())
        self._counts[number] += 1
        mark = xxhash.xxh64_intdigest(f"{number}:{self._counts[number]}".encode())
        known = mark in self._ties
        self._ties.add(mark)
        return known

    def _beyond(self, value: Any) -> bool:
        try:
            return self._start is None or bool(value > self._start)
        except TypeError:  # a database may order what Python does not
            return True


def value_of(window: Window | None) -> Any:
    """The cursor value that a window begins at, as its own type."""
    return None if window is None or window.value is None else READ[window.kind](window.value)


def _plain(value: object) -> object:
    """A cursor value as `value_of` reads it back: what has no kind of its own is text."""
    if value is None or isinstance(value, (str, int, float, Decimal, date)):
        return value
    if isinstance(value, Unfit):
        return value.text
    return bytes(value) if isinstance(value, (bytearray, bytes, memoryview)) else value_text(value)


def kind_of(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes"
    return next((word for kind, word in WORDS if isinstance(value, kind)), "text")
