r"""Columns that would be numbers or booleans but for a text that other programs write for null, such as `\N`."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import pyarrow as pa

from penstock.model.outcome import Note
from penstock.model.spec import ColumnType
from penstock.sources.pieces import RawColumn, compute
from penstock.sources.text_typing import TextJudge

MARKS = (
    "\\N", "NULL", "null", "Null", "(null)", "(NULL)", "<null>", "<NULL>", "[NULL]", "[null]", "None", "none", "nil",
    "NIL", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NaT", "undefined", "-", "--", "?", ".",
)  # fmt: skip


class NullMarkJudge:
    """A judge of a text column that also knows what its type would be if common marks of null were null."""

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
        self._without = before or self._without  # a text makes it wide for good
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
        """What the values are that are no marks of null."""
        is_boolean = self._without is not None and self._without.verdict() == "boolean"
        return "true or false" if is_boolean else "numbers"


def null_mark_note(name: str, judge: NullMarkJudge, source: str) -> Note:
    """What to say of a column that marks of null make text."""
    marks = list(judge.marks)
    written = ", ".join(f"'{mark}'" for mark in marks)
    reason = (
        f"read as text: {' and '.join(marks)} is in it, all other values are {judge.others}; "
        f"if it means null, write null_values: [{written}] at sources.{source}"
    )
    return Note(name, "kept as text", reason, sum(judge.marks.values()))
