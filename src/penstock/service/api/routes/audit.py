"""Routes for the audit log: its entries page by page, and an export of all."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from penstock.model.reports import Page, page_of
from penstock.service.api.dependencies import Limit, Person, Right, app_of, needs
from penstock.service.api.shapes import EntryOut
from penstock.service.model import AuditFilter, entry_json, moment

router = APIRouter(prefix="/audit", tags=["people"])
Word = Annotated[str | None, Query(max_length=300)]
TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


@router.get("", operation_id="listAudit", response_model=Page[EntryOut])
def entries(
    request: Request,
    person: Word = None,
    action: Word = None,
    since: Word = None,
    until: Word = None,
    cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Limit = 50,
    _: Person = needs(Right.ADMIN),
) -> Page[dict[str, Any]]:
    """Returns the entries of the audit log, newest first."""
    found = app_of(request).people.audit.page(_filter(person, action, since, until), limit + 1, cursor)
    return page_of(found, limit, entry_json, lambda entry: str(entry.id))


@router.get(
    "/export",
    operation_id="exportAudit",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {"schema": {"type": "string"}} for kind in TYPES.values()}}},
)
def export(
    request: Request,
    format: Literal["ndjson", "csv"] = "ndjson",  # noqa: A002 - the word of the contract
    person: Word = None,
    action: Word = None,
    since: Word = None,
    until: Word = None,
    _: Person = needs(Right.ADMIN),
) -> StreamingResponse:
    """Returns all entries of the audit log as a file, oldest first."""
    lines = app_of(request).people.audit.export(_filter(person, action, since, until), format)
    named = {"Content-Disposition": f'attachment; filename="audit.{format}"'}
    return StreamingResponse(lines, media_type=TYPES[format], headers=named)


def _filter(person: str | None, action: str | None, since: str | None, until: str | None) -> AuditFilter:
    return AuditFilter(
        person,
        action,
        None if since is None else moment(since, "since"),
        None if until is None else moment(until, "until"),
    )
