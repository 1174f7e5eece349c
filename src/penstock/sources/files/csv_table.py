"""One delimited file as record batches of text, in bounded memory. Errors about torn rows name the line.

Arrow's reader takes everything between two quotes as one cell, so that one torn quote swallows rows without an error.
`QuoteCheck` therefore reads the bytes before Arrow does: an opening quote is at the start of a cell, a closing one at
its end. A file with stray quotes is then read once, row by row, to distinguish a harmless one (`5" pipe`) from a torn
one, with its line.
"""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from penstock.bounds import bounds
from penstock.model.errors import InputError
from penstock.model.spec import FileSource
from penstock.sources.files.csv_layout import Layout, layout_of
from penstock.sources.files.encoding import bounded_blocks
from penstock.sources.files.header import HeaderPlace
from penstock.sources.files.lines import (
    OPENING_UTF8,
    from_first_text,
    lines_of,
    without_end_mark,
    without_first,
    without_last,
)
from penstock.sources.files.source_files import file_error, too_long
from penstock.sources.typing.pieces import compute

GUARD = b'="'
QUOTE, LINE_FEED, RETURN = ord('"'), ord("\n"), ord("\r")
LIMIT = threading.Lock()  # the csv module has one limit for all; Arrow reads ahead in a thread of its own


class RowTooLong(Exception):  # noqa: N818 - a signal to read with larger blocks
    """A row is longer than a block."""


@dataclass(slots=True)
class CsvTable:
    """One delimited file that has a header, and how to read it.

    While it is read `has_marks` becomes True when it holds bytes that cannot be decoded, and `has_guards` when it may
    hold cells that are guarded against a spreadsheet (`="00123"`).
    """

    source: FileSource
    path: Path
    layout: Layout
    examined: bool = field(default=False)  # quotes out of place were found harmless
    has_marks: bool = field(default=False)
    has_guards: bool = field(default=False)

    @classmethod
    def opened(cls, source: FileSource, path: Path, *, tabs: bool) -> CsvTable | None:
        """None for a file without any text."""
        blocks = _text(source, path, source.skip_lines)
        head = next(blocks, b"").decode()
        is_whole = "\n" in head or "\r" in head or next(blocks, None) is None
        layout = layout_of(source, path, head, tabs=tabs) if head else None
        if not is_whole:
            raise too_long(source, path, source.skip_lines + 1, "the header", len(head.encode()))
        return None if layout is None else cls(source, path, layout)

    def text(self) -> Iterator[bytes]:
        """The text of the rows, as UTF-8."""
        return _text(self.source, self.path, self.layout.before)

    def batches(self, blanks: list[str], block: int) -> Iterator[pa.RecordBatch]:
        """Record batches of text, a column for each name. Raises InputError for a torn file, RowTooLong."""
        text = _checked(self)
        first = next(from_first_text(text), None)
        if first is None:
            return  # Arrow refuses to read nothing
        generic = [f"c{number}" for number in range(len(self.layout.names))]
        feed: Any = pa.PythonFile(_Feed(chain((first,), text)), "r")
        quotes = self.layout.quotes
        try:
            with arrow_csv.open_csv(
                feed,
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=block, column_names=generic),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.layout.delimiter,
                    quote_char='"' if quotes else False,
                    double_quote=quotes,
                    newlines_in_values=quotes,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(generic, pa.string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=blanks,
                ),
            ) as reader:
                row = 0
                for batch in reader:
                    self._refuse_long(batch)
                    yield self._named(batch, row) if "" in self.layout.names else batch
                    row += batch.num_rows
        except pa.ArrowInvalid as error:
            straddling = "straddling" in str(error)
            if straddling and block < bounds().cell:
                raise RowTooLong from None
            self.examine()
            if straddling:
                raise too_long(self.source, self.path, None, "a row") from None
            raise file_error(self.source, f"{self.path.name}: {error}", "torn-file", file=str(self.path)) from None

    def _refuse_long(self, batch: pa.RecordBatch) -> None:
        """Raise InputError where a cell of several lines is beyond the bound; a line was measured before."""
        most = bounds().cell
        if batch.nbytes > most and any(
            (compute.max(compute.binary_length(c)).as_py() or 0) > most for c in batch.columns
        ):
            self.examine()

    def _named(self, batch: pa.RecordBatch, row: int) -> pa.RecordBatch:
        """The columns that have a name. Raises InputError when another one has a value, the count of rows excepted.

        `row`: how many rows came before this batch.
        """
        names = self.layout.names
        for place, name in enumerate(names):
            column = batch.column(place)
            if name or column.null_count == len(column):
                continue
            if place == 0 and self.layout.counts:
                count = compute.cast(pa.array(range(row, row + len(column)), pa.int64()), pa.string())
                filled = column.filter(compute.fill_null(compute.not_equal(column, count), True)).drop_null()
            else:
                filled = column.drop_null().filter(compute.invert(compute.utf8_is_space(column.drop_null())))
            value = next((text for text in filled.to_pylist() if text), None)
            if value is not None:
                header = HeaderPlace(self.source, self.path, self.layout.header_at)
                raise header.nameless(place + 1, len(names), value)
        return batch.select([place for place, name in enumerate(names) if name])

    def examine(self) -> None:
        """Read the file strictly, row by row. Raises InputError that names the line of the first torn row."""
        layout = self.layout
        try:
            examine_rows(
                lines_of(self.text()), layout.delimiter, len(layout.names), bounds().cell, quotes=layout.quotes
            )
        except RaggedRow as ragged:
            ragged.moved(layout.before)
            if ragged.too_long:
                raise too_long(self.source, self.path, ragged.line, "a cell or row") from None
            raise self._torn(ragged) from None
        self.examined = True

    def _torn(self, ragged: RaggedRow) -> InputError:
        place = f"sources.{self.source.name}"
        hint = ""
        if ragged.header_line is not None:
            skip = ragged.header_line - 1
            hint = f"if the header is line {ragged.header_line}, write skip_lines: {skip} at {place}"
            hint += "; skip_footer_lines leaves out lines after the rows"
        elif ragged.is_last:
            hint = f"if it is no row, leave out the last lines: skip_footer_lines at {place}"
        elif ragged.is_open:
            hint = f"if the file does not quote its cells, write quote: none at {place}"
        return file_error(
            self.source,
            f"{self.path.name}: line {ragged.line} {ragged}",
            "torn-file",
            hint=hint,
            line=ragged.line,
            file=str(self.path),
        )


