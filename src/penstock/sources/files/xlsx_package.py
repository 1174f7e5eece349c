"""The zip package of a workbook, and what reading one sheet of it takes: measured before it is read.

calamine reads a sheet whole: all shared texts, and a cell for each place between the first and the last one that has a
value. It trusts the counts and places that the file names, so that a small file could take all memory. `sheet_alone`
measures them, and copies what it measured (one sheet, the shared texts, the formats) into a new package: calamine never
sees the original.
"""

from __future__ import annotations

import posixpath
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from penstock.bounds import in_megabytes
from penstock.deadline import check_deadline

BLOCK = 1 << 20  # bytes unpacked at once
BYTES_OF_A_CELL = 64  # that calamine takes for each cell with a value, and for each place between them
LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14  # of an Excel sheet
SMALL = 1 << 24  # bytes of a part that only lists others
_ROOT = (
    '<Relationships><Relationship Id="b" Type="x/relationships/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
_BOOK = '<workbook><workbookPr date1904="{}"/><sheets><sheet name="s" id="s"/></sheets></workbook>'
_BOOK_PARTS = '<Relationships><Relationship Id="s" Type="x/worksheet" Target="sheet.xml"/></Relationships>'

Attributes = dict[str, str]


class BadWorkbook(ValueError):  # noqa: N818 - it names what was found
    """The file is damaged, or no workbook, or (`is_large`) takes more memory than the bound."""

    def __init__(self, reason: str, *, is_large: bool = False) -> None:
        super().__init__(reason)
        self.is_large = is_large


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with cells; `part` is where in the package it is."""

    name: str
    part: str
    is_hidden: bool


class Package:
    """The parts of a workbook. Raises BadWorkbook; `most` is how many bytes a sheet may take."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._most = most
        self._left = most
        self._parts: dict[str, ZipInfo] = {}
        try:
            with ZipFile(BytesIO(data)) as archive:
                infos = archive.infolist()
        except (BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise BadWorkbook(f"its zip archive cannot be read: {error}") from None
        for info in infos:
            name = info.filename.replace("\\", "/").lower()
            if name in self._parts:
                raise BadWorkbook(f"it holds two parts {info.filename}")
            self._parts[name] = info
        self._types: dict[str, str] = {}
        self._is_1904 = False
        self.sheets = self._sheets()

    def sheet_alone(self, sheet: Sheet) -> bytes:
        """A package that has only this sheet, made after its need of memory was measured."""
        self._left = self._most
        made = BytesIO()
        with ZipFile(made, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("_rels/.rels", _ROOT)
            archive.writestr("xl/workbook.xml", _BOOK.format(int(self._is_1904)))
            archive.writestr("xl/_rels/workbook.xml.rels", _BOOK_PARTS)
            texts = _Texts(self._most)
            if "sharedStrings" in self._types:
                self._copy(archive, self._types["sharedStrings"], "xl/sharedStrings.xml", texts.parser)
            if "styles" in self._types:
                self._copy(archive, self._types["styles"], "xl/styles.xml", _parser())
            cells = _Cells(texts.longest_by_prefix(), self._most)
            self._copy(archive, sheet.part, "xl/sheet.xml", cells.parser)
        cells.refuse_large()
        return made.getvalue()

    def _copy(self, archive: ZipFile, part: str, name: str, parser: expat.XMLParserType) -> None:
        with archive.open(name, "w") as copied:
            for block in self._blocks(part):
                _feed(part, parser, block, is_last=False)
                copied.write(block)
        _feed(part, parser, b"", is_last=True)

    # ── parts and sheets ─────────────────────────────────────────────────────

    def _sheets(self) -> tuple[Sheet, ...]:
        """The sheets with cells, in the order of the workbook."""
        book = next((target for kind, target in self._related("").values() if kind == "officeDocument"), None)
        if book is None:
            raise BadWorkbook("it names no workbook")
        related = self._related(book)
        self._types = {kind: target for kind, target in related.values() if kind in {"sharedStrings", "styles"}}
        found: list[Sheet] = []

        def start(name: str, given: Attributes) -> None:
            if name == "workbookPr":
                self._is_1904 = given.get("date1904") in {"1", "true"}
            if name == "sheet":
                kind, target = related.get(given.get("id", ""), ("", ""))
                if kind == "worksheet":
                    found.append(Sheet(given.get("name", ""), target, given.get("state", "visible") != "visible"))

        self._small(book, start)
        return tuple(found)

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: kind (the last word of its type) and part, by id."""
        folder, name = posixpath.split(part)
        found: dict[str, tuple[str, str]] = {}

        def start(element: str, given: Attributes) -> None:
            if element == "Relationship" and given.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, given.get("Target", "")))
                found[given.get("Id", "")] = (given.get("Type", "").rpartition("/")[2], target.lstrip("/"))

        self._small(posixpath.join(folder, "_rels", f"{name}.rels"), start)
        return found

    def _small(self, part: str, start: Callable[[str, Attributes], None]) -> None:
        """Call `start` with the name and the attributes, both without their prefixes, of each element of a part."""
        parser = _parser()
        parser.StartElementHandler = lambda name, given: start(_local(name), {_local(k): v for k, v in given.items()})
        self._left = min(SMALL, self._most)
        for block in self._blocks(part):
            _feed(part, parser, block, is_last=False)
        _feed(part, parser, b"", is_last=True)

    # ── unpacked ─────────────────────────────────────────────────────────────

    def _blocks(self, part: str) -> Iterator[bytes]:
        """A part, unpacked. Its bytes are counted, whatever size it states."""
        info = self._parts.get(part.lower())
        if info is None:
            raise BadWorkbook(f"the part {part} is missing")
        if info.flag_bits & 1 or info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise BadWorkbook(f"the part {part} is encrypted, or packed in a way that Excel does not know")
        head = self._data[info.header_offset : info.header_offset + 30]
        begin = info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        packed = memoryview(self._data)[begin : begin + info.compress_size]
        checksum = 0
        for block in _stored(packed) if info.compress_type == ZIP_STORED else _inflated(part, packed):
            check_deadline()
            self._left -= len(block)
            if self._left < 0:
                raise BadWorkbook(f"what is read of it unpacks to more than {in_megabytes(self._most)}", is_large=True)
            checksum = zlib.crc32(block, checksum)
            yield block
        if checksum != info.CRC:
            raise BadWorkbook(f"the part {part} is damaged: its checksum is another one")


def _stored(data: memoryview) -> Iterator[bytes]:
    for begin in range(0, len(data), BLOCK):
        yield bytes(data[begin : begin + BLOCK])


def _inflated(part: str, packed: memoryview) -> Iterator[bytes]:
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    rest: bytes | memoryview = packed
    try:
        while not unpack.eof:
            block = unpack.decompress(rest, BLOCK)
            rest = unpack.unconsumed_tail
            if not block and not rest:
                break
            yield block
    except zlib.error as error:
        raise BadWorkbook(f"the part {part} is damaged: {error}") from None
    if not unpack.eof:
        raise BadWorkbook(f"the part {part} breaks off")


# ── memory for a sheet ───────────────────────────────────────────────────────


class _Texts:
    """The lengths of the shared texts."""

    def __init__(self, most: int) -> None:
        self.lengths: array[int] = array("Q")
        self._most = most
        self._depth = 0
        self._kinds = _Locals()
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _start(self, name: str, given: Attributes) -> None:
        kind = self._kinds[name]
        if kind == "si":
            self._depth += 1
            if self._depth > 1:
                raise BadWorkbook("one of its texts is within another")
            self.lengths.append(0)
        elif kind == "sst":
            count = given.get("uniqueCount", "0")
            if not (count.isdecimal() and len(count) < 10 and int(count) <= self._most // BYTES_OF_A_CELL):
                raise BadWorkbook(f"it says that it holds {count[:40]} texts")

    def _end(self, name: str) -> None:
        self._depth -= self._kinds[name] == "si"

    def longest_by_prefix(self) -> array[int]:
        """The length of each text, or of a longer one whose number these digits begin with.

        calamine reads the number of a text up to a comment or a character reference, and takes the first text where it
        cannot read one.
        """
        found = array("Q", self.lengths)
        for number in range(1, len(found)):
            found[number] = max(found[number], found[number // 10])
        return found

    def _characters(self, text: str) -> None:
        if self._depth:
            self.lengths[-1] += len(text.encode(errors="surrogatepass"))


class _Cells:
    """The places of the cells with a value, by the rules by which calamine counts, and the length of their texts.

    Its handlers are called several times a cell: they do no more than they must.
    """

    def __init__(self, lengths: array[int], most: int) -> None:
        self._lengths = lengths
        self._most = most
        self._row = self._column = self._at = 0  # of the cell that follows; the row of the cell that is read
        self._digits = "1"  # the row as references write it
        self._is_shared = False  # whether the cell's value is the number of a shared text
        self._index: str | None = None  # that number, while it is read
        self._top, self._left, self._bottom, self._right = LAST_ROW, LAST_COLUMN, -1, -1
        self._count = self._texts = 0
        self._kinds = _Locals()
        self._columns: dict[str, int] = {}
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def refuse_large(self) -> None:
        """Raise BadWorkbook where the sheet takes more memory than the bound."""
        rows, columns = max(self._bottom - self._top + 1, 0), max(self._right - self._left + 1, 0)
        if max(rows * columns, self._count) * BYTES_OF_A_CELL > self._most:
            message = f"its {self._count:,} cells reach over {rows:,} rows and {columns:,} columns"
            raise BadWorkbook(f"{message}, more than {in_megabytes(self._most)} of memory", is_large=True)

    def _start(self, name: str, given: Attributes) -> None:
        kind = self._kinds[name]
        if kind == "c":
            self._is_shared = given.get("t") == "s"
            self._at = self._row
            if "r" in given:
                self._go_to(given["r"])
            self._column += 1
        elif kind in {"v", "is"}:
            self._take_in(self._at, self._column - 1)
        elif kind == "row" and "r" in given:
            self._digits = given["r"]
            self._row = _row(self._digits)

    def _go_to(self, reference: str) -> None:
        """The next cell is the one that is named so, such as `B7`."""
        letters = reference.rstrip("0123456789")
        digits = reference[len(letters) :]
        if digits != self._digits:
            self._at = _row(digits)
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _column(letters)
        self._column = column

    def _take_in(self, row: int, column: int) -> None:
        """A cell here has a value."""
        self._index = "" if self._is_shared else None
        self._count += 1
        if row > self._bottom:  # noqa: PLR1730 - max and min take longer
            self._bottom = row
        if row < self._top:  # noqa: PLR1730 - max and min take longer
            self._top = row
        if column > self._right:  # noqa: PLR1730 - max and min take longer
            self._right = column
        if column < self._left:  # noqa: PLR1730 - max and min take longer
            self._left = column

    def _end(self, name: str) -> None:
        if self._index is not None:
            self._add_text(self._index)
            self._index = None
        elif self._kinds[name] == "row":
            self._row, self._column = self._row + 1, 0
            self._digits = str(self._row + 1)
            if self._row > LAST_ROW:
                raise BadWorkbook("a row of it is beyond the last one of a sheet")

    def _characters(self, text: str) -> None:
        if self._index is not None:
            self._index += text

    def _add_text(self, index: str) -> None:
        number = int(index) if index.isdecimal() and len(index) < 10 else 0
        while number >= len(self._lengths) > 0:
            number //= 10
        self._texts += self._lengths[number] if self._lengths else 0
        if self._texts > self._most:
            message = f"the texts of its cells take more than {in_megabytes(self._most)} of memory"
            raise BadWorkbook(message, is_large=True)


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    if not (letters.isalpha() and letters.isascii() and len(letters) < 4 and number <= LAST_COLUMN):
        raise BadWorkbook(f"a cell of it is in column {letters[:20]}")
    return number - 1


def _row(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 8 and 0 < int(text) <= LAST_ROW):
        raise BadWorkbook(f"a row of it is at {text[:20]}")
    return int(text) - 1


class _Locals(dict[str, str]):
    """The names of elements without their prefixes, by the names with them."""

    def __missing__(self, name: str) -> str:
        self[name] = _local(name)
        return self[name]


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parser() -> expat.XMLParserType:
    """A parser of UTF-8 that refuses document types, and with them entities."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise BadWorkbook("a part of it has a document type, which no workbook has")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(part: str, parser: expat.XMLParserType, block: bytes, *, is_last: bool) -> None:
    try:
        parser.Parse(block, is_last)
    except expat.ExpatError as error:
        raise BadWorkbook(f"the part {part} is damaged: {error}") from None
