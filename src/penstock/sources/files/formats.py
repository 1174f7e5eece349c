"""The registry of file formats, and which format a file has.

Configuration, readers, uploads, `penstock init`, REST, the web UI and the documents read it. A new format is its reader
and an entry in `FORMATS`. A reader is imported when it is called, so that the registry loads no Arrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.sources.files.foreign_formats import first_text, foreign_format
from penstock.sources.files.source_files import file_error, sample

if TYPE_CHECKING:
    from penstock.sources.typing.pieces import Rows


def _never(_start: bytes, _source: FileSource) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a format of files is. `read` imports its reader when it is called.

    `name` is written in the project file, `label` in texts, `noun` is what a message calls such a file. An ending in
    `extensions` (the usual one first) that several formats have does not decide: the first bytes do.
    `begins` returns whether files of this format alone have these first bytes.
    """

    name: str
    label: str
    noun: str
    about: str
    extensions: tuple[str, ...]
    read: Callable[[FileSource, list[Path]], Rows]
    begins: Callable[[bytes, FileSource], bool] = _never
    options: tuple[str, ...] = ()  # the keys of a file source that it reads, besides path, format and decimal
    unused: tuple[str, ...] = ()  # keys that have no effect and are no error, as in release 0.1.0
    is_text: bool = True
    can_upload: bool = True
    is_table: bool = True  # every record has every column; False: a record may be a part of its object


# ── CSV and TSV ───────────────────────────────────────────────────────────────

_DELIMITED = ("encoding", "delimiter", "skip_lines", "skip_footer_lines", "quote", "null_values")


