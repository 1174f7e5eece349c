"""The columns that are not mapped: custom attributes, metadata or data, or noted where they have no home."""

from __future__ import annotations

from typing import Any

from penstock.destinations.catalogue import INLINE, NOWHERE
from penstock.model.outcome import Refusal
from penstock.transform.bindings import remaining
from penstock.transform.render import TOP, Input, Limits
from penstock.transform.rules import CUSTOM_ATTRIBUTES, attribute_name
from penstock.transform.steps import Step, native_attribute, plain_attribute
from penstock.transform.workbench import Workbench

NO_HOME = {
    "native": "Custify's API has no place for other columns of this object",
    "flat": "the flat API names no other fields for this object",
}
CLASH = "would take the place of the field {}"
ESCAPED = 6  # characters that one character may take in JSON


def add_extras(bench: Workbench) -> None:
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


def limits_of(bench: Workbench) -> Limits | None:
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
    return None if members is None and characters is None else Limits(container, members, characters)


def _against(column: str, container: str) -> str | None:
    """What Custify has against a column as an attribute."""
    found = attribute_name(column) if container == CUSTOM_ATTRIBUTES else None
    return None if found is None else f"{found}, which Custify refuses"


def _allowed(bench: Workbench, column: str, container: str, *, clash: bool) -> bool:
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
