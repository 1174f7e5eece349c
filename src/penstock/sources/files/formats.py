"""The registry of file formats, and which format a file has.

Configuration, readers, uploads, `penstock init`, REST, the web UI and the documents read it. A new format is a module
that describes it, with its reader, and an entry in `FORMATS`. It imports no reader, and so no Arrow.
"""

from __future__ import annotations

from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.sources.files.csv.format import CSV, TSV
from penstock.sources.files.file_format import FileFormat, first_text
from penstock.sources.files.foreign_formats import foreign_format
from penstock.sources.files.json.format import JSON, NDJSON
from penstock.sources.files.parquet.format import PARQUET
from penstock.sources.files.source_files import sample, wrong
from penstock.sources.files.xlsx.format import XLSX

FORMATS = (CSV, TSV, JSON, NDJSON, PARQUET, XLSX)
BY_NAME = {each.name: each for each in FORMATS}
EXTENSIONS = tuple(dict.fromkeys(extension for each in FORMATS for extension in each.extensions))
OPTIONS = tuple(dict.fromkeys(option for each in FORMATS for option in each.options))
OTHERWISE = CSV  # what a file is that no name, no option and no first bytes tell
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
        raise _wrong_format(source, path, other.noun, hint)
    foreign = foreign_format(start) if other is None else None
    if foreign is not None:
        raise _wrong_format(source, path, foreign.name, foreign.hint.replace("{place}", place))
    return found


def _wrong_format(source: FileSource, path: Path, noun: str, hint: str) -> InputError:
    message = f"{path.name} is {noun}"
    return wrong(source, message, "wrong-format", found=noun, hint=hint, line=1, file=str(path))


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
