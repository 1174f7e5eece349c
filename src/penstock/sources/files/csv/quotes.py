"""The check that the quotes of a CSV file are closed where they should be.

Arrow's reader takes everything between two quotes as one cell, so that one torn quote swallows rows without an error.
This check reads the bytes on the way: an opening quote is at the start of a cell, a closing one at its end. A file with
stray quotes is then read once, row by row, to distinguish a harmless one (`5" pipe`) from a torn one, with its line.
"""

from __future__ import annotations

import csv
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np

QUOTE, LINE_FEED, RETURN = ord('"'), ord("\n"), ord("\r")
LIMIT = threading.Lock()  # the csv module has one limit for all; Arrow reads ahead in a thread of its own


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


class RaggedRow(ValueError):  # noqa: N818 - it names what was met
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


def examine(lines: Iterable[str], delimiter: str, width: int, most: int, *, quotes: bool = True) -> None:
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
