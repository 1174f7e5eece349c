"""The types of columns that Arrow already types (Parquet, DuckDB results, replies).

Integers become int64; an unsigned one beyond that makes its column a decimal number. float32 is read by its shortest
decimal (29.85, not 29.850000381), decimals stay decimal128 (more than 38 digits: text). Times of day become text
`12:30:00`, durations ISO 8601 text (`PT90.5S`), binary hex text, or the UTF-8 text that it holds where a type is given.
Dictionaries are decoded, nested values stay Arrow. Zoned time stamps become UTC, naive ones stay naive; digits beyond
microseconds are cut. A value that a column cannot hold quarantines its record.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.outcome import Refusal
from penstock.model.spec import ColumnType
from penstock.render.values.columns import json_values
from penstock.render.values.json_values import (
    bytes_as_texts,
    durations,
    is_bytes,
    scalar_values,
    shortest_floats,
    times,
    utf8_texts,
)
from penstock.render.values.json_values import plain as json_plain
from penstock.render.values.numbers import float_text
from penstock.sources.typing.exact_json import json_text
from penstock.sources.typing.pieces import Cast, Caster, RawColumn, compute, misfit
from penstock.sources.typing.text import arrow_types, text_caster
from penstock.sources.typing.values import jsonable, value_text

JSON_EXTENSION = "arrow.json"


class UntypableColumn(ValueError):  # noqa: N818 - it names what was found
    """An Arrow type without a column type; the message names it."""


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
        self._bytes_are_text = is_bytes(plain)
        self._seen = False

    def observe(self, column: RawColumn) -> None:
        array = decoded(column)
        self._nulls = self._nulls or array.null_count > 0
        if self._doubtful and self._fits:
            self._fits = _holds_int64(array)
        self._seen = self._seen or array.null_count < len(array)
        if self._bytes_are_text:
            self._bytes_are_text = _is_utf8(array)

    @property
    def holds_text(self) -> bool:
        """Whether its values are bytes, and all of them UTF-8 text."""
        return self._seen and self._bytes_are_text

    def verdict(self) -> ColumnType:
        if self._doubtful:
            return "integer" if self._fits else "number"
        return self._kind

    def nullable(self, _kind: ColumnType) -> bool:
        return self._nulls


def arrow_caster(name: str, source: pa.DataType, kind: ColumnType, *, given: bool = False) -> Caster:
    """Types an Arrow column as `kind`: its own, or another by way of its text. `given`: from `types:`."""
    natural = column_type(source)
    plain = plain_type(source)
    if given and is_bytes(plain):
        read = text_caster(name, kind, given=True)
        return Caster(read.arrow, partial(_cast_by_text, name, kind, read, bytes_as_texts))
    if kind == natural or (kind == "number" and plain == pa.uint64()):
        target = typed_as(source, kind)
        return Caster(target, partial(_cast_naturally, name, kind, target))
    read = text_caster(name, kind, given=True)
    return Caster(read.arrow, partial(_cast_by_text, name, kind, read, texts))


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


def texts(array: Any) -> list[Any]:
    """A plain Arrow column as text: ISO 8601 for times, hex for bytes, JSON for nested values; or Refusals."""
    kind = array.type
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return utf8_texts(array)
    if kinds.is_timestamp(kind):
        return _moments_as_written(array)
    if kinds.is_floating(kind):
        return _float_texts(array)
    if kinds.is_time(kind):
        return times(array)
    if kinds.is_duration(kind):
        return durations(array)
    if kinds.is_nested(kind) and not kinds.is_union(kind):
        return [_json_or_refusal(value) for value in json_values(array)]
    if _is_spelled(kind):
        return [None if value is None else value_text(value) for value in array.to_pylist()]
    return list(array.cast(pa.string()).to_pylist())


def _float_texts(array: Any) -> list[Any]:
    """Floats by their shortest decimal, whole ones by their digits; a Refusal where a float does not hold them."""
    if kinds.is_float64(array.type):
        return [None if value is None else float_text(value) for value in array.to_pylist()]
    return [None if value is None else float_text(value) for value in shortest_floats(array)]


def _moments_as_written(array: Any) -> list[Any]:
    """Time stamps as `2026-01-31T12:30:00` and, where they have a zone, with its offset."""
    try:
        micros = _micros(array)
        spelled = micros.cast(pa.string())
    except pa.ArrowInvalid:  # a zone that this machine does not know, or a moment out of reach
        return scalar_values(array)
    return list(compute.replace_substring(spelled, " ", "T").to_pylist())


def _json_or_refusal(value: object) -> object:
    """A nested value as compact JSON text, or the refusal that it holds."""
    if value is None or isinstance(value, Refusal):
        return value
    found = json_plain(value)
    return found if isinstance(found, Refusal) else json_text(jsonable(found))


def _cast_by_text(
    name: str, kind: ColumnType, read: Caster, to_texts: Callable[[Any], list[Any]], column: RawColumn
) -> Cast:
    spelled = to_texts(decoded(column))
    refused = {row: text for row, text in enumerate(spelled) if isinstance(text, Refusal)}
    if refused:
        spelled = [None if isinstance(text, Refusal) else text for text in spelled]
    array, misfits = read.cast(pa.array(spelled, pa.string()))
    found = {row: misfit(name, kind, text.value, f"column {name}: {text.reason}") for row, text in refused.items()}
    return Cast(array, {**misfits, **found})


def _cast_naturally(name: str, kind: ColumnType, target: pa.DataType, column: RawColumn) -> Cast:
    array = decoded(column)
    if len(array) == 0:  # Arrow does not know every cast, not even of nothing
        return Cast(pa.array([], target), {})
    if kinds.is_string(target):
        return _cast_text(name, kind, array)
    if array.type == target:
        return Cast(array, {})
    try:
        return Cast(_converted(array, target), {})
    except (pa.ArrowInvalid, OverflowError):
        return _cast_each(name, kind, target, array)


def _cast_text(name: str, kind: ColumnType, array: Any) -> Cast:
    """Text as it is, as long as all of it is UTF-8; else, and of other types, value by value."""
    if kinds.is_string(array.type) or kinds.is_large_string(array.type) or kinds.is_string_view(array.type):
        try:
            array.validate(full=True)
            return Cast(array.cast(pa.string()), {})
        except pa.ArrowInvalid:
            pass
    as_is = Caster(pa.string(), lambda column: Cast(column, {}))  # type: ignore[arg-type]
    return _cast_by_text(name, kind, as_is, texts, array)


def _converted(array: Any, target: pa.DataType) -> Any:
    if kinds.is_timestamp(target):
        return _micros(array).cast(target)
    if kinds.is_float32(array.type) or kinds.is_float16(array.type):
        return array.cast(pa.float32()).cast(pa.string()).cast(target)
    return array.cast(target)


def _cast_each(name: str, kind: ColumnType, target: pa.DataType, array: pa.Array[Any]) -> Cast:
    """Row by row, where the whole column cannot be cast at once."""
    parts: list[Any] = []
    misfits = {}
    for row in range(len(array)):
        one = array[row : row + 1]
        try:
            parts.append(_converted(one, target))
        except (pa.ArrowInvalid, OverflowError):
            parts.append(pa.array([None], target))
            value = texts(one)[0]
            out = isinstance(value, Refusal)
            misfits[row] = misfit(name, kind, value.value if out else value, value.reason if out else None)
    return Cast(pa.concat_arrays(parts), misfits)


def examples_of(column: RawColumn) -> list[Any]:
    """The values of a raw Arrow column as people read them; never an error, whatever the column holds."""
    array = decoded(column)
    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError):  # Python's own types hold less than Arrow's
        return [value.value if isinstance(value, Refusal) else value for value in texts(array)]


def _micros(array: pa.Array[Any]) -> pa.Array[Any]:
    """Time stamps in microseconds: nanoseconds are cut, coarser units checked for overflow."""
    return array.cast(pa.timestamp("us", array.type.tz), safe=array.type.unit != "ns")


def _holds_int64(array: pa.Array[Any]) -> bool:
    try:
        array.cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True


def _is_utf8(array: Any) -> bool:
    try:
        array.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _is_spelled(kind: pa.DataType) -> bool:
    """Types whose text Arrow does not write as we promise."""
    return is_bytes(kind) or kinds.is_interval(kind)


def _is_text(kind: pa.DataType) -> bool:
    strings = kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind)
    wide = kinds.is_decimal(kind) and kind.precision > 38
    return strings or wide or kinds.is_null(kind) or kinds.is_duration(kind) or kinds.is_time(kind) or _is_spelled(kind)


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
