"""A field of a template → the rule its values go through, and the quick way for clean columns."""

from __future__ import annotations

from penstock.destinations.catalogue import FieldDoc
from penstock.model.spec import Dialect
from penstock.transform import dates, numbers, rules, steps
from penstock.transform.columns import Cells
from penstock.transform.rules import Rule
from penstock.transform.steps import Quick, Values


def rule_of(doc: FieldDoc, dialect: Dialect) -> tuple[Rule, Quick | None]:
    """The field's rule in a dialect. Lengths, 32 bits, choices and id shapes bind in native only."""
    native = dialect == "native"
    limit = doc.max_length if native else None
    rule, quick = _by_type(doc, native=native, limit=limit)
    return (rules.at_most(limit, rule) if limit is not None else rule), quick


def _by_type(doc: FieldDoc, *, native: bool, limit: int | None) -> tuple[Rule, Quick | None]:  # noqa: C901 - one case a type
    match doc.type:
        case "text":
            return rules.text, steps.quick_text(limit)
        case "key" | "person":
            if native and doc.target == "companies[].company_id":
                return rules.link, None
            return rules.key, steps.quick_key(limit)
        case "email":
            return (rules.email_or_id, None) if native and doc.or_id else (rules.email, steps.quick_email(limit))
        case "date":
            return dates.moment, steps.quick_date
        case "integer":
            return (_int32, steps.quick_int32) if native else (_whole, _quick_whole)
        case "number":
            return numbers.number, steps.quick_number
        case "money":
            return (_money32, steps.quick_int32) if native and doc.whole else (numbers.money, steps.quick_number)
        case "boolean":
            return rules.boolean, steps.quick_boolean
        case "choice":
            return (rules.choice(*doc.choices), None) if native else (rules.text, steps.quick_text(None))
        case "id":
            return (rules.object_id, None) if native else (rules.key, steps.quick_key(None))
        case "texts":
            return rules.texts, None
        case "companies":
            return rules.companies, None
        case "object":
            return rules.members, None
        case _:
            return rules.structured, None


def _int32(value: object) -> object:
    return numbers.int32(numbers.number(value))


def _whole(value: object) -> object:
    return numbers.whole(numbers.number(value))


def _money32(value: object) -> object:
    return numbers.int32(numbers.money(value))


def _quick_whole(cells: Cells) -> Values | None:
    return cells.values if cells.kind == "integer" else None
