"""Routes for destinations and credentials, saved or not: preview, plan, check, test, activate, pause."""

from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from penstock.model.errors import InputError, PenstockError, ProblemJson, problem_json
from penstock.model.outcome import Note, NoteJson
from penstock.model.reconciliation import LastReconcileJson
from penstock.model.record import KeyJson, RefusedRecord
from penstock.model.reports import CheckJson, Preview, PreviewedRequest, TestJson, as_json, check_json, test_json
from penstock.model.runs import PlanJson, RunJson, plan_json
from penstock.service.api.dependencies import Exact, Opened, Person, Right, needs, require, seen_by
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.responses import PreviewOut, UnsavedPreview, attachment, whole_problems

router = APIRouter(prefix="/destinations", tags=["destinations"])
credentials = APIRouter(prefix="/credentials", tags=["credentials"])
LINES = "application/x-ndjson"
PIECE = 1 << 16  # bytes of lines that are sent together
FINDINGS_S = 2.0  # at most, for the check of the whole dataset


class Draft(BaseModel):
    """An unsaved destination; `value` has the keys of the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class PreviewDraft(Draft):
    limit: Annotated[int, Field(ge=1, le=100)] = 5


class TestSend(BaseModel):
    """The number of the sample to send, and an edited body that replaces its own."""

    __test__ = False
    model_config = ConfigDict(extra="forbid")
    sample: int = Field(1, ge=1)
    body: str | None = None


class TestDraft(TestSend, Draft):
    """The number of the sample to send, and an edited body that replaces its own."""


class CredentialDraft(Draft):
    """An unsaved credential; `value` has the keys of the project file. `secret` is the API key if `value` has none."""

    secret: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None


class NewSecret(BaseModel):
    """An API key. It is never returned."""

    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(min_length=1)]


class HowToCheck(BaseModel):
    model_config = ConfigDict(extra="forbid")
    refresh: bool = False


class IdentityCounts(BaseModel):
    """How many entries each list of the identity report of a dataset has; null if the destination sends no people."""

    dataset: str
    counts: dict[str, int] | None


class HowToReconcile(BaseModel):
    """Whether what differs or is missing is sent again."""

    model_config = ConfigDict(extra="forbid")
    fix: bool = False


class HowOften(BaseModel):
    """Every how many hours a destination is compared with Custify; null: only on request."""

    model_config = ConfigDict(extra="forbid")
    every_hours: Annotated[int, Field(ge=1, le=8760)] | None


class BrokenRule(TypedDict):
    """A record that breaks a rule, with the value that breaks it."""

    key: KeyJson | None
    value: str | None


class FindingOut(BaseModel):
    """Records that break a rule: their number and some examples."""

    field: str | None
    rule: str
    reason: str
    values: dict[str, Any]
    count: int
    examples: list[BrokenRule]


class FindingsOut(BaseModel):
    """The check of a dataset: `checked` of `records` were checked; `records` is null if they were not counted."""

    records: int | None
    checked: int
    refused: list[FindingOut]
    notes: list[NoteJson]
    errors: list[ProblemJson]


@router.get("/{name}/preview", operation_id="previewDestination", dependencies=[Depends(limit_queries)])
def preview(
    name: str, app: Opened, limit: Annotated[int, Query(ge=1, le=100)] = 5, person: Person = needs(Right.VIEW)
) -> PreviewOut:
    """Returns the requests that the sample records produce. Sends nothing."""
    return PreviewOut(**as_json(seen_by(app, person).preview(name, limit=limit)))


@router.get(
    "/{name}/preview/export",
    operation_id="exportPreview",
    response_class=StreamingResponse,
    responses={200: {"content": {LINES: {"schema": {"type": "string"}}}}},
)
def export(name: str, app: Opened, person: Person = needs(Right.VIEW)) -> StreamingResponse:
    """Returns the requests for the whole dataset, one JSON line each, in the form of the preview. Sends nothing.

    A record that would be quarantined is a line with `refused`. The last line has the numbers of both and the `notes`,
    or `errors` if the data cannot be read to the end.
    """
    lines = _lines(seen_by(app, person).preview_all(name))
    return StreamingResponse(_pieces(lines), media_type=LINES, headers=attachment(f"{name}.preview.ndjson"))


@router.get("/{name}/plan", operation_id="planDestination")
def plan(name: str, app: Opened, exact: Exact = False, person: Person = needs(Right.VIEW)) -> PlanJson:
    """Returns what a run would do now. Sends nothing. `exact` needs the role operator."""
    if exact:
        require(person, Right.OPERATE, "exact")
    return plan_json(seen_by(app, person).plan(name, exact=exact))


@router.get("/{name}/identity", operation_id="getDestinationIdentity")
def identity(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> IdentityCounts:
    """Returns how many people of the destination's dataset Custify would hold twice. `GET /datasets/{name}/identity`
    lists them. Makes no request to Custify.
    """
    dataset, found = app.people_of(name)
    return IdentityCounts(dataset=dataset, counts=None if found is None else dict(found.counts))


@router.post("/{name}/test", operation_id="testDestination")
def send(name: str, app: Opened, sent: TestSend, _: Person = needs(Right.OPERATE)) -> TestJson:
    """Sends one request now."""
    return test_json(app.test(name, sample=sent.sample, body=sent.body))


@router.post("/{name}/activate", status_code=204, operation_id="activateDestination")
def activate(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Activates a destination: runs send its records."""
    app.activate(name, by=person.name)


