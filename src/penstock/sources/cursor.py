"""The position of a cursor in a source, and which rows are at exactly that value. No row is lost, none is read twice.

A cursor never stops at a value that would make it skip later rows: a date past the run's start, NaN, infinity, a value
that the column's type does not hold, or a value of another kind than the others. A row with such a value is read once,
and again when its content changes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from types import MappingProxyType
from typing import Any

import xxhash

from penstock.model.record import ReadWindow
from penstock.sources.typing.exact_json import NotJson, Unfit, json_text
from penstock.sources.typing.values import jsonable, value_text

Row = Sequence[object]
READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "boolean": lambda text: text == "true",
        "integer": int,
        "number": float,
        "decimal": Decimal,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
        "bytes": bytes.fromhex,
        "text": str,
    }
)
WORDS = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (Decimal, "decimal"),
    (datetime, "timestamp"),
    (date, "date"),
)
NUMBERS = frozenset({int, float, Decimal})
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", re.ASCII)


class CursorProgress:
    """Follows rows that come in the order of their cursor, and drops those that were read before.

    A row is known by its values and by how many equal ones came before it, so that of two equal rows both count.
    The rows at the largest value, and those beyond every value that a cursor may have, are stored as one number each;
    equal across processes and versions of Python.
    """

    def __init__(self, place: int, window: ReadWindow | None, now: datetime | None = None) -> None:
        """`place` of the cursor in a row; dates after `now` do not move it (None: none is after it)."""
        self._place = place
        self._now = now
        self._start = value_of(window)
        self._reached = self._start
        self._ties = set(window.ties) if window is not None else set()
        self._known_later = window.later if window is not None else frozenset()
        self._later: set[int] = set()
        self._group: object = None
        self._counts: Counter[int] = Counter()

    def fresh(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that were not read before, and those without a value; the next rows continue where these end."""
        values = [_plain(row[self._place]) for row in rows]
        if self._known_later or not self._is_plain(values):
            return [row for row, value in zip(rows, values, strict=True) if value is None or self._is_new(row, value)]
        start = self._start
        last = next((value for value in reversed(values) if value is not None), None)
        return [
            row
            for row, value in zip(rows, values, strict=True)
            if value is None or value not in (last, start) or self._is_new(row, value)
        ]

    def window(self) -> ReadWindow | None:
        """Where the next reading begins."""
        if self._reached is None:
            return ReadWindow(None, later=frozenset(self._later)) if self._later else None
        kind = kind_of(self._reached)
        return ReadWindow(value_text(self._reached), frozenset(self._ties), kind, frozenset(self._later))

    def _is_plain(self, values: Sequence[object]) -> bool:
        """Whether a cursor may stop at every one of these values, which come in order: the usual case."""
        kinds = set(map(type, values)) - {type(None)}
        if len(kinds) > 1 and not kinds <= NUMBERS:
            return False
        ends = [value for value in values if value is not None]
        return not ends or (
            _family(ends[0]) == _family(ends[-1]) and self._may_reach(ends[0]) and self._may_reach(ends[-1])
        )

    def _may_reach(self, value: Any) -> bool:
        """Whether the cursor may move to this value."""
        family = _family(value)
        if family is None:
            return False
        if self._reached is not None and family != _family(self._reached):
            return family == "moment text" and _family(self._reached) == "text" and not self._is_later(value)
        return not self._is_later(value)

    def _is_later(self, value: object) -> bool:
        return self._now is not None and _is_later(value, self._now)

    def _is_new(self, row: Row, value: Any) -> bool:
        """Whether a row was not read before; the cursor moves on to it where it may."""
        group = (kind_of(value), str(value))
        if group != self._group:
            self._group = group
            self._counts.clear()
        if not self._may_reach(value):
            mark = self._mark(row)
            self._later.add(mark)
            return mark not in self._known_later
        if value not in (self._reached, self._start) and self._is_beyond(value):
            self._reached, self._ties = value, set()
        if value != self._reached:
            return not self._known_later or self._mark(row) not in self._known_later
        mark = self._mark(row)
        known = mark in self._ties or mark in self._known_later
        self._ties.add(mark)
        return not known

    def _mark(self, row: Row) -> int:
        """A row's content, and how many equal rows came before it."""
        number = xxhash.xxh64_intdigest(_content(row).encode(errors="surrogatepass"))
        self._counts[number] += 1
        return xxhash.xxh64_intdigest(f"{number}:{self._counts[number]}".encode())

    def _is_beyond(self, value: Any) -> bool:
        try:
            return self._start is None or bool(value > self._start)
        except TypeError:  # a database may order what Python does not
            return True


def value_of(window: ReadWindow | None) -> Any:
    """The cursor value that a window begins at, as its own type."""
    return None if window is None or window.value is None else READ[window.kind](window.value)


def moment_of(text: str) -> datetime | None:
    """The moment that a text says, for databases that store times as text; without an offset it is in UTC."""
    if MOMENT.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def may_stop_at(value: object, now: datetime) -> bool:
    """Whether a cursor may move to this value at this moment."""
    plain = _plain(value)
    return _family(plain) is not None and not _is_later(plain, now)


def bound_like(value: object, now: datetime) -> object:
    """`now` in the form of a value that is later; other values as they are."""
    plain = _plain(value)
    if isinstance(plain, datetime):
        return now if plain.tzinfo is not None else now.astimezone(UTC).replace(tzinfo=None)
    if isinstance(plain, date):
        return now.astimezone(UTC).date()
    if isinstance(plain, str) and moment_of(plain) is not None:
        return as_written(now.astimezone(UTC), plain)
    return value


def as_written(moment: datetime, like: str) -> str:
    """A moment in the form that `like` has (databases without a time type store times as text)."""
    if len(like) == 10:
        return moment.date().isoformat()
    text = moment.isoformat(sep="T" if "T" in like else " ", timespec="auto")
    offset = "Z" if like.endswith("Z") else "+00:00" if moment_has_offset(like) else ""
    return text.replace("+00:00", offset)


def moment_has_offset(text: str) -> bool:
    return re.search(r"[+-]\d\d(:?\d\d)?$", text[10:]) is not None


def _is_later(value: object, now: datetime) -> bool:
    if isinstance(value, str):
        moment = moment_of(value)
        return moment is not None and moment > now
    if isinstance(value, datetime):
        return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)) > now
    return isinstance(value, date) and value > now.astimezone(UTC).date()


def _family(value: object) -> str | None:
    """Values that a database orders among each other; None for values at which no cursor may stop."""
    if isinstance(value, Unfit):
        return None
    if isinstance(value, (float, Decimal)):
        return "number" if isfinite(value) else None
    if isinstance(value, int):
        return "number"
    if isinstance(value, datetime):
        return "moment"
    if isinstance(value, date):
        return "date"
    if isinstance(value, bytes):
        return "bytes"
    return "moment text" if moment_of(str(value)) is not None else "text"


def _plain(value: object) -> object:
    """A cursor value as `value_of` reads it back: what has no kind of its own is text."""
    if value is None or isinstance(value, (str, int, float, Decimal, date, Unfit)):
        return value
    return bytes(value) if isinstance(value, (bytearray, bytes, memoryview)) else value_text(value)


def _content(row: Row) -> str:
    try:
        return json_text(jsonable(list(row)))
    except NotJson:  # a value that no column holds: its record is quarantined when it is typed
        return repr(list(row))


def kind_of(value: object) -> str:
    """The word under which `value_of` reads a value back."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "bytes"
    return next((word for kind, word in WORDS if isinstance(value, kind)), "text")
