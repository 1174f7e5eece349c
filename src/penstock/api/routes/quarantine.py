"""The quarantine: list, look, edit, discard, settle."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.model.reports import QuarantineDetail, as_json

router = APIRouter(prefix="/quarantine", tags=["quarantine"])


class Edit(BaseModel):
    """Members to change (dotted paths reach into nested values), or the whole record."""

    model_config = ConfigDict(extra="forbid")
    changes: dict[str, Any] | None = None
    record: dict[str, Any] | None = None


class Discard(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = ""


@router.get("")
def entries(
    app: Opened, destination: str | None = None, cause: str | None = None, _: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """The held records, oldest first."""
    return {"items": as_json(app.quarantine(destination=destination, cause=cause)), "next": None}


@router.get("/{entry}")
def entry(entry: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One held record, with its last request and reply."""
    return _flat(app.quarantined(entry))


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
