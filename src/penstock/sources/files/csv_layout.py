"""The layout of a delimited file: the lines before the header, the delimiter, the names of the columns.

Recognises what other programs write: a first line `sep=;`, delimiters at the end of every line, blanks and marks around
names.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.spec import FileSource
from penstock.sources.files.header import INDEX, HeaderPlace, header_names
from penstock.sources.files.lines import has_marks, with_bytes_shown
from penstock.sources.files.source_files import file_error, refuse_wide, too_long

DELIMITERS = ",;\t|"
LOOKED_AT = 20  # rows by which a delimiter is chosen
_SEPARATOR = re.compile(r'"?sep=([^\r\n])\1*"?[ \t]*', re.IGNORECASE)  # Excel writes it; other programs pad it


@dataclass(frozen=True, slots=True)
class Layout:
    """`names`: one a cell of a row, "" for a column that the header does not name.

    `header_at`: the 1-based line of the header; `before`: lines before the rows, the header's own included.
    `counts`: the first column has no name and counts the rows from 0, as pandas writes its index.
    """

    delimiter: str
    names: tuple[str, ...]
    header_at: int
    before: int
    quotes: bool
    notes: tuple[Note, ...] = ()
    counts: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(name for name in self.names if name)


def layout_of(source: FileSource, path: Path, head: str, *, tabs: bool) -> Layout | None:
    """The layout of a file whose text, after the lines that the source skips, begins with `head`; None: it is empty.

    Raises InputError where no header can be read.
    """
    lines = list(io.StringIO(head, newline=""))
    if len(lines) > 1 and len(head) >= 1 << 16 and not head.endswith(("\n", "\r")):
        lines.pop()  # the head ends in the middle of it
    before, separator = _before_header(lines)
    if before == len(lines):
        return None
    quotes = source.quote != "none"
    delimiter = _given(source) or separator or ("\t" if tabs else None) or _detected(lines[before:], quotes=quotes)
    at = source.skip_lines + before + 1
    try:
        rows, used = _rows(lines[before:], delimiter, quotes=quotes)
    except csv.Error:
        raise too_long(source, path, at, "a name in the header", csv.field_size_limit()) from None
    refuse_wide(source, path, len(rows[0]), at)
    cells = _fitted(rows[0], rows[1:])
    names, notes = header_names(HeaderPlace(source, path, at), cells)
    for name in names:
        if has_marks(name):
            raise _undecodable(source, path, at, name)
    counts = not names[0] and len(rows) > 1 and [row[0] for row in rows[1:]] == [*map(str, range(len(rows) - 1))]
    if counts:
        notes = (INDEX, *(note for note in notes if note.field != INDEX.field))
    return Layout(delimiter, names, at, at - 1 + used, quotes, notes, counts)


def _before_header(lines: Sequence[str]) -> tuple[int, str | None]:
    """How many lines come before the header: blank ones, and one that names the delimiter, which is returned too."""
    separator: str | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        found = _SEPARATOR.fullmatch(line.rstrip("\r\n")) if separator is None else None
        if found is None:
            return number, separator
        separator = found[1]
    return len(lines), separator


def _rows(lines: Iterable[str], delimiter: str, *, quotes: bool) -> tuple[list[list[str]], int]:
    """The header and the first rows, as cells; and how many lines the header takes."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    rows, used = [next(reader)], reader.line_num
    with suppress(csv.Error):  # a cell too long for a first look: the rows before it decide
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > LOOKED_AT:
                break
    return rows, used


def _fitted(header: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header with as many cells as the rows have, if one of the two has one more delimiter at its end."""
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        return header
    width = widths.pop()
    if width < len(header) and not any(cell.strip() for cell in header[width:]):
        return header[:width]
    if width == len(header) + 1 and not any(row[-1].strip() for row in rows):
        return [*header, ""]
    return header


def _undecodable(source: FileSource, path: Path, at: int, name: str) -> InputError:
    return file_error(
        source,
        f"{path.name}, line {at}: the name of a column cannot be decoded: {with_bytes_shown(name)}",
        "unreadable-encoding",
        hint=f"write the right encoding at sources.{source.name}",
        found=with_bytes_shown(name),
        line=at,
        file=str(path),
    )


# ── the delimiter ─────────────────────────────────────────────────────────────


def _given(source: FileSource) -> str | None:
    if source.delimiter is None:
        return None
    given = {"tab": "\t", "\\t": "\t"}.get(source.delimiter, source.delimiter)
    if len(given) == 1 and given.isascii() and given not in '"\r\n\0':
        return given
    hint = "write one character of ASCII, or tab"
    raise file_error(source, "the delimiter is one character", "delimiter", found=source.delimiter, hint=hint)


def _detected(lines: Sequence[str], *, quotes: bool) -> str:
    """The one of `,`, `;`, tab and `|` that splits the first lines most evenly.

    Where several cut them equally well, one that a blank always follows is part of the text.
    """
    cuts = {delimiter: _rows_like_header(lines, delimiter, quotes=quotes) for delimiter in DELIMITERS}
    most = max(even for even, _ in cuts.values())
    best = [delimiter for delimiter, (even, _) in cuts.items() if even == most and even]
    if len(best) > 1:
        best = [each for each in best if not _always_before_blank(lines, each)] or best
    return max(best, key=lambda each: cuts[each][1]) if best else ","


def _rows_like_header(lines: Sequence[str], delimiter: str, *, quotes: bool) -> tuple[int, int]:
    """How many of the first rows have as many cells as the header (none when it is one cell), and how many cells."""
    try:
        rows, _ = _rows(lines, delimiter, quotes=quotes)
    except csv.Error:
        return 0, 0
    rows = rows[:LOOKED_AT]
    width = len(rows[0])
    counts = Counter(map(len, rows))
    return (counts[width], width) if width > 1 else (0, 0)


def _always_before_blank(lines: Sequence[str], delimiter: str) -> bool:
    looked = "".join(lines[:LOOKED_AT])
    return looked.count(delimiter) == looked.count(f"{delimiter} ")
