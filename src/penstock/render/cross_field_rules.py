"""Rules that read several fields of a record at once, or its key. Each changes a draft in place.

Where Custify's OpenAPI 1.5.7 has no such field, the choice is Penstock's own; `docs/custify-api.md` lists these.
An external id that the record does not have is made from the dataset's key, so that it is the same in every run. A
record of the form `{"type": …, "payload": {…}}` is a native batch job already, and is passed through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import xxhash

from penstock.model.outcome import Refusal
from penstock.model.record import Lookup
from penstock.render.bindings import CompileContext, nearest
from penstock.render.renderer import TOP, Combination, Input, PayloadDraft
from penstock.render.steps import Step, Values
from penstock.render.values import rules
from penstock.render.values.columns import one_text
from penstock.render.values.json_values import ABSENT
from penstock.render.values.rules import is_object_id
from penstock.templates.catalogue import External, load_catalogue

CANCELED = frozenset({"canceled", "cancelled"})
NO_REMOVAL = "the flat API removes no link to a company; the native API does"
NEITHER = "the stage says neither won nor lost"
STAYS = "so that it stays the same"
JOB_COLUMNS = ("type", "payload")


def cancellation(draft: PayloadDraft) -> None:
    """`status: canceled` with a cancellation date is sent as `canceledAt` alone."""
    status, dates = draft.places.get(("metadata", "status")), draft.fields.get("canceled_at")
    if status is None or dates is None:
        return
    draft.places["metadata", "status"] = [
        ABSENT if _given(date) and isinstance(word, str) and word.strip().lower() in CANCELED else word
        for word, date in zip(status, dates, strict=True)
    ]


def closing(draft: PayloadDraft) -> None:
    """`close_date` is when a deal was won or lost; while it is neither, Custify has no place for it."""
    dates = draft.fields.get("close_date")
    if dates is None:
        return
    stages = draft.fields.get("stage", [ABSENT] * len(draft))
    won, lost = _place(draft, "wonAt"), _place(draft, "lostAt")
    for row, (date, stage) in enumerate(zip(dates, stages, strict=True)):
        if date is ABSENT:
            continue
        word = stage.lower() if isinstance(stage, str) else ""
        target = won if "won" in word else lost if "lost" in word else None
        if target is None:
            draft.notes["close_date", "not sent", NEITHER] += date is not None
        else:
            target[row] = date


def person_reference(draft: PayloadDraft) -> None:
    """A task's person: Custify's id as it is, an e-mail by look-up, anything else is your user_id."""
    persons = draft.fields.get("person_id")
    if persons is None:
        return
    people, user_ids = _place(draft, "people"), _place(draft, "user_id")
    for row, person in enumerate(persons):
        if not _given(person):
            continue
        if is_object_id(person):
            people[row] = person
        elif "@" in person:
            people[row] = _looked_up(draft, row, Lookup("people", "person", "email", person))
        else:
            user_ids[row] = person


def note_entity(draft: PayloadDraft) -> None:
    """A note needs Custify's own id of its person, or else of its company."""
    entities, models = _place(draft, "entity"), _place(draft, "entityModel")
    persons = draft.fields.get("person_id", [ABSENT] * len(draft))
    companies = draft.fields.get("company_id", [ABSENT] * len(draft))
    for row, (person, company) in enumerate(zip(persons, companies, strict=True)):
        if entities[row] is not ABSENT:
            if not _given(models[row]):
                models[row] = "Company"
                draft.notes["entityModel", "defaulted", "Company where it is blank"] += 1
        elif _given(person):
            models[row] = "Customer"
            if is_object_id(person):
                entities[row] = person
            else:
                by: Any = "email" if "@" in person else "user_id"
                entities[row] = _looked_up(draft, row, Lookup("entity", "person", by, person))
        elif _given(company):
            models[row] = "Company"
            entities[row] = _looked_up(draft, row, Lookup("entity", "company", "company_id", company))


def only_company(draft: PayloadDraft) -> None:
    """Flat: `company_id` names the one company of a person; the API has no other links, and removes none."""
    column, listed = _place(draft, "company_id"), draft.fields["companies"]
    for row, links in enumerate(listed):
        if not isinstance(links, list) or row in draft.refused:
            continue
        kept = [link for link in links if link.get("remove") is not True]
        if len(kept) < len(links):
            draft.notes["companies", "not sent", NO_REMOVAL] += 1
        if any("company_id" not in link for link in kept):
            reason = "companies: the flat API identifies a company only by its company_id, not by Custify's id"
            draft.refuse(
                row, Refusal("flat link", reason, field="companies", accepted='links such as {"company_id": "c1"}')
            )
            continue
        given = [str(column[row])] if _given(column[row]) else []
        named = list(dict.fromkeys([*given, *(link["company_id"] for link in kept)]))
        if len(named) > 1:
            reason = f"companies: a person of the flat API has one company, and the record names {len(named)}"
            draft.refuse(
                row, Refusal("flat link", reason, field="companies", accepted="one company, or the native API")
            )
        elif named and not given:
            column[row] = named[0]


COMBINATIONS: Mapping[str, Combination] = {
    "cancellation": cancellation,
    "closing": closing,
    "person_reference": person_reference,
    "note_entity": note_entity,
}


def _given(value: object) -> bool:
    return value is not ABSENT and value is not None


def _place(draft: PayloadDraft, name: str) -> Values:
    """The list of values of a top-level member, which the caller changes; ABSENT for rows without one."""
    values = list(draft.places.get((TOP, name), [ABSENT] * len(draft)))
    draft.places[TOP, name] = values
    return values


def _looked_up(draft: PayloadDraft, row: int, lookup: Lookup) -> str:
    """Record the look-up; returns the placeholder that a preview shows for it."""
    draft.lookups.setdefault(row, []).append(lookup)
    return f"(looked up: {lookup.kind} with {lookup.by} {lookup.value})"


