"""Routes of runs: start, watch, cancel, resume; their requests and records."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.page import ListPage as Listed
from penstock.service.api.dependencies import Cursor, Limit, Opened, Person, Right, needs
from penstock.service.api.reports import DeliveryOut, RecordOut, RunOut, WholeDeliveryOut
from penstock.service.api.shapes import Page, as_it_is
from penstock.service.app import ServiceApp
from penstock.service.model import RunFilter

router = APIRouter(prefix="/runs", tags=["runs"])
LOOK_S = 0.4
ALIVE_EVERY_S = 15.0
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class Start(BaseModel):
    """The destination or flow to run. `from` reads its sources again: from their `start`, or from a value of the
    cursor on; what is unchanged is not sent.
    """

    model_config = ConfigDict(extra="forbid")
    target: str
    begins_at: str | None = Field(default=None, alias="from", min_length=1, max_length=1000)


@router.post("", status_code=202, operation_id="startRun", response_model_exclude_unset=True)
def start(app: Opened, what: Start, person: Person = needs(Right.OPERATE)) -> RunOut:
    """Ask for a run. It has its id at once, and begins when a worker is free; an unfinished run is continued."""
    by = person.name
    return RunOut(**app.work.enqueue(what.target, trigger=f"person:{by}", asked_by=by, begins_at=what.begins_at))


@router.get("", operation_id="listRuns", response_model=Page[RunOut])
def runs(
    app: Opened,
    target: str | None = None,
    status: str | None = None,
    since: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """The runs, newest first: of one target, in one status, since a moment."""
    return _paged(app.work.runs(RunFilter(target, status, since), limit=limit, cursor=cursor))


@router.get("/{run}", operation_id="getRun", response_model_exclude_unset=True)
def one(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> RunOut:
    """One run."""
    return RunOut(**app.work.run(run))


@router.post("/{run}/cancel", status_code=202, operation_id="cancelRun", response_model_exclude_unset=True)
def cancel(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> RunOut:
    """Stop it after the requests in flight; it can be resumed."""
    return RunOut(**app.work.cancel(run, by=person.name))


@router.post("/{run}/resume", status_code=202, operation_id="resumeRun", response_model_exclude_unset=True)
def resume(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> RunOut:
    """Go on with a run that was stopped or interrupted."""
    return RunOut(**app.work.resume(run, asked_by=person.name))


@router.get(
    "/{run}/events",
    operation_id="followRun",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> StreamingResponse:
    """Server-sent events: `progress` while it lasts, then `end` with the run."""
    await run_in_threadpool(app.work.run, run)  # an unknown run is refused before the stream begins
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(app, run), media_type="text/event-stream", headers=headers)


async def _told(app: ServiceApp, run: str) -> AsyncIterator[str]:
    last, quiet = None, 0.0
    while True:
        found, over = await run_in_threadpool(app.work.progress, run)
        if over:
            yield _event("end", found)
            return
        if found != last or quiet >= ALIVE_EVERY_S:
            last, quiet = found, 0.0
            yield _event("progress", found)
        await asyncio.sleep(LOOK_S)
        quiet += LOOK_S


def _event(name: str, document: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {orjson.dumps(document).decode()}\n\n"


@router.get("/{run}/deliveries", operation_id="listDeliveries", response_model=Page[DeliveryOut])
def deliveries(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """The requests of a run, in the order they were made; of a flow's run, those of its destinations."""
    return _paged(app.work.details.deliveries(run, outcome=outcome, limit=limit, cursor=cursor))


@router.get("/{run}/deliveries/{delivery}", operation_id="getDelivery", response_model_exclude_unset=True)
def delivery(run: str, delivery: str, app: Opened, _: Person = needs(Right.VIEW)) -> WholeDeliveryOut:
    """One request and its reply, exactly, where they were kept."""
    return WholeDeliveryOut(**app.work.details.delivery(run, delivery))


@router.get("/{run}/records", operation_id="listRecords", response_model=Page[RecordOut])
def records(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """The records of a run and what became of each."""
    return _paged(app.work.details.records(run, outcome=outcome, limit=limit, cursor=cursor))


@router.get(
    "/{run}/records/export",
    operation_id="exportRecords",
    response_class=StreamingResponse,
    responses={200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA.values()}}},
)
def export(
    run: str,
    app: Opened,
    kind: Annotated[Literal["csv", "parquet"], Query(alias="format")] = "csv",
    _: Person = needs(Right.VIEW),
) -> StreamingResponse:
    """All records of a run as a file."""
    named = {"Content-Disposition": f'attachment; filename="{quote(run)}.{kind}"'}
    return StreamingResponse(app.work.details.export(run, kind), media_type=MEDIA[kind], headers=named)


def _paged(page: Listed) -> Response:
    return as_it_is({"items": page.items, "next": page.next})
