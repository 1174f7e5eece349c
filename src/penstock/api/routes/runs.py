"""Runs: start, look on, cancel, resume; their requests and their records."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.engine.work import Page
from penstock.model.reports import delivery_json
from penstock.stores.run_pages import Which

router = APIRouter(prefix="/runs", tags=["runs"])
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


@router.get("/{run}/deliveries")
def deliveries(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The requests of a run."""
    return {"items": [delivery_json(found) for found in app.deliveries(run)], "next": None}


def _paged(page: Page) -> dict[str, Any]:
    return {"items": page.items, "next": page.next}
