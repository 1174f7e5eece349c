"""Which columns of a dataset identify people, and the ids and e-mails of its records as they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from penstock.model.errors import Problem
from penstock.model.identity import IdentitySource
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Schema
from penstock.model.spec import Binding, DestinationSpec
from penstock.render.bindings import bind, by_name
from penstock.render.steps import Columns, Step, rule_of
from penstock.templates.catalogue import Template

PERSON, ID, EMAIL = "person", "user_id", "email"


@dataclass(frozen=True, slots=True)
class IdentityColumns:
    """Where the ids and e-mails of people are taken from; None where there is no such column."""

    source: IdentitySource
    id: Step | None
    email: Step | None

    def pairs(self, chunk: Chunk) -> tuple[list[str | None], list[str | None]]:
        """The id and the e-mail of each record of a chunk, as they are sent. None: absent, or refused by the checks."""
        columns, refused = Columns(chunk, None), chunk.misfits
        return _values(self.id, columns, refused), _values(self.email, columns, refused)


def _values(step: Step | None, columns: Columns, misfits: Iterable[int]) -> list[str | None]:
    if step is None:
        return [None] * len(columns)
    found: list[str | None] = [value if isinstance(value, str) else None for value in step.values(columns, {})]
    for row in misfits:
        found[row] = None
    return found


def people_template(spec: DestinationSpec, schema: Schema, catalogue: Mapping[str, Template]) -> Template | None:
    """The template of the people that a destination sends, in a batch or not; None if it sends something else."""
    template = catalogue.get(spec.template or "")
    if template is not None and template.items:
        template = catalogue[template.items[template.item(spec.object, spec.fields or schema.names())]]
    return template if template is not None and template.object == PERSON else None


def second_person(sent: Mapping[str, Any], owner: Mapping[str, Any]) -> Refusal:
    """Why a person is not sent: `owner`, who has another user_id, has the e-mail already."""
    address, mine, theirs = sent[EMAIL], sent[ID], owner.get(ID)
    reason = f"{address} is the e-mail of the user_id {theirs} in Custify: sending {mine} would create a second person"
    accepted = f"the user_id {theirs} or another e-mail; `identity: warn` on the destination sends it all the same"
    return Refusal(
        "second person", reason, EMAIL, str(address), accepted, finding=f"is the e-mail of the user_id {theirs}"
    )


def identity_columns(
    destinations: Sequence[DestinationSpec], schema: Schema, key: tuple[str, ...], catalogue: Mapping[str, Template]
) -> tuple[IdentityColumns, ...]:
    """The columns of the destinations that send people, each pair once; without any, those named like the fields.

    The key of the dataset is the id where no column is, unless it is the e-mail or has several columns. Empty if
    there is neither id nor e-mail.
    """
    found: dict[tuple[str | None, str | None], IdentityColumns] = {}
    for spec in destinations:
        template = people_template(spec, schema, catalogue)
        if template is None:
            continue
        mapped = {each.doc.name: each.binding for each in bind(spec, template, schema, list[Problem]())}
        one = _columns(mapped, key, template, (spec.name,))
        same = found.get((one.source.id, one.source.email))
        if same is not None:
            one = replace(one, source=replace(one.source, destinations=(*same.source.destinations, spec.name)))
        found[one.source.id, one.source.email] = one
    if not found:
        template = next(each for each in catalogue.values() if each.object == PERSON)
        found[None, None] = _columns(by_name(template, schema), key, template, ())
    return tuple(one for one in found.values() if one.source.email is not None or one.source.id_by not in (None, "key"))


def _columns(
    mapped: Mapping[str, Binding],
    key: tuple[str, ...],
    template: Template,
    destinations: tuple[str, ...],
) -> IdentityColumns:
    ids, emails = (None if name not in mapped else mapped[name].column for name in (ID, EMAIL))
    source = IdentitySource(ids, emails, None if ids is None else "destination" if destinations else "name")
    if ids is None and len(key) == 1 and key != (emails,):
        source = replace(source, id=key[0], id_by="key")
    source = replace(source, destinations=destinations)
    return IdentityColumns(source, _step(template, ID, source.id), _step(template, EMAIL, source.email))


def _step(template: Template, name: str, column: str | None) -> Step | None:
    doc = template.doc(name)
    if column is None or doc is None:
        return None
    rule, quick = rule_of(doc, "native")
    return Step(name, rule, quick, column=column)
