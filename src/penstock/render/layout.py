"""The places of inputs in a payload: mapped fields, and columns that are not mapped.

A column that is not mapped becomes a custom attribute, metadata or data, or a note when the dialect has no place for
it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from penstock.model.outcome import Refusal, named
from penstock.model.spec import Mode
from penstock.render.bindings import Bound, bind, near_misses, remaining
from penstock.render.compile_context import CompileContext
from penstock.render.cross_field_rules import COMBINATIONS, only_company
from penstock.render.fields import has_flat_links, rule_of
from penstock.render.renderer import TOP, ContainerLimits, Input
from penstock.render.steps import Step, constant, native_attribute, plain_attribute
from penstock.render.values.rules import CUSTOM_ATTRIBUTES, attribute_name, without_nulls
from penstock.templates.catalogue import INLINE, NOWHERE, FieldDoc

NO_HOME = {
    "native": "Custify's API has no place for other columns of this object",
    "flat": "the flat API names no other fields for this object",
}
CLASH = "would take the place of the field {}"
ESCAPED = 6  # characters that one character may take in JSON

IDENTIFYING = frozenset({"key", "person", "email", "id"})  # types of fields


def add_extras(bench: CompileContext) -> None:
    """One input for each remaining column, in name order: the order of columns changes nothing that is sent."""
    rest = remaining(bench.destination, bench.inputs, bench.schema, bench.problems)
    bench.notes.extend(rest.notes)
    where = bench.template.extras[bench.dialect]
    rule, quick = plain_attribute()
    if where == NOWHERE:
        for column in rest.columns:
            if column not in bench.derived:
                bench.inputs.append(
                    Input(Step(column, rule, quick, column=column), homeless=NO_HOME[bench.dialect], extra=True)
                )
        return
    container = TOP if where == INLINE else where
    if bench.native:
        limit = bench.template.text_limit
        rule, quick = native_attribute(limit, bounded=limit is not None)
    taken = {each.place for each in bench.inputs if not each.merge}
    for column in sorted(rest.columns):
        if _allowed(bench, column, container, clash=(container, column) in taken):
            cuts = rest.cuts.get(column, ())
            step = Step(column, rule, quick, column=column, cuts=cuts, sends_null=bench.sends_null)
            overlong: Any = "leave out" if bench.native and column in bench.derived else "refuse"
            bench.inputs.append(Input(step, (container, column), extra=True, overlong=overlong))
        elif bench.grows:
            bench.inputs.append(refusing(column, _against(column, container) or CLASH.format(column)))


def refusing(column: str, reason: str) -> Input:
    """An input that refuses every record that has a value in this column, and sends nothing."""
    refusal = Refusal(
        "attribute name",
        f"{column}: the column {reason}",
        field=column,
        accepted=f"another name at the sender, or exclude: [{column}] on the destination",
    )
    return Input(Step(column, lambda _: refusal, column=column), extra=True)


def limits_of(bench: CompileContext) -> ContainerLimits | None:
    """Bounds on the extras' container, where so much is mapped that they could be passed."""
    template, container = bench.template, bench.template.extras["native"]
    if not bench.native or template.attribute_limit is None:
        return None
    placed = [each for each in bench.inputs if each.place is not None and each.place[0] == container]
    merged = any(each.merge for each in placed)
    members = template.attribute_limit if merged or len(placed) > template.attribute_limit else None
    characters = template.attribute_chars
    if characters is not None and not merged:
        most = sum(ESCAPED * (len(each.step.field) + (template.text_limit or 0) + 1) for each in placed)
        characters = characters if most > characters else None
    return None if members is None and characters is None else ContainerLimits(container, members, characters)


def _against(column: str, container: str) -> str | None:
    """What Custify has against a column as an attribute."""
    found = attribute_name(column) if container == CUSTOM_ATTRIBUTES else None
    return None if found is None else f"{found}, which Custify refuses"


def _allowed(bench: CompileContext, column: str, container: str, *, clash: bool) -> bool:
    """Whether a column may become an attribute; if not, it is a problem of the settings, unless a record brought it."""
    against = _against(column, container)
    if bench.grows and (against is not None or clash):
        return False
    if against is not None:
        hint = f"exclude: [{column}], or give it another name by the dataset's sql"
        message = f"the column {column} {against}"
        bench.problem("attributes", message, "attribute-name", hint, column)
        return False
    if clash:
        hint = f"map it, exclude: [{column}], or give it another name by the dataset's sql"
        message = f"the column {column} {CLASH.format(column)}"
        bench.problem("attributes", message, "attribute-clash", hint, column)
        return False
    return True


def map_fields(bench: CompileContext) -> None:
    """The mapped fields, in the template's order; what is missing or given twice becomes a problem."""
    bound = bind(bench.destination, bench.template, bench.schema, bench.problems)
    near = near_misses(bench.template, bench.schema) if bench.destination.fields is None else {}
    for name, column in near.items():
        bench.note(name, "mapped", f"from the column {column!r}, which is nearly its name; `fields` says otherwise")
    if bench.native and bench.destination.fields is None:
        bound = _one_a_place(bench, bound)
    for each in bound:
        _map_field(bench, each)
    if bench.native:
        _refuse_shared_places(bench, bound)
        bench.combinations += [COMBINATIONS[name] for name in bench.template.combine if name in COMBINATIONS]
    _require(bench, bound)


def add_defaults(bench: CompileContext) -> None:
    """Native fields that the API wants and the requirement does not know."""
    for doc in bench.template.fields if bench.native else ():
        if doc.default is None:
            continue
        mapped = bench.mapped(doc.name)
        if mapped is None:
            rule, _ = rule_of(doc, bench.dialect)
            bench.inputs.append(Input(Step(doc.name, rule, constant=(doc.default,)), (TOP, doc.target or doc.name)))
            bench.note(doc.name, "defaulted", f"{doc.default}, because Custify's API wants it")
        elif mapped.step.default is None:
            step = replace(mapped.step, default=(doc.default,))
            told = f"{doc.default} where it is null, because Custify's API wants it"
            bench.inputs[bench.inputs.index(mapped)] = replace(mapped, step=step, told=told)


