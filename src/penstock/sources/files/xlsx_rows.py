"""Rows of Excel workbooks: the sheet of each file that the source names, with the types of its cells.

calamine reads a sheet, after `xlsx_package` measured it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from penstock.bounds import MAX_CELL, bounds, in_megabytes
from penstock.deadline import check_deadline
from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.model.text import joined, nearest
from penstock.sources.files.foreign_formats import SAVE_CSV
from penstock.sources.files.header import INDEX, HeaderPlace, header_names
from penstock.sources.files.source_files import file_error, raw_blocks, refuse_wide, too_long
from penstock.sources.files.xlsx_package import BadWorkbook, Package, Sheet
from penstock.sources.typing.pieces import Caster, Judge, Piece, RawColumn
from penstock.sources.typing.values import ValueJudge, value_caster, value_text

ROWS = 8192  # rows of a piece at most
CELLS = 1 << 18  # rows x columns of a piece at most
CHARACTERS = 1 << 22  # text of a piece at most, one row more
LOOKED_AT = 20  # rows by which a column that counts them is known
LARGEST = 12  # times the bound of a cell: memory for the file, and for what is read of it
LOOKED_EVERY = 4096  # rows, for a client that has disconnected

Row = list[object]  # None for a cell without a value


class CellJudge:
    """The type of a column of cells: text where their types differ, since each has a text of its own."""

    def __init__(self) -> None:
        self._judge = ValueJudge()

    def observe(self, column: RawColumn) -> None:
        self._judge.observe(column)

    def verdict(self) -> ColumnType:
        found = self._judge.verdict()
        return "text" if found == "json" else found

    def nullable(self, kind: ColumnType) -> bool:
        return self._judge.nullable(kind)


@dataclass(frozen=True, slots=True)
class SheetHeader:
    """`names`: one a column of the sheet, "" for one without a name; `counts`: the first one counts the rows from 0."""

    reader: SheetReader
    place: HeaderPlace
    names: tuple[str, ...]
    notes: tuple[Note, ...]
    counts: bool

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(name for name in self.names if name)


class XlsxRows:
    """One or several workbooks whose sheets have the same columns; the order of columns may differ.

    Without a cell in any of the sheets there are no columns, and `open_ended` is True.
    """

    def __init__(self, source: FileSource, files: list[Path]) -> None:
        found = {path: _header(SheetReader(source, path)) for path in files}
        self._headers = [header for header in found.values() if header is not None]
        self._empty = [path.name for path, header in found.items() if header is None]
        self.open_ended = not self._headers
        for header in self._headers[1:]:
            first = self._headers[0]
            if set(header.named) != set(first.named):
                odd = joined(sorted(set(header.named) ^ set(first.named)))
                message = f"another header than in {first.place.path.name}: {odd}"
                raise header.place.refuse(message, "other-columns", "", odd)

    def names(self) -> list[str]:
        return list(self._headers[0].named) if self._headers else []

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, _name: str) -> Judge:
        return CellJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return value_caster(name, kind, given=given or kind == "text")

    def notes(self) -> tuple[Note, ...]:
        """What was changed in or left out of the files."""
        empty = [Note(name, "empty", "the sheet holds no records; sheet chooses another one") for name in self._empty]
        return tuple(dict.fromkeys((*empty, *(note for header in self._headers for note in header.notes))))

    def pieces(self) -> Iterator[Piece]:
        for header in self._headers:
            rows: list[Row] = []
            before = size = 0
            for number, row in islice(header.reader.rows(), 1, None):
                size += _text_size(header.place, number, row)
                rows.append(row)
                if len(rows) == ROWS or len(rows) * len(row) > CELLS or size > CHARACTERS:
                    yield _piece(header, rows, before)
                    before, size, rows = before + len(rows), 0, []
            if rows:
                yield _piece(header, rows, before)


def _header(reader: SheetReader) -> SheetHeader | None:
    """None for a sheet without a value."""
    rows = reader.rows()
    at, cells = next(rows, (0, []))
    if not cells:
        return None
    refuse_wide(reader.source, reader.path, len(cells))
    place = HeaderPlace(reader.source, reader.path, at, "row")
    names, notes = header_names(place, ["" if cell is None else value_text(cell) for cell in cells])
    looked = [row for _, row in islice(rows, LOOKED_AT)]
    counts = not names[0] and bool(looked) and [row[0] for row in looked] == [*range(len(looked))]
    if counts:
        notes = (INDEX, *(note for note in notes if note.field != INDEX.field))
    return SheetHeader(reader, place, names, notes, counts)


def _text_size(place: HeaderPlace, number: int, row: Row) -> int:
    """The characters of a row. Raises InputError for a cell beyond the bound."""
    sizes = [len(value) for value in row if isinstance(value, str)]
    if sizes and max(sizes) > bounds().cell:
        raise too_long(place.source, place.path, None, f"a cell in row {number}")
    return sum(sizes)


def _piece(header: SheetHeader, rows: list[Row], before: int) -> Piece:
    """The columns that have a name. Raises InputError when another one has a value, the count of rows excepted.

    `before`: how many records of the sheet come before these.
    """
    columns: dict[str, RawColumn] = {}
    for place, (name, column) in enumerate(zip(header.names, zip(*rows, strict=True), strict=True)):
        if name:
            columns[name] = column
            continue
        counts = place == 0 and header.counts
        for number, value in enumerate(column, start=before):
            if value is not None and not (counts and value == number):
                raise header.place.nameless(place + 1, len(header.names), value_text(value))
    return Piece(len(rows), columns)


# ── one sheet ─────────────────────────────────────────────────────────────────


class SheetReader:
    """Reads the source's sheet of one file, as often as needed.

    The sheet is measured once for each state of the file (size and time), and kept packed for the next reading.
    """

    def __init__(self, source: FileSource, path: Path) -> None:
        self.source = source
        self.path = path
        self._alone: tuple[tuple[int, int], bytes] | None = None

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The rows that have a value, each with its number in the sheet. Raises InputError.

        Without the rows that `skip_lines` and `skip_footer_lines` leave out.
        """
        sheet = self._sheet()
        cells = iter(()) if sheet.start is None else sheet.iter_rows()
        waiting: deque[tuple[int, Row] | None] = deque()  # None for a row without a value
        for number, row in islice(enumerate(cells, start=1), self.source.skip_lines, None):
            if number % LOOKED_EVERY == 0:
                check_deadline()
            values = [_value(cell) for cell in row]
            if all(value is None for value in values):
                waiting.append(None)
                continue
            waiting.append((number, values))
            while len(waiting) > self.source.skip_footer_lines:
                if (ready := waiting.popleft()) is not None:
                    yield ready

    def _sheet(self) -> CalamineSheet:
        """The sheet, read whole."""
        stat = self.path.stat()
        state = (stat.st_size, stat.st_mtime_ns)
        if self._alone is None or self._alone[0] != state:
            self._alone = (state, _sheet_alone(self.source, self.path))
        try:
            with CalamineWorkbook.from_filelike(BytesIO(self._alone[1])) as workbook:
                return workbook.get_sheet_by_index(0)
        except (CalamineError, OSError) as error:
            raise _damaged(self.source, self.path, str(error)) from None
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of a defect in calamine; the class cannot be imported
                raise
            raise _damaged(self.source, self.path, str(error)) from None


