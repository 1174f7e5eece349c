"""What a mirror sends for an object whose record left the dataset: a DELETE, or an upsert that marks the object.

Both name the object by its identity: the members of its payload by which Custify finds it (`identified_by` in the
template's document). A marked record that returns is sent with nulls for the values of the mark that it does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from penstock.model.errors import Problem
from penstock.model.outcome import Refusal
from penstock.model.record import Key, Payload, Shape
from penstock.model.spec import DestinationSpec, Dialect, OnDelete
from penstock.render.merger import read_body
from penstock.render.renderer import OPTIONS, TOP, Renderer, as_digits
from penstock.render.steps import constant, native_attribute, plain_attribute, rule_of
from penstock.render.values.rules import CUSTOM_ATTRIBUTES, attribute_name
from penstock.templates.catalogue import INLINE, NOWHERE, FieldDoc, Template

MARKABLE = frozenset({"text", "email", "date", "integer", "number", "money", "boolean", "choice"})  # types of fields
Identity = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deletion:
    """How objects of one destination are deleted or marked.

    `mark` are the members that mark an object, None where it is deleted. `deletes_too`: what Custify deletes with it.
    `place`: the account and the kind of object; an identity of another place names another object. `others` are the
    other mirrors that may have delivered to it.
    """

    shape: Shape
    identified_by: tuple[tuple[str, ...], ...]
    mark: Mapping[str, Any] | None = None
    deletes_too: str | None = None
    nulls: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # they take a mark back
    place: str = ""
    others: tuple[str, ...] = ()

    def identities(self, payload: Payload) -> list[dict[str, Any]]:
        """The sets of members by which Custify finds the object of a payload: the first is what it uses."""
        body = read_body(payload.text)
        beside = {} if payload.url is None else dict(parse_qsl(urlsplit(payload.url).query))
        every = ({name: body.get(name, beside.get(name)) for name in names} for names in self.identified_by)
        return [
            found for found in every if all(isinstance(value, str | int) and value != "" for value in found.values())
        ]

    def payload(self, ordinal: int, key: Key, identity: Identity) -> Payload:
        """The request for one object, as a payload of `shape`."""
        if self.mark is not None:
            return Payload(ordinal, key, orjson.dumps({**identity, **self.mark}, as_digits, OPTIONS), 0)
        url = f"{self.shape.url}?{urlencode({name: str(value) for name, value in identity.items()})}"
        return Payload(ordinal, key, orjson.dumps(identity), 0, url=url)

    def marks(self, before: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """What marks may have set on an object after this one, if they may have set `before`; None: nothing."""
        return before if self.mark is None else _under(before or {}, self.mark)

    def returned(self, payload: Payload, mark: Mapping[str, Any] | None = None) -> Payload:
        """The payload of a marked record that is there again, with nulls for what it does not have of the mark.

        `mark` is what was set; None: what would be set now.
        """
        body = read_body(payload.text)
        both = _under(self.nulls if mark is None else _nulls(mark), body)
        return payload if both == body else payload._replace(text=orjson.dumps(both, as_digits, OPTIONS))


def identity_renderer(renderer: Renderer, names: Sequence[str]) -> Renderer:
    """Renders these members, by which an object is found, and checks nothing else of a record."""
    inputs = [
        each
        for each in renderer.inputs
        if not each.merge and (each.step.field in names or (each.place is not None and each.place in _top(names)))
    ]
    fields = {each.step.field for each in inputs}
    parent, own_id = renderer.parent_ref, renderer.own_id
    return Renderer(
        key=renderer.key,
        inputs=tuple(inputs),
        combinations=(own_id[1],) if own_id is not None and own_id[0] in names else (),
        parent_ref=parent if parent is not None and parent.field in fields else None,
    )


def _top(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(TOP, name) for name in names]


def _under(nulls: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with the nulls for members that it does not have; objects are merged."""
    both = dict(body)
    for name, value in nulls.items():
        mine = both.get(name)
        if name not in both:
            both[name] = value
        elif isinstance(value, dict) and isinstance(mine, dict):
            both[name] = {**value, **mine}
    return both


