"""The key of a record: text that is the same in every run, whatever type its columns have."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.model.invisible import identifying
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Key
from penstock.transform import rules
from penstock.transform.columns import decode
from penstock.transform.refusing import SHOWN, named


def key_cells(chunk: Chunk, names: Sequence[str]) -> list[Key | None]:
    """The key of every row; None where a part is null, blank or no plain value. Whole numbers are written as such."""
    parts = [_texts(chunk, name) for name in names]
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


def _texts(chunk: Chunk, name: str) -> list[str | None]:
    index = chunk.records.schema.get_field_index(name)
    if index < 0:
        return [None] * chunk.records.num_rows
    cells = decode(chunk.records.column(index), chunk.records.schema.field(index))
    if cells.kind == "integer":
        texts = [None if value is None else str(value) for value in cells.values]
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


def one_text(key: Key) -> str:
    """A key as one text, for ids derived from it: parts joined by `:`, which is escaped inside a part."""
    if isinstance(key, str):
        return key
    if len(key) == 1:
        return key[0]
    return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in key)
