"""Routes of the retention settings and of the sample company."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel

from penstock.model.reports import as_json
from penstock.service.api.dependencies import IfMatch, Opened, Person, Right, needs, require_etag, set_etag
from penstock.service.model import Retention

router = APIRouter()


class DemoState(BaseModel):
    """Whether the project is the sample company; `arrived` shows what the stand-in got, while it is here."""

    loaded: bool
    arrived: str | None


class DemoLoaded(BaseModel):
    """The version that is the project now, how many records there are, and where the stand-in for Custify answers."""

    version: int
    records: dict[str, int]
    sandbox: str
    arrived: str


@router.get("/settings/retention", tags=["settings"], operation_id="getRetention")
def retention(app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> dict[str, int]:
    """How many days things are kept; 0: for ever."""
    return _told(app.care.retention(), response)


@router.put("/settings/retention", tags=["settings"], operation_id="putRetention")
def put_retention(
    document: Annotated[dict[str, Any], Body(examples=[{"runs": 90, "responses": 30}])],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.ADMIN),
) -> dict[str, int]:
    """Say it anew, whole: what is left out has its default."""

    def guard(before: Retention) -> None:
        require_etag(if_match, as_json(before), "the retention")

    return _told(app.care.set_retention(document, by=person.name, guard=guard), response)


@router.get("/demo", tags=["demo"], operation_id="getDemo")
def demo(app: Opened, _: Person = needs(Right.VIEW)) -> DemoState:
    """Whether the sample company is loaded."""
    return DemoState(**app.demo.state())


@router.post("/demo", status_code=201, tags=["demo"], operation_id="loadDemo")
def load_demo(app: Opened, person: Person = needs(Right.EDIT)) -> DemoLoaded:
    """Load a made-up company with its data, and start a stand-in for Custify on this machine that it sends to.

    Its destination `notes` is a draft. 409 while there is another project.
    """
    return DemoLoaded(**app.demo.load(by=person.name))


def _told(found: Retention, response: Response) -> dict[str, int]:
    document: dict[str, int] = as_json(found)
    set_etag(response, document)
    return document
