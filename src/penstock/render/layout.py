"""The places of inputs in a payload: mapped fields, and columns that are not mapped.

A column that is not mapped becomes a custom attribute, metadata or data, or a note when the dialect has no place for
it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from penstock.model.outcome import Refusal, named
from penstock.model.spec import Mode
from penstock.render.bindings import Bound, CompileContext, bind, near_misses, remaining
from penstock.render.cross_field_rules import COMBINATIONS, only_company
from penstock.render.renderer import TOP, ContainerLimits, Input
from penstock.render.steps import Step, constant, has_flat_links, native_attribute, plain_attribute, rule_of
from penstock.render.values.rules import CUSTOM_ATTRIBUTES, attribute_name, without_nulls
from penstock.templates.catalogue import INLINE, NOWHERE, FieldDoc

NO_HOME = {
    "native": "Custify's API has no place for other columns of this object",
    "flat": "the flat API names no other fields for this object",
}
CLASH = "would take the place of the field {}"
ESCAPED = 6  # characters that one character may take in JSON

IDENTIFYING = frozenset({"key", "person", "email", "id"})  # types of fields


def add_extras(ctx: CompileContext) -> None:
    """One input for each remaining column, in name order: the order of columns changes nothing that is sent."""
    rest = remaining(ctx.destination, ctx.inputs, ctx.schema, ctx.problems)
    ctx.notes.extend(rest.notes)
    where = ctx.template.extras[ctx.dialect]
    rule, quick = plain_attribute()
    if where == NOWHERE:
        for column in rest.columns:
            if column not in ctx.derived:
                ctx.inputs.append(
                    Input(Step(column, rule, quick, column=column), no_place=NO_HOME[ctx.dialect], extra=True)
                )
        return
    container = TOP if where == INLINE else where
    if ctx.native:
        limit = ctx.template.text_limit
        rule, quick = native_attribute(limit, bounded=limit is not None)
    taken = {each.place for each in ctx.inputs if not each.merge}
    for column in sorted(rest.columns):
        if _allowed(ctx, column, container, clash=(container, column) in taken):
            cuts = rest.cuts.get(column, ())
            step = Step(column, rule, quick, column=column, cuts=cuts, sends_null=ctx.sends_null)
            overlong: Any = "leave out" if ctx.native and column in ctx.derived else "refuse"
            ctx.inputs.append(Input(step, (container, column), extra=True, overlong=overlong))
        elif ctx.grows:
            ctx.inputs.append(refusing(column, _against(column, container) or CLASH.format(column)))


def refusing(column: str, reason: str) -> Input:
    """An input that refuses every record that has a value in this column, and sends nothing."""
    refusal = Refusal(
        "attribute name",
        f"{column}: the column {reason}",
        field=column,
        accepted=f"another name at the sender, or exclude: [{column}] on the destination",
    )
    return Input(Step(column, lambda _: refusal, column=column), extra=True)


def limits_of(ctx: CompileContext) -> ContainerLimits | None:
    """The limits of the container of extras, if so many columns are mapped that a record could exceed them."""
    template, container = ctx.template, ctx.template.extras["native"]
    if not ctx.native or template.attribute_limit is None:
        return None
    placed = [each for each in ctx.inputs if each.place is not None and each.place[0] == container]
    merged = any(each.merge for each in placed)
    members = template.attribute_limit if merged or len(placed) > template.attribute_limit else None
    characters = template.attribute_chars
    if characters is not None and not merged:
        most = sum(ESCAPED * (len(each.step.field) + (template.text_limit or 0) + 1) for each in placed)
        characters = characters if most > characters else None
    return None if members is None and characters is None else ContainerLimits(container, members, characters)


def _against(column: str, container: str) -> str | None:
    """Why Custify refuses a column as an attribute; None if it does not."""
    found = attribute_name(column) if container == CUSTOM_ATTRIBUTES else None
    return None if found is None else f"{found}, which Custify refuses"


def _allowed(ctx: CompileContext, column: str, container: str, *, clash: bool) -> bool:
    """Whether a column may become an attribute; if not, it is a problem of the settings, unless a record brought it."""
    against = _against(column, container)
    if ctx.grows and (against is not None or clash):
        return False
    if against is not None:
        hint = f"exclude: [{column}], or give it another name by the dataset's sql"
        message = f"the column {column} {against}"
        ctx.problem("attributes", message, "attribute-name", hint, column)
        return False
    if clash:
        hint = f"map it, exclude: [{column}], or give it another name by the dataset's sql"
        message = f"the column {column} {CLASH.format(column)}"
        ctx.problem("attributes", message, "attribute-clash", hint, column)
        return False
    return True


def map_fields(ctx: CompileContext) -> None:
    """The mapped fields, in the template's order; what is missing or given twice becomes a problem."""
    bound = bind(ctx.destination, ctx.template, ctx.schema, ctx.problems)
    near = near_misses(ctx.template, ctx.schema) if ctx.destination.fields is None else {}
    for name, column in near.items():
        ctx.note(name, "mapped", f"from the column {column!r}, which is nearly its name; map the field to change that")
    if ctx.native and ctx.destination.fields is None:
        bound = _one_a_place(ctx, bound)
    for each in bound:
        _map_field(ctx, each)
    if ctx.native:
        _refuse_shared_places(ctx, bound)
        ctx.combinations += [COMBINATIONS[name] for name in ctx.template.combine if name in COMBINATIONS]
    _require(ctx, bound)


