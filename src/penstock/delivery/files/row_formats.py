"""Records as NDJSON, CSV or Parquet.

A payload is the JSON of a record; `RowFormat` makes of it what is written. NDJSON is that JSON. In CSV null is an
unquoted blank and `""` is empty text, as Penstock reads them; nested values are JSON text. Parquet has the types of the
dataset's columns. Until it is complete its rows are a stream of Arrow messages: unlike Parquet, it can be cut anywhere
between two of them and continued.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from penstock.delivery.files.columns import FileColumn, json_of
from penstock.model.outcome import Refusal, named
from penstock.model.record import Payload
from penstock.render.file_names import extension_of
from penstock.render.values.json_values import read_json

QUOTED = re.compile(r'[",\r\n]|^\s|\s$')  # a text that Penstock, or another reader, would read as another one
ROW_GROUP = 65_536
NO_NULL = "a CSV file with one column cannot hold a null: the line would be blank"


class EncodedRows(NamedTuple):
    """The bytes of some records; `refused` are those that the file cannot hold."""

    data: bytes
    written: Sequence[Payload]
    refused: Sequence[tuple[Payload, Refusal]] = ()


class RowFormat(Protocol):
    """How records become the bytes of a file. `converts`: the complete file is made of those bytes, and is not them."""

    converts: bool

    def head(self) -> bytes:
        """What the file begins with."""
        ...

    def rows(self, payloads: Sequence[Payload]) -> EncodedRows:
        """The bytes that these records add to the file."""
        ...

    def convert(self, staged: Path, finished: Path) -> None:
        """Make the complete file of what was written, where it `converts`."""
        ...


def row_format(path: str, columns: Sequence[FileColumn]) -> RowFormat:
    """The format of a file, by its extension."""
    formats: dict[str, Any] = {".ndjson": NdjsonFormat, ".csv": CsvFormat, ".parquet": ParquetFormat}
    made: RowFormat = formats[extension_of(path)](columns)
    return made


class NdjsonFormat:
    """One JSON object a line. A member that the record does not have is absent."""

    converts = False

    def __init__(self, columns: Sequence[FileColumn]) -> None:
        """The columns are those of each record: they need no header."""

    def head(self) -> bytes:
        return b""

    def rows(self, payloads: Sequence[Payload]) -> EncodedRows:
        return EncodedRows(b"".join(payload.text + b"\n" for payload in payloads), payloads)

    def convert(self, staged: Path, finished: Path) -> None:
        staged.replace(finished)


class CsvFormat:
    """RFC 4180 with UTF-8, commas and line feeds."""

    converts = False

    def __init__(self, columns: Sequence[FileColumn]) -> None:
        self._names = [column.name for column in columns]

    def head(self) -> bytes:
        return self._line([_csv_text(name) for name in self._names])

    def rows(self, payloads: Sequence[Payload]) -> EncodedRows:
        lines: list[bytes] = []
        written: list[Payload] = []
        refused: list[tuple[Payload, Refusal]] = []
        for payload in payloads:
            record = record_of(payload)
            cells = [_csv_cell(record.get(name)) for name in self._names]
            if cells == [""]:
                refused.append((payload, named(Refusal("required", NO_NULL, accepted="a value"), self._names[0])))
                continue
            lines.append(self._line(cells))
            written.append(payload)
        return EncodedRows(b"".join(lines), written, refused)

    def convert(self, staged: Path, finished: Path) -> None:
        staged.replace(finished)

    @staticmethod
    def _line(cells: Sequence[str]) -> bytes:
        return (",".join(cells) + "\n").encode()


def record_of(payload: Payload) -> dict[str, Any]:
    """The record that was rendered, with every digit of its numbers."""
    found = read_json(payload.text.decode())
    assert isinstance(found, dict)
    return found


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _csv_text(value)
    if isinstance(value, dict | list):
        return _csv_text(json_of(value))
    if isinstance(value, float | Decimal):
        return _csv_number(value)
    return json_of(value)


def _csv_number(value: float | Decimal) -> str:
    """A number in the form in which a CSV file is read as numbers: without exponent, a whole one without fraction."""
    text = format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    return text.removesuffix(".0")


def _csv_text(text: str) -> str:
    if text and QUOTED.search(text) is None:
        return text
    return '"' + text.replace('"', '""') + '"'


class ParquetFormat:
    """Typed columns. A value that its column cannot hold without loss is refused."""

    converts = True

    def __init__(self, columns: Sequence[FileColumn]) -> None:
        self._columns = columns
        self._schema = pa.schema([pa.field(column.name, column.arrow) for column in columns])

    def head(self) -> bytes:
        return self._schema.serialize().to_pybytes()

    def rows(self, payloads: Sequence[Payload]) -> EncodedRows:
        cells: list[list[Any]] = [[] for _ in self._columns]
        written: list[Payload] = []
        refused: list[tuple[Payload, Refusal]] = []
        for payload in payloads:
            record = record_of(payload)
            row = [column.typed(record.get(column.name)) for column in self._columns]
            refusal = next((value for value in row if isinstance(value, Refusal)), None)
            if refusal is not None:
                refused.append((payload, refusal))
                continue
            for values, value in zip(cells, row, strict=True):
                values.append(value)
            written.append(payload)
        arrays = [pa.array(values, field.type) for values, field in zip(cells, self._schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        return EncodedRows(batch.serialize().to_pybytes(), written, refused)

    def convert(self, staged: Path, finished: Path) -> None:
        with staged.open("rb") as source, finished.open("wb") as target:
            reader = pa.ipc.open_stream(source)
            with closing(pq.ParquetWriter(target, self._schema, compression="zstd")) as writer:
                group: list[pa.RecordBatch] = []
                rows = 0
                for batch in reader:
                    group.append(batch)
                    rows += batch.num_rows
                    if rows >= ROW_GROUP:
                        writer.write_table(pa.Table.from_batches(group), row_group_size=rows)
                        group, rows = [], 0
                if rows:
                    writer.write_table(pa.Table.from_batches(group), row_group_size=rows)
