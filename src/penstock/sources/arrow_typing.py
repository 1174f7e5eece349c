"""Typing columns that Arrow already types (Parquet, DuckDB results, replies).

Integers become int64; an unsigned one beyond that makes its column a decimal number. float32 is read by its shortest
decimal (29.85, not 29.850000381), decimals stay decimal128 (more than 38 digits: text). Times of day become text
`12:30:00`, durations ISO 8601 text (`PT90.5S`), binary hex text. Dictionaries are decoded, nested values stay Arrow.
Zoned time stamps become UTC, naive ones stay naive; digits beyond microseconds are cut.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.spec import ColumnType
from penstock.sources.pieces import Cast, Caster, RawColumn, compute, misfit
from penstock.sources.python_values import value_text
from penstock.sources.text_typing import arrow_types, text_caster

JSON_EXTENSION = "arrow.json"


class UntypableColumn(ValueError):  # noqa: N818 - it names what was met
    """An Arrow type that has no home among the column types; the message says which."""


def plain_type(source: pa.DataType) -> pa.DataType:
    """The Arrow type below dictionaries, run-end encodings and extensions."""
    if kinds.is_dictionary(source) or kinds.is_run_end_encoded(source):
        return plain_type(source.value_type)
    if isinstance(source, pa.BaseExtensionType):
        return plain_type(source.storage_type)
    return source


def column_type(source: pa.DataType) -> ColumnType:
    """The column type that an Arrow type has by itself. Raises UntypableColumn."""
    if isinstance(source, pa.BaseExtensionType) and source.extension_name == JSON_EXTENSION:
        return "json"
    plain = plain_type(source)
    for test, kind in _natural():
        if test(plain):
            return kind
    raise UntypableColumn(f"Arrow type {source} has no column type")


def typed_as(source: pa.DataType, kind: ColumnType) -> pa.DataType:
    """The Arrow type that a column of Arrow type `source` has in chunks when it is read as its natural `kind`."""
    plain = plain_type(source)
    if kind == "json":
        return plain if kinds.is_nested(plain) else pa.string()
    if kind == "number" and kinds.is_decimal(plain):
        return pa.decimal128(plain.precision, plain.scale)
    if kind == "number" and plain == pa.uint64():
        return pa.decimal128(38, 0)
    if kind == "timestamp":
        return pa.timestamp("us", "UTC" if getattr(plain, "tz", None) is not None else None)
    return arrow_types()[kind]


class ArrowJudge:
    """Knows a column's type from its Arrow type; looks at values only where the type is wider than int64.

    `narrow` lets a whole-number decimal be an integer when all its values are (DuckDB sums integers into one).
    """

    def __init__(self, source: pa.DataType, *, narrow: bool) -> None:
        plain = plain_type(source)
        self._kind = column_type(source)
        whole = kinds.is_decimal(plain) and plain.scale == 0 and narrow
        self._doubtful = plain == pa.uint64() or whole
        self._fits = True
        self._nulls = False

    def observe(self, column: RawColumn) -> None:
        array = decoded(column)
        self._nulls = self._nulls or array.null_count > 0
        if self._doubtful and self._fits:
            self._fits = _holds_int64(array)

    def verdict(self) -> ColumnType:
        if self._doubtful:
            return "integer" if self._fits else "number"
        return self._kind

    def nullable(self, _kind: ColumnType) -> bool:
        return self._nulls


def arrow_caster(name: str, source: pa.DataType, kind: ColumnType) -> Caster:
    """Types an Arrow column as `kind`: its own, or another by way of its text."""
    natural = column_type(source)
    plain = plain_type(source)
    if kind == natural or (kind == "number" and plain == pa.uint64()):
        target = typed_as(source, kind)
        return Caster(target, partial(_cast_naturally, name, kind, target))
    read = text_caster(name, kind, given=True)
    return Caster(read.arrow, lambda column: read.cast(as_text(decoded(column))))


def decoded(column: RawColumn) -> Any:
    """The column without dictionary, run-end encoding or extension."""
    array: Any = column
    while True:
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        elif isinstance(array, pa.DictionaryArray):
            array = array.dictionary_decode()
        elif isinstance(array, pa.RunEndEncodedArray):
            array = compute.run_end_decode(array)
        else:
            return array


def as_text(array: Any) -> Any:
    """A plain Arrow column as text: ISO 8601 for times, hex for bytes, JSON for nested values."""
    kind = array.type
    if kinds.is_string(kind):
        return array
    if kinds.is_timestamp(kind):
        return compute.replace_substring(_micros(array).cast(pa.string()), " ", "T")
    if _spelled(kind):
        return pa.array([None if value is None else value_text(value) for value in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def _cast_naturally(name: str, kind: ColumnType, target: pa.DataType, column: RawColumn) -> Cast:
    array = decoded(column)
    if array.type == target:
        return Cast(array, {})
    if len(array) == 0:  # Arrow does not know every cast, not even of nothing
        return Cast(pa.array([], target), {})
    try:
        return Cast(_converted(array, target), {})
    except (pa.ArrowInvalid, OverflowError):
        return _cast_each(name, kind, target, array)


def _converted(array: Any, target: pa.DataType) -> Any:
    if kinds.is_string(target):
        return as_text(array)
    if kinds.is_timestamp(target):
        return _micros(array).cast(target)
    if kinds.is_float32(array.type) or kinds.is_float16(array.type):
        return array.cast(pa.float32()).cast(pa.string()).cast(target)
    return array.cast(target)


def _cast_each(name: str, kind: ColumnType, target: pa.DataType, array: pa.Array[Any]) -> Cast:
    """Row by row, where the whole column cannot be cast at once."""
    good, misfits = [], {}
    for row in range(len(array)):
        try:
            good.append(_converted(array[row : row + 1], target)[0].as_py())
        except (pa.ArrowInvalid, OverflowError):
            good.append(None)
            misfits[row] = misfit(name, kind, array[row : row + 1].cast(pa.string())[0].as_py())
    return Cast(pa.array(good, target), misfits)


def _micros(array: pa.Array[Any]) -> pa.Array[Any]:
    """Time stamps in microseconds: nanoseconds are cut, coarser units checked for overflow."""
    return array.cast(pa.timestamp("us", array.type.tz), safe=array.type.unit != "ns")


def _holds_int64(array: pa.Array[Any]) -> bool:
    try:
        array.cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True


def _spelled(kind: pa.DataType) -> bool:
    """Types whose text Arrow does not write as we promise."""
    binary = kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_fixed_size_binary(kind)
    return binary or kinds.is_duration(kind) or kinds.is_nested(kind) or kinds.is_time(kind) or _is_rare(kind)


def _is_rare(kind: pa.DataType) -> bool:
    return kinds.is_interval(kind) or kinds.is_binary_view(kind)


def _is_text(kind: pa.DataType) -> bool:
    strings = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)
    wide = kinds.is_decimal(kind) and kind.precision > 38
    return strings or wide or kinds.is_null(kind) or (_spelled(kind) and not kinds.is_nested(kind))


def _is_json(kind: pa.DataType) -> bool:
    return kinds.is_nested(kind) and not kinds.is_union(kind)


def _natural() -> tuple[tuple[Callable[[Any], bool], ColumnType], ...]:
    return (
        (_is_text, "text"),
        (kinds.is_integer, "integer"),
        (kinds.is_floating, "number"),
        (kinds.is_decimal, "number"),
        (kinds.is_boolean, "boolean"),
        (kinds.is_date, "date"),
        (kinds.is_timestamp, "timestamp"),
        (_is_json, "json"),
    )