def add_defaults(ctx: CompileContext) -> None:
    """Add native fields that the API requires and the requirement page does not have."""
    for doc in ctx.template.fields if ctx.native else ():
        if doc.default is None:
            continue
        mapped = ctx.mapped(doc.name)
        if mapped is None:
            rule, _ = rule_of(doc, ctx.dialect)
            ctx.inputs.append(Input(Step(doc.name, rule, constant=(doc.default,)), (TOP, doc.target or doc.name)))
            ctx.note(doc.name, "defaulted", f"{doc.default}, because Custify's API wants it")
        elif mapped.step.default is None:
            step = replace(mapped.step, default=(doc.default,))
            default_note = f"{doc.default} where it is null, because Custify's API wants it"
            ctx.inputs[ctx.inputs.index(mapped)] = replace(mapped, step=step, default_note=default_note)


def _map_field(ctx: CompileContext, bound: Bound) -> None:
    doc, binding = bound.doc, bound.binding
    column = None if binding.column is None else ctx.schema.column(binding.column)
    rule, quick = rule_of(doc, ctx.dialect, None if column is None else column.decimal, former=ctx.former)
    if doc.type == "object" and not ctx.sends_null:
        rule = without_nulls(rule)
    given: dict[str, tuple[object] | None] = {"constant": None, "default": None}
    for kind in given:
        written = getattr(binding, kind)
        made = None if written is None else constant(written[0], rule)
        if isinstance(made, Refusal):
            problem = named(made, doc.name).reason
            ctx.problem(f"fields.{bound.given}", problem, made.rule, made.accepted or "", made.value)
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
        sends_null=ctx.sends_null and _may_clear(ctx, doc),
    )
    placed = _placed(ctx, doc, step) if ctx.native else _placed_flat(ctx, bound, step)
    overlong: Literal["refuse", "cut"] = "cut" if binding.truncate else "refuse"
    ctx.inputs.append(replace(placed, overlong=overlong, identifies=doc.type in IDENTIFYING))


def _may_clear(ctx: CompileContext, doc: FieldDoc) -> bool:
    """Whether a null clears the field. It removes no link, and it cannot name the object of an insert."""
    if ctx.native and (doc.type == "companies" or doc.places == {"companies"}):
        return False
    return Mode.CHANGED in ctx.template.modes or doc.name not in ctx.template.match[ctx.dialect]


def _placed(ctx: CompileContext, doc: FieldDoc, step: Step) -> Input:
    """Where a field's values are in the native payload; `others`: a combination decides."""
    if doc.target is None:
        return Input(step, no_place=doc.why or "Custify's API has no place for it")
    if doc.others or doc.target == "address":
        _renamed(ctx, doc, " or ".join(sorted(doc.places)))
        return Input(step)
    if doc.type == "object":
        return Input(step, (doc.target, ""), merge=True)
    target = "companies" if doc.places == {"companies"} else doc.target
    _renamed(ctx, doc, doc.target)
    container, _, name = target.rpartition(".")
    return Input(step, (container, name))


def _placed_flat(ctx: CompileContext, bound: Bound, step: Step) -> Input:
    """In the flat dialect a field is at the top under the page's name, or else under its given name."""
    doc = bound.doc
    if not doc.page and ctx.template.extras["flat"] == NOWHERE:
        return Input(step, no_place="the flat API names no such field for this object")
    if doc.type == "object":
        return Input(step, (TOP, ""), merge=True)
    if has_flat_links(doc, ctx.dialect) and not ctx.former:
        ctx.combinations.append(only_company)
        ctx.note(doc.name, "renamed", "sent as company_id: the flat API has one company for a person")
        return Input(step)
    if doc.page and bound.given != doc.name:
        ctx.note(bound.given, "renamed", f"sent as {doc.name} in the flat API")
    return Input(step, (TOP, doc.name if doc.page else bound.given))


def _renamed(ctx: CompileContext, doc: FieldDoc, target: str) -> None:
    if target != doc.name:
        words = "sent in the URL" if target == "address" else f"sent as {target} in Custify's API"
        ctx.note(doc.name, "renamed", words)


def _one_a_place(ctx: CompileContext, bound: list[Bound]) -> list[Bound]:
    """Of fields that are mapped by their names alone and share a place, the first of the template, with a note."""
    kept: list[Bound] = []
    for one in bound:
        other = next((other for other in kept if _shared(one, other)), None)
        if other is None:
            kept.append(one)
        else:
            ctx.note(
                one.given, "not mapped", f"{other.given} is written to the same place; map this column to change that"
            )
    return kept


def _shared(one: Bound, other: Bound) -> frozenset[str]:
    """The places that both are written to, but for those that a combination decides between."""
    decided = one.doc.others and other.doc.others
    return frozenset() if decided else one.doc.places & other.doc.places


def _refuse_shared_places(ctx: CompileContext, bound: list[Bound]) -> None:
    """Two fields that would be written to one place; those that a combination decides between may share it."""
    for number, one in enumerate(bound):
        for other in bound[:number]:
            shared = _shared(one, other)
            if shared:
                message = f"{other.given} and {one.given} are both written to {' and '.join(sorted(shared))}"
                ctx.problem(f"fields.{one.given}", message, "field-twice", "keep one of the two", one.given)


def _require(ctx: CompileContext, bound: list[Bound]) -> None:
    """Required fields, and one of the match fields, must be mapped: else no record could ever go."""
    given = {each.doc.name for each in bound}
    for doc in ctx.template.fields:
        if ctx.dialect in doc.required:
            ctx.required.append(doc.name)
            if doc.name not in given:
                hint = f"write {doc.name}: COLUMN, or {doc.name}: {{value: …}}"
                ctx.problem(f"fields.{doc.name}", f"{doc.name} is required, and not mapped", "missing-field", hint)
    match = ctx.template.match[ctx.dialect]
    if match and not given & set(match):
        names = " or ".join(match)
        message = f"none of the fields that Custify matches by is mapped: {names}"
        ctx.problem("fields", message, "missing-field", f"map {names} to a column")
