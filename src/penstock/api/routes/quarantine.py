"""The quarantine: list, look, edit, discard, settle."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.engine.app import App
from penstock.model.errors import InputError, Problem
from penstock.model.reports import QuarantineDetail, QuarantineEntry, as_json

router = APIRouter(prefix="/quarantine", tags=["quarantine"])


class Edit(BaseModel):
    """Members to change (dotted paths reach into nested values), or the whole record."""

    model_config = ConfigDict(extra="forbid")
    changes: dict[str, Any] | None = None
    record: dict[str, Any] | None = None


class Discard(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = ""


class Which(BaseModel):
    """The records by id; or those of a destination, of a cause, of both; or all."""

    model_config = ConfigDict(extra="forbid")
    ids: list[str] | None = None
    destination: str | None = None
    cause: str | None = None
    all: bool = False

    def entries(self, app: App) -> list[str]:
        """Their ids. InputError when nothing says which, or nothing is held."""
        if self.ids:
            return self.ids
        if self.destination is None and self.cause is None and not self.all:
            raise InputError(Problem("body", "say which records", "which", "give ids, destination, cause or all"))
        found = [held.id for held in app.quarantine(destination=self.destination, cause=self.cause)]
        if not found:
            raise InputError(Problem("body", "nothing of this is held", "nothing-held", "look at the groups"))
        return found


class Discarding(Which):
    reason: str = ""


@router.get("")
def entries(
    app: Opened, destination: str | None = None, cause: str | None = None, _: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """The held records, oldest first."""
    return {"items": as_json(app.quarantine(destination=destination, cause=cause)), "next": None}


@router.get("/groups", operation_id="quarantineGroups")
def groups(app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The held records by destination, cause, outcome and field; the largest group first."""
    found: dict[tuple[str, str, str, str | None], list[QuarantineEntry]] = {}
    for held in app.quarantine():
        found.setdefault((held.destination, held.cause, held.outcome, held.field), []).append(held)
    items = [
        {
            "destination": destination,
            "cause": cause,
            "outcome": outcome,
            "field": field,
            "count": len(group),
            "reason": group[0].reason,
            "first_at": min(one.at for one in group),
            "last_at": max(one.at for one in group),
        }
        for (destination, cause, outcome, field), group in found.items()
    ]
    return {"items": sorted(items, key=lambda group: -int(str(group["count"]))), "next": None}


@router.post("/resend", status_code=202, operation_id="resendHeld")
def resend(which: Which, app: Opened, person: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Send held records: one run for each destination they belong to, under ids of their own."""
    return {"items": app.ask_resend(which.entries(app), asked_by=person.name), "next": None}


@router.post("/discard", operation_id="discardHeld")
def discard_several(which: Discarding, app: Opened, _: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Never send these versions."""
    return {"discarded": app.discard(which.entries(app), reason=which.reason)}


@router.get("/{entry}")
def entry(entry: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One held record, with its last request and reply."""
    return _flat(app.quarantined(entry))


@router.post("/{entry}/preview", operation_id="previewHeld")
def preview(entry: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The request that a resend of this record would make; sends nothing."""
    document: dict[str, Any] = as_json(app.preview_held(entry))
    return {**document, "errors": []}


@router.patch("/{entry}")
def edit(entry: str, app: Opened, new: Edit, _: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Change a held record; nothing is sent yet."""
    return _flat(app.edit(entry, changes=new.changes, record=new.record))


@router.post("/{entry}/discard")
def discard(entry: str, app: Opened, why: Discard, _: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Never send this version."""
    return {"discarded": app.discard([entry], reason=why.reason)}


@router.post("/{entry}/settle", status_code=204)
def settle(entry: str, app: Opened, _: Person = needs(Right.OPERATE)) -> None:
    """A person knows that it arrived."""
    app.settle(entry, delivered=True)


def _flat(detail: QuarantineDetail) -> dict[str, Any]:
    document = as_json(detail)
    return {**document.pop("entry"), **document}
