"""Arrow columns as Python lists, each decoded once per chunk, with the vectorised tests that accept clean columns.

Dates and moments are decoded to the ISO 8601 text that is sent, in UTC and cut to microseconds; JSON text to its value.
A float32 is its shortest decimal (29.85, not 29.850000381), a time of day `12:30:00`, a duration `PT90.5S`; bytes are
hexadecimal text, and maps are objects. The same rules hold for values nested in a column. A value that cannot be
decoded is replaced by its Refusal.
The key of a record is made of its key columns: text that is the same in every run, whatever type its columns have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from penstock.model.outcome import SHOWN, Refusal, named, refuse
from penstock.model.record import Chunk, Key
from penstock.model.text import ANY_INVISIBLE, identifying
from penstock.render.values import rules
from penstock.render.values.json_values import out_of_years, read_json, scalar_values
from penstock.render.values.numbers import WHOLE_FLOATS

A_JSON_NAME = "each name once in an object"

Kind = Literal["null", "text", "integer", "number", "decimal", "boolean", "date", "json"]
JSON_MARK = {b"penstock": b"json"}


def json_values(array: pa.Array[Any]) -> list[Any]:
    """The column's values, one per row: None, a value that JSON can say, or a Refusal."""
    kind = array.type
    if not len(array):
        return []  # it may have no offsets: Arrow would read beyond its buffers
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
    if kinds.is_list_view(kind) or kinds.is_large_list_view(kind):  # Arrow's cast of these loses values
        inner = iter(json_values(array.flatten()))
        return [None if size is None else list(islice(inner, size)) for size in array.value_lengths().to_pylist()]
    if kinds.is_fixed_size_list(kind):
        array = array.cast(pa.large_list(kind.value_field))
    return _cut(array, json_values(_used(array, array.values)))


def _maps(array: Any) -> list[Any]:
    names = [_name(value) for value in json_values(_used(array, array.keys))]
    pairs = list(zip(names, json_values(_used(array, array.items)), strict=True))
    return [None if row is None else _object(row) for row in _cut(array, pairs)]


def _used(array: Any, inner: Any) -> Any:
    """The part of the inner values that the rows of `array` refer to."""
    offsets = array.offsets
    first, end = offsets[0].as_py(), offsets[len(offsets) - 1].as_py()
    return inner[first:end]


def _cut(array: Any, inner: Sequence[Any]) -> list[Any]:
    """One list a row, out of the inner values of all rows."""
    offsets = array.offsets.to_pylist()
    first = offsets[0]
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
    return refuse("json", name, "occurs twice in one object", A_JSON_NAME)


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a chunk. `values` may hold Refusals if `has_refusals`; vectorised tests use `array`, a `kind`."""

    values: list[Any]
    kind: Kind
    array: pa.Array[Any]
    has_refusals: bool = False

    @property
    def full(self) -> bool:
        return self.array.null_count == 0

    def longest(self) -> int:
        """Characters of the longest text."""
        lengths: pa.Array[Any] = pc.call_function("utf8_length", [self.array])
        most = pc.max(lengths).as_py()
        return 0 if most is None else int(most)

    def within(self, low: int, high: int) -> bool:
        """Whether every number lies in low … high; nulls do."""
        ends: Mapping[str, Any] = pc.call_function("min_max", [self.array]).as_py()
        return ends["min"] is None or (low <= ends["min"] and ends["max"] <= high)

    def identify(self) -> bool:
        """Whether every text can be a key without a change: not blank, no invisible characters, no blanks around it."""
        trimmed = pc.call_function("utf8_trim_whitespace", [self.array])
        changed = pc.any(pc.not_equal(trimmed, self.array)).as_py()
        empty = pc.min(pc.call_function("binary_length", [self.array])).as_py() == 0
        return not changed and not empty and not self.hide()

    def hide(self) -> bool:
        """Whether some text has an invisible character."""
        if pc.all(pc.call_function("string_is_ascii", [self.array])).as_py() in (True, None):
            return False
        return pc.any(pc.match_substring_regex(self.array, ANY_INVISIBLE)).as_py() is True

    def all_match(self, pattern: str) -> bool:
        """Whether every text matches the RE2 pattern; nulls do."""
        return pc.all(pc.match_substring_regex(self.array, pattern)).as_py() in (True, None)


def decode(array: pa.Array[Any], field: pa.Field[Any], *, is_json: bool = False) -> Cells:
    """One column of a chunk, decoded by its Arrow type; `is_json` says that its text is JSON."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return decode(array.cast(kind.value_type), field, is_json=is_json)
    if pa.types.is_null(kind):
        return Cells([None] * len(array), "null", array)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        marked = is_json or (field.metadata or {}).get(b"penstock") == JSON_MARK[b"penstock"]
        return _json(array) if marked else Cells(array.to_pylist(), "text", array.cast(pa.large_string()))
    if pa.types.is_boolean(kind):
        return Cells(array.to_pylist(), "boolean", array)
    if pa.types.is_integer(kind):
        return Cells(array.to_pylist(), "integer", array)
    return _decode_rarer(array)