def _read_csv(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.csv_rows import CsvRows  # noqa: PLC0415 - imports Arrow

    return CsvRows(source, files, tabs=False)


def _read_tsv(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.csv_rows import CsvRows  # noqa: PLC0415 - imports Arrow

    return CsvRows(source, files, tabs=True)


CSV = FileFormat(
    name="csv",
    label="CSV",
    noun="a CSV file",
    about="Text with one row a line and a header; commas, semicolons, tabs or another character separate the cells.",
    extensions=(".csv", ".txt"),
    options=_DELIMITED,
    read=_read_csv,
)
TSV = FileFormat(
    name="tsv",
    label="TSV",
    noun="a TSV file",
    about="Text with one row a line and a header; tabs separate the cells.",
    extensions=(".tsv", ".tab", ".txt"),
    options=_DELIMITED,
    read=_read_tsv,
)


# ── JSON and NDJSON ───────────────────────────────────────────────────────────


def _read_json(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.json_rows import JsonRows  # noqa: PLC0415 - imports Arrow

    return JsonRows(source, files, lines=False)


def _read_ndjson(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.json_rows import JsonRows  # noqa: PLC0415 - imports Arrow

    return JsonRows(source, files, lines=True)


def _begins_list(start: bytes, source: FileSource) -> bool:
    text = first_text(start)
    return text.startswith(b"[") or (text.startswith(b"{") and source.records_path is not None)


def _begins_object(start: bytes, _source: FileSource) -> bool:
    return first_text(start).startswith(b"{")


JSON = FileFormat(
    name="json",
    label="JSON",
    noun="a JSON file",
    about="One list of objects, or one object that holds the list; each object is a record.",
    extensions=(".json",),
    options=("encoding", "records_path"),
    read=_read_json,
    begins=_begins_list,
    is_table=False,
)
NDJSON = FileFormat(
    name="ndjson",
    label="NDJSON",
    noun="an NDJSON file",
    about="One JSON object a line; each object is a record.",
    extensions=(".ndjson", ".jsonl", ".json"),
    options=("encoding",),
    read=_read_ndjson,
    begins=_begins_object,
    is_table=False,
)


# ── Parquet and Excel ─────────────────────────────────────────────────────────


def _read_parquet(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.parquet_rows import ParquetRows  # noqa: PLC0415 - imports Arrow

    return ParquetRows(source, files)


def _read_xlsx(source: FileSource, files: list[Path]) -> Rows:
    from penstock.sources.files.xlsx_rows import XlsxRows  # noqa: PLC0415 - imports Arrow

    return XlsxRows(source, files)


def _begins_parquet(start: bytes, _source: FileSource) -> bool:
    return start.startswith(b"PAR1")


def _begins_xlsx(start: bytes, _source: FileSource) -> bool:
    """A zip archive with the folder of a workbook in it; that of a binary workbook (.xlsb) holds `workbook.bin`."""
    return start.startswith(b"PK\x03\x04") and b"xl/" in start and b"xl/workbook.bin" not in start


PARQUET = FileFormat(
    name="parquet",
    label="Parquet",
    noun="a Parquet file",
    about="Columns with declared types, as databases and data tools export them.",
    extensions=(".parquet", ".pq"),
    read=_read_parquet,
    begins=_begins_parquet,
    unused=("encoding",),
    is_text=False,
)
XLSX = FileFormat(
    name="xlsx",
    label="Excel",
    noun="an Excel workbook (.xlsx)",
    about="One sheet of an Excel workbook: a row with the names of the columns, and the records below it.",
    extensions=(".xlsx", ".xlsm"),
    options=("sheet", "skip_lines", "skip_footer_lines"),
    read=_read_xlsx,
    begins=_begins_xlsx,
    is_text=False,
)


# ── all formats ───────────────────────────────────────────────────────────────

FORMATS = (CSV, TSV, JSON, NDJSON, PARQUET, XLSX)
BY_NAME = {each.name: each for each in FORMATS}
OPTIONS = tuple(dict.fromkeys(option for each in FORMATS for option in each.options))
OTHERWISE = CSV  # the format of a file where neither its name, nor an option, nor its first bytes decide
PACKED = ".gz"  # a file of every format may be packed, and has this ending besides


def formats_with(option: str) -> str:
    """The labels of the formats that read an option: `CSV and TSV`."""
    *first, last = (each.label for each in FORMATS if option in each.options)
    return f"{', '.join(first)} and {last}" if first else last


def options_without_use(found: FileFormat) -> tuple[str, ...]:
    """The options that are an error for files of this format."""
    return tuple(option for option in OPTIONS if option not in (*found.options, *found.unused))


def file_format(source: FileSource, path: Path) -> FileFormat:
    """The format given, or by the file's name, or by its first bytes.

    Raises InputError that names what the file is where the reader of this format cannot read it, such as an archive.
    """
    start = sample(source, path)
    found = _declared_format(source, path) or _format_of(source, path, start)
    place = f"sources.{source.name}"
    other = next((each for each in FORMATS if not each.is_text and each.begins(start, source)), None)
    if other is not None and other is not found:
        hint = f"write format: {other.name} at {place}, or name it {other.extensions[0]}"
        raise _format_error(source, path, other.noun, hint)
    foreign = foreign_format(start) if other is None else None
    if foreign is not None:
        raise _format_error(source, path, foreign.name, foreign.hint.replace("{place}", place))
    return found


def _format_error(source: FileSource, path: Path, noun: str, hint: str) -> InputError:
    message = f"{path.name} is {noun}"
    return file_error(source, message, "wrong-format", found=noun, hint=hint, line=1, file=str(path))


def formats_by_extension(name: str) -> tuple[FileFormat, ...]:
    """The formats that files with this ending may have: none where the ending says nothing."""
    extension = Path(name.lower().removesuffix(PACKED)).suffix
    return tuple(each for each in FORMATS if extension in each.extensions)


def _declared_format(source: FileSource, path: Path) -> FileFormat | None:
    if source.format is not None:
        return BY_NAME[source.format]
    candidates = formats_by_extension(path.name)
    return candidates[0] if len(candidates) == 1 else None


def _format_of(source: FileSource, path: Path, start: bytes) -> FileFormat:
    """The format by the first bytes: of all, or, where the ending is one of several formats, of text."""
    candidates = formats_by_extension(path.name)
    if not first_text(start):
        return next(iter(candidates), OTHERWISE)
    found = (each for each in FORMATS if each.begins(start, source))
    return next((each for each in found if each.is_text or not candidates), OTHERWISE)