# ── external ids of the native API ───────────────────────────────────────────


def add_external(ctx: CompileContext) -> None:
    """`externalId`, `data_id` or `deduplication_id`: as mapped, by the destination's setting, or from the key."""
    external = ctx.template.external
    if external is None:
        return
    setting = None if external.setting is None else getattr(ctx.destination, external.setting)
    mapped = ctx.mapped(external.field)
    if not ctx.native:
        if setting is not None:
            ctx.note(str(external.setting), "ignored", "the flat API has no such id")
        return
    if external.setting is not None:
        ctx.required.append(external.field)
    if mapped is not None:
        if setting is not None:
            message = f"{external.field} is mapped, and given by `{external.setting}`"
            ctx.problem(str(external.setting), message, "field-twice", "keep one of the two")
        _make_id(ctx, external, _filled_from_key(external))
        return
    columns = ctx.key if setting is None else _id_columns(ctx, str(external.setting), setting)
    if columns is None:
        return
    _make_id(ctx, external, _id_of_columns(external, columns))
    ctx.derived = columns
    ctx.note(external.field, "derived", f"{external.target} is made from {', '.join(columns)}, {STAYS}")


def _make_id(ctx: CompileContext, external: External, combination: Combination) -> None:
    ctx.combinations.append(combination)
    ctx.own_id = external.target, combination


def hashed_if_long(text: str, longest: int | None) -> str:
    """The text, or its hash when it is longer than the API takes."""
    if longest is None or len(text) <= longest:
        return text
    return xxhash.xxh3_128_hexdigest(text.encode())


def _id_columns(ctx: CompileContext, where: str, setting: str | tuple[str, ...]) -> tuple[str, ...] | None:
    """The columns that the key `where` of the destination names; None when one of them is not there."""
    columns = (setting,) if isinstance(setting, str) else setting
    names = ctx.schema.names()
    missing = [name for name in columns if name not in names]
    for name in missing:
        ctx.problem(where, f"there is no column {name}", "unknown-column", nearest(name, names), name)
    return None if missing else columns


def _id_of_columns(external: External, columns: tuple[str, ...]) -> Combination:
    """The id made of these columns; a row in which one of them is empty gets none."""

    def combine(draft: PayloadDraft) -> None:
        lists = [[_id_text(value) for value in draft.columns.cells(column).values] for column in columns]
        made: Values = []
        for row in zip(*lists, strict=True):
            texts = tuple(text for text in row if text is not None)
            whole = len(texts) == len(row)
            made.append(hashed_if_long(one_text(texts), external.max_length) if whole else ABSENT)
        draft.fields[external.field] = draft.places[TOP, external.target] = made

    return combine


def _filled_from_key(external: External) -> Combination:
    """Rows in which the mapped id is null get one from their key."""

    def combine(draft: PayloadDraft) -> None:
        name, place = external.field, (TOP, external.target)
        values = list(draft.places[place])
        for row, key in enumerate(draft.keys):
            if (values[row] is ABSENT or values[row] is None) and key is not None:
                values[row] = hashed_if_long(one_text(key), external.max_length)
                if row not in draft.refused:
                    draft.notes[name, "derived", f"null, and made from the record's key, {STAYS}"] += 1
        draft.fields[name] = draft.places[place] = values

    return combine


def _id_text(value: object) -> str | None:
    found = None if value is None else rules.key(value)
    return found if isinstance(found, str) else None


# ── records that are native batch jobs already ───────────────────────────────


def already_wrapped(ctx: CompileContext) -> bool:
    """Whether the dataset has the two columns of a job, and the settings name neither fields nor an object."""
    destination = ctx.destination
    given = destination.fields or destination.object
    return ctx.native and not given and set(JOB_COLUMNS) <= set(ctx.schema.names())


def pass_through(ctx: CompileContext) -> None:
    """Send each `payload` unchanged; `type` must be a job of the batch endpoint, `payload` an object."""
    jobs = sorted({each.job for each in load_catalogue().values() if each.job is not None})
    for name, rule in (("type", rules.choice(*jobs)), ("payload", rules.whole_object)):
        ctx.inputs.append(Input(Step(name, rule, column=name), (TOP, name)))
        ctx.required.append(name)
    ctx.combinations.append(partial(_with_ids, _derived_ids()))
    ctx.note("payload", "passed through", "the records are batch jobs already; what is in them is not checked")
    for name in ctx.schema.names():
        if name not in JOB_COLUMNS and name not in ctx.key:
            ctx.note(name, "not sent", "a batch job holds a type and a payload only")


def _derived_ids() -> Mapping[str, tuple[str, int | None]]:
    """By batch job: the member for an id that is made from the record's key where none is given, and its longest."""
    found = {}
    for template in load_catalogue().values():
        external = template.external
        if template.job is not None and external is not None and external.setting is None:
            found[template.job] = (external.target, external.max_length)
    return found


def _with_ids(ids: Mapping[str, tuple[str, int | None]], draft: PayloadDraft) -> None:
    """Give a job that would be counted twice when it is sent again an id from the record's key."""
    place = (TOP, "payload")
    payloads = list(draft.places[place])
    for row, kind in enumerate(draft.fields["type"]):
        payload, key, derived = payloads[row], draft.keys[row], ids.get(str(kind))
        if derived is None or payload is ABSENT or isinstance(payload, Refusal) or key is None:
            continue
        name, longest = derived
        if payload.get(name) is None:
            payloads[row] = payload | {name: hashed_if_long(one_text(key), longest)}
            draft.notes[name, "derived", f"made from the record's key, {STAYS}"] += 1
    draft.places[place] = payloads
