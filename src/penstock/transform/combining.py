"""Native rules that read several fields of a record at once. Each works on a draft in place.

The choices are Penstock's own where Custify's OpenAPI 1.5.7 has no such field; `docs/custify-api.md` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.model.record import Lookup
from penstock.transform.render import TOP, Combination, Draft
from penstock.transform.rules import is_object_id
from penstock.transform.steps import Values
from penstock.transform.values import ABSENT

CANCELED = frozenset({"canceled", "cancelled"})
NEITHER = "the stage says neither won nor lost"


def cancellation(draft: Draft) -> None:
    """`status: canceled` with a cancellation date is said by `canceledAt` alone."""
    status, dates = draft.places.get(("metadata", "status")), draft.fields.get("canceled_at")
    if status is None or dates is None:
        return
    draft.places["metadata", "status"] = [
        ABSENT if _given(date) and isinstance(word, str) and word.strip().lower() in CANCELED else word
        for word, date in zip(status, dates, strict=True)
    ]


def closing(draft: Draft) -> None:
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


def person_reference(draft: Draft) -> None:
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


def note_entity(draft: Draft) -> None:
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


COMBINATIONS: Mapping[str, Combination] = {
    "cancellation": cancellation,
    "closing": closing,
    "person_reference": person_reference,
    "note_entity": note_entity,
}


def _given(value: object) -> bool:
    return value is not ABSENT and value is not None


def _place(draft: Draft, name: str) -> Values:
    """The values of a top-level member, to be written into; ABSENT where there were none."""
    values = list(draft.places.get((TOP, name), [ABSENT] * len(draft)))
    draft.places[TOP, name] = values
    return values


def _asked(draft: Draft, row: int, lookup: Lookup) -> str:
    """Note the look-up; answers what a preview shows in its place."""
    draft.lookups.setdefault(row, []).append(lookup)
    return f"(looked up: {lookup.kind} with {lookup.by} {lookup.value})"
