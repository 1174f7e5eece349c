"""The key of a record: text that is the same in every run, whatever type its columns have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from penstock.model.outcome import SHOWN, Refusal, named
from penstock.model.record import Chunk, Key
from penstock.model.text import identifying
from penstock.render.values import rules
from penstock.render.values.columns import Cells, decode
from penstock.render.values.numbers import WHOLE_FLOATS


def key_cells(chunk: Chunk, names: Sequence[str], *, former: bool = False) -> list[Key | None]:
    """The key of every row; None where a part is null, blank or no plain value. Whole numbers are written as such.

    `former`: as release 0.1.0 had it, with what cannot be seen.
    """
    parts = [_texts(chunk, name, former=former) for name in names]
    if len(parts) == 1:
        return list(parts[0])
    return [None if None in row else row for row in zip(*parts, strict=True)]


def why_no_key(chunk: Chunk, names: Sequence[str], row: int) -> Refusal | None:
    """Why a row without a key has none, where its value is neither null nor blank."""
    for name in names:
        index = chunk.records.schema.get_field_index(name)
        value = decode(chunk.records.column(index)[row : row + 1], chunk.records.schema.field(index)).values[0]
        found = value if value is None or isinstance(value, Refusal) else rules.key(value)
        if isinstance(found, Refusal):
            return named(found, name)
    return None


def _texts(chunk: Chunk, name: str, *, former: bool) -> list[str | None]:
    index = chunk.records.schema.get_field_index(name)
    if index < 0:
        return [None] * chunk.records.num_rows
    cells = decode(chunk.records.column(index), chunk.records.schema.field(index))
    if cells.kind == "integer":
        texts = [None if value is None else str(value) for value in cells.values]
    elif former:
        texts = [_former_text(value) for value in cells.values]
    elif cells.kind == "text" and cells.identify():
        texts = cells.values
    else:
        texts = [_text(value) for value in cells.values]
    for row, refusal in chunk.misfits.items():  # its cell is empty, and what was found is still its name
        if refusal.column == name and texts[row] is None and len(refusal.value or "") < SHOWN:
            texts[row] = refusal.value
    return texts


def _text(value: object) -> str | None:
    if type(value) is str:
        return identifying(value) or None
    if value is None or isinstance(value, Refusal):
        return None
    found = rules.key(value)
    return found if isinstance(found, str) else None


def _former_text(value: object) -> str | None:
    found = None if value is None or isinstance(value, Refusal) else rules.former_key(value)
    return found if isinstance(found, str) else None


def rows_of_another_form(chunk: Chunk, names: Iterable[str]) -> frozenset[int]:
    """The rows in which release 0.1.0 wrote the text of one of these columns in another way."""
    found: set[int] = set()
    for name in names:
        index = chunk.records.schema.get_field_index(name)
        if index >= 0 and _may_have_another_form(chunk.records.column(index), chunk.records.schema.field(index)):
            values = decode(chunk.records.column(index), chunk.records.schema.field(index)).values
            found.update(row for row, value in enumerate(values) if _text(value) != _former_text(value))
    return frozenset(found)


def _may_have_another_form(array: pa.Array[Any], field: pa.Field[Any]) -> bool:
    """By the column alone: texts with something to take off, floats past 10^15. JSON columns are passed over."""
    if pa.types.is_floating(array.type):
        ends: Mapping[str, Any] = pc.call_function("min_max", [array]).as_py()
        return ends["max"] is not None and max(abs(ends["min"]), abs(ends["max"])) >= WHOLE_FLOATS
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)) or field.metadata:
        return False
    return array.null_count < len(array) and not Cells([], "text", array.cast(pa.large_string())).identify()


def one_text(key: Key) -> str:
    """A key as one text, for ids derived from it: parts joined by `:`, which is escaped inside a part."""
    if isinstance(key, str):
        return key
    if len(key) == 1:
        return key[0]
    return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in key)