def _text(source: FileSource, path: Path, skip: int) -> Iterator[bytes]:
    blocks: Iterator[bytes] = without_end_mark(bounded_blocks(source, path))
    if skip:
        blocks = without_first(blocks, skip)
    return without_last(blocks, source.skip_footer_lines) if source.skip_footer_lines else blocks


def _checked(table: CsvTable) -> Iterator[bytes]:
    """The text of the rows, which ends with a line end; checks its quotes on the way, and notes what it holds."""
    check = QuoteCheck(table.layout.delimiter) if table.layout.quotes else None
    last, before = b"\n", b""
    for block in table.text():
        if check is not None:
            if check.regular:
                check.feed(block)
            _settle(table, check)
        table.has_guards = table.has_guards or GUARD in block or (before == b"=" and block.startswith(b'"'))
        if not table.has_marks and not block.isascii():
            table.has_marks = OPENING_UTF8 in block
        last = before = block[-1:]
        yield block
    if check is not None:
        if check.regular:
            check.end()
        _settle(table, check)
    if last not in {b"\n", b"\r"}:
        yield b"\n"


def _settle(table: CsvTable, check: QuoteCheck) -> None:
    if not check.regular and not table.examined:
        table.examine()


class _Feed(io.RawIOBase):
    """Blocks of bytes as a file for Arrow."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            block = next(self._blocks, None)
            if block is None:
                break
            parts.append(block)
            length += len(block)
        whole = b"".join(parts) if len(parts) > 1 else parts[0]
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]


# ── quotes and torn rows ──────────────────────────────────────────────────────


class QuoteCheck:
    """Looks at a CSV text block by block; `regular` turns False at the first quote out of place."""

    def __init__(self, delimiter: str) -> None:
        self._edges = np.zeros(256, dtype=bool)
        self._edges[[ord(delimiter), LINE_FEED, RETURN, QUOTE]] = True
        self._carry = b"\n"  # what the last block ended with: its last byte, and the quotes at its end
        self._open = False
        self.regular = True

    def feed(self, block: bytes) -> None:
        """Check some more bytes."""
        if b'"' not in block and len(self._carry) == 1:
            self._carry = block[-1:]
            return
        text = self._carry + block
        body = text.rstrip(b'"')
        cut = len(body) if body else 0
        self._check(text, cut)
        self._carry = text[max(cut - 1, 0) :] if cut else text

    def end(self) -> None:
        """Check the end of the text: a quote still open is out of place."""
        self._check(self._carry + b"\n", len(self._carry) + 1)
        self.regular = self.regular and not self._open

    def _check(self, text: bytes, cut: int) -> None:
        """Check the quotes in `text[1:cut]`; byte 0 is the one before."""
        data = np.frombuffer(text, dtype=np.uint8)
        places = np.flatnonzero(data[1:cut] == QUOTE) + 1
        if not len(places):
            return
        opening, closing = places[int(self._open) :: 2], places[1 - int(self._open) :: 2]
        before = bool(self._edges[data[opening - 1]].all())
        after = bool(self._edges[data[np.minimum(closing + 1, len(data) - 1)]].all())
        self.regular = self.regular and before and after
        self._open ^= bool(len(places) % 2)


class RaggedRow(ValueError):  # noqa: N818 - it names what was found
    """A row that is torn, has another number of cells or is too long; `line` is where it starts.

    `header_line`: where the header seems to be instead. `is_last`: no row after it is whole. `is_open`: it opens a
    quote that is never closed.
    """

    def __init__(self, line: int, reason: str, *, too_long: bool = False, is_open: bool = False) -> None:
        super().__init__(reason)
        self.line = line
        self.too_long = too_long
        self.is_open = is_open
        self.header_line: int | None = None
        self.is_last = False

    def moved(self, lines: int) -> None:
        """Count so many lines that come before those examined."""
        self.line += lines
        self.header_line = None if self.header_line is None else self.header_line + lines


def examine_rows(lines: Iterable[str], delimiter: str, width: int, most: int, *, quotes: bool = True) -> None:
    """Read the rows one by one, strictly.

    Raises RaggedRow at the first row that is not `width` cells, or has a cell, or is itself, longer than `most` bytes.
    """
    with LIMIT:
        before = csv.field_size_limit(most)
        try:
            _examine(lines, delimiter, width, most, quotes=quotes)
        finally:
            csv.field_size_limit(before)


def _examine(lines: Iterable[str], delimiter: str, width: int, most: int, *, quotes: bool) -> None:
    reader = (
        csv.reader(iter(lines), delimiter=delimiter, strict=True)
        if quotes
        else csv.reader(iter(lines), delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
    )
    start = 1
    try:
        for row in reader:
            if row and len(row) != width:
                raise _ragged(start, row, width, reader)
            if sum(map(len, row)) * 4 > most and sum(len(cell.encode()) for cell in row) > most:
                raise RaggedRow(start, "is too long", too_long=True)
            start = reader.line_num + 1
    except csv.Error as error:
        reason = str(error)
        too_long = "larger than field limit" in reason
        raise RaggedRow(start, _torn(reason), too_long=too_long, is_open="end of data" in reason) from None


def _ragged(line: int, row: list[str], width: int, rest: Iterator[list[str]]) -> RaggedRow:
    """The error of a row of another width; the rows after it show its likely cause."""
    found = RaggedRow(line, f"has {'1 cell' if len(row) == 1 else f'{len(row)} cells'}, the header has {width}")
    later = Counter(len(each) for each in _rest(rest) if each)
    if len(row) > width and later[len(row)] > 0 and later.most_common(1)[0][0] == len(row):
        found.header_line = line
    found.is_last = len(row) < width and not later[width]
    return found


def _rest(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows up to the first that is torn."""
    with suppress(csv.Error):
        yield from reader


def _torn(reason: str) -> str:
    if "unexpected end of data" in reason:
        return "opens a quote that is never closed"
    if "expected after" in reason:
        return "has text right after a closing quote (a quote within a cell is written twice)"
    return f"cannot be read: {reason}"
