"""`Step`: one input of a payload, from a column (or a constant) through a rule to a list with one value per row.

A step works on a whole column. A vectorised test (`Quick`) accepts clean columns as they are; only the other values go
through the rule one by one, each distinct text once per chunk. `rule_of` says which rule and which test a template's
field has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from penstock.model.outcome import Refusal, named
from penstock.model.record import Chunk
from penstock.model.spec import Dialect
from penstock.render.values import json_values, numbers, rules
from penstock.render.values.columns import Cells, cut, decode
from penstock.render.values.json_values import ABSENT, MIDNIGHT, plain
from penstock.render.values.numbers import WHOLE_FLOATS, DecimalSign
from penstock.render.values.rules import Rule
from penstock.templates.catalogue import FieldDoc

Quick = Callable[[Cells], "list[Any] | None"]
Ruled = tuple[Rule, Quick | None]
Values = list[Any]
Refused = dict[int, Refusal]

# White space as Python's `isspace` knows it; RE2's own `\\s` is ASCII only.
SPACE = r"\s\v\p{Z}\x{85}\x{1c}-\x{1f}"
EMAIL_PATTERN = rf"^[^@{SPACE}]+@[^@{SPACE}]+$"


class Columns:
    """The rows of a chunk that are to be rendered, each column decoded at most once."""

    def __init__(self, chunk: Chunk, rows: Sequence[int] | None) -> None:
        self.rows = range(chunk.records.num_rows) if rows is None else rows
        self._chunk = chunk
        self._batch = chunk.records if rows is None else chunk.records.take(pa.array(rows, pa.int64()))
        self._cells: dict[str, Cells] = {}
        self._places: dict[int, int] | None = None if rows is None else {row: n for n, row in enumerate(rows)}

    def __len__(self) -> int:
        return len(self.rows)

    def cells(self, name: str) -> Cells:
        found = self._cells.get(name)
        if found is None:
            index = self._batch.schema.get_field_index(name)
            if index < 0:  # absent in every row
                array: pa.Array[Any] = pa.nulls(len(self))
                found = self._cells[name] = Cells([None] * len(self), "null", array)
            else:
                found = self._cells[name] = decode(self._batch.column(index), self._batch.schema.field(index))
        return found

    def absent(self, name: str) -> list[int]:
        """The rows (counted among those rendered) in which a JSON record has no such member."""
        gone = self._chunk.absent.get(name, ())
        if not gone and name not in self._batch.schema.names:
            return list(range(len(self)))
        if self._places is None:
            return list(gone)
        return [self._places[row] for row in gone if row in self._places]

    def misfits(self) -> Refused:
        if self._places is None:
            return dict(self._chunk.misfits)
        return {self._places[row]: refusal for row, refusal in self._chunk.misfits.items() if row in self._places}


@dataclass(frozen=True, slots=True)
class Step:
    """`field` names it in refusals; exactly one of `column` and `constant` is set. `cuts` are nested paths left out.

    `sends_null`: a null is sent as null; else it counts as absent. `default` replaces null and absent.
    """

    field: str
    rule: Rule
    quick: Quick | None = None
    column: str | None = None
    constant: tuple[Any] | None = None
    default: tuple[Any] | None = None
    cuts: tuple[tuple[str, ...], ...] = ()
    sends_null: bool = False

    def values(self, columns: Columns, refused: Refused) -> Values:
        """One value per row: as sent, None for a null to be sent, ABSENT for nothing. Refusals go to `refused`."""
        if self.constant is not None:
            return [self._empty() if self.constant[0] is None else self.constant[0]] * len(columns)
        assert self.column is not None
        cells = columns.cells(self.column)
        found = self.quick(cells) if self.quick is not None and not cells.has_refusals and not self.cuts else None
        if found is None:
            found = self._one_by_one(cells, refused)
        if not cells.full or None in found:
            found = self._gaps(found, columns.absent(self.column))
        return found

    def _empty(self) -> object:
        if self.default is not None:
            return self.default[0]
        return None if self.sends_null else ABSENT

    def _gaps(self, values: Values, absent: Sequence[int]) -> Values:
        empty = self._empty()
        filled = [empty if value is None else value for value in values]
        if self.default is None:
            for row in absent:
                filled[row] = ABSENT
        return filled

    def _one_by_one(self, cells: Cells, refused: Refused) -> Values:
        rule, seen = self.rule, dict[str, Any]()
        made: Values = []
        for row, value in enumerate(cells.values):
            if value is None:
                made.append(None)
                continue
            if type(value) is str:
                result = seen.get(value, ABSENT)
                if result is ABSENT:
                    result = seen[value] = rule(value)
            elif type(value) is Refusal:
                result = value
            else:
                result = rule(self._trimmed(value))
            if type(result) is Refusal:
                if row not in refused:
                    refused[row] = named(result, self.field)
                result = ABSENT
            made.append(result)
        return made

    def _trimmed(self, value: object) -> object:
        for path in self.cuts:
            value = cut(value, path)
        return value


def constant(value: object, rule: Rule) -> object:
    """A constant of the project file through the field's rule; a Refusal where it does not fit."""
    return None if value is None else rule(value)


