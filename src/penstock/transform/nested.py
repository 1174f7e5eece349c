"""Nested Arrow columns as values that JSON can say, by the rules that hold for columns at the top.

A float32 is its shortest decimal (29.85, not 29.850000381), a moment ISO 8601 in UTC cut to microseconds, a time of day
`12:30:00`, a duration `PT90.5S`, bytes are hexadecimal text, and maps are objects. A value that has no such form is the
Refusal that says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from penstock.model.outcome import Refusal
from penstock.transform.refusing import refuse
from penstock.transform.scalars import scalar_values

A_JSON_NAME = "each name once in an object"


def json_values(array: pa.Array[Any]) -> list[Any]:
    """The column's values, one per row: None, a value that JSON can say, or a Refusal."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return json_values(array.storage)
    if isinstance(array, pa.DictionaryArray):
        return json_values(array.dictionary_decode())
    if isinstance(array, pa.RunEndEncodedArray):
        return json_values(pc.call_function("run_end_decode", [array]))
    if kinds.is_struct(kind):
        return _objects(array)
    if kinds.is_map(kind):
        return _maps(array)
    if kinds.is_nested(kind) and not kinds.is_union(kind):
        return _lists(array)
    return scalar_values(array)


def _objects(array: Any) -> list[Any]:
    names = [field.name for field in array.type]
    double = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if double is not None:
        return [None if gone else _doubled(double) for gone in array.is_null().to_pylist()]
    columns = [json_values(part) for part in array.flatten()]
    rows = zip(*columns, strict=True) if columns else ((),) * len(array)
    gone = array.is_null().to_pylist()
    return [None if null else dict(zip(names, row, strict=True)) for null, row in zip(gone, rows, strict=True)]


def _lists(array: Any) -> list[Any]:
    kind = array.type
    if kinds.is_fixed_size_list(kind) or kinds.is_list_view(kind) or kinds.is_large_list_view(kind):
        array = array.cast(pa.large_list(kind.value_field))
    return _cut(array, json_values(_used(array, array.values)))


def _maps(array: Any) -> list[Any]:
    names = [_name(value) for value in json_values(_used(array, array.keys))]
    pairs = list(zip(names, json_values(_used(array, array.items)), strict=True))
    return [None if row is None else _object(row) for row in _cut(array, pairs)]


def _used(array: Any, inner: Any) -> Any:
    """The part of the inner values that the rows of `array` speak of."""
    offsets = array.offsets
    if not len(offsets):
        return inner[:0]
    first, end = offsets[0].as_py(), offsets[len(offsets) - 1].as_py()
    return inner[first:end]


def _cut(array: Any, inner: Sequence[Any]) -> list[Any]:
    """One list a row, out of the inner values of all rows."""
    offsets = array.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    gone = array.is_null().to_pylist()
    return [
        None if null else list(inner[offsets[row] - first : offsets[row + 1] - first]) for row, null in enumerate(gone)
    ]


def _object(pairs: Sequence[tuple[Any, Any]]) -> object:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if isinstance(name, Refusal):
            return name
        if name in made:
            return _doubled(name)
        made[name] = value
    return made


def _name(value: object) -> object:
    """A map's key as the name of a member."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | Refusal) else str(value)


def _doubled(name: str) -> Refusal:
    return refuse("json", name, "stands twice in one object", A_JSON_NAME)
