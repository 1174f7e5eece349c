"""Routes for runs: start, follow, cancel, resume; their requests and records."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from penstock.model.delivery import DeliveryJson, WholeDeliveryJson
from penstock.model.reports import Page
from penstock.model.runs import ProgressJson, RecordJson, RunFilter, RunJson
from penstock.service.api.dependencies import Cursor, Limit, Opened, Person, Right, needs, require
from penstock.service.api.responses import COMPONENTS, as_it_is, attachment
from penstock.service.app import ServiceApp

router = APIRouter(prefix="/runs", tags=["runs"])
POLL_S = 0.4
ALIVE_EVERY_S = 15.0
MOST = 2**53 - 1  # the largest whole number that every JSON reader keeps exact
EVENTS = {
    "oneOf": [
        {
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {"const": name},
                "data": {"contentMediaType": "application/json", "contentSchema": {"$ref": f"{COMPONENTS}/{shape}"}},
            },
        }
        for name, shape in (("progress", ProgressJson.__name__), ("end", RunJson.__name__))
    ]
}
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class Start(BaseModel):
    """The destination or flow to run. `from` reads its sources again, from `start` or from a value of the cursor.
    Unchanged records are not sent. `allow_deletes` is the `deletes_hash` of a plan: exactly the deletions that it lists
    are approved, once. It needs the role editor. `limit`: the run of a destination sends at most this many records and
    stops; the next run with a limit goes on behind them.
    """

    model_config = ConfigDict(extra="forbid")
    target: str
    begins_at: str | None = Field(default=None, alias="from", min_length=1, max_length=1000)
    allow_deletes: str | None = Field(default=None, min_length=1, max_length=100)
    limit: int | None = Field(default=None, ge=1, le=MOST, strict=True)


@router.post("", status_code=202, operation_id="startRun")
def start(request: Request, app: Opened, what: Start, person: Person = needs(Right.OPERATE)) -> RunJson:
    """Requests a run and returns it with its id. It starts when a worker is free. An unfinished run is continued.

    A run that goes past a canary, because it stopped the last run of the destination, needs the role editor.
    """
    named: dict[str, object] = {"target": what.target, "limit": what.limit, "allow_deletes": what.allow_deletes}
    if what.allow_deletes is not None:
        require(person, Right.EDIT, "allow_deletes")
    stopped = app.stopped_by_canary(what.target)
    for destination, run in stopped.items():
        require(person, Right.EDIT, "target", f"the canary of {destination} stopped the run {run}, so the next one")
    if stopped:
        named["past_canary"] = ",".join(stopped.values())
    request.state.names = {name: value for name, value in named.items() if value is not None}  # for the audit log
    return app.request_run(
        what.target,
        asked_by=person.name,
        begins_at=what.begins_at,
        allow_deletes=what.allow_deletes,
        limit=what.limit,
    )


@router.get("", operation_id="listRuns", response_model=Page[RunJson])
def runs(
    app: Opened,
    target: str | None = None,
    status: str | None = None,
    since: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Returns the runs, newest first, filtered by target, status and start."""
    return as_it_is(app.work.runs(RunFilter(target, status, since), limit=limit, cursor=cursor))


@router.get("/{run}", operation_id="getRun")
def one(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> RunJson:
    """Returns a run."""
    return app.work.run(run)


@router.post("/{run}/cancel", status_code=202, operation_id="cancelRun")
def cancel(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> RunJson:
    """Cancels a run: it stops after its requests in flight and can be resumed."""
    return app.work.cancel(run, by=person.name)


@router.post("/{run}/resume", status_code=202, operation_id="resumeRun")
def resume(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> RunJson:
    """Resumes a run that was stopped or interrupted."""
    return app.work.resume(run, asked_by=person.name)


@router.get(
    "/{run}/events",
    operation_id="followRun",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "itemSchema": EVENTS}}}},
)
async def events(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> StreamingResponse:
    """Streams server-sent events: `progress` while the run lasts, then `end` with the run."""
    await run_in_threadpool(app.work.run, run)  # an unknown run is refused before the stream begins
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(app, run), media_type="text/event-stream", headers=headers)


async def _stream(app: ServiceApp, run: str) -> AsyncIterator[str]:
    last: ProgressJson | RunJson | None = None
    quiet = 0.0
    while True:
        found, over = await run_in_threadpool(app.work.progress, run)
        if over:
            yield _event("end", found)
            return
        if found != last or quiet >= ALIVE_EVERY_S:
            last, quiet = found, 0.0
            yield _event("progress", found)
        await asyncio.sleep(POLL_S)
        quiet += POLL_S


def _event(name: str, document: ProgressJson | RunJson) -> str:
    return f"event: {name}\ndata: {orjson.dumps(document).decode()}\n\n"


@router.get("/{run}/deliveries", operation_id="listDeliveries", response_model=Page[DeliveryJson])
def deliveries(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Returns the requests of a run in the order they were made. For a flow: the requests of all its destinations."""
    return as_it_is(app.work.details.deliveries(run, outcome=outcome, limit=limit, cursor=cursor))


@router.get("/{run}/deliveries/{delivery}", operation_id="getDelivery")
def delivery(run: str, delivery: str, app: Opened, _: Person = needs(Right.VIEW)) -> WholeDeliveryJson:
    """Returns a request and, if they were stored, its exact content and reply."""
    return app.work.details.delivery(run, delivery)


@router.get("/{run}/records", operation_id="listRecords", response_model=Page[RecordJson])
def records(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> Response:
    """Returns the records of a run with their outcomes."""
    return as_it_is(app.work.details.records(run, outcome=outcome, limit=limit, cursor=cursor))


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
    """Returns all records of a run as a file."""
    parts = app.work.details.export(run, kind)
    return StreamingResponse(parts, media_type=MEDIA[kind], headers=attachment(f"{run}.{kind}"))
