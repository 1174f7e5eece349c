"""Routes for the retention settings and the sample company."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel

from penstock.model.reports import as_json
from penstock.service.api.dependencies import IfMatch, Opened, Person, Right, needs, require_etag, set_etag
from penstock.service.model import Retention

router = APIRouter()


class DemoState(BaseModel):
    """Whether the sample company is loaded; `arrived` is the page of the local sandbox with the received records."""

    loaded: bool
    arrived: str | None


class DemoLoaded(BaseModel):
    """The new version of the project, the number of records per dataset, and the URL of the local sandbox."""

    version: int
    records: dict[str, int]
    sandbox: str
    arrived: str


@router.get("/settings/retention", tags=["settings"], operation_id="getRetention")
def retention(app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> dict[str, int]:
    """Returns how many days each kind of data is kept; 0 means forever."""
    return _told(app.care.retention(), response)


@router.put("/settings/retention", tags=["settings"], operation_id="putRetention")
def put_retention(
    document: Annotated[dict[str, Any], Body(examples=[{"runs": 90, "responses": 30}])],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.ADMIN),
) -> dict[str, int]:
    """Replaces the retention settings. Omitted settings get their default."""

    def guard(before: Retention) -> None:
        require_etag(if_match, as_json(before), "the retention settings")

    return _told(app.care.set_retention(document, by=person.name, guard=guard), response)


@router.get("/demo", tags=["demo"], operation_id="getDemo")
def demo(app: Opened, _: Person = needs(Right.VIEW)) -> DemoState:
    """Returns whether the sample company is loaded."""
    return DemoState(**app.demo.state())


@router.post("/demo", status_code=201, tags=["demo"], operation_id="loadDemo")
def load_demo(app: Opened, person: Person = needs(Right.EDIT)) -> DemoLoaded:
    """Loads the sample company with its data, and starts the local sandbox for Custify that it sends to.

    Its destination `notes` is a draft. Returns 409 if another project is applied.
    """
    return DemoLoaded(**app.demo.load(by=person.name))


def _told(found: Retention, response: Response) -> dict[str, int]:
    document: dict[str, int] = as_json(found)
    set_etag(response, document)
    return document
