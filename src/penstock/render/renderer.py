"""`Renderer`: records to payloads. Columns go through their steps, rows are laid out and written as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

import orjson
import xxhash

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Key, Lookup, Payload, Refused, Rendered
from penstock.model.text import identifying
from penstock.render.steps import Columns, Step, Values
from penstock.render.steps import Refused as RefusedRows
from penstock.render.values.columns import key_cells, why_no_key
from penstock.render.values.json_values import ABSENT
from penstock.render.values.macros import RequestAddress
from penstock.render.values.numbers import Digits
from penstock.render.values.rules import LENGTH, text

TOP = ""  # the container of members at the top level
Place = tuple[str, str]  # (container, name)
OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS
STRIPPED = "invisible characters, and blanks around it, are removed"
NO_KEY = Refusal("key", "the record has no key: a key column is null or blank", accepted="a value in every key column")


@dataclass(slots=True)
class PayloadDraft:
    """A chunk while it becomes payloads: field → values, and place → values; all lists have one value per row."""

    columns: Columns
    keys: Sequence[Key | None]
    refused: RefusedRows
    fields: dict[str, Values] = field(default_factory=dict)
    places: dict[Place, Values] = field(default_factory=dict)
    merged: list[tuple[str, Values]] = field(default_factory=list)  # objects whose members go into a container
    no_place: list[tuple[str, str, Values]] = field(default_factory=list)  # field, why it is not sent, values
    lookups: dict[int, list[Lookup]] = field(default_factory=dict)
    notes: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def refuse(self, row: int, refusal: Refusal) -> None:
        self.refused.setdefault(row, refusal)

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(frozen=True, slots=True)
class Input:
    """One step and where its values go: `place` None for values that only a combination reads.

    `merge`: the values are objects whose members go into the container `place[0]`. `no_place`: why they are not sent.
    """

    step: Step
    place: Place | None = None
    merge: bool = False
    no_place: str | None = None
    default_note: str | None = None  # what to note of the rows in which its default replaces null
    extra: bool = False  # an attribute: its field is the column's name, and no field of the template
    overlong: Literal["refuse", "cut", "leave out"] = "refuse"  # what is done with text past the field's limit
    identifies: bool = False  # its texts are keys or addresses: invisible characters are removed


Combination = Callable[[PayloadDraft], None]


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """Bounds on a container as a whole: its members, and the characters of its JSON."""

    container: str
    members: int | None = None
    characters: int | None = None


@dataclass(frozen=True, slots=True)
class ParentRef:
    """A field that names the parent of the payload outside of it: in the query of `url`, or (None) beside the payload.

    `beside` goes with it then. The content hash is the same either way.
    """

    field: str
    url: str | None
    beside: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Renderer:
    """Compiled once per destination; `render` may be called for any chunk of its dataset."""

    key: tuple[str, ...]
    inputs: tuple[Input, ...]
    combinations: tuple[Combination, ...] = ()
    required: tuple[str, ...] = ()
    match: tuple[str, ...] = ()  # any one of these fields
    limits: ContainerLimits | None = None
    always: str | None = None  # the container that is sent also when it is empty
    address: RequestAddress | None = None
    parent_ref: ParentRef | None = None
    check: Callable[[Mapping[str, Any]], Refusal | None] | None = None  # of a whole payload (XML)
    former: bool = False  # keys as release 0.1.0 had them
    own_id: tuple[str, Combination] | None = (
        None  # the member with an id made of the key or of columns, and what makes it
    )

    def render(self, chunk: Chunk, rows: Sequence[int] | None = None) -> Rendered:
        """Render these rows of the chunk (all by default); each is in exactly one of the two lists, in row order."""
        draft = self._draft(chunk, rows)
        for each in self.inputs:
            self._take(each, draft)
        named = {each.step.column for each in self.inputs if each.identifies}
        for name in self.key:
            if name not in named:
                _note_stripped(draft, name, name)
        for combine in self.combinations:
            combine(draft)
        self._require(draft)
        _note_values_without_place(draft)
        payloads = self._lay_out(draft, chunk.first)
        refused = [
            Refused(chunk.first + draft.columns.rows[row], draft.keys[row], refusal)
            for row, refusal in sorted(draft.refused.items())
        ]
        return Rendered(payloads, refused, draft.notes)

    def _draft(self, chunk: Chunk, rows: Sequence[int] | None) -> PayloadDraft:
        columns = Columns(chunk, rows)
        keys = key_cells(chunk, self.key, former=self.former)
        if rows is not None:
            keys = [keys[row] for row in rows]
        refused = columns.misfits()
        if None in keys:
            for row, key in enumerate(keys):
                if key is None:
                    refused.setdefault(row, why_no_key(chunk, self.key, columns.rows[row]) or NO_KEY)
        return PayloadDraft(columns, keys, refused)

    @staticmethod
    def _take(each: Input, draft: PayloadDraft) -> None:
        if each.no_place is not None:
            # What is not sent needs no check either: it refuses no record.
            draft.no_place.append((each.step.field, each.no_place, each.step.values(draft.columns, {})))
            return
        values = _bounded_values(each, draft)
        if each.default_note is not None and each.step.column is not None:
            empty = sum(value is None for value in draft.columns.cells(each.step.column).values)
            if empty:
                draft.notes[each.step.field, "defaulted", each.default_note] += empty
        if each.identifies and each.step.column is not None:
            _note_stripped(draft, each.step.column, each.step.field)
        if not each.extra:
            draft.fields[each.step.field] = values
        if each.place is not None:
            if each.merge:
                draft.merged.append((each.place[0], values))
            else:
                draft.places[each.place] = values

    def _require(self, draft: PayloadDraft) -> None:
        for name in self.required:
            values = draft.fields.get(name)
            for row in _missing(values, len(draft)):
                draft.refuse(
                    row, Refusal("required", f"{name} is required, and missing", field=name, accepted="a value")
                )
        if not self.match:
            return
        given = [values for name in self.match if (values := draft.fields.get(name)) is not None]
        if any(not any(value is ABSENT or value is None for value in values) for values in given):
            return
        names = " or ".join(self.match[:3])
        for row in range(len(draft)):
            if all(values[row] is ABSENT or values[row] is None for values in given):
                reason = f"{names} is needed, and missing"
                draft.refuse(row, Refusal("required", reason, field=self.match[0], accepted=f"a value for {names}"))

    def _lay_out(self, draft: PayloadDraft, first: int) -> list[Payload]:
        """The rows that are not refused, as payloads."""
        containers: dict[str, dict[str, Values]] = {TOP: {}}
        for (container, name), values in draft.places.items():
            containers.setdefault(container, {})[name] = values
        for container in (*([] if self.always is None else [self.always]), *(name for name, _ in draft.merged)):
            containers.setdefault(container, {})
        bodies = _bodies(containers, len(draft), self.always)
        if draft.merged or self.limits or self.check or self.address or self.parent_ref or draft.lookups:
            return [
                payload
                for row, body in enumerate(bodies)
                if row not in draft.refused and (payload := self._special(draft, row, body, first)) is not None
            ]
        keys, rows, refused = draft.keys, draft.columns.rows, draft.refused
        digest, dumps = xxhash.xxh3_64_intdigest, orjson.dumps
        payloads: list[Payload] = []
        for row, body in enumerate(bodies):
            key = keys[row]
            if row not in refused and key is not None:
                text = dumps(body, as_digits, OPTIONS)
                payloads.append(Payload(first + rows[row], key, text, digest(text) or 1))
        return payloads

    def _special(self, draft: PayloadDraft, row: int, body: dict[str, Any], first: int) -> Payload | None:
        """A payload that needs look-ups, links or an address; None when it is refused here."""
        refusal = _merge(body, draft.merged, row) or self.bounded(body)
        if refusal is None and self.check is not None:
            refusal = self.check(body)
        url, headers, where = None, None, b""
        if refusal is None and self.address is not None:
            values = {name: draft.columns.cells(name).values[row] for name in self.address.columns}
            found = self.address.expand_record(values)
            if isinstance(found, Refusal):
                refusal = found
            else:
                url, headers, where = found
        key = draft.keys[row]
        if refusal is not None or key is None:
            draft.refuse(row, NO_KEY if refusal is None else refusal)
            return None
        text = orjson.dumps(body, as_digits, OPTIONS)
        if self.parent_ref is not None:
            where = str(draft.fields[self.parent_ref.field][row]).encode()
            url, body = self._with_parent(self.parent_ref, where.decode(), body)
            content = xxhash.xxh3_64_intdigest(text + where) or 1
            text = orjson.dumps(body, as_digits, OPTIONS) if url is None else text
        else:
            content = xxhash.xxh3_64_intdigest(text + where) or 1
        lookups = tuple(draft.lookups.get(row, ()))
        value = _plain_values(body) if lookups else None
        return Payload(first + draft.columns.rows[row], key, text, content, url, headers, lookups, value)

    @staticmethod
    def _with_parent(own: ParentRef, value: str, body: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        if own.url is not None:
            return f"{own.url}?{own.field}={quote(value, safe='')}", body
        return None, {**own.beside, own.field: value, **body}

    def bounded(self, body: Mapping[str, Any]) -> Refusal | None:
        """Why a container of this payload is too large, or None."""
        limits = self.limits
        part = None if limits is None else body.get(limits.container)
        if limits is None or not part:
            return None
        if limits.members is not None and len(part) > limits.members:
            reason = f"{len(part)} {limits.container} are more than {limits.members}"
            return Refusal("count", reason, field=limits.container, accepted=f"at most {limits.members}")
        if limits.characters is not None:
            size = len(orjson.dumps(part, as_digits, OPTIONS).decode())
            if size > limits.characters:
                reason = f"{limits.container} has {size} characters of JSON, more than {limits.characters}"
                return Refusal("length", reason, field=limits.container, accepted=f"at most {limits.characters}")
        return None


def _bodies(
    containers: Mapping[str, Mapping[str, Values]], number: int, always: str | None
) -> Iterator[dict[str, Any]]:
    """One payload a row: the top level's members, then each container that has any, and `always` in any case."""
    top = _members(containers[TOP], number)
    inner = [(name, _members(members, number)) for name, members in containers.items() if name != TOP]
    if not inner:
        yield from top
        return
    for body in top:
        for name, parts in inner:
            part = next(parts)
            if part or name == always:
                body[name] = part
        yield body


