"""Rows of Parquet files, in bounded memory: the headers of all pages show what decoding takes, before it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from penstock.bounds import bounds, in_megabytes
from penstock.deadline import check_deadline
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.model.text import joined, repeated
from penstock.sources.files.source_files import file_error, refuse_wide, too_long
from penstock.sources.typing.arrow import ArrowJudge, UntypableColumn, arrow_caster, column_type, plain_type
from penstock.sources.typing.pieces import Caster, Judge, Piece, compute

BATCH = 16384
BYTES = (
    "the column holds bytes, and all of them are UTF-8 text: types: {column: text} at the dataset reads them as text"
)
HEAVIEST = 12  # times the bound of a cell: memory for the pages that are unpacked at one time, or for one row
BUFFER = 1 << 20  # bytes: column chunks are read through a buffer, never whole
HEADER = 1 << 12  # bytes of a page's header that are read first; statistics can make it longer
LONGEST_HEADER = 1 << 24
DICTIONARY_PAGE = 2
LARGEST_READ = 1 << 25  # bytes of a page that is unpacked to look at its dictionary
VALUE = 8  # bytes that a value takes at least, once decoded
SKEW = 4  # a row may have so many times more list items than rows have on average


class ParquetRows:
    """One or several Parquet files with the same columns; the order of columns may differ."""

    open_ended = False

    def __init__(self, source: FileSource, files: list[Path]) -> None:
        self._source = source
        self._files = files
        self._judges: dict[str, ArrowJudge] = {}
        schemas = [self._schema(path) for path in files]
        self._types = {field.name: field.type for field in schemas[0]}
        if (name := repeated(schemas[0].names)) is not None:
            raise file_error(source, f"{files[0].name}: the column {name} occurs twice", "double-column", found=name)
        for path, schema in zip(files, schemas, strict=True):
            self._check(path, schema)

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        plain = plain_type(self._types[name])
        # A column without values may have no type, or a wide one, that values narrow.
        return None if plain in (pa.uint64(), pa.null()) else column_type(self._types[name])

    def judge(self, name: str) -> Judge:
        judge = self._judges[name] = ArrowJudge(self._types[name], narrow=False)
        return judge

    def typing_notes(self) -> tuple[Note, ...]:
        """What was found out about the values that the last judges saw."""
        return tuple(Note(name, "sent as hex", BYTES) for name, judge in self._judges.items() if judge.holds_text)

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return arrow_caster(name, self._types[name], kind, given=given)

    def pieces(self) -> Iterator[Piece]:
        for path in self._files:
            reader = self._open(path)
            try:
                for batch in reader.iter_batches(self._batch_rows(path, reader.metadata), use_threads=False):
                    self._refuse_long(path, batch)
                    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
                    yield Piece(batch.num_rows, columns)
            except (pa.ArrowInvalid, OSError) as error:
                raise file_error(
                    self._source, f"{path.name} is damaged: {error}", "torn-file", file=str(path)
                ) from None
            finally:
                reader.close()

    def _schema(self, path: Path) -> pa.Schema:
        with self._open(path) as reader:
            refuse_wide(self._source, path, reader.metadata.num_columns)
            return reader.schema_arrow

    def _batch_rows(self, path: Path, metadata: pq.FileMetaData) -> int:
        """How many rows are decoded at once. Raises InputError when a value, or one row, is beyond the bound."""
        try:
            cost = decoding_cost(path, metadata)
        except BadPage:
            message = f"{path.name} is damaged: a page has no readable header"
            raise file_error(self._source, message, "torn-file", file=str(path)) from None
        most = bounds().cell
        if cost.value > most:
            raise too_long(self._source, path, None, f"a value in column {cost.column}")
        beyond = max(cost.pages, cost.row, cost.single_row)
        if beyond > most * HEAVIEST:
            found, bound = in_megabytes(beyond), in_megabytes(most * HEAVIEST)
            message = f"{path.name}: reading one row may take {found} of memory, and the most is {bound}"
            hint = "write it with smaller pages and row groups"
            raise file_error(self._source, message, "too-long", hint=hint, file=str(path))
        return max(1, min(BATCH, most * 2 // max(cost.row, 1)))

    def _refuse_long(self, path: Path, batch: pa.RecordBatch) -> None:
        """Raise InputError where a decoded value is beyond the bound: a page has only the average of its values."""
        most = bounds().cell
        if batch.nbytes <= most:
            return
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if _is_text(column.type) and (compute.max(compute.binary_length(column)).as_py() or 0) > most:
                raise too_long(self._source, path, None, f"a value in column {name}")

    def _open(self, path: Path) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER, coerce_int96_timestamp_unit="us")
        except (pa.ArrowInvalid, OSError) as error:
            message = f"{path.name} is no readable Parquet file: {error}"
            raise file_error(self._source, message, "torn-file", file=str(path)) from None

    def _check(self, path: Path, schema: pa.Schema) -> None:
        if set(schema.names) != set(self._types):
            odd = sorted(set(schema.names) ^ set(self._types))
            message = f"{path.name} has other columns than {self._files[0].name}: {joined(odd)}"
            raise file_error(self._source, message, "other-columns", file=str(path), found=joined(odd))
        for field in schema:
            try:
                column_type(field.type)
            except UntypableColumn as error:
                raise file_error(
                    self._source, f"{path.name}, column {field.name}: {error}", "untypable-column"
                ) from None
            self._types[field.name] = self._joined(path, field)

    def _joined(self, path: Path, field: pa.Field[Any]) -> pa.DataType:
        """The one type for a column of several files. Raises InputError when there is none."""
        before: pa.DataType = self._types[field.name]
        now: pa.DataType = field.type
        if before == now:
            return before
        fields = [pa.schema([pa.field("c", plain_type(kind))]) for kind in (before, now)]
        try:
            common: pa.DataType = pa.unify_schemas(fields, promote_options="permissive").field(0).type
        except pa.ArrowException:
            message = f"{path.name}: column {field.name} is {now}, in {self._files[0].name} it is {before}"
            raise file_error(self._source, message, "other-columns", file=str(path), found=str(now)) from None
        return common


def _is_text(kind: pa.DataType) -> bool:
    """Whether the values of the type are text or bytes of any length."""
    kinds = pa.types
    return bool(
        kinds.is_string(kind) or kinds.is_binary(kind) or kinds.is_large_string(kind) or kinds.is_large_binary(kind)
    )


# ── memory for decoding ──────────────────────────────────────────────────────


class BadPage(ValueError):  # noqa: N818 - it names what was found
    """A page's header cannot be read."""


