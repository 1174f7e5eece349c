"""Routes for settings that are not saved: preview, findings, test send, check of a credential."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.errors import InputError
from penstock.model.reports import CheckJson, Preview, TestJson, as_json, check_json, test_json
from penstock.service.api.dependencies import Opened, Person, Right, needs, seen_by
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.reports import FindingsOut, UnsavedPreview
from penstock.service.api.shapes import whole_problems

router = APIRouter()
LOOK_S = 2.0  # at most, for the check of the whole dataset


class Draft(BaseModel):
    """An unsaved destination; `value` has the keys of the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class PreviewDraft(Draft):
    limit: Annotated[int, Field(ge=1, le=100)] = 5


class TestDraft(Draft):
    """The number of the sample to send, and an edited body that replaces its own."""

    __test__ = False
    sample: Annotated[int, Field(ge=1)] = 1
    body: str | None = None


class CredentialDraft(Draft):
    """An unsaved credential; `value` has the keys of the project file. `secret` is the API key if `value` has none."""

    secret: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None


@router.post(
    "/destinations/preview", tags=["destinations"], operation_id="previewUnsaved", dependencies=[Depends(limit_queries)]
)
def preview(draft: PreviewDraft, app: Opened, person: Person = needs(Right.VIEW)) -> UnsavedPreview:
    """Returns the requests that the sample records produce, or `errors` if the settings are invalid. Sends nothing."""
    try:
        found = seen_by(app, person).unsaved.preview(draft.name, draft.value, draft.limit)
    except InputError as error:
        found = Preview(())
        return UnsavedPreview(**as_json(found), errors=whole_problems(error.problems))
    return UnsavedPreview(**as_json(found), errors=[])


@router.post(
    "/destinations/findings", tags=["destinations"], operation_id="checkUnsaved", dependencies=[Depends(limit_queries)]
)
def findings(draft: Draft, app: Opened, _: Person = needs(Right.VIEW)) -> FindingsOut:
    """Checks the records of the whole dataset for two seconds at most. Returns the refused ones by field and rule;
    `checked` is the number of records that were checked.
    """
    try:
        found = app.unsaved.findings(draft.name, draft.value, LOOK_S)
    except InputError as error:
        return FindingsOut(records=None, checked=0, refused=[], notes=[], errors=whole_problems(error.problems))
    return FindingsOut(**as_json(found), errors=[])


@router.post("/destinations/test", tags=["destinations"], operation_id="testUnsaved")
def send(draft: TestDraft, app: Opened, person: Person = needs(Right.OPERATE)) -> TestJson:
    """Sends one request now, with these settings."""
    unsaved = seen_by(app, person).unsaved
    return test_json(unsaved.test(draft.name, draft.value, sample=draft.sample, body=draft.body))


@router.post("/credentials/check", tags=["credentials"], operation_id="checkUnsavedCredential")
def check(draft: CredentialDraft, app: Opened, _: Person = needs(Right.EDIT)) -> CheckJson:
    """Checks these settings and this key with a request to the API. Stores nothing."""
    return check_json(app.unsaved.credential(draft.name, draft.value, draft.secret))