def _members(members: Mapping[str, Values], number: int) -> Iterator[dict[str, Any]]:
    """One object a row, without what is absent."""
    names, lists = tuple(members), list(members.values())
    if not names:
        return ({} for _ in range(number))
    if any(ABSENT in values for values in lists):
        rows = zip(*lists, strict=True)
        return ({n: v for n, v in zip(names, row, strict=True) if v is not ABSENT} for row in rows)
    return (dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True))


def _bounded_values(each: Input, draft: PayloadDraft) -> Values:
    """The values of an input; text that is too long is refused, cut to the limit, or left out, with a note."""
    if each.overlong == "refuse":
        return each.step.values(draft.columns, draft.refused)
    refused: RefusedRows = {}
    values = each.step.values(draft.columns, refused)
    for row, refusal in refused.items():
        if refusal.rule != LENGTH or refusal.limit is None:
            draft.refused.setdefault(row, refusal)
            continue
        if each.overlong == "cut":
            assert each.step.column is not None
            values[row] = str(text(draft.columns.cells(each.step.column).values[row]))[: refusal.limit]
            note = (each.step.field, "truncated", f"cut to {refusal.limit} characters")
        else:
            note = (each.step.field, "left out", f"more than {refusal.limit} characters; an id is made from it")
        if row not in draft.refused:
            draft.notes[note] += 1
    return values