@dataclass(frozen=True, slots=True)
class DecodingCost:
    """The memory for decoding a file, in bytes: `row` on average at most, `value` the longest value that is certain.

    `pages`: the largest unpacked pages of all columns together; `single_row`: what one row's lists may hold at most.
    `column` is the one with the longest value.
    """

    row: int
    pages: int
    value: int
    single_row: int
    column: str


@dataclass(slots=True)
class _ColumnCost:
    """One column of one row group: unpacked bytes of its largest page, and bytes of a value (average of a page)."""

    page: int = 0
    value: float = VALUE
    dictionary: int = 0


def decoding_cost(path: Path, metadata: pq.FileMetaData) -> DecodingCost:
    """Walk the headers of all pages. Raises BadPage."""
    most = DecodingCost(0, 0, 0, 0, "")
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            most = _larger(most, _group_cost(path, file, metadata, group))
    return most


def _group_cost(path: Path, file: BinaryIO, metadata: pq.FileMetaData, group: int) -> DecodingCost:
    found = metadata.row_group(group)
    row = pages = longest = single = 0
    where = ""
    for place in range(found.num_columns):
        chunk, leaf = found.column(place), metadata.schema.column(place)
        column = _column_cost(file, chunk)
        value = column.value
        if leaf.physical_type == "BYTE_ARRAY" and column.dictionary > VALUE:
            value = max(value, _longest_of_dictionary(path, group, chunk.path_in_schema, column))
        pages += column.page
        if value > longest:
            longest, where = int(value), chunk.path_in_schema
        if leaf.max_repetition_level:
            single = max(single, int((chunk.num_values - found.num_rows + 1) * value))
            value *= SKEW * max(chunk.num_values / max(found.num_rows, 1), 1)
        row += int(value) + 1
    return DecodingCost(row, pages, longest, single, where)


