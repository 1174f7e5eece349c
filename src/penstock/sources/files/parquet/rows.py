"""Rows of Parquet files, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from penstock.bounds import bounds, in_megabytes
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.sources.columns import doubled, listed
from penstock.sources.files.parquet.pages import BadPage, weigh
from penstock.sources.files.source_files import wrong
from penstock.sources.files.text.encoding import refuse_wide, too_long
from penstock.sources.typing.arrow import ArrowJudge, UntypableColumn, arrow_caster, column_type, plain_type
from penstock.sources.typing.pieces import Caster, Judge, Piece, compute

BATCH = 16384
BYTES = (
    "the column holds bytes, and all of them are UTF-8 text: types: {column: text} at the dataset reads them as text"
)
HEAVIEST = 12  # times the bound of a cell: memory for the pages that are unpacked at one time, or for one row
BUFFER = 1 << 20  # bytes: column chunks are read through a buffer, never whole


def is_text(kind: pa.DataType) -> bool:
    """Whether the values of the type are text or bytes of any length."""
    kinds = pa.types
    return bool(
        kinds.is_string(kind) or kinds.is_binary(kind) or kinds.is_large_string(kind) or kinds.is_large_binary(kind)
    )


class ParquetRows:
    """One or several Parquet files with the same columns; the order of columns may differ."""

    open_ended = False

    def __init__(self, source: FileSource, files: list[Path]) -> None:
        self._source = source
        self._files = files
        self._judges: dict[str, ArrowJudge] = {}
        schemas = [self._schema(path) for path in files]
        self._types = {field.name: field.type for field in schemas[0]}
        if (name := doubled(schemas[0].names)) is not None:
            raise wrong(source, f"{files[0].name}: the column {name} occurs twice", "double-column", found=name)
        for path, schema in zip(files, schemas, strict=True):
            self._check(path, schema)

    def names(self) -> list[str]:
        return list(self._types)

    def declared(self, name: str) -> ColumnType | None:
        plain = plain_type(
            self._types[name]
        )  # a column without values may have no type, or a wide one, that values narrow
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
                raise wrong(self._source, f"{path.name} is damaged: {error}", "torn-file", file=str(path)) from None
            finally:
                reader.close()

    def _schema(self, path: Path) -> pa.Schema:
        with self._open(path) as reader:
            refuse_wide(self._source, path, reader.metadata.num_columns)
            return reader.schema_arrow

    def _batch_rows(self, path: Path, metadata: pq.FileMetaData) -> int:
        """How many rows are decoded at once. Raises InputError when a value, or one row, is beyond the bound."""
        try:
            heavy = weigh(path, metadata)
        except BadPage:
            message = f"{path.name} is damaged: a page has no readable header"
            raise wrong(self._source, message, "torn-file", file=str(path)) from None
        most = bounds().cell
        if heavy.value > most:
            raise too_long(self._source, path, None, f"a value in column {heavy.column}")
        beyond = max(heavy.pages, heavy.row, heavy.single_row)
        if beyond > most * HEAVIEST:
            found, bound = in_megabytes(beyond), in_megabytes(most * HEAVIEST)
            message = f"{path.name}: reading one row may take {found} of memory, and the most is {bound}"
            hint = "write it with smaller pages and row groups"
            raise wrong(self._source, message, "too-long", hint=hint, file=str(path))
        return max(1, min(BATCH, most * 2 // max(heavy.row, 1)))

    def _refuse_long(self, path: Path, batch: pa.RecordBatch) -> None:
        """Raise InputError where a decoded value is beyond the bound: a page has only the average of its values."""
        most = bounds().cell
        if batch.nbytes <= most:
            return
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if is_text(column.type) and (compute.max(compute.binary_length(column)).as_py() or 0) > most:
                raise too_long(self._source, path, None, f"a value in column {name}")

    def _open(self, path: Path) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER, coerce_int96_timestamp_unit="us")
        except (pa.ArrowInvalid, OSError) as error:
            message = f"{path.name} is no readable Parquet file: {error}"
            raise wrong(self._source, message, "torn-file", file=str(path)) from None

    def _check(self, path: Path, schema: pa.Schema) -> None:
        if set(schema.names) != set(self._types):
            odd = sorted(set(schema.names) ^ set(self._types))
            message = f"{path.name} has other columns than {self._files[0].name}: {listed(odd)}"
            raise wrong(self._source, message, "other-columns", file=str(path), found=listed(odd))
        for field in schema:
            try:
                column_type(field.type)
            except UntypableColumn as error:
                raise wrong(self._source, f"{path.name}, column {field.name}: {error}", "untypable-column") from None
            self._types[field.name] = self._joined(path, field)

    def _joined(self, path: Path, field: pa.Field[Any]) -> pa.DataType:
        """The one type for a column of several files. Raises InputError when there is none."""
        before: pa.DataType = self._types[field.name]
        now: pa.DataType = field.type
        if before == now:
            return before
        fields = [pa.schema([pa.field("c", plain_type(kind))]) for kind in (before, now)]
        try:
            joined: pa.DataType = pa.unify_schemas(fields, promote_options="permissive").field(0).type
        except pa.ArrowException:
            message = f"{path.name}: column {field.name} is {now}, in {self._files[0].name} it is {before}"
            raise wrong(self._source, message, "other-columns", file=str(path), found=str(now)) from None
        return joined
