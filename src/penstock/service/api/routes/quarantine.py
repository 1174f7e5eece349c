"""Routes for the quarantine: list, show, edit, resend, discard, settle."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.delivery import StoredReplyJson, StoredRequestJson
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import QuarantineOutcome
from penstock.model.reports import (
    Page,
    QuarantineDetail,
    QuarantineEntryJson,
    QuarantineFilter,
    QuarantineGroupJson,
    as_json,
    quarantined_json,
    single_page,
)
from penstock.model.runs import RunJson
from penstock.service.api.dependencies import (
    Cursor,
    IfMatch,
    Limit,
    Opened,
    Person,
    Right,
    needs,
    require_etag,
    seen_by,
    set_etag,
)
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.responses import UnsavedPreview
from penstock.service.app import ServiceApp
from penstock.service.model import MANY, DiscardRow

router = APIRouter(prefix="/quarantine", tags=["quarantine"])


class Edit(BaseModel):
    """An edit: `changes` by field (dotted paths for nested values), or the whole record as JSON or as JSON text.

    `record_text` preserves every digit of large numbers; a client that parses JSON numbers as floats may change them.
    """

    model_config = ConfigDict(extra="forbid")
    record_text: str | None = None
    changes: dict[str, Any] | None = None
    record: dict[str, Any] | None = None


class Settle(BaseModel):
    """`delivered` must be true. Resend or discard a record that did not arrive."""

    model_config = ConfigDict(extra="forbid")
    delivered: bool = True


class Discard(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: str = ""


class Which(BaseModel):
    """A selection of records: `ids`; or any of `destination`, `cause` and `outcome` (all must match); or `all`."""

    model_config = ConfigDict(extra="forbid")
    ids: Annotated[list[str], Field(max_length=10_000)] | None = None
    destination: str | None = None
    cause: str | None = None
    outcome: QuarantineOutcome | None = None
    all: bool = False

    def entries(self, app: ServiceApp) -> list[str]:
        """The ids of the selected records. InputError when there is no selection, or it selects nothing."""
        return self.ids or app.quarantine_pages.ids(self.conditions())

    def conditions(self) -> QuarantineFilter:
        """The selection as a filter. InputError when there is no selection."""
        which = QuarantineFilter(self.destination, self.cause, self.outcome)
        if not self.ids and which == QuarantineFilter() and not self.all:
            hint = "add ids, destination, cause, outcome or all"
            raise InputError(Problem("body", "the body selects no records", "which", hint))
        return which


class Discarding(Which):
    reason: str = ""


class HeldJson(QuarantineEntryJson):
    """A record in quarantine with its content and its last request and reply. Secrets are redacted. `record_text` has
    every digit of its numbers.
    """

    record: Any
    record_text: str
    value: str | None
    accepted: str | None
    request: StoredRequestJson | None
    reply: StoredReplyJson | None


class Discarded(BaseModel):
    """The number of discarded records."""

    discarded: int


class DiscardOut(BaseModel):
    """A discard in the background: `discarded` of `total` records are done; `ended_at` is null until it ends.

    It ends with fewer than `total` if some of the records were sent or discarded by other requests in the meantime.
    """

    id: str
    total: int
    discarded: int
    reason: str
    asked_by: str
    asked_at: str
    ended_at: str | None

    @staticmethod
    def of(row: DiscardRow) -> "DiscardOut":
        names = ("id", "total", "reason", "asked_by", "asked_at", "ended_at")
        return DiscardOut(**{name: getattr(row, name) for name in names}, discarded=row.done)


@router.get("", operation_id="listQuarantine")
def entries(
    app: Opened,
    destination: str | None = None,
    cause: str | None = None,
    outcome: QuarantineOutcome | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Page[QuarantineEntryJson]:
    """Returns the records in quarantine, oldest first."""
    return app.quarantine_pages.page(QuarantineFilter(destination, cause, outcome), limit=limit, cursor=cursor)


@router.get("/groups", operation_id="listQuarantineGroups")
def groups(app: Opened, _: Person = needs(Right.VIEW)) -> Page[QuarantineGroupJson]:
    """Returns the records in quarantine grouped by destination, cause, outcome and field, largest group first."""
    return single_page(app.quarantine_pages.groups())


@router.post("/resend", status_code=202, operation_id="resendHeld")
def resend(which: Which, app: Opened, person: Person = needs(Right.OPERATE)) -> Page[RunJson]:
    """Sends records in quarantine again. Starts and returns one run per destination."""
    return single_page(app.request_resend(which.entries(app), asked_by=person.name))


@router.post(
    "/discard",
    operation_id="discardHeld",
    response_model=Discarded,
    responses={
        202: {"model": DiscardOut, "description": "More than 1,000 records: the discard continues in the background"}
    },
)
def discard_several(which: Discarding, app: Opened, person: Person = needs(Right.OPERATE)) -> Any:
    """Discards records: these versions are never sent. More than 1,000 are discarded in the background; `Location` is
    the address of the discard.
    """
    if which.ids is None or len(which.ids) > MANY:
        begun = app.discards.request(which.conditions(), which.ids or None, reason=which.reason, by=person.name)
        if begun is not None:
            where = {"Location": f"/api/v1/quarantine/discards/{begun.id}"}
            return JSONResponse(DiscardOut.of(begun).model_dump(), status_code=202, headers=where)
    return Discarded(discarded=app.discard(which.entries(app), reason=which.reason))


@router.get("/discards", operation_id="listDiscards")
def discards(app: Opened, _: Person = needs(Right.VIEW)) -> Page[DiscardOut]:
    """Returns the latest discards of more than 1,000 records with their progress, newest first."""
    return single_page([DiscardOut.of(row) for row in app.discards.newest()])


@router.get("/discards/{discard}", operation_id="getDiscard")
def discard_in_background(discard: str, app: Opened, _: Person = needs(Right.VIEW)) -> DiscardOut:
    """Returns the progress of a discard of more than 1,000 records."""
    return DiscardOut.of(app.discards.get(discard))


@router.get("/{entry}", operation_id="getHeld")
def entry(entry: str, app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> HeldJson:
    """Returns a record in quarantine with its last request and reply."""
    return _flat(app, app.quarantined(entry), response)


@router.post("/{entry}/preview", operation_id="previewHeld", dependencies=[Depends(limit_queries)])
def preview(entry: str, app: Opened, person: Person = needs(Right.VIEW)) -> UnsavedPreview:
    """Returns the request that a resend of this record would make. Sends nothing."""
    return UnsavedPreview(**as_json(seen_by(app, person).preview_quarantined(entry)), errors=[])


@router.patch("/{entry}", operation_id="editHeld")
def edit(
    entry: str, app: Opened, new: Edit, response: Response, if_match: IfMatch = None, _: Person = needs(Right.OPERATE)
) -> HeldJson:
    """Edits a record in quarantine. Sends nothing."""

    def guard(before: str) -> None:
        require_etag(if_match, before, entry)

    record = new.record if new.record_text is None else app.quarantine_pages.record_of(new.record_text)
    return _flat(app, app.quarantine_pages.edit(entry, changes=new.changes, record=record, guard=guard), response)


@router.post("/{entry}/discard", operation_id="discardOneHeld")
def discard(entry: str, app: Opened, why: Discard, _: Person = needs(Right.OPERATE)) -> Discarded:
    """Discards a record: this version is never sent."""
    return Discarded(discarded=app.discard([entry], reason=why.reason))


@router.post("/{entry}/settle", status_code=204, operation_id="settleHeld")
def settle(entry: str, app: Opened, how: Settle | None = None, _: Person = needs(Right.OPERATE)) -> None:
    """Marks an `unknown` record as delivered."""
    app.settle(entry, delivered=how is None or how.delivered)


def _flat(app: ServiceApp, detail: QuarantineDetail, response: Response) -> HeldJson:
    text = app.quarantine_pages.text(detail.entry.id)
    set_etag(response, text)
    return cast(HeldJson, {**quarantined_json(detail), "record_text": text})