def deletion_of(
    spec: DestinationSpec,
    template: Template,
    dialect: Dialect,
    base_url: str,
    path: str | None,
    others: tuple[str, ...] = (),
) -> Deletion:
    """How a mirror of this template deletes; `path` is the destination's own. `problems` must be empty for it.

    `others` are the other mirrors of its credential.
    """
    on_delete = spec.on_delete
    assert on_delete is not None, "the configuration is checked"
    place = orjson.dumps([spec.credential, base_url, dialect, template.object]).decode()
    identified_by = template.identified_by[dialect]
    if on_delete.set is None:
        assert template.delete is not None
        url = _joined(base_url, template.delete.path)
        shape = Shape(template.delete.method, url, carries_body=False, absent_is_done=True)
        return Deletion(shape, identified_by, deletes_too=template.delete.deletes_too, place=place, others=others)
    shape = Shape(template.method, _joined(base_url, path or template.path[dialect]))
    mark: dict[str, Any] = {}
    for name, value in on_delete.set.items():
        container, member = _place(template, dialect, name)
        inner = mark if container == "" else mark.setdefault(container, {})
        inner[member] = _value(template, dialect, name, value)
    return Deletion(shape, identified_by, mark, nulls=_nulls(mark), place=place, others=others)


def problems(on_delete: OnDelete, template: Template, dialect: Dialect) -> Iterator[Problem]:
    """Everything that stands against `on_delete` for the objects of this template in this dialect.

    The paths begin below the destination.
    """
    if on_delete.set is None:
        if dialect != "native":
            message = "the flat API deletes nothing"
            hint = "write on_delete: {set: {FIELD: VALUE}} to mark the object, or use a credential with dialect: native"
            yield Problem("on_delete", message, "on-delete", hint, "delete")
        return
    if dialect not in template.identified_by:
        message = f"in {dialect}, {template.object} has nothing by which it is found again"
        hint = "in flat people and companies can be marked; use dialect: native for other objects"
        yield Problem("on_delete", message, "on-delete", hint, "set")
        return
    rules = template.versions.get(dialect)
    if rules is not None and rules.whole:
        message = f"Custify replaces {template.object} as a whole: a mark would remove its other values"
        yield Problem("on_delete", message, "on-delete", "write on_delete: delete", "set")
        return
    if not on_delete.set:
        hint = "write at least one field, such as set: {churned: true}"
        yield Problem("on_delete.set", "no field is set", "on-delete", hint, "{}")
    for name, value in on_delete.set.items():
        problem = _problem(template, dialect, name, value)
        if problem is not None:
            yield problem


def _problem(template: Template, dialect: Dialect, name: str, value: object) -> Problem | None:
    """Why a field cannot be set by a mark."""
    path, doc = f"on_delete.set.{name}", template.doc(name)
    if doc is None and template.extras[dialect] == NOWHERE:
        known = ", ".join(each.name for each in template.fields if _is_markable(template, dialect, each))
        return Problem(path, f"{template.name} has no field {name}", "unknown-field", f"fields: {known}", name)
    if doc is not None and not _is_markable(template, dialect, doc):
        message = f"{name} cannot be set by a mark"
        hint = "set a text, number, boolean or date that Custify stores, or an attribute of your own"
        return Problem(path, message, "on-delete", hint, name)
    if doc is None and template.extras[dialect] == CUSTOM_ATTRIBUTES:
        against = attribute_name(name)
        if against is not None:
            message = f"the attribute {name} {against}, which Custify refuses"
            return Problem(path, message, "attribute-name", "give it another name", name)
    made = _value(template, dialect, name, value)
    if isinstance(made, Refusal):
        return Problem(path, f"{name}: {made.reason}", made.rule, made.accepted or "another value", str(value))
    return None


def _is_markable(template: Template, dialect: Dialect, doc: FieldDoc) -> bool:
    """Whether the field is a plain value that does not identify its object."""
    names = {name for names in template.identified_by[dialect] for name in names}
    if doc.type not in MARKABLE or not names.isdisjoint({doc.name, doc.native}):
        return False
    return dialect == "flat" or (doc.target is not None and not doc.others)


def _place(template: Template, dialect: Dialect, name: str) -> tuple[str, str]:
    """Container (empty: the top level) and member of the payload for a field or an attribute."""
    doc = template.doc(name)
    if doc is None:
        where = template.extras[dialect]
        return ("" if where == INLINE else where), name
    if dialect == "flat":
        return "", doc.name if doc.page else name
    container, _, member = str(doc.target).rpartition(".")
    return container, member


def _value(template: Template, dialect: Dialect, name: str, value: object) -> Any:
    """The value as it is sent, or a Refusal."""
    doc = template.doc(name)
    if doc is not None:
        return constant(value, rule_of(doc, dialect)[0])
    limit = template.text_limit
    rule, _ = plain_attribute() if dialect == "flat" else native_attribute(limit, bounded=limit is not None)
    return constant(value, rule)


def _nulls(mark: Mapping[str, Any]) -> Mapping[str, Any]:
    """Null for each member of a mark."""
    return {name: _nulls(value) if isinstance(value, dict) else None for name, value in mark.items()}


def _joined(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"