def _column_cost(file: BinaryIO, chunk: Any) -> _ColumnCost:
    found = _ColumnCost()
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset:
        start = min(start, chunk.dictionary_page_offset)
    for kind, unpacked, values in _pages(file, start, start + chunk.total_compressed_size):
        found.page = max(found.page, unpacked)
        if kind == DICTIONARY_PAGE:
            found.dictionary = max(found.dictionary, unpacked)
        elif values:
            found.value = max(found.value, unpacked / values)
    return found


def _longest_of_dictionary(path: Path, group: int, name: str, column: _ColumnCost) -> int:
    """The bytes of the longest value in the dictionary of a column; its whole size where that cannot be seen."""
    size = column.dictionary
    if column.page > LARGEST_READ:
        return size
    try:
        with pq.ParquetFile(path, pre_buffer=False, read_dictionary=[name]) as reader:
            batch = next(reader.iter_batches(1, row_groups=[group], columns=[name], use_threads=False))
    except (StopIteration, pa.ArrowException, OSError):
        return size
    array: Any = batch.column(0)
    while not isinstance(array, pa.DictionaryArray):
        if isinstance(array, pa.StructArray) and array.type.num_fields == 1:
            array = array.field(0)
        elif isinstance(array, (pa.ListArray, pa.LargeListArray)):
            array = array.values
        else:
            return size
    return int(compute.max(compute.binary_length(array.dictionary)).as_py() or 0)


def _larger(one: DecodingCost, other: DecodingCost) -> DecodingCost:
    longest = max(one, other, key=lambda cost: cost.value)
    return DecodingCost(
        max(one.row, other.row),
        max(one.pages, other.pages),
        longest.value,
        max(one.single_row, other.single_row),
        longest.column,
    )


def _pages(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, unpacked bytes and values of each page between two offsets. Raises BadPage."""
    while start < end:
        check_deadline()
        fields, length = _header(file, start)
        kind, unpacked, packed = fields.get(1), fields.get(2), fields.get(3)
        if not (isinstance(kind, int) and isinstance(unpacked, int) and isinstance(packed, int)) or packed < 0:
            raise BadPage
        about = fields.get(5) or fields.get(7) or fields.get(8) or {}
        yield kind, unpacked, int(about.get(1, 0))
        start += length + packed


def _header(file: BinaryIO, start: int) -> tuple[dict[int, Any], int]:
    size = HEADER
    while True:
        file.seek(start)
        data = file.read(size)
        thrift = _Thrift(data)
        try:
            return thrift.struct(0), thrift.at
        except IndexError:
            if len(data) < size or size >= LONGEST_HEADER:
                raise BadPage from None
            size *= 16


class _Thrift:
    """Reads Thrift's compact protocol; what runs over the end of the data is an IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int) -> dict[int, Any]:
        """The fields of a struct by their ids."""
        if depth > 8:
            raise BadPage
        fields: dict[int, Any] = {}
        name = 0
        while head := self._byte():
            step = head >> 4
            name = name + step if step else self._zigzag()
            fields[name] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in {1, 2}:  # true, false: in the kind itself
            return kind == 1
        if kind in {4, 5, 6}:
            return self._zigzag()
        if kind == 12:
            return self.struct(depth + 1)
        if kind in {3, 7, 8}:  # a byte, a double, bytes
            return self._skip(1 if kind == 3 else 8 if kind == 7 else self._varint())
        if kind in {9, 10}:
            return self._list(depth)
        raise BadPage

    def _list(self, depth: int) -> None:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        for _ in range(count):
            if head & 15 in {1, 2}:
                self._skip(1)
            else:
                self._value(head & 15, depth)

    def _skip(self, count: int) -> None:
        if self.at + count > len(self._data):
            raise IndexError
        self.at += count

    def _byte(self) -> int:
        byte = self._data[self.at]
        self.at += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise BadPage

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
