"""The files of a source: which files match, which format they have, and their bytes as clean UTF-8.

Files in other formats (archives, workbooks, web pages, databases) are recognised by their first bytes and refused.
"""

from __future__ import annotations

import difflib
import glob
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO, cast

from penstock.model.errors import InputError, Problem
from penstock.model.reach import PERSONAL, Denial, Reach
from penstock.model.settings_text import settings_text
from penstock.model.spec import FileSource
from penstock.sources.deadline import check_patience
from penstock.sources.file_access import denial_of, opened_denial, pattern_denial

UNPACK = "unpack it, and name the file in it"
SAVE = "save the sheet as CSV (UTF-8), and name that file"
EXPORT = "export the records as CSV, JSON, NDJSON or Parquet, and name that file"

_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

BLOCK = 1 << 20  # bytes read at once
SAMPLE = 1 << 18  # bytes looked at to detect format, encoding and delimiter
FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """`name`: what the file is, with its article; `hint`: what to do; `format`: of a format that we read."""

    name: str
    hint: str
    format: str = ""


_BEGINNINGS: tuple[tuple[bytes, ForeignFormat], ...] = (
    (b"PAR1", ForeignFormat("a Parquet file", "write format: parquet at {place}, or name it .parquet", "parquet")),
    (b"\x1f\x8b", ForeignFormat("a gzip file within a gzip file", "unpack it once more")),
    (b"BZh", ForeignFormat("a bzip2 archive", f"{UNPACK}; .gz is read as it is")),
    (b"\xfd7zXZ\x00", ForeignFormat("an xz archive", f"{UNPACK}; .gz is read as it is")),
    (b"\x28\xb5\x2f\xfd", ForeignFormat("a zstd archive", f"{UNPACK}; .gz is read as it is")),
    (b"\x04\x22\x4d\x18", ForeignFormat("an lz4 archive", f"{UNPACK}; .gz is read as it is")),
    (b"\xff\x06\x00\x00sNaPpY", ForeignFormat("a snappy archive", f"{UNPACK}; .gz is read as it is")),
    (b"\x1f\x9d", ForeignFormat("a compress (.Z) archive", f"{UNPACK}; .gz is read as it is")),
    (b"LZIP", ForeignFormat("an lzip archive", f"{UNPACK}; .gz is read as it is")),
    (b"7z\xbc\xaf\x27\x1c", ForeignFormat("a 7-Zip archive", UNPACK)),
    (b"Rar!\x1a\x07", ForeignFormat("a RAR archive", UNPACK)),
    (b"MSCF\x00\x00\x00\x00", ForeignFormat("a Windows cabinet archive", UNPACK)),
    (b"SQLite format 3\x00", ForeignFormat("a SQLite database", "write type: sql and url: sqlite:///PATH at {place}")),
    (b"ARROW1\x00\x00", ForeignFormat("an Arrow (Feather) file", EXPORT)),
    (b"FEA1", ForeignFormat("a Feather file", EXPORT)),
    (b"ORC", ForeignFormat("an ORC file", EXPORT)),
    (b"Obj\x01", ForeignFormat("an Avro file", EXPORT)),
    (b"\x89HDF\r\n\x1a\n", ForeignFormat("an HDF5 file", EXPORT)),
    (b"%PDF-", ForeignFormat("a PDF document", EXPORT)),
    (b"{\\rtf", ForeignFormat("an RTF document", EXPORT)),
    (b"\x89PNG\r\n\x1a\n", ForeignFormat("a PNG image", EXPORT)),
    (b"\xff\xd8\xff", ForeignFormat("a JPEG image", EXPORT)),
    (b"GIF8", ForeignFormat("a GIF image", EXPORT)),
    (b"\x80\x04\x95", ForeignFormat("a Python pickle", EXPORT)),
    (b"\x80\x05\x95", ForeignFormat("a Python pickle", EXPORT)),
    # the streams of Excel 2 to 5, without the container of later versions
    (b"\x09\x00\x04\x00", ForeignFormat("an Excel workbook (.xls)", SAVE)),
    (b"\x09\x02\x06\x00", ForeignFormat("an Excel workbook (.xls)", SAVE)),
    (b"\x09\x04\x06\x00", ForeignFormat("an Excel workbook (.xls)", SAVE)),
    (b"\x09\x08\x08\x00", ForeignFormat("an Excel workbook (.xls)", SAVE)),
    (b"\x09\x08\x10\x00", ForeignFormat("an Excel workbook (.xls)", SAVE)),
)
_IN_ZIP: tuple[tuple[bytes, ForeignFormat], ...] = (
    (b"xl/", ForeignFormat("an Excel workbook (.xlsx)", SAVE)),
    (b"word/", ForeignFormat("a Word document (.docx)", EXPORT)),
    (b"ppt/", ForeignFormat("a PowerPoint presentation (.pptx)", EXPORT)),
    (b"opendocument.spreadsheet", ForeignFormat("an OpenDocument spreadsheet (.ods)", SAVE)),
    (b"opendocument.", ForeignFormat("an OpenDocument file", EXPORT)),
    (b"Index/Document.iwa", ForeignFormat("an Apple Numbers or Pages document", SAVE)),
    (b"[Content_Types].xml", ForeignFormat("an Office document", SAVE)),
)