def _note_stripped(draft: PayloadDraft, column: str, field_name: str) -> None:
    """Count the texts of a key or an address that are sent without what cannot be seen of them."""
    cells = draft.columns.cells(column)
    if cells.kind == "text" and not cells.identify():
        changed = sum(type(value) is str and identifying(value) not in {"", value} for value in cells.values)
        if changed:
            draft.notes[field_name, "stripped", STRIPPED] += changed


def _note_values_without_place(draft: PayloadDraft) -> None:
    for name, why, values in draft.no_place:
        present = sum(value is not ABSENT and row not in draft.refused for row, value in enumerate(values))
        if present:
            draft.notes[name, "not sent", why] += present


def _missing(values: Values | None, number: int) -> list[int]:
    if values is None:
        return list(range(number))
    return [
        row
        for row, value in enumerate(values)
        if value is ABSENT or value is None or (type(value) is str and not value.strip())
    ]


def _merge(body: dict[str, Any], members: Sequence[tuple[str, Values]], row: int) -> Refusal | None:
    """Put the members of objects into their containers; the same name twice is refused."""
    for container, values in members:
        found = values[row]
        if found is ABSENT or found is None:
            continue
        place = body if container == TOP else body.setdefault(container, {})
        for name, value in found.items():
            if name in place:
                reason = f"{name} is given twice: as a column, and in an object"
                return Refusal("clash", reason, field=name, accepted="one of the two; exclude the other")
            place[name] = value
    return None


def as_digits(value: object) -> object:
    """A number that only its digits can express, as JSON text."""
    if isinstance(value, Digits):
        return orjson.Fragment(value.text)
    msg = f"a {type(value).__name__} has no JSON form"
    raise TypeError(msg)


def _plain_values(value: Any) -> Any:
    """The payload as plain Python that every JSON encoder of Penstock takes: numbers too long for it as fragments."""
    if isinstance(value, dict):
        return {name: _plain_values(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain_values(item) for item in value]
    return orjson.Fragment(value.text) if isinstance(value, Digits) else value
