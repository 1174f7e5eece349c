"""Are the quotes of a CSV file closed where they should be?

Arrow's reader takes whatever stands between two quotes, so that one torn quote swallows rows without a word. Here
every quote is checked as the bytes go by: opening ones stand at the start of a cell, closing ones at its end. A file
with stray quotes is then read once, row by row, to tell a harmless one (`5" pipe`) from a torn one, with its line.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterable, Iterator

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
    """A row that is torn, has another number of cells or is too long; `line` is where it starts."""

    def __init__(self, line: int, reason: str, *, too_long: bool = False) -> None:
        super().__init__(reason)
        self.line = line
        self.too_long = too_long


def examine(lines: Iterable[str], delimiter: str, width: int, most: int) -> None:
    """Read the whole text row by row, strictly.

    Raises RaggedRow at the first row that is not `width` cells, or has a cell, or is itself, longer than `most` bytes.
    """
    with LIMIT:
        before = csv.field_size_limit(most)
        try:
            _examine(lines, delimiter, width, most)
        finally:
            csv.field_size_limit(before)


def _examine(lines: Iterable[str], delimiter: str, width: int, most: int) -> None:
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    start = 1
    try:
        for row in reader:
            if row and len(row) != width:
                cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                raise RaggedRow(start, f"has {cells}, the header has {width}")
            if sum(map(len, row)) * 4 > most and sum(len(cell.encode()) for cell in row) > most:
                raise RaggedRow(start, "is too long", too_long=True)
            start = reader.line_num + 1
    except csv.Error as error:
        too_long = "larger than field limit" in str(error)
        raise RaggedRow(start, _torn(str(error)), too_long=too_long) from None


def lines_of(blocks: Iterable[bytes]) -> Iterator[str]:
    """UTF-8 blocks as lines with their ends; a line feed, a return or both end a line."""
    carry = b""
    for block in blocks:
        whole = carry + block
        cut = max(whole.rfind(b"\n"), whole.rfind(b"\r", 0, -1)) + 1
        carry = whole[cut:]
        yield from io.StringIO(whole[:cut].decode(), newline="")
    yield from io.StringIO(carry.decode(), newline="")


def _torn(reason: str) -> str:
    if "unexpected end of data" in reason:
        return "opens a quote that is never closed"
    if "expected after" in reason:
        return "has text right after a closing quote (a quote within a cell is written twice)"
    return f"cannot be read: {reason}"