def _map_field(bench: CompileContext, bound: Bound) -> None:
    doc, binding = bound.doc, bound.binding
    column = None if binding.column is None else bench.schema.column(binding.column)
    rule, quick = rule_of(doc, bench.dialect, None if column is None else column.decimal, former=bench.former)
    if doc.type == "object" and not bench.sends_null:
        rule = without_nulls(rule)
    given: dict[str, tuple[object] | None] = {"constant": None, "default": None}
    for kind in given:
        written = getattr(binding, kind)
        made = None if written is None else constant(written[0], rule)
        if isinstance(made, Refusal):
            problem = named(made, doc.name).reason
            bench.problem(f"fields.{bound.given}", problem, made.rule, made.accepted or "", made.value)
            return
        given[kind] = None if written is None or (kind == "default" and made is None) else (made,)
    step = Step(
        doc.name,
        rule,
        quick,
        column=binding.column,
        constant=given["constant"] if binding.column is None else None,
        default=given["default"],
        cuts=bound.cuts,
        sends_null=bench.sends_null and _may_clear(bench, doc),
    )
    placed = _placed(bench, doc, step) if bench.native else _placed_flat(bench, bound, step)
    overlong: Literal["refuse", "cut"] = "cut" if binding.truncate else "refuse"
    bench.inputs.append(replace(placed, overlong=overlong, identifies=doc.type in IDENTIFYING))


def _may_clear(bench: CompileContext, doc: FieldDoc) -> bool:
    """Whether null means something here: it takes no link away, and it names nobody whom an insert is about."""
    if bench.native and (doc.type == "companies" or doc.places == {"companies"}):
        return False
    return Mode.CHANGED in bench.template.modes or doc.name not in bench.template.match[bench.dialect]


def _placed(bench: CompileContext, doc: FieldDoc, step: Step) -> Input:
    """Where a field's values are in the native payload; `others`: a combination decides."""
    if doc.target is None:
        return Input(step, homeless=doc.why or "Custify's API has no place for it")
    if doc.others or doc.target == "address":
        _renamed(bench, doc, " or ".join(sorted(doc.places)))
        return Input(step)
    if doc.type == "object":
        return Input(step, (doc.target, ""), merge=True)
    target = "companies" if doc.places == {"companies"} else doc.target
    _renamed(bench, doc, doc.target)
    container, _, name = target.rpartition(".")
    return Input(step, (container, name))


def _placed_flat(bench: CompileContext, bound: Bound, step: Step) -> Input:
    """In the flat dialect a field is at the top under the page's name, or else under its given name."""
    doc = bound.doc
    if not doc.page and bench.template.extras["flat"] == NOWHERE:
        return Input(step, homeless="the flat API names no such field for this object")
    if doc.type == "object":
        return Input(step, (TOP, ""), merge=True)
    if has_flat_links(doc, bench.dialect) and not bench.former:
        bench.combinations.append(only_company)
        bench.note(doc.name, "renamed", "sent as company_id: the flat API has one company for a person")
        return Input(step)
    if doc.page and bound.given != doc.name:
        bench.note(bound.given, "renamed", f"stands in {doc.name} in the flat API")
    return Input(step, (TOP, doc.name if doc.page else bound.given))


def _renamed(bench: CompileContext, doc: FieldDoc, target: str) -> None:
    if target != doc.name:
        words = "is said by the address" if target == "address" else f"stands in {target} in Custify's API"
        bench.note(doc.name, "renamed", words)


def _one_a_place(bench: CompileContext, bound: list[Bound]) -> list[Bound]:
    """Of fields that are mapped by their names alone and share a place, the first of the template, with a note."""
    kept: list[Bound] = []
    for one in bound:
        other = next((other for other in kept if _shared(one, other)), None)
        if other is None:
            kept.append(one)
        else:
            bench.note(one.given, "not mapped", f"{other.given} is written to the same place; `fields` says otherwise")
    return kept


def _shared(one: Bound, other: Bound) -> frozenset[str]:
    """The places that both are written to, but for those that a combination decides between."""
    decided = one.doc.others and other.doc.others
    return frozenset() if decided else one.doc.places & other.doc.places


def _refuse_shared_places(bench: CompileContext, bound: list[Bound]) -> None:
    """Two fields that would be written to one place; those that a combination decides between may share it."""
    for number, one in enumerate(bound):
        for other in bound[:number]:
            shared = _shared(one, other)
            if shared:
                message = f"{other.given} and {one.given} are both written to {' and '.join(sorted(shared))}"
                bench.problem(f"fields.{one.given}", message, "field-twice", "keep one of the two", one.given)


def _require(bench: CompileContext, bound: list[Bound]) -> None:
    """Required fields, and one of the match fields, must be mapped: else no record could ever go."""
    given = {each.doc.name for each in bound}
    for doc in bench.template.fields:
        if bench.dialect in doc.required:
            bench.required.append(doc.name)
            if doc.name not in given:
                hint = f"write {doc.name}: COLUMN, or {doc.name}: {{value: …}}"
                bench.problem(f"fields.{doc.name}", f"{doc.name} is required, and not mapped", "missing-field", hint)
    match = bench.template.match[bench.dialect]
    if match and not given & set(match):
        names = " or ".join(match)
        message = f"none of the fields that Custify matches by is mapped: {names}"
        bench.problem("fields", message, "missing-field", f"map {names} to a column")
