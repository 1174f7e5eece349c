"""Settings that are not saved yet: what they would send, what would be refused, and one test send of them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.access import Person, Right, needs
from penstock.api.answers import problems
from penstock.api.opened import Opened
from penstock.model.errors import InputError
from penstock.model.reports import as_json, test_json

router = APIRouter(prefix="/destinations", tags=["destinations"])
LOOK_S = 2.0  # how long the whole dataset is looked at, at most


class Draft(BaseModel):
    """A destination as the project file would say it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class PreviewDraft(Draft):
    limit: Annotated[int, Field(ge=1, le=100)] = 5


class TestDraft(Draft):
    """Which sample to send, or the edited body to send in its place."""

    __test__ = False
    sample: Annotated[int, Field(ge=1)] = 1
    body: str | None = None


@router.post("/preview", operation_id="previewUnsaved")
def preview(draft: PreviewDraft, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The requests that its samples make; `errors` in their place while the settings are wrong. Sends nothing."""
    try:
        document: dict[str, Any] = as_json(app.unsaved.preview(draft.name, draft.value, draft.limit))
    except InputError as error:
        return {"requests": [], "refused": [], "notes": [], **problems(error.problems).model_dump()}
    return {**document, "errors": []}


@router.post("/findings", operation_id="checkUnsaved")
def findings(draft: Draft, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """What would be refused of the whole dataset, by field and rule; `checked` says how many records were looked at."""
    try:
        document: dict[str, Any] = as_json(app.unsaved.findings(draft.name, draft.value, LOOK_S))
    except InputError as error:
        return {"records": None, "checked": 0, "refused": [], "notes": [], **problems(error.problems).model_dump()}
    return {**document, "errors": []}


@router.post("/test", operation_id="testUnsaved")
def send(draft: TestDraft, app: Opened, _: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Send one request now, with these settings."""
    return test_json(app.unsaved.test(draft.name, draft.value, sample=draft.sample, body=draft.body))
