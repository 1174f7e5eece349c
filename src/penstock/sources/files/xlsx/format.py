"""What the format `xlsx` is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.spec import FileSource
from penstock.sources.files.file_format import FileFormat

if TYPE_CHECKING:
    from penstock.sources.files.xlsx.rows import XlsxRows

_ZIP = b"PK\x03\x04"


def _read(source: FileSource, files: list[Path]) -> XlsxRows:
    from penstock.sources.files.xlsx.rows import XlsxRows  # noqa: PLC0415 - brings Arrow

    return XlsxRows(source, files)


def _begins(start: bytes, _source: FileSource) -> bool:
    """A zip archive with the folder of a workbook in it; that of a binary workbook (.xlsb) holds `workbook.bin`."""
    return start.startswith(_ZIP) and b"xl/" in start and b"xl/workbook.bin" not in start


XLSX = FileFormat(
    name="xlsx",
    label="Excel",
    noun="an Excel workbook (.xlsx)",
    about="One sheet of an Excel workbook: a row with the names of the columns, and the records below it.",
    extensions=(".xlsx", ".xlsm"),
    options=("sheet", "skip_lines", "skip_footer_lines"),
    read=_read,
    begins=_begins,
    is_text=False,
)