def _decode_rarer(array: pa.Array[Any]) -> Cells:
    kind = array.type
    if pa.types.is_floating(kind):
        wide = array.cast(pa.float64())
        return Cells(wide.to_pylist(), "number", wide)
    if pa.types.is_decimal(kind):
        return Cells(array.to_pylist(), "decimal", array)
    if pa.types.is_date(kind):
        return _dates(array.cast(pa.date32()))
    if pa.types.is_timestamp(kind):
        return _moments(array)
    nested = json_values(array)
    return Cells(nested, "json", array, has_refusals=any(type(value) is Refusal for value in nested))


def _json(array: pa.Array[Any]) -> Cells:
    values = [None if text is None else read_json(text) for text in array.to_pylist()]
    return Cells(values, "json", array, has_refusals=any(type(value) is Refusal for value in values))


def _dates(array: pa.Array[Any]) -> Cells:
    return _checked(array.cast(pa.string()).to_pylist(), array, {10})


def _moments(array: pa.Array[Any]) -> Cells:
    """Moments in UTC to the second, or with 3 or 6 decimals where they have them; finer is cut off."""
    plain = array.cast(pa.timestamp("us"), safe=False)
    ticks = plain.cast(pa.int64())
    seconds = plain.cast(pa.timestamp("s"), safe=False)
    if pc.all(pc.equal(seconds.cast(pa.timestamp("us")).cast(pa.int64()), ticks)).as_py() is not False:
        texts = seconds.cast(pa.string()).to_pylist()
        return _checked([t and f"{t[:10]}T{t[11:]}Z" for t in texts], array, {20})
    texts = plain.cast(pa.string()).to_pylist()
    return _checked([t and _shortened(f"{t[:10]}T{t[11:]}") for t in texts], array, {20, 24, 27})


def _shortened(text: str) -> str:
    if text.endswith("000000"):
        return text[:-7] + "Z"
    return text.removesuffix("000") + "Z"


def _checked(texts: list[Any], array: pa.Array[Any], lengths: set[int]) -> Cells:
    """Years past 9999 or before 1 have no ISO form: their texts are longer, or begin with 0000."""
    values = [
        text if text is None or (len(text) in lengths and text[:4] != "0000") else out_of_years(text) for text in texts
    ]
    has_refusals = any(type(value) is Refusal for value in values)
    return Cells(values, "date", array, has_refusals=has_refusals)


def cut(value: object, path: tuple[str, ...]) -> object:
    """`value` without the member at `path`, which can lead through objects and lists. `value` is not changed."""
    if isinstance(value, list):
        return [cut(item, path) for item in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {name: member for name, member in value.items() if name != path[0]}
    return {name: cut(member, path[1:]) if name == path[0] else member for name, member in value.items()}


# ── the key of each record ───────────────────────────────────────────────────


def key_cells(chunk: Chunk, names: Sequence[str], *, former: bool = False) -> list[Key | None]:
    """The key of every row; None where a part is null, blank or no plain value. Whole numbers are written as such.

    `former`: as release 0.1.0 had it, with what cannot be seen.
    """
    parts = [_key_texts(chunk, name, former=former) for name in names]
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


def _key_texts(chunk: Chunk, name: str, *, former: bool) -> list[str | None]:
    index = chunk.records.schema.get_field_index(name)
    if index < 0:
        return [None] * chunk.records.num_rows
    cells = decode(chunk.records.column(index), chunk.records.schema.field(index))
    if cells.kind == "integer":
        texts = [None if value is None else str(value) for value in cells.values]
    elif former:
        texts = [_former_key_text(value) for value in cells.values]
    elif cells.kind == "text" and cells.identify():
        texts = cells.values
    else:
        texts = [_key_text(value) for value in cells.values]
    for row, refusal in chunk.misfits.items():  # its cell is empty, and what was found is still its name
        if refusal.column == name and texts[row] is None and len(refusal.value or "") < SHOWN:
            texts[row] = refusal.value
    return texts


def _key_text(value: object) -> str | None:
    if type(value) is str:
        return identifying(value) or None
    if value is None or isinstance(value, Refusal):
        return None
    found = rules.key(value)
    return found if isinstance(found, str) else None


def _former_key_text(value: object) -> str | None:
    found = None if value is None or isinstance(value, Refusal) else rules.former_key(value)
    return found if isinstance(found, str) else None


def rows_of_another_form(chunk: Chunk, names: Iterable[str]) -> frozenset[int]:
    """The rows in which release 0.1.0 wrote the text of one of these columns in another way."""
    found: set[int] = set()
    for name in names:
        index = chunk.records.schema.get_field_index(name)
        if index >= 0 and _may_have_another_form(chunk.records.column(index), chunk.records.schema.field(index)):
            values = decode(chunk.records.column(index), chunk.records.schema.field(index)).values
            found.update(row for row, value in enumerate(values) if _key_text(value) != _former_key_text(value))
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