# ── the rule and the test of each type of field ──────────────────────────────


class FieldInDialect(NamedTuple):
    """A field in a dialect; `limit` is the most characters its text may have.

    `sign` is the decimal sign of the numbers that its column holds as text.
    """

    doc: FieldDoc
    native: bool
    limit: int | None
    sign: DecimalSign | None
    former: bool = False


def rule_of(doc: FieldDoc, dialect: Dialect, sign: DecimalSign | None = None, *, former: bool = False) -> Ruled:
    """The field's rule in a dialect. Lengths, 32 bits, choices and id shapes bind in native only.

    `former`: as release 0.1.0 had it, where what is sent has changed.
    """
    native = dialect == "native"
    limit = doc.max_length if native else None
    kind = doc.former if former and doc.former is not None else doc.type
    rule, quick = BY_TYPE[kind](FieldInDialect(doc, native, limit, sign, former))
    return (rules.at_most(limit, rule) if limit is not None else rule), quick


def _text_rule(field: FieldInDialect) -> Rule:
    return rules.former_text if field.former else rules.text


def _key(field: FieldInDialect) -> Ruled:
    if field.native and field.doc.target == "companies[].company_id":
        return rules.link(field.limit, rules.former_key if field.former else rules.key), None
    if field.former:
        return rules.former_key, None
    return rules.key, quick_key(field.limit)


def _email(field: FieldInDialect) -> Ruled:
    if field.native and field.doc.or_id:
        return rules.email_or_id, None
    return rules.email, quick_email(field.limit)


def _integer(field: FieldInDialect) -> Ruled:
    return (_int32(field.sign), quick_int32) if field.native else (_whole(field.sign), _quick_whole)


def _money(field: FieldInDialect) -> Ruled:
    whole = field.native and field.doc.whole
    money = partial(numbers.money, sign=field.sign)
    return (partial(_money32, field.sign), quick_int32) if whole else (money, quick_number)


def is_date_time(doc: FieldDoc, dialect: Dialect) -> bool:
    """Whether a field is a date-time in Custify's API; among attributes and metadata a date stays a date."""
    return dialect == "native" and doc.type == "date" and doc.target is not None and "." not in doc.target


def has_flat_links(doc: FieldDoc, dialect: Dialect) -> bool:
    """Whether a field lists a person's links to companies where the API has no such list: in flat."""
    return dialect == "flat" and doc.lists_companies


def _date(field: FieldInDialect) -> Ruled:
    if is_date_time(field.doc, "native" if field.native else "flat") and not field.former:
        return json_values.date_time, quick_date_time
    return json_values.moment, quick_date


def _choice(field: FieldInDialect) -> Ruled:
    return (rules.choice(*field.doc.choices), None) if field.native else (_text_rule(field), quick_text(None))


def _id(field: FieldInDialect) -> Ruled:
    if field.former and not field.native:
        return rules.former_key, None
    return (rules.object_id, None) if field.native else (rules.key, quick_key(None))


def _object(field: FieldInDialect) -> Ruled:
    """In native its members are attributes like any other; in flat they are sent as they are."""
    if not field.native:
        return rules.members(plain), None
    each = rules.attribute(field.limit, bounded=field.limit is not None)
    return rules.members(each, names=field.doc.target == rules.CUSTOM_ATTRIBUTES), None


