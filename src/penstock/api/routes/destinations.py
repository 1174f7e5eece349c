"""Destinations as a person works with them: preview, plan, test, activate, pause."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.api.reports import PlanOut, PreviewOut, TestOut
from penstock.model.reports import as_json, plan_json, test_json

router = APIRouter(prefix="/destinations/{name}", tags=["destinations"])


class TestSend(BaseModel):
    """Which sample to send, or the edited body to send in its place."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")
    sample: int = Field(1, ge=1)
    body: str | None = None


@router.get("/preview", operation_id="previewDestination")
def preview(
    name: str, app: Opened, limit: Annotated[int, Query(ge=1, le=100)] = 5, _: Person = needs(Right.VIEW)
) -> PreviewOut:
    """The requests its samples make; sends nothing."""
    return PreviewOut(**as_json(app.preview(name, limit=limit)))


@router.get("/plan", operation_id="planDestination", response_model_exclude_unset=True)
def plan(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> PlanOut:
    """What a run would do now."""
    return PlanOut(**plan_json(app.plan(name)))


@router.post("/test", operation_id="testDestination", response_model_exclude_unset=True)
def send(name: str, app: Opened, sent: TestSend, _: Person = needs(Right.OPERATE)) -> TestOut:
    """Send one request now."""
    return TestOut(**test_json(app.test(name, sample=sent.sample, body=sent.body)))


@router.post("/activate", status_code=204, operation_id="activateDestination")
def activate(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Let runs send it."""
    app.activate(name, by=person.name)


@router.post("/pause", status_code=204, operation_id="pauseDestination")
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Stop runs from sending it."""
    app.pause(name, by=person.name)
