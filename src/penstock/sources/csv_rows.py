"""Rows of CSV and TSV files: every cell as the text it is, in bounded memory, torn files named with their line.

An unquoted blank is null, `""` is empty text. Arrow's reader tells the two apart only for blanks that it is given by
name, so blanks of an unusual kind are learned on the way: the file is opened again with them, and the rows already
given are skipped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv

from penstock.bounds import bounds
from penstock.model.spec import ColumnType, FileSource
from penstock.sources.file_bounds import bounded_blocks, refuse_wide, too_long
from penstock.sources.files import wrong
from penstock.sources.names import doubled, listed
from penstock.sources.pieces import Caster, Judge, Piece, compute
from penstock.sources.quotes import QuoteCheck, RaggedRow, examine, lines_of
from penstock.sources.text_typing import TextJudge, text_caster

BLOCK = 1 << 20
USUAL_BLANKS = ["", *(" " * count for count in range(1, 33)), "\t", "\u00a0"]


class CsvRows:
    """One or several delimited text files with the same columns; the order of columns may differ."""

    open_ended = False

    def __init__(self, source: FileSource, files: list[Path], *, tabs: bool) -> None:
        self._source = source
        self._tables = [_Table.opened(source, path, tabs=tabs) for path in files]
        self._blanks = list(USUAL_BLANKS)
        first = self._tables[0]
        for table in self._tables:
            if set(table.names) != set(first.names):
                odd = listed(sorted(set(table.names) ^ set(first.names)))
                message = f"{table.path.name}, line 1: another header than in {first.path.name}: {odd}"
                raise wrong(source, message, "other-columns", found=odd, line=1, file=str(table.path))

    def names(self) -> list[str]:
        return list(self._tables[0].names)

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, _name: str) -> Judge:
        return TextJudge()

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        return text_caster(name, kind, given=given)

    def pieces(self) -> Iterator[Piece]:
        for table in self._tables:
            yield from self._table_pieces(table)

    def _table_pieces(self, table: _Table) -> Iterator[Piece]:
        """The rows of one file; starts again with what was learned, and skips what was given."""
        given, block = 0, BLOCK
        while True:
            skip = given
            try:
                for batch in table.batches(self._blanks, block):
                    fresh = batch[skip:] if skip < batch.num_rows else batch[:0]
                    skip = max(0, skip - batch.num_rows)
                    if self._learn_blanks(fresh):
                        break
                    if fresh.num_rows:
                        given += fresh.num_rows
                        yield Piece(fresh.num_rows, dict(zip(table.names, fresh.columns, strict=True)))
                else:
                    return
            except _RowTooLong:
                block = min(block * 16, max(block, bounds().cell))

    def _learn_blanks(self, batch: pa.RecordBatch) -> bool:
        """Whether the batch holds a blank that Arrow was not told of (quoted or not, it cannot tell yet)."""
        found: set[str] = set()
        for column in batch.columns:
            blank = compute.utf8_is_space(column)
            if compute.any(blank).as_py():
                found.update(compute.unique(column.filter(blank)).drop_null().to_pylist())
        fresh = found.difference(self._blanks)
        self._blanks.extend(sorted(fresh))
        return bool(fresh)


class _RowTooLong(Exception):  # noqa: N818 - a signal to read with larger blocks
    pass


@dataclass(slots=True)
class _Table:
    """One delimited file: its header and how to read it."""

    source: FileSource
    path: Path
    delimiter: str
    names: list[str]
    examined: bool = field(default=False)  # quotes out of place were found harmless

    @classmethod
    def opened(cls, source: FileSource, path: Path, *, tabs: bool) -> _Table:
        blocks = _text_blocks(source, path)
        try:
            head = next(blocks, b"").decode()
            if not {"\n", "\r"} & set(head) and next(blocks, None) is not None:
                raise too_long(source, path, 1, "the header", BLOCK)
        finally:
            blocks.close()
        if not head.strip():
            hint = "write a header line with the names of the columns"
            place = {"file": str(path), "line": 1}
            raise wrong(source, f"{path.name} is empty", "empty-file", hint=hint, found="nothing", **place)
        delimiter = _delimiter(source, head, tabs=tabs)
        try:
            names = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter))
        except csv.Error:
            raise too_long(source, path, 1, "a name in the header", csv.field_size_limit()) from None
        return cls(source, path, delimiter, _checked_names(source, path, names))

    def batches(self, blanks: list[str], block: int) -> Iterator[pa.RecordBatch]:
        """Record batches of text columns. Raises InputError for a torn file, _RowTooLong for a larger block."""
        generic = [f"c{number}" for number in range(len(self.names))]
        feed: Any = pa.PythonFile(_Feed(self), "r")
        try:
            for batch in arrow_csv.open_csv(
                feed,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=block, column_names=generic, skip_rows_after_names=1
                ),
                parse_options=arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    check_utf8=False,
                    column_types=dict.fromkeys(generic, pa.string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                    null_values=blanks,
                ),
            ):
                self._refuse_long(batch)
                yield batch
        except pa.ArrowInvalid as error:
            self.examine()
            if "straddling" in str(error):
                if block < bounds().cell:
                    raise _RowTooLong from None
                raise too_long(self.source, self.path, None, "a row") from None
            raise wrong(self.source, f"{self.path.name}: {error}", "torn-file", file=str(self.path)) from None

    def _refuse_long(self, batch: pa.RecordBatch) -> None:
        """Raise InputError where a cell of several lines is beyond the bound; a line was measured before."""
        most = bounds().cell
        if batch.nbytes > most and any(
            (compute.max(compute.binary_length(c)).as_py() or 0) > most for c in batch.columns
        ):
            self.examine()

    def examine(self) -> None:
        """Read the file strictly, row by row. Raises InputError that names the line of the first torn row."""
        lines = lines_of(bounded_blocks(self.source, self.path))
        try:
            examine(lines, self.delimiter, len(self.names), bounds().cell)
        except RaggedRow as ragged:
            if ragged.too_long:
                raise too_long(self.source, self.path, ragged.line, "a cell or row") from None
            message = f"{self.path.name}: line {ragged.line} {ragged}"
            raise wrong(self.source, message, "torn-file", line=ragged.line, file=str(self.path)) from None
        self.examined = True


class _Feed(io.RawIOBase):
    """The clean bytes of a table as a file for Arrow, its quotes checked on the way."""

    def __init__(self, table: _Table) -> None:
        super().__init__()
        self._table = table
        self._blocks = self._checked()
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

    def _checked(self) -> Iterator[bytes]:
        check = QuoteCheck(self._table.delimiter)
        last = b"\n"
        for block in _text_blocks(self._table.source, self._table.path):
            if check.regular:
                check.feed(block)
            self._settle(check)
            last = block[-1:]
            yield block
        if check.regular:
            check.end()
        self._settle(check)
        if last not in {b"\n", b"\r"}:
            yield b"\n"

    def _settle(self, check: QuoteCheck) -> None:
        if not check.regular and not self._table.examined:
            self._table.examine()


def _text_blocks(source: FileSource, path: Path) -> Generator[bytes, None, None]:
    """The file as UTF-8, from its first line that is not empty."""
    started = False
    for block in bounded_blocks(source, path):
        fresh = block if started else block.lstrip(b"\r\n")
        if fresh:
            started = True
            yield fresh


def _checked_names(source: FileSource, path: Path, names: list[str]) -> list[str]:
    refuse_wide(source, path, len(names), 1)
    if (name := doubled(names)) is not None and name.strip():
        hint = "give each column its own name"
        message = f"{path.name}, line 1: the column {name} stands twice in the header"
        raise wrong(source, message, "double-column", found=name, hint=hint, line=1, file=str(path))
    for place, name in enumerate(names, start=1):
        if not name.strip():
            message = f"{path.name}, line 1: column {place} of {len(names)} has no name in the header"
            hint = "name it, or check the delimiter and that the first line is the header"
            raise wrong(source, message, "nameless-column", hint=hint, line=1, file=str(path))
    return names


def _delimiter(source: FileSource, head: str, *, tabs: bool) -> str:
    """The delimiter given, else the one among `,`, `;`, tab and `|` that cuts the first lines most evenly."""
    if source.delimiter is not None:
        given = {"tab": "\t", "\\t": "\t"}.get(source.delimiter, source.delimiter)
        if len(given) == 1 and given.isascii() and given not in '"\r\n\0':
            return given
        hint = "write one character, or tab"
        raise wrong(source, "the delimiter is one character", "delimiter", found=source.delimiter, hint=hint)
    return "\t" if tabs else max(",;\t|", key=lambda candidate: _evenness(head, candidate))


def _evenness(head: str, delimiter: str) -> tuple[int, int]:
    """How many of the first lines have as many cells as the header (none when it is one cell), and how many cells."""
    reader = csv.reader(io.StringIO(head[:BLOCK], newline=""), delimiter=delimiter)
    rows: list[list[str]] = []
    with suppress(csv.Error):  # a cell too long for a first look: the rows before it decide
        rows.extend(row for row, _ in zip(reader, range(20), strict=False) if row)
    width = len(rows[0]) if rows else 0
    return (sum(len(row) == width for row in rows), width) if width > 1 else (0, 0)
