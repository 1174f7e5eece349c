"""The rule for the values of a template's field, and the vectorised test for columns that need no rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from penstock.model.spec import Dialect
from penstock.render import steps
from penstock.render.steps import Quick, Values
from penstock.render.values import numbers, rules, scalars
from penstock.render.values.columns import Cells
from penstock.render.values.json_values import plain
from penstock.render.values.numbers import DecimalSign
from penstock.render.values.rules import Rule
from penstock.templates.catalogue import FieldDoc

Ruled = tuple[Rule, Quick | None]


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
    return rules.key, steps.quick_key(field.limit)


def _email(field: FieldInDialect) -> Ruled:
    if field.native and field.doc.or_id:
        return rules.email_or_id, None
    return rules.email, steps.quick_email(field.limit)


def _integer(field: FieldInDialect) -> Ruled:
    return (_int32(field.sign), steps.quick_int32) if field.native else (_whole(field.sign), _quick_whole)


def _money(field: FieldInDialect) -> Ruled:
    whole = field.native and field.doc.whole
    money = partial(numbers.money, sign=field.sign)
    return (partial(_money32, field.sign), steps.quick_int32) if whole else (money, steps.quick_number)


def is_date_time(doc: FieldDoc, dialect: Dialect) -> bool:
    """Whether a field is a date-time in Custify's API; among attributes and metadata a date stays a date."""
    return dialect == "native" and doc.type == "date" and doc.target is not None and "." not in doc.target


def has_flat_links(doc: FieldDoc, dialect: Dialect) -> bool:
    """Whether a field lists a person's links to companies where the API has no such list: in flat."""
    return dialect == "flat" and doc.lists_companies


def _date(field: FieldInDialect) -> Ruled:
    if is_date_time(field.doc, "native" if field.native else "flat") and not field.former:
        return scalars.date_time, steps.quick_date_time
    return scalars.moment, steps.quick_date


def _choice(field: FieldInDialect) -> Ruled:
    return (rules.choice(*field.doc.choices), None) if field.native else (_text_rule(field), steps.quick_text(None))


def _id(field: FieldInDialect) -> Ruled:
    if field.former and not field.native:
        return rules.former_key, None
    return (rules.object_id, None) if field.native else (rules.key, steps.quick_key(None))


def _object(field: FieldInDialect) -> Ruled:
    """In native its members are attributes like any other; in flat they are sent as they are."""
    if not field.native:
        return rules.members(plain), None
    each = rules.attribute(field.limit, bounded=field.limit is not None)
    return rules.members(each, names=field.doc.target == rules.CUSTOM_ATTRIBUTES), None


BY_TYPE: Mapping[str, Callable[[FieldInDialect], Ruled]] = {
    "text": lambda field: (_text_rule(field), steps.quick_text(field.limit)),
    "key": _key,
    "person": _key,
    "email": _email,
    "date": _date,
    "integer": _integer,
    "number": lambda field: (partial(numbers.number, sign=field.sign), steps.quick_number),
    "money": _money,
    "boolean": lambda _: (rules.boolean, steps.quick_boolean),
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
    return lambda value: numbers.whole(numbers.number(value, sign))


def _money32(sign: DecimalSign | None, value: object) -> object:
    return numbers.int32(numbers.money(value, sign))


def _quick_whole(cells: Cells) -> Values | None:
    return cells.values if cells.kind == "integer" else None
