"""How the numbers of a column are written: detected in the pass that decides its type, and used whenever it is read."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.outcome import Refusal
from penstock.model.record import Column
from penstock.model.spec import ColumnType
from penstock.render.values.numbers import GAP, ONLY, SIGNS, UNAMBIGUOUS, DecimalSign, plain_digits, shortest
from penstock.sources.typing.pieces import Cast, Caster, RawColumn, compute, misfit

LOSSLESS = {
    ".": r"^\s*[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?\s*$",
    ",": r"^\s*[+-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:\.\d{3})+)(?:,\d+)?\s*$",
}  # numbers of a source whose decimal sign is given
SURE = 15  # digits that a float holds
NUMBERS: tuple[ColumnType, ...] = ("number", "integer")


class WritingJudge:
    """Finds the decimal sign of a column's written numbers; `given` is that of the source."""

    def __init__(self, given: DecimalSign | None) -> None:
        self._given = given
        self._signs: set[DecimalSign] = set()
        self._are_numbers = given is not None
        self._seen = False

    def observe(self, column: RawColumn) -> None:
        """Look at some more rows of the column."""
        if self._given is None and len(self._signs) > 1:
            return
        values = _texts(column)
        if values is None or not len(values):
            return
        if self._given is None:
            self._signs |= decided_signs(values)
        elif self._are_numbers:
            bare = values.filter(compute.invert(compute.match_substring_regex(values, r"^\s*$")))
            self._seen = self._seen or len(bare) > 0
            fit = compute.match_substring_regex(bare, LOSSLESS[self._given])
            short = compute.less_equal(compute.utf8_length(bare), SURE)
            self._are_numbers = compute.all(compute.and_(fit, short)).as_py() is not False

    def typed(self, kind: ColumnType, *, given: bool) -> tuple[ColumnType, DecimalSign | None]:
        """The type of a column that was judged to be `kind` (or `given` it), and the decimal sign of its texts."""
        if self._given is not None:
            makes = not given and self._seen and self._are_numbers and kind in ("text", "number")
            return ("number", self._given) if makes else (kind, self._given if kind in ("text", *NUMBERS) else None)
        sign = next(iter(self._signs)) if len(self._signs) == 1 else None
        return kind, sign if kind == "text" or (given and kind in NUMBERS) else None


def is_written(column: Column) -> bool:
    """Whether the column's numbers are texts with a decimal sign that is known."""
    return column.type in NUMBERS and column.decimal is not None


def writing_caster(column: Column, caster: Caster, *, given: bool) -> Caster:
    """The caster of a column, which reads written numbers by the column's decimal sign."""
    if is_written(column) or (given and column.type in NUMBERS):
        return Caster(caster.arrow, partial(_cast, column, caster))
    return caster


def _cast(column: Column, caster: Caster, raw: RawColumn) -> Cast:
    values = _texts(raw, whole=True)
    if values is None:
        return caster.cast(raw)
    plain, ambiguous = as_plain_numbers(values, column.decimal)
    if plain is values:
        return caster.cast(raw)
    texts = plain.to_pylist()
    for row in ambiguous:
        texts[row] = None
    arrays = isinstance(raw, pa.Array)
    read: RawColumn = (
        pa.array(texts, pa.string())
        if arrays
        else [text if isinstance(value, str) else value for value, text in zip(raw, texts, strict=True)]
    )
    array, misfits = caster.cast(read)
    found = {row: _ambiguous(column, values[row].as_py()) for row in ambiguous}
    return Cast(array, {**misfits, **found})


def _ambiguous(column: Column, text: str) -> Refusal:
    refusal = misfit(column.name, column.type, text, f"column {column.name}: it may be thousands or thousandths")
    return Refusal("ambiguous", refusal.reason, column.name, refusal.value, UNAMBIGUOUS)


def _texts(column: RawColumn, *, whole: bool = False) -> Any:
    """The texts of a raw column as Arrow text; None where there are none. `whole`: one per row, null for others."""
    if isinstance(column, pa.Array):
        if not (kinds.is_string(column.type) or kinds.is_large_string(column.type)):
            return None
        return column if whole else column.drop_null()
    if str not in set(map(type, column)):
        return None
    texts = [value if isinstance(value, str) else None for value in column]
    try:
        array = pa.array(texts, pa.string())
    except UnicodeEncodeError:  # half of a surrogate pair
        texts = [None if text is None or not text.isprintable() else text for text in texts]
        array = pa.array(texts, pa.string())
    return array if whole else array.drop_null()


def decided_signs(values: Any) -> set[DecimalSign]:
    """The decimal signs that texts of an Arrow column can only have: one of them decides for the column."""
    marked = values.filter(compute.fill_null(compute.match_substring_regex(values, r"[.,]\d|\d[.,]"), False))
    if not len(marked):
        return set()
    return {sign for sign in SIGNS if compute.any(compute.match_substring_regex(marked, ONLY[sign])).as_py()}


def as_plain_numbers(values: pa.Array[Any], sign: DecimalSign | None) -> tuple[pa.Array[Any], list[int]]:
    """A text column with its written numbers in their shortest plain form, and the rows that are ambiguous.

    What is no number, or has a currency, stays as it is.
    """
    written = compute.match_substring_regex(values, rf"[.,]|{GAP}\d")
    rows = compute.indices_nonzero(compute.fill_null(written, False)).to_pylist()
    texts, ambiguous = values.to_pylist() if rows else [], list[int]()
    for row in rows:
        digits = plain_digits(texts[row].strip(), sign, currency=False)
        if digits == "ambiguous":
            ambiguous.append(row)
        elif digits != "none":
            texts[row] = shortest(digits)
    return (pa.array(texts, pa.string()) if rows else values), ambiguous
