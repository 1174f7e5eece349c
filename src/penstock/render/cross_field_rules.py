"""Rules that read several fields of a record at once. Each changes a draft in place.

Where Custify's OpenAPI 1.5.7 has no such field, the choice is Penstock's own; `docs/custify-api.md` lists these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.model.outcome import Refusal
from penstock.model.record import Lookup
from penstock.render.renderer import TOP, Combination, PayloadDraft
from penstock.render.steps import Values
from penstock.render.values.json_values import ABSENT
from penstock.render.values.rules import is_object_id

CANCELED = frozenset({"canceled", "cancelled"})
NO_REMOVAL = "the flat API removes no link to a company; the native API does"
NEITHER = "the stage says neither won nor lost"


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
        elif target[row] is ABSENT:
            target[row] = date


def person_reference(draft: PayloadDraft) -> None:
    """A task's person: Custify's id as it is, an e-mail by look-up, anything else is your user_id."""
    persons = draft.fields.get("person_id")
    if persons is None:
        return
    people, user_ids = _place(draft, "people"), _place(draft, "user_id")
    for row, person in enumerate(persons):
        if not _given(person) or people[row] is not ABSENT or user_ids[row] is not ABSENT:
            continue
        if is_object_id(person):
            people[row] = person
        elif "@" in person:
            people[row] = _asked(draft, row, Lookup("people", "person", "email", person))
        else:
            user_ids[row] = person


def note_entity(draft: PayloadDraft) -> None:
    """A note wants Custify's own id of its person, or else of its company."""
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
                entities[row] = _asked(draft, row, Lookup("entity", "person", by, person))
        elif _given(company):
            models[row] = "Company"
            entities[row] = _asked(draft, row, Lookup("entity", "company", "company_id", company))


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
            reason = "companies: the flat API knows a company by its company_id alone, not by Custify's id"
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
    """The values of a top-level member, to be written into; ABSENT where there were none."""
    values = list(draft.places.get((TOP, name), [ABSENT] * len(draft)))
    draft.places[TOP, name] = values
    return values


def _asked(draft: PayloadDraft, row: int, lookup: Lookup) -> str:
    """Note the look-up; answers what a preview shows in its place."""
    draft.lookups.setdefault(row, []).append(lookup)
    return f"(looked up: {lookup.kind} with {lookup.by} {lookup.value})"
