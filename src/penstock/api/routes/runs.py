"""Runs: start, look on, cancel, resume; their requests and their records."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.engine.app import App
from penstock.engine.pages import Page
from penstock.stores.run_pages import Which

router = APIRouter(prefix="/runs", tags=["runs"])
LOOK_S = 0.4
ALIVE_EVERY_S = 15.0
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
Limit = Annotated[int, Query(ge=1, le=500)]


class Start(BaseModel):
    """The destination or flow to run."""

    model_config = ConfigDict(extra="forbid")
    target: str


@router.post("", status_code=202)
def start(app: Opened, what: Start, person: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Ask for a run. It has its id at once, and begins when a worker is free; an unfinished run is continued."""
    return app.work.enqueue(what.target, trigger=f"person:{person.name}", asked_by=person.name)


@router.get("")
def runs(
    app: Opened,
    target: str | None = None,
    status: str | None = None,
    since: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> dict[str, Any]:
    """The runs, newest first: of one target, in one status, since a moment."""
    return _paged(app.work.runs(Which(target, status, since), limit=limit, cursor=cursor))


@router.get("/{run}")
def one(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One run."""
    return app.work.run(run)


@router.post("/{run}/cancel", status_code=202)
def cancel(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Stop it after the requests in flight; it can be resumed."""
    return app.work.cancel(run, by=person.name)


@router.post("/{run}/resume", status_code=202)
def resume(run: str, app: Opened, person: Person = needs(Right.OPERATE)) -> dict[str, Any]:
    """Go on with a run that was stopped or interrupted."""
    return app.work.resume(run, asked_by=person.name)


@router.get("/{run}/events", response_class=StreamingResponse)
async def events(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> StreamingResponse:
    """Server-sent events: `progress` while it lasts, then `end` with the run."""
    await run_in_threadpool(app.work.run, run)  # an unknown run is refused before the stream begins
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(app, run), media_type="text/event-stream", headers=headers)


async def _told(app: App, run: str) -> AsyncIterator[str]:
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


@router.get("/{run}/deliveries")
def deliveries(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> dict[str, Any]:
    """The requests of a run, in the order they were made; of a flow's run, those of its destinations."""
    return _paged(app.work.details.deliveries(run, outcome=outcome, limit=limit, cursor=cursor))


@router.get("/{run}/deliveries/{delivery}")
def delivery(run: str, delivery: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One request and its reply, exactly, where they were kept."""
    return app.work.details.delivery(run, delivery)


@router.get("/{run}/records")
def records(
    run: str,
    app: Opened,
    outcome: str | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
    _: Person = needs(Right.VIEW),
) -> dict[str, Any]:
    """The records of a run and what became of each."""
    return _paged(app.work.details.records(run, outcome=outcome, limit=limit, cursor=cursor))


@router.get("/{run}/records/export", response_class=StreamingResponse)
def export(
    run: str,
    app: Opened,
    kind: Annotated[Literal["csv", "parquet"], Query(alias="format")] = "csv",
    _: Person = needs(Right.VIEW),
) -> StreamingResponse:
    """All records of a run as a file."""
    named = {"Content-Disposition": f'attachment; filename="{quote(run)}.{kind}"'}
    return StreamingResponse(app.work.details.export(run, kind), media_type=MEDIA[kind], headers=named)


def _paged(page: Page) -> dict[str, Any]:
    return {"items": page.items, "next": page.next}