def foreign_format(start: bytes) -> ForeignFormat | None:
    """What a file is that begins so, where that is neither delimited text nor JSON; None where it may be."""
    if start.startswith(_ZIPS):
        return _zipped(start)
    if start.startswith(_OFFICE):
        return _office(start)
    for beginning, found in _BEGINNINGS:
        if start.startswith(beginning):
            return found
    if start[257:262] == b"ustar":
        return ForeignFormat("a tar archive", UNPACK)
    return _markup(start)


def _zipped(start: bytes) -> ForeignFormat:
    for inside, found in _IN_ZIP:
        if inside in start:
            return found
    length = int.from_bytes(start[26:28], "little") if start.startswith(b"PK\x03\x04") else 0
    name = start[30 : 30 + length].decode(errors="replace")
    return ForeignFormat("a zip archive" + (f" that holds {name}" if name.isprintable() and name else ""), UNPACK)


def _office(start: bytes) -> ForeignFormat:
    """The container of old Office files, and of newer ones with a password: the names of its streams are UTF-16."""
    if any(name.encode("utf-16-le") in start for name in ("EncryptedPackage", "EncryptionInfo")):
        return ForeignFormat("an Office file with a password", "remove the password, " + SAVE)
    if "WordDocument".encode("utf-16-le") in start:
        return ForeignFormat("a Word document (.doc)", EXPORT)
    return ForeignFormat("an Excel workbook (.xls)", SAVE)


def _markup(start: bytes) -> ForeignFormat | None:
    text = start[:4096].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if not text.startswith(b"<"):
        return None
    if b"excel.sheet" in text or b"schemas-microsoft-com:office:spreadsheet" in text:
        return ForeignFormat("an Excel workbook in XML", SAVE)
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<head")):
        return ForeignFormat("an HTML page", "name the file with the records; a table in a page: " + SAVE)
    return ForeignFormat("an XML file", EXPORT) if text.startswith(b"<?xml") else None


def wrong(source: FileSource, message: str, code: str, **more: object) -> InputError:
    """The error that names a file source; `more` are further fields of Problem."""
    return InputError(Problem(f"sources.{source.name}", message, code, **more))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ReachedFile(FileSource):
    """A file source whose files are judged again once they are open."""

    reach: Reach = PERSONAL

    @staticmethod
    def of(source: FileSource, reach: Reach) -> ReachedFile:
        """The same source, within this reach."""
        return ReachedFile(**{each.name: getattr(source, each.name) for each in fields(FileSource)}, reach=reach)


def matching_files(source: FileSource, reach: Reach) -> list[Path]:
    """The files that the source's path names, in natural order: `c-9` before `c-10`. InputError when there is none,
    and for a file that is out of reach.
    """
    _refuse(source, pattern_denial(source.base, source.path, reach))
    files = _matching(source)
    for file in files:
        _refuse(source, denial_of(file, reach))
    return files


def _refuse(source: FileSource, denial: Denial | None) -> None:
    if denial is not None:
        raise wrong(source, denial.reason, "file-not-allowed", found=source.path, hint=denial.hint)


