"""What the format `parquet` is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.spec import FileSource
from penstock.sources.files.file_format import FileFormat

if TYPE_CHECKING:
    from penstock.sources.files.parquet.rows import ParquetRows


def _read(source: FileSource, files: list[Path]) -> ParquetRows:
    from penstock.sources.files.parquet.rows import ParquetRows  # noqa: PLC0415 - brings Arrow

    return ParquetRows(source, files)


def _begins(start: bytes, _source: FileSource) -> bool:
    return start.startswith(b"PAR1")


PARQUET = FileFormat(
    name="parquet",
    label="Parquet",
    noun="a Parquet file",
    about="Columns with declared types, as databases and data tools export them.",
    extensions=(".parquet", ".pq"),
    read=_read,
    begins=_begins,
    unused=("encoding",),
    is_text=False,
)