@router.post("/{name}/pause", status_code=204, operation_id="pauseDestination")
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Pauses a destination: runs do not send its records."""
    app.pause(name, by=person.name)


@router.post("/{name}/settle", status_code=202, operation_id="settleDestination")
def settle(name: str, app: Opened, person: Person = needs(Right.EDIT)) -> RunJson:
    """Reads the unknown records of a destination back from the API. Those that did not arrive are sent again. Starts
    and returns a run, which has `settled` when it has ended.
    """
    return app.request_settle(name, asked_by=person.name)


@router.post("/{name}/reconcile", status_code=202, operation_id="reconcileDestination")
def reconcile(
    request: Request, name: str, app: Opened, how: HowToReconcile | None = None, person: Person = needs(Right.OPERATE)
) -> RunJson:
    """Compares what Custify has with what a destination has sent. Starts and returns a run. With `fix`, which needs the
    right to edit, what differs or is missing is sent again.
    """
    fix = how is not None and how.fix
    if fix:
        require(person, Right.EDIT, "a fix")
        request.state.names = {"fix": "true"}  # for the audit log
    return app.reconciliations.request(name, fix=fix, asked_by=person.name)


@router.get("/{name}/reconcile", operation_id="lastReconcile")
def last_reconcile(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> LastReconcileJson:
    """Returns the last comparison of a destination with Custify, whole; after a fix, as found before it."""
    return app.reconciliations.last(name)


@router.put("/{name}/reconcile/schedule", status_code=204, operation_id="scheduleReconcile")
def schedule_reconcile(name: str, how_often: HowOften, app: Opened, person: Person = needs(Right.EDIT)) -> None:
    """Compares a destination with Custify every so many hours, while it is active; null: only on request."""
    app.reconciliations.schedule(name, how_often.every_hours, by=person.name)


@router.post("/preview", operation_id="previewUnsaved", summary="Preview", dependencies=[Depends(limit_queries)])
def preview_unsaved(draft: PreviewDraft, app: Opened, person: Person = needs(Right.VIEW)) -> UnsavedPreview:
    """Returns the requests that the sample records produce, or `errors` if the settings are invalid. Sends nothing."""
    try:
        found = seen_by(app, person).unsaved.preview(draft.name, draft.value, draft.limit)
    except InputError as error:
        found = Preview(())
        return UnsavedPreview(**as_json(found), errors=whole_problems(error.problems))
    return UnsavedPreview(**as_json(found), errors=[])


@router.post("/findings", operation_id="checkUnsaved", dependencies=[Depends(limit_queries)])
def findings(draft: Draft, app: Opened, _: Person = needs(Right.VIEW)) -> FindingsOut:
    """Checks the records of the whole dataset for two seconds at most. Returns the refused ones by field and rule;
    `checked` is the number of records that were checked.
    """
    try:
        found = app.unsaved.findings(draft.name, draft.value, FINDINGS_S)
    except InputError as error:
        return FindingsOut(records=None, checked=0, refused=[], notes=[], errors=whole_problems(error.problems))
    return FindingsOut(**as_json(found), errors=[])


@router.post("/test", operation_id="testUnsaved", summary="Send")
def send_unsaved(draft: TestDraft, app: Opened, person: Person = needs(Right.OPERATE)) -> TestJson:
    """Sends one request now, with these settings."""
    unsaved = seen_by(app, person).unsaved
    return test_json(unsaved.test(draft.name, draft.value, sample=draft.sample, body=draft.body))


@credentials.put("/{name}/secret", status_code=204, operation_id="setSecret")
def secret(name: str, given: NewSecret, app: Opened, _: Person = needs(Right.EDIT)) -> None:
    """Stores the API key of a credential, sealed. It is never returned."""
    app.set_credential(name, given.secret)


@credentials.post("/{name}/check", operation_id="checkCredential")
def check(name: str, how: HowToCheck, app: Opened, _: Person = needs(Right.OPERATE)) -> CheckJson:
    """Checks a credential with a request to the API, and returns which base URL responded."""
    return check_json(app.check(name, refresh=how.refresh))


@credentials.post("/check", operation_id="checkUnsavedCredential", summary="Check")
def check_unsaved(draft: CredentialDraft, app: Opened, _: Person = needs(Right.EDIT)) -> CheckJson:
    """Checks these settings and this key with a request to the API. Stores nothing."""
    return check_json(app.unsaved.credential(draft.name, draft.value, draft.secret))


def _lines(found: Iterator[PreviewedRequest | RefusedRecord | Note]) -> Iterator[dict[str, Any]]:
    requests, refused, notes = 0, 0, list[Any]()
    try:
        for one in found:
            if isinstance(one, Note):
                notes.append(as_json(one))
            elif isinstance(one, RefusedRecord):
                refused += 1
                yield {"refused": as_json(one)}
            else:
                requests += 1
                yield as_json(one)
    except PenstockError as error:  # the status of the response was sent already
        yield {"errors": [problem_json(problem) for problem in error.problems]}
    else:
        yield {"requests": requests, "refused": refused, "notes": notes}


def _pieces(lines: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    piece = bytearray()
    for line in lines:
        piece += orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
