"""Files of formats that no source reads (archives, web pages, databases), recognised by their first bytes."""

from __future__ import annotations

from dataclasses import dataclass

UNPACK = "unpack it, and name the file in it"
SAVE_CSV = "save the sheet as CSV (UTF-8), and name that file"
SAVE = f"save it as .xlsx, or {SAVE_CSV}"
EXPORT = "export the records as CSV, JSON, NDJSON or Parquet, and name that file"

_BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte-order marks, the NUL bytes of UTF-16, blanks
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """`name`: what the file is, with its article; `hint`: what to do, where `{place}` is the source's path."""

    name: str
    hint: str


_BEGINNINGS: tuple[tuple[bytes, ForeignFormat], ...] = (
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
    (b"xl/", ForeignFormat("a binary Excel workbook (.xlsb)", SAVE)),
    (b"word/", ForeignFormat("a Word document (.docx)", EXPORT)),
    (b"ppt/", ForeignFormat("a PowerPoint presentation (.pptx)", EXPORT)),
    (b"opendocument.spreadsheet", ForeignFormat("an OpenDocument spreadsheet (.ods)", SAVE)),
    (b"opendocument.", ForeignFormat("an OpenDocument file", EXPORT)),
    (b"Index/Document.iwa", ForeignFormat("an Apple Numbers or Pages document", SAVE)),
    (b"[Content_Types].xml", ForeignFormat("an Office document", SAVE)),
)


def first_text(start: bytes) -> bytes:
    """The first bytes of a text without what may come before its first character."""
    return start.lstrip(_BEFORE_TEXT)


def foreign_format(start: bytes) -> ForeignFormat | None:
    """The foreign format of a file that begins with these bytes; None if it can be delimited text or JSON."""
    if start.startswith(_ZIPS):
        return _zipped(start)
    if start.startswith(_OFFICE):
        return _office_format(start)
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


def _office_format(start: bytes) -> ForeignFormat:
    """The container of old Office files, and of newer ones with a password: the names of its streams are UTF-16."""
    if any(name.encode("utf-16-le") in start for name in ("EncryptedPackage", "EncryptionInfo")):
        return ForeignFormat("an Office file with a password", f"remove the password; {SAVE}")
    if "WordDocument".encode("utf-16-le") in start:
        return ForeignFormat("a Word document (.doc)", EXPORT)
    return ForeignFormat("an Excel workbook (.xls)", SAVE)


def _markup(start: bytes) -> ForeignFormat | None:
    text = first_text(start[:4096]).replace(b"\0", b"").lower()
    if not text.startswith(b"<"):
        return None
    if b"excel.sheet" in text or b"schemas-microsoft-com:office:spreadsheet" in text:
        return ForeignFormat("an Excel workbook in XML", SAVE)
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<head")):
        return ForeignFormat("an HTML page", "name the file with the records; a table in a page: " + SAVE)
    return ForeignFormat("an XML file", EXPORT) if text.startswith(b"<?xml") else None
