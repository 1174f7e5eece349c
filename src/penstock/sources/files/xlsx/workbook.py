"""One sheet of a workbook: which one a source means, and its rows as calamine reads them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from penstock.bounds import MAX_CELL, bounds, in_megabytes
from penstock.deadline import check_patience
from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.model.text import nearest
from penstock.sources.columns import listed
from penstock.sources.files.foreign_formats import SAVE_CSV
from penstock.sources.files.source_files import raw_blocks, wrong
from penstock.sources.files.xlsx.package import BadWorkbook, Package, Sheet

LARGEST = 12  # times the bound of a cell: memory for the file, and for what is read of it

LOOKED_EVERY = 4096  # rows, for a client that has disconnected

Row = list[object]  # None for a cell without a value


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
        held: deque[tuple[int, Row] | None] = deque()  # None for a row without a value
        for number, row in islice(enumerate(cells, start=1), self.source.skip_lines, None):
            if number % LOOKED_EVERY == 0:
                check_patience()
            values = [_value(cell) for cell in row]
            if all(value is None for value in values):
                held.append(None)
                continue
            held.append((number, values))
            while len(held) > self.source.skip_footer_lines:
                if (ready := held.popleft()) is not None:
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
        raise wrong(source, f"{path.name}: {error}", "workbook-too-large", hint=hint, file=str(path)) from None


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
    return wrong(source, message, "torn-file", hint=hint, file=str(path))


# ── which sheet ───────────────────────────────────────────────────────────────


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
    there = f"the sheets are {listed(names)}"
    hint = there if near is None else f"did you mean {near}? {there}"
    raise wrong(
        source, f"{path.name} has no sheet {wanted}", "unknown-sheet", found=str(wanted), hint=hint, file=str(path)
    )
