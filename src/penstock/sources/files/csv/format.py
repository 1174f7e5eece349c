"""What the formats `csv` and `tsv` are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.spec import FileSource
from penstock.sources.files.file_format import FileFormat

if TYPE_CHECKING:
    from penstock.sources.files.csv.rows import CsvRows

_OPTIONS = ("encoding", "delimiter", "skip_lines", "skip_footer_lines", "quote", "null_values")


def _csv(source: FileSource, files: list[Path]) -> CsvRows:
    from penstock.sources.files.csv.rows import CsvRows  # noqa: PLC0415 - brings Arrow

    return CsvRows(source, files, tabs=False)


def _tsv(source: FileSource, files: list[Path]) -> CsvRows:
    from penstock.sources.files.csv.rows import CsvRows  # noqa: PLC0415 - brings Arrow

    return CsvRows(source, files, tabs=True)


CSV = FileFormat(
    name="csv",
    label="CSV",
    noun="a CSV file",
    about="Text with one row a line and a header; commas, semicolons, tabs or another character separate the cells.",
    extensions=(".csv", ".txt"),
    options=_OPTIONS,
    read=_csv,
)
TSV = FileFormat(
    name="tsv",
    label="TSV",
    noun="a TSV file",
    about="Text with one row a line and a header; tabs separate the cells.",
    extensions=(".tsv", ".tab", ".txt"),
    options=_OPTIONS,
    read=_tsv,
)
