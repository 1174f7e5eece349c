r"""Rows of CSV and TSV files: every cell as its own text, in bounded memory.

An unquoted blank is null, `""` is empty text. Arrow's reader distinguishes the two only for blanks that it is given by
name, so blanks of an unusual kind are added when they are found: the file is opened again with them, and the rows
already returned are skipped. A column that would be numbers or booleans but for a null mark of another program, such as
`\N`, gets a note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from penstock.bounds import bounds
from penstock.model.outcome import Note
from penstock.model.spec import ColumnType, FileSource
from penstock.model.text import joined
from penstock.sources.files.csv_table import CsvTable, RowTooLong
from penstock.sources.files.lines import OPENING, reason, with_bytes_shown
from penstock.sources.files.source_files import file_error
from penstock.sources.typing.pieces import Cast, Caster, Judge, Piece, RawColumn, compute, misfit
from penstock.sources.typing.text import TextJudge, text_caster

MARKS = (
    "\\N", "NULL", "null", "Null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "[null]", "None", "none", "nil",
    "NIL", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NaT", "undefined", "-", "--", "?", ".",
)  # fmt: skip

BLOCK = 1 << 20
USUAL_BLANKS = ["", *(" " * count for count in range(1, 33)), "\t", "\u00a0"]
GUARDED = r'^="[^"]*"$'
UNGUARDED = 'a guard against spreadsheets, ="…", is removed from its values'


class NullMarkJudge:
    """A judge of a text column that also computes its type if common marks of null were null."""

    def __init__(self, known: Callable[[pa.Array[Any]], pa.Array[Any]]) -> None:
        """`known`: what is judged of a column."""
        self._known = known
        self._judge = TextJudge()
        self._without: TextJudge | None = None  # the judge of the values that are no marks, once there are marks
        self.marks: dict[str, int] = {}

    def observe(self, column: RawColumn) -> None:
        values = self._known(column if isinstance(column, pa.Array) else pa.array(column, pa.string()))
        before = copy(self._judge) if self._judge.is_narrow else None
        self._judge.observe(values)
        if self._judge.is_narrow:
            return
        self._without = before or self._without  # a text makes it wide permanently
        if self._without is not None and self._without.is_narrow:
            marked = compute.fill_null(compute.is_in(values, pa.array(MARKS)), False)
            for found in compute.value_counts(values.filter(marked)).to_pylist():
                self.marks[found["values"]] = self.marks.get(found["values"], 0) + found["counts"]
            self._without.observe(compute.if_else(marked, None, values))

    def verdict(self) -> ColumnType:
        return self._judge.verdict()

    def nullable(self, kind: ColumnType) -> bool:
        return self._judge.nullable(kind)

    @property
    def marks_only(self) -> bool:
        """Whether marks of null are all that makes the column text."""
        return bool(self.marks) and self._without is not None and self._without.verdict() != "text"

    @property
    def others(self) -> str:
        """The values that are not marks of null, in words."""
        is_boolean = self._without is not None and self._without.verdict() == "boolean"
        return "true or false" if is_boolean else "numbers"


def null_mark_note(name: str, judge: NullMarkJudge, source: str) -> Note:
    """The note about a column that is text because of null marks."""
    marks = list(judge.marks)
    written = ", ".join(f"'{mark}'" for mark in marks)
    reason = (
        f"read as text: {' and '.join(marks)} is in it, all other values are {judge.others}; "
        f"if it means null, write null_values: [{written}] at sources.{source}"
    )
    return Note(name, "kept as text", reason, sum(judge.marks.values()))


class CsvRows:
    """One or several delimited text files with the same columns; the order of columns may differ.

    Without any text in any of the files there are no columns, and `open_ended` is True.
    """

    def __init__(self, source: FileSource, files: list[Path], *, tabs: bool) -> None:
        self._source = source
        opened = {path: CsvTable.opened(source, path, tabs=tabs) for path in files}
        self._tables = [table for table in opened.values() if table is not None]
        self._empty = [path for path, table in opened.items() if table is None]
        self._blanks = [*USUAL_BLANKS, *(mark for mark in source.null_values if mark not in USUAL_BLANKS)]
        self._judges: dict[str, NullMarkJudge] = {}
        self._unguarded: Counter[str] = Counter()
        self.open_ended = not self._tables
        for table in self._tables[1:]:
            first = self._tables[0]
            if set(table.layout.named) != set(first.layout.named):
                odd = joined(sorted(set(table.layout.named) ^ set(first.layout.named)))
                at = table.layout.header_at
                message = f"{table.path.name}, line {at}: another header than in {first.path.name}: {odd}"
                raise file_error(source, message, "other-columns", found=odd, line=at, file=str(table.path))

    def names(self) -> list[str]:
        return list(self._tables[0].layout.named) if self._tables else []

    def declared(self, _name: str) -> ColumnType | None:
        return None

    def judge(self, name: str) -> Judge:
        judge = self._judges[name] = NullMarkJudge(self._known)
        return judge

    def caster(self, name: str, kind: ColumnType, *, given: bool) -> Caster:
        plain = text_caster(name, kind, given=given)
        return Caster(plain.arrow, partial(self._cast, name, kind, plain))

    def notes(self) -> tuple[Note, ...]:
        """What was changed in or left out of the files, as far as they have been read."""
        empty = [Note(path.name, "empty", "the file holds no records") for path in self._empty]
        headers = [note for table in self._tables for note in table.layout.notes]
        guards = [Note(name, "unguarded", UNGUARDED, count) for name, count in self._unguarded.items()]
        return tuple(dict.fromkeys((*empty, *headers, *guards)))

    def typing_notes(self) -> tuple[Note, ...]:
        """What was found out about the values that the last judges saw."""
        judges = self._judges.items()
        return tuple(null_mark_note(name, judge, self._source.name) for name, judge in judges if judge.marks_only)

    def pieces(self) -> Iterator[Piece]:
        self._unguarded.clear()
        for table in self._tables:
            yield from self._table_pieces(table)

    def _table_pieces(self, table: CsvTable) -> Iterator[Piece]:
        """The rows of one file. It is read again where an unusual blank is found, without the rows already returned."""
        given, block = 0, BLOCK
        while True:
            skip = given
            try:
                for batch in table.batches(self._blanks, block):
                    fresh = batch[skip:] if skip < batch.num_rows else batch[:0]
                    skip = max(0, skip - batch.num_rows)
                    if self._add_blanks(fresh):
                        break
                    if fresh.num_rows:
                        given += fresh.num_rows
                        columns = dict(zip(table.layout.named, fresh.columns, strict=True))
                        yield Piece(fresh.num_rows, self._bare(columns) if table.has_guards else columns)
                else:
                    return
            except RowTooLong:
                block = min(block * 16, max(block, bounds().cell))

    def _add_blanks(self, batch: pa.RecordBatch) -> bool:
        """Whether the batch holds a blank that is not in Arrow's list (quoted or not is not known yet)."""
        found: set[str] = set()
        for column in batch.columns:
            blank = compute.utf8_is_space(column)
            if compute.any(blank).as_py():
                found.update(compute.unique(column.filter(blank)).drop_null().to_pylist())
        fresh = found.difference(self._blanks)
        self._blanks.extend(sorted(fresh))
        return bool(fresh)

    def _bare(self, columns: dict[str, pa.Array[Any]]) -> dict[str, pa.Array[Any]]:
        """The columns without guards: `="00123"` is the text 00123."""
        for name, column in columns.items():
            guarded = compute.match_substring_regex(column, GUARDED)
            count = compute.sum(guarded).as_py()
            if count:
                bare = compute.utf8_slice_codeunits(column, 2, stop=-1)
                columns[name] = compute.if_else(compute.fill_null(guarded, False), bare, column)
                self._unguarded[name] += count
        return columns

    # ── bytes that cannot be decoded ─────────────────────────────────────────

    def _known(self, column: pa.Array[Any]) -> pa.Array[Any]:
        """The column with null for values that hold bytes which cannot be decoded."""
        broken = self._broken(column)
        return column if broken is None else compute.if_else(broken, None, column)

    def _broken(self, column: pa.Array[Any]) -> Any:
        """Which values hold bytes that cannot be decoded; None where none does."""
        if not any(table.has_marks for table in self._tables):
            return None
        broken = compute.fill_null(compute.match_substring(column, OPENING), False)
        return broken if compute.any(broken).as_py() else None

    def _cast(self, name: str, kind: ColumnType, plain: Caster, column: RawColumn) -> Cast:
        broken = self._broken(column) if isinstance(column, pa.Array) else None
        if broken is None:
            return plain.cast(column)
        cast = plain.cast(compute.if_else(broken, None, column))
        why = reason(name, self._source.encoding)
        found = {
            row: misfit(name, kind, with_bytes_shown(str(column[row])), why)
            for row in compute.indices_nonzero(broken).to_pylist()
        }
        return Cast(cast.array, {**cast.misfits, **found})
