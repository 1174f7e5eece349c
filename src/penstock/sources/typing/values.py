"""The types of columns of Python values (JSON members, rows of databases), where each value may have its own type.

A column whose values agree has their type; whole and fractional numbers together are numbers. Values that disagree,
nested values, and numbers that neither int64 nor float64 hold make a JSON column, in which every value has its exact
text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from math import isfinite

import pyarrow as pa

from penstock.model.outcome import Refusal
from penstock.model.spec import ColumnType
from penstock.render.values.json_values import duration_text
from penstock.render.values.numbers import float_text
from penstock.sources.typing.exact_json import NotJson, Unfit, json_text
from penstock.sources.typing.pieces import Cast, Caster, RawColumn, compute, misfit
from penstock.sources.typing.text import READERS, Unreadable, arrow_types

INT64 = range(-(2**63), 2**63)
FLOAT_EXACT = range(-(2**53), 2**53 + 1)
PLAIN: dict[ColumnType, frozenset[type]] = {
    "text": frozenset({str, type(None)}),
    "integer": frozenset({int, type(None)}),
    "number": frozenset({int, float, type(None)}),
    "boolean": frozenset({bool, type(None)}),
    "date": frozenset({date, type(None)}),
    "timestamp": frozenset({datetime, type(None)}),
    "json": frozenset({type(None)}),
}
DECIMALS = frozenset({Decimal, type(None)})
AGREEING: tuple[tuple[frozenset[str], ColumnType], ...] = (
    (frozenset({"text"}), "text"),
    (frozenset({"boolean"}), "boolean"),
    (frozenset({"integer"}), "integer"),
    (frozenset({"integer", "number"}), "number"),
    (frozenset({"date"}), "date"),
    (frozenset({"date", "timestamp"}), "timestamp"),
)

_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    Decimal: "number",
    date: "date",
    datetime: "timestamp",
    dict: "nested",
    list: "nested",
    tuple: "nested",
}


def value_text(value: object) -> str:
    """The text of a value where a column has to be text.

    ISO 8601 for dates, times (`12:30:00`) and durations (`PT90.5S`), lower-case hex for bytes, `true` and `false`,
    shortest decimals, compact JSON for lists and objects; `str` for the rest.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = float_text(value)
        return text if isinstance(text, str) else repr(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value // timedelta(microseconds=1), 10**6)
    if isinstance(value, (dict, list, tuple)):
        return json_text(jsonable(value))
    return value.text if isinstance(value, Unfit) else str(value)


def jsonable(value: object) -> object:
    """A nested value with everything that JSON has no form for as text."""
    if isinstance(value, dict):
        return {str(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (float, Decimal)):
        return value if isfinite(value) else str(value)
    if value is None or isinstance(value, (str, bool, int, Unfit)):
        return value
    return value_text(value)


class ValueJudge:
    """Collects which kinds of values a column holds. `fallback` is the type of a column without any."""

    def __init__(self, fallback: ColumnType = "text") -> None:
        self._fallback = fallback
        self._kinds: set[str] = set()
        self._inexact = False  # some whole number is not exact in float64
        self._nulls = False

    def observe(self, column: RawColumn) -> None:
        values = _values(column)
        types = set(map(type, values))
        self._nulls = self._nulls or type(None) in types
        for kind in types - {type(None), Unfit}:
            self._kinds.add(_kind(kind))
            if kind is int:
                self._observe_whole([value for value in values if type(value) is int])
            elif kind is Decimal:
                self._observe_decimals([value for value in values if isinstance(value, Decimal)])

    def verdict(self) -> ColumnType:
        if not self._kinds:
            return self._fallback
        for kinds, verdict in AGREEING:
            if self._kinds <= kinds and not (verdict == "number" and self._inexact):
                return verdict
        return "json"

    def nullable(self, _kind: ColumnType) -> bool:
        return self._nulls

    def _observe_whole(self, values: list[int]) -> None:
        if min(values) not in FLOAT_EXACT or max(values) not in FLOAT_EXACT:
            self._inexact = self._inexact or any(int(float(value)) != value for value in values if abs(value) < 10**300)
        if min(values) not in INT64 or max(values) not in INT64:
            self._kinds.add("exact")

    def _observe_decimals(self, values: list[Decimal]) -> None:
        if not all(_float_holds(value) for value in values if value.is_finite()):
            self._kinds.add("exact")


def value_caster(name: str, kind: ColumnType, arrow: pa.DataType | None = None, *, given: bool) -> Caster:
    """Types a column of Python values as `kind`, in chunks of Arrow type `arrow` (by default the type's usual one).

    A type that a person gave reads other values by their text; a type that was detected refuses them.
    """
    target = arrow or arrow_types()[kind]
    return Caster(target, partial(_cast, name, kind, target, given))


def _cast(name: str, kind: ColumnType, target: pa.DataType, given: bool, column: RawColumn) -> Cast:
    values = _values(column)
    decimal = pa.types.is_decimal(target)
    if set(map(type, values)) <= (DECIMALS if decimal else PLAIN[kind]):
        try:
            array = pa.array(values, target)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            pass  # some value is out of range: find out which
        else:
            if kind != "number" or decimal or compute.all(compute.is_finite(array)).as_py() is not False:
                return Cast(array, {})
    return _cast_each(name, kind, target, given, values)


def _cast_each(name: str, kind: ColumnType, target: pa.DataType, given: bool, values: Sequence[object]) -> Cast:
    fit = partial(_fit_given, kind) if given else FITS[kind]
    fit = partial(_fit_decimal, target) if pa.types.is_decimal(target) else fit
    good: list[object] = []
    misfits: dict[int, Refusal] = {}
    for row, value in enumerate(values):
        try:
            fitting = None if value is None else _checked(fit, value)
        except (Unreadable, NotJson) as error:
            shown = value.text if isinstance(value, Unfit) else _shown(value)
            misfits[row] = misfit(name, kind, shown, str(error) or None)
            fitting = None
        good.append(fitting)
    return Cast(pa.array(good, target), misfits)


def _checked(fit: Callable[[object], object], value: object) -> object:
    if isinstance(value, Unfit):
        raise Unreadable(value.reason)
    fitting = fit(value)
    if isinstance(fitting, str):
        try:
            fitting.encode()
        except UnicodeEncodeError:
            raise Unreadable("half of a surrogate pair is no character") from None
    return fitting


def _fit_given(kind: ColumnType, value: object) -> object:
    """A value as the type a person gave: as it is where it fits, else by its text."""
    if kind == "text":
        if isinstance(value, float) and isinstance(found := float_text(value), Refusal):
            raise Unreadable(found.reason)
        return value_text(value)
    if kind == "json" and not isinstance(value, str):
        return json_text(jsonable(value))
    try:
        return FITS[kind](value) if kind != "json" else READERS[kind](str(value))
    except Unreadable:
        return READERS[kind](value_text(value))


def _fit_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if _kind(type(value)) == "text":
        return value_text(value)
    raise Unreadable


def _fit_integer(value: object) -> int:
    if type(value) is not int:
        raise Unreadable
    if value not in INT64:
        raise Unreadable("larger than 64 bits hold")
    return value


def _fit_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unreadable
    if isinstance(value, int):
        if abs(value) > 2**1000 or int(float(value)) != value:
            raise Unreadable("more digits than a number holds")
        return float(value)
    if not (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
        raise Unreadable("not a finite number")
    if isinstance(value, Decimal) and not _float_holds(value):
        raise Unreadable("more digits than a number holds")
    return float(value)


def _fit_decimal(target: pa.DataType, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not isfinite(value):
        raise Unreadable("not a finite number")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    try:
        pa.scalar(exact, target)
    except pa.ArrowInvalid:
        raise Unreadable(f"more digits than {target} holds") from None
    return exact


def _fit_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Unreadable


def _fit_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise Unreadable


def _fit_timestamp(value: object) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise Unreadable


def _fit_json(value: object) -> str:
    return json_text(jsonable(value))


FITS: dict[ColumnType, Callable[[object], object]] = {
    "text": _fit_text,
    "integer": _fit_integer,
    "number": _fit_number,
    "boolean": _fit_boolean,
    "date": _fit_date,
    "timestamp": _fit_timestamp,
    "json": _fit_json,
}


def _kind(kind: type) -> str:
    """The word for a Python type; any other type is text."""
    return _KINDS.get(kind, "text")


def _float_holds(value: Decimal) -> bool:
    near = float(value)
    return isfinite(near) and Decimal(repr(near)) == value


def _shown(value: object) -> str:
    try:
        return value_text(value)
    except (NotJson, ValueError):
        return repr(value)


def _values(column: RawColumn) -> Sequence[object]:
    return column.to_pylist() if isinstance(column, pa.Array) else column