def _matching(source: FileSource) -> list[Path]:
    path = source.base / source.path
    if path.is_file():
        return [path]
    if path.is_dir():
        hint = f"name the files in it: {source.path.rstrip('/')}/*.csv"
        raise wrong(source, f"{source.path} is a folder", "not-a-file", found=source.path, hint=hint)
    found = glob.glob(source.path, root_dir=source.base, recursive=True)  # noqa: PTH207 - the pattern may be absolute
    files = sorted((source.base / match for match in found if (source.base / match).is_file()), key=natural_key)
    if files:
        return files
    raise wrong(source, f"no file {source.path}", "missing-file", found=source.path, hint=_missing_hint(source, path))


def natural_key(path: Path) -> tuple[object, ...]:
    """Orders paths part by part, digits as the numbers they write; what is equal then, by its text."""
    parts = [_runs(part) for part in path.parts]
    return (*parts, str(path))


def _runs(text: str) -> tuple[tuple[int, str], ...]:
    """The text in runs of digits (with their number) and of other characters."""
    runs = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((int(run), "") if run[0] in "0123456789" else (-1, run) for run in runs)


def file_format(source: FileSource, path: Path) -> str:
    """The format given, or by the file's name, or by its first bytes.

    Raises InputError that names what the file is where no reader of this format can read it: an archive, a workbook.
    """
    start = sample(source, path)
    found = _declared_format(source, path) or _format_of(source, path, start)
    foreign = foreign_format(start)
    if foreign is not None and not (foreign.format == found == "parquet"):
        hint = foreign.hint.replace("{place}", f"sources.{source.name}")
        message = f"{path.name} is {foreign.name}"
        raise wrong(source, message, "wrong-format", found=foreign.name, hint=hint, line=1, file=str(path))
    return found


def _declared_format(source: FileSource, path: Path) -> str | None:
    return source.format or FORMATS.get(Path(path.name.lower().removesuffix(".gz")).suffix)


def _format_of(source: FileSource, path: Path, start: bytes) -> str:
    """`.json` may be either of two, and other names are not significant: the first bytes of the file decide."""
    if start.startswith(b"PAR1"):
        return "parquet"
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if not text and path.name.lower().removesuffix(".gz").endswith(".json"):
        return "json"
    if text.startswith(b"[") or (text.startswith(b"{") and source.records_path is not None):
        return "json"
    return "ndjson" if text.startswith(b"{") else "csv"


def sample(source: FileSource, path: Path, size: int = SAMPLE) -> bytes:
    """The first bytes of the file, unzipped."""
    return next(raw_blocks(source, path), b"")[:size]


def open_bytes(source: FileSource, path: Path) -> BinaryIO:
    """The file's bytes, unzipped when it is a gzip file. Raises InputError when it cannot be opened."""
    try:
        stream = path.open("rb")
        try:
            if isinstance(source, ReachedFile):
                _refuse(source, opened_denial(stream, path, source.reach))
            zipped = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
        return cast("BinaryIO", _Unzipped(stream)) if zipped else stream
    except OSError as error:
        raise wrong(
            source, f"{path.name} cannot be read: {error.strerror}", "unreadable-file", file=str(path)
        ) from None


class _Unzipped(gzip.GzipFile):
    """A gzip file that closes the file it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(fileobj=stream)
        self._stream = stream

    def close(self) -> None:
        super().close()
        self._stream.close()


def raw_blocks(source: FileSource, path: Path) -> Iterator[bytes]:
    """The file's bytes, unzipped, block by block. A torn gzip file raises InputError."""
    with open_bytes(source, path) as stream:
        while True:
            check_patience()
            try:
                block = stream.read(BLOCK)
            except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
                message = f"{path.name} breaks off or is damaged: {error}"
                raise wrong(source, message, "torn-file", file=str(path)) from None
            if not block:
                return
            yield block


def files_identity(files: list[Path], *settings: object) -> str:
    """A short text that changes when a file or a setting changes."""
    digest = hashlib.blake2b(settings_text(settings).encode(), digest_size=12)
    for path in files:
        stat = path.stat()
        digest.update(f"{os.path.abspath(path)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())  # noqa: PTH100 - keeps links
    return digest.hexdigest()


def _missing_hint(source: FileSource, path: Path) -> str:
    if glob.has_magic(source.path):
        return "no file matches the pattern"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either"
    near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    return f"did you mean {near[0]}?" if near else f"write a path relative to {source.base.absolute()}"
