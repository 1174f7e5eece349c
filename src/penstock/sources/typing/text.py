"""The types of columns of bare text (CSV, TSV), without loss, and the reading of one text as a type of `types:`.

A column is a number only when every value that is not blank is a number in its shortest form: reading it as a number
and writing it again gives the same text. `007`, `1.10`, `+5`, `1e5`, `-0` make their column text, unchanged. A text
that does not have the given type raises Unreadable; nothing is guessed, and no digit is lost.

`WritingJudge` finds how the numbers of a column are written, in the pass that decides the column's type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from penstock.model.outcome import Refusal
from penstock.model.record import Column
from penstock.model.spec import ColumnType
from penstock.render.values.numbers import GAP, ONLY, SIGNS, UNAMBIGUOUS, DecimalSign, plain_digits, shortest
from penstock.sources.typing.exact_json import NotJson, parse
from penstock.sources.typing.pieces import Cast, Caster, RawColumn, compute, misfit

WHOLE = re.compile(r"[+-]?[0-9]+(\.0+)?", re.ASCII)
DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?)?",
    re.ASCII | re.IGNORECASE,
)
FRACTION = re.compile(r"(\.[0-9]{6})[0-9]+")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

INTEGER = r"^(0|-?[1-9][0-9]*)$"
NUMBER = r"^(0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9])$"
ArrayTest = Callable[[Any], Any]  # a column → which of its cells pass (null passes)
SURE_DIGITS = 15  # decimals of up to 15 digits come back from a float64 as they were


class Unreadable(ValueError):  # noqa: N818 - it names what was found
    """The text is no value of the type; the message is the reason, empty when there is nothing to add."""


def read_integer(text: str) -> int:
    """`007`, `+5` and `5.0` are read; the range is int64."""
    text = text.strip()
    if not WHOLE.fullmatch(text):
        raise Unreadable
    value = int(text.partition(".")[0])
    if not -(2**63) <= value < 2**63:
        raise Unreadable("larger than 64 bits hold; keep the column as text")
    return value


def read_number(text: str) -> float:
    """`1.10`, `+5`, `1e5` are read; a decimal that float64 cannot hold is refused."""
    text = text.strip()
    if not DECIMAL.fullmatch(text):
        raise Unreadable
    value = float(text)
    if value in {float("inf"), float("-inf")} or Decimal(repr(value)) != Decimal(text):
        raise Unreadable("more digits than a number holds; keep the column as text")
    return value


def read_boolean(text: str) -> bool:
    """`true` and `false` in any case, `1` and `0`."""
    try:
        return BOOLEANS[text.strip().lower()]
    except KeyError:
        raise Unreadable from None


def read_date(text: str) -> date:
    text = text.strip()
    if not DATE.fullmatch(text):
        raise Unreadable
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def read_timestamp(text: str) -> datetime:
    """ISO 8601; without an offset it is taken as UTC. Digits beyond microseconds are cut."""
    text = text.strip()
    if not TIMESTAMP.fullmatch(text):
        raise Unreadable
    try:
        moment = datetime.fromisoformat(FRACTION.sub(r"\1", text.upper()).replace(" Z", "Z").replace(" +", "+"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def read_json(text: str) -> str:
    """The text itself, when it is strict JSON."""
    try:
        parse(text)
    except NotJson as error:
        raise Unreadable(str(error)) from None
    return text


READERS: dict[ColumnType, Callable[[str], object]] = {
    "integer": read_integer,
    "number": read_number,
    "boolean": read_boolean,
    "date": read_date,
    "timestamp": read_timestamp,
    "json": read_json,
}


@cache
def arrow_types() -> dict[ColumnType, pa.DataType]:
    """The Arrow type of each column type."""
    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", "UTC"),
        "json": pa.string(),
    }


class TextJudge:
    """Finds the narrowest of boolean, integer, number and text that represents every value seen."""

    def __init__(self) -> None:
        self._seen = self._nulls = self._blanks = False
        self._boolean = self._integer = self._number = True

    def observe(self, column: RawColumn) -> None:
        array = _texts(column)
        self._nulls = self._nulls or array.null_count > 0
        if self._seen and not (self._boolean or self._integer or self._number):
            return
        values = array.drop_null()
        bare = values.filter(compute.invert(_blank(values)))
        self._blanks = self._blanks or len(bare) < len(values)
        if len(bare):
            self._seen = True
            self._boolean = self._boolean and _all(_are_booleans(bare))
            self._integer = self._integer and _all(_are_integers(bare))
            self._number = self._number and _all(_are_numbers(bare))

    @property
    def is_narrow(self) -> bool:
        """Whether the values seen so far, if any, have another type than text."""
        return not self._seen or self._boolean or self._integer or self._number

    def verdict(self) -> ColumnType:
        if not self._seen:
            return "text"
        if self._boolean:
            return "boolean"
        if self._integer:
            return "integer"
        return "number" if self._number else "text"

    def nullable(self, kind: ColumnType) -> bool:
        return self._nulls or (self._blanks and kind != "text")


def text_caster(name: str, kind: ColumnType, *, given: bool) -> Caster:
    """Types a text column as `kind`.

    A type that was detected admits only the shortest form, as detection did; a type that a person gave reads other
    forms of the same value too (`007` as 7), but never loses digits. Blank cells are null but for text.
    """
    if kind == "text":
        return Caster(pa.string(), lambda column: Cast(_texts(column), {}))
    test = TESTS.get(kind)
    if test is None or given:
        return Caster(arrow_types()[kind], partial(_cast_one_by_one, name, kind, test))
    return Caster(arrow_types()[kind], partial(_cast_strictly, name, kind, test))


def _cast_strictly(name: str, kind: ColumnType, test: ArrayTest, column: RawColumn) -> Cast:
    array = _null_where_blank(_texts(column))
    fits = test(array)
    if _all(fits):
        return Cast(array.cast(arrow_types()[kind]), {})
    bad = compute.indices_nonzero(compute.invert(fits)).to_pylist()
    misfits = {row: misfit(name, kind, array[row].as_py()) for row in bad}
    return Cast(compute.if_else(fits, array, None).cast(arrow_types()[kind]), misfits)


def _cast_one_by_one(name: str, kind: ColumnType, test: ArrayTest | None, column: RawColumn) -> Cast:
    array = _null_where_blank(_texts(column))
    if test is not None and _all(test(array)):
        return Cast(array.cast(arrow_types()[kind]), {})
    read = READERS[kind]
    values: list[object] = []
    misfits: dict[int, Refusal] = {}
    for row, text in enumerate(array.to_pylist()):
        try:
            values.append(None if text is None else read(text))
        except Unreadable as error:
            values.append(None)
            misfits[row] = misfit(name, kind, text, str(error) or None)
    return Cast(pa.array(values, arrow_types()[kind]), misfits)


def _texts(column: RawColumn) -> pa.Array[Any]:
    return column if isinstance(column, pa.Array) else pa.array(column, pa.string())


def _blank(values: pa.Array[Any]) -> Any:
    return compute.or_(compute.equal(values, ""), compute.utf8_is_space(values))


def _null_where_blank(array: pa.Array[Any]) -> Any:
    blank = _blank(array)
    return compute.if_else(blank, None, array) if compute.any(blank).as_py() else array


def _all(tests: Any) -> bool:
    return compute.all(tests).as_py() is not False


def _are_booleans(values: Any) -> Any:
    return compute.or_kleene(compute.is_in(values, pa.array(["true", "false"])), compute.is_null(values))


def _are_integers(values: Any) -> Any:
    shaped = compute.match_substring_regex(values, INTEGER)
    long = compute.greater(compute.binary_length(values), 18)
    return _refine(values, shaped, long, lambda text: -(2**63) <= int(text) < 2**63)


def _are_numbers(values: Any) -> Any:
    shaped = compute.match_substring_regex(values, NUMBER)
    long = compute.greater(compute.binary_length(values), SURE_DIGITS)
    return _refine(values, shaped, long, lambda text: Decimal(repr(float(text))) == Decimal(text))


def _refine(values: Any, shaped: Any, long: Any, test: Callable[[str], bool]) -> Any:
    """`shaped`, but every long value also passes `test`; null stays null."""
    doubtful = compute.fill_null(compute.and_(shaped, long), False)
    if not compute.any(doubtful).as_py():
        return compute.fill_null(shaped, True)
    tested = [test(text) for text in values.filter(doubtful).to_pylist()]
    return compute.fill_null(compute.replace_with_mask(shaped, doubtful, pa.array(tested, pa.bool_())), True)


TESTS: dict[ColumnType, ArrayTest] = {
    "boolean": _are_booleans,
    "integer": _are_integers,
    "number": _are_numbers,
}


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
        values = _column_texts(column)
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
    values = _column_texts(raw, whole=True)
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


def _column_texts(column: RawColumn, *, whole: bool = False) -> Any:
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
