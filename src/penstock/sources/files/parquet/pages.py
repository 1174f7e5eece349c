"""How much memory a Parquet file takes to read, computed from the headers of its pages before any is unpacked.

A page of a few bytes can unpack to gigabytes, and a value that occurs once in a dictionary can occur in every row. The
headers of pages are Thrift's compact protocol: https://parquet.apache.org/docs/file-format/data-pages/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from penstock.deadline import check_patience
from penstock.sources.typing.pieces import compute

HEADER = 1 << 12  # bytes of a page's header that are read first; statistics can make it longer
LONGEST_HEADER = 1 << 24
DICTIONARY_PAGE = 2
LARGEST_READ = 1 << 25  # bytes of a page that is unpacked to look at its dictionary
VALUE = 8  # bytes that a value takes at least, once decoded
SKEW = 4  # a row may have so many times more list items than rows have on average


class BadPage(ValueError):  # noqa: N818 - it names what was met
    """A page's header cannot be read."""


@dataclass(frozen=True, slots=True)
class Heavy:
    """What decoding a file takes, in bytes: `row` on average at most, `value` the longest value that is certain.

    `pages`: the largest unpacked pages of all columns together; `single_row`: what one row's lists may hold at most.
    `column` is the one with the longest value.
    """

    row: int
    pages: int
    value: int
    single_row: int
    column: str


@dataclass(slots=True)
class _Column:
    """One column of one row group: unpacked bytes of its largest page, and bytes of a value (average of a page)."""

    page: int = 0
    value: float = VALUE
    dictionary: int = 0


def weigh(path: Path, metadata: pq.FileMetaData) -> Heavy:
    """Walk the headers of all pages. Raises BadPage."""
    most = Heavy(0, 0, 0, 0, "")
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            most = _heavier(most, _weigh_group(path, file, metadata, group))
    return most


def _weigh_group(path: Path, file: BinaryIO, metadata: pq.FileMetaData, group: int) -> Heavy:
    found = metadata.row_group(group)
    row = pages = longest = single = 0
    where = ""
    for place in range(found.num_columns):
        chunk, leaf = found.column(place), metadata.schema.column(place)
        column = _weigh_column(file, chunk)
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
    return Heavy(row, pages, longest, single, where)


def _weigh_column(file: BinaryIO, chunk: Any) -> _Column:
    found = _Column()
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


def _longest_of_dictionary(path: Path, group: int, name: str, column: _Column) -> int:
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


def _heavier(one: Heavy, other: Heavy) -> Heavy:
    longest = max(one, other, key=lambda heavy: heavy.value)
    return Heavy(
        max(one.row, other.row),
        max(one.pages, other.pages),
        longest.value,
        max(one.single_row, other.single_row),
        longest.column,
    )


def _pages(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Kind, unpacked bytes and values of each page between two offsets. Raises BadPage."""
    while start < end:
        check_patience()
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