BY_TYPE: Mapping[str, Callable[[FieldInDialect], Ruled]] = {
    "text": lambda field: (_text_rule(field), quick_text(field.limit)),
    "key": _key,
    "person": _key,
    "email": _email,
    "date": _date,
    "integer": _integer,
    "number": lambda field: (partial(numbers.number, sign=field.sign), quick_number),
    "money": _money,
    "boolean": lambda _: (rules.boolean, quick_boolean),
    "choice": _choice,
    "id": _id,
    "texts": lambda _: (rules.texts, None),
    "checklist": lambda _: (rules.checklist, None),
    "companies": lambda _: (rules.companies, None),
    "object": _object,
    "json": lambda _: (rules.structured, None),
}


def _int32(sign: DecimalSign | None) -> Rule:
    return lambda value: numbers.int32(numbers.number(value, sign))


def _whole(sign: DecimalSign | None) -> Rule:
    return lambda value: numbers.whole_number(numbers.number(value, sign))


def _money32(sign: DecimalSign | None, value: object) -> object:
    return numbers.int32(numbers.money(value, sign))


def _quick_whole(cells: Cells) -> Values | None:
    return cells.values if cells.kind == "integer" else None


# ── vectorised tests for clean columns ───────────────────────────────────────


def quick_text(limit: int | None) -> Quick:
    """Text columns whose longest text is short enough."""

    def quick(cells: Cells) -> Values | None:
        if cells.kind == "text" and (limit is None or cells.longest() <= limit):
            return cells.values
        return None

    return quick


def quick_key(limit: int | None) -> Quick:
    """Text columns whose values can be keys without a change."""

    def quick(cells: Cells) -> Values | None:
        if cells.kind == "text" and (limit is None or cells.longest() <= limit) and cells.identify():
            return cells.values
        if cells.kind == "integer" and (limit is None or limit >= 20):
            return [None if value is None else str(value) for value in cells.values]
        return None

    return quick


def quick_email(limit: int | None) -> Quick:
    def quick(cells: Cells) -> Values | None:
        clean = cells.kind == "text" and (limit is None or cells.longest() <= limit) and cells.all_match(EMAIL_PATTERN)
        return cells.values if clean and not cells.hide() else None

    return quick


def quick_number(cells: Cells) -> Values | None:
    """Integers as they are; finite floats, the whole ones as integers."""
    if cells.kind == "integer":
        return cells.values
    if cells.kind != "number" or pc.all(pc.is_finite(cells.array)).as_py() is False:
        return None
    top = WHOLE_FLOATS
    return [
        value if value is None or not value.is_integer() or not -top < value < top else int(value)
        for value in cells.values
    ]


def quick_int32(cells: Cells) -> Values | None:
    return cells.values if cells.kind == "integer" and cells.within(-(2**31), 2**31 - 1) else None


def quick_boolean(cells: Cells) -> Values | None:
    return cells.values if cells.kind == "boolean" else None


def quick_date(cells: Cells) -> Values | None:
    """Columns of dates and moments: decoding has already made ISO 8601 in UTC of them."""
    return cells.values if cells.kind == "date" else None


def quick_date_time(cells: Cells) -> Values | None:
    """As `quick_date`; a date is its first second."""
    if cells.kind != "date" or not pa.types.is_date(cells.array.type):
        return quick_date(cells)
    return [None if value is None else f"{value}{MIDNIGHT}" for value in cells.values]


def quick_attribute(limit: int | None, *, bounded: bool) -> Quick:
    """Any scalar column, by its kind."""

    def quick(cells: Cells) -> Values | None:
        if cells.kind == "text":
            return cells.values if limit is None or cells.longest() <= limit else None
        if cells.kind in ("boolean", "date", "null"):
            return cells.values
        if cells.kind == "integer":
            return cells.values if not bounded or cells.within(-(2**31), 2**31 - 1) else None
        if cells.kind == "number":
            if bounded and not cells.within(-(2**31), 2**31 - 1):
                return None
            return quick_number(cells)
        return None

    return quick


def plain_attribute() -> tuple[Rule, Quick]:
    """An attribute that is sent as it is, nested values too."""
    return plain, quick_attribute(None, bounded=False)


def native_attribute(limit: int | None, *, bounded: bool) -> tuple[Rule, Quick]:
    """A custom value of the native API: a scalar within its limits."""
    return rules.attribute(limit, bounded=bounded), quick_attribute(limit, bounded=bounded)