def _value(cell: object) -> object:
    """A cell as a value: a whole number as an integer, a blank as None. calamine gives blanks for errors."""
    if isinstance(cell, str):
        return None if not cell or cell.isspace() else cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    return cell


def _sheet_alone(source: FileSource, path: Path) -> bytes:
    """A workbook of the chosen sheet. InputError where the file is damaged, or takes more memory than the bound."""
    most = bounds().cell * LARGEST
    try:
        package = Package(_content(source, path, most), most)
        return package.sheet_alone(_chosen(source, path, package.sheets))
    except BadWorkbook as error:
        if not error.is_large:
            raise _damaged(source, path, str(error)) from None
        hint = f"{SAVE_CSV}; if it is meant, raise {MAX_CELL}, of which this is {LARGEST} times"
        raise file_error(source, f"{path.name}: {error}", "workbook-too-large", hint=hint, file=str(path)) from None


def _content(source: FileSource, path: Path, most: int) -> bytes:
    blocks: list[bytes] = []
    size = 0
    for block in raw_blocks(source, path):
        size += len(block)
        if size > most:
            raise BadWorkbook(f"the file is larger than {in_megabytes(most)}", is_large=True)
        blocks.append(block)
    return b"".join(blocks)


def _damaged(source: FileSource, path: Path, reason: str) -> InputError:
    message = f"{path.name} is no readable Excel workbook: {reason}"
    hint = "open it in Excel and save it as .xlsx again; if it is a file of another kind, give it that ending"
    return file_error(source, message, "torn-file", hint=hint, file=str(path))


def _chosen(source: FileSource, path: Path, sheets: Sequence[Sheet]) -> Sheet:
    """The sheet that the source names, by its number or name; by default the first. InputError when it is not there.

    Hidden sheets have no number, as they have none for a person who counts: they are chosen by name.
    """
    counted = [sheet for sheet in sheets if not sheet.is_hidden] or list(sheets)
    wanted = 1 if source.sheet is None else source.sheet
    if isinstance(wanted, int) and 0 < wanted <= len(counted):
        return counted[wanted - 1]
    named = next((sheet for sheet in sheets if sheet.name == str(wanted)), None)
    if named is not None:
        return named
    if not sheets:
        raise BadWorkbook("it has no sheet with cells")
    names = [sheet.name for sheet in sheets]
    near = nearest(str(wanted), names)
    there = f"the sheets are {joined(names)}"
    hint = there if near is None else f"did you mean {near}? {there}"
    raise file_error(
        source, f"{path.name} has no sheet {wanted}", "unknown-sheet", found=str(wanted), hint=hint, file=str(path)
    )
