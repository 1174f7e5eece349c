"""Rows of Excel workbooks: one sheet of each file, with the types of its cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from penstock.bounds import bounds
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.sources.columns import listed
from penstock.sources.files.header import INDEX, HeaderPlace, header_names
from penstock.sources.files.text.encoding import refuse_wide, too_long
from penstock.sources.files.xlsx.workbook import Row, SheetReader
from penstock.sources.typing.pieces import Caster, Judge, Piece, RawColumn
from penstock.sources.typing.values import ValueJudge, value_caster, value_text

ROWS = 8192  # rows of a piece at most
CELLS = 1 << 18  # rows x columns of a piece at most
CHARACTERS = 1 << 22  # text of a piece at most, one row more
LOOKED_AT = 20  # rows by which a column that counts them is known


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
                odd = listed(sorted(set(header.named) ^ set(first.named)))
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
