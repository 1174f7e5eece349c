"""Flows as a person works with them: let them rest, let them go on."""

from fastapi import APIRouter

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened

router = APIRouter(prefix="/flows/{name}", tags=["flows"])


@router.post("/pause", status_code=204)
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Let its times pass; what runs stops after the requests in flight."""
    app.work.pause_flow(name, by=person.name)


@router.post("/resume", status_code=204)
def resume(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Go on with its times from now on."""
    app.work.resume_flow(name, by=person.name)
