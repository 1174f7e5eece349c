"""About the service, the templates, datasets: what can be looked at."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.destinations.catalogue import load_catalogue
from penstock.model.reports import as_json
from penstock.version import __version__

router = APIRouter()


class NewSecret(BaseModel):
    """An API key; it is never answered back."""

    model_config = ConfigDict(extra="forbid")
    secret: Annotated[str, Field(min_length=1)]


class HowToCheck(BaseModel):
    model_config = ConfigDict(extra="forbid")
    refresh: bool = False


@router.get("/", tags=["about"])
def about() -> dict[str, Any]:
    """What answers here."""
    return {"name": "penstock", "version": __version__, "openapi": "/api/v1/openapi.json"}


@router.get("/templates", tags=["templates"])
def templates(_: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The catalogue of templates, each with its fields."""
    return {"items": [as_json(template) for template in load_catalogue().values()], "next": None}


@router.get("/datasets/{name}/schema", tags=["datasets"])
def schema(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> Any:
    """The detected columns of a dataset."""
    return as_json(app.dataset(name))


@router.get("/datasets/{name}/samples", tags=["datasets"], operation_id="datasetSamples")
def samples(
    name: str, app: Opened, limit: Annotated[int, Query(ge=1, le=500)] = 50, _: Person = needs(Right.VIEW)
) -> dict[str, Any]:
    """Its columns, and the sample records that are kept of it."""
    found = app.dataset(name)
    columns = [as_json(column) for column in found.schema.columns]
    return {"columns": columns, "rows": [as_json(row) for row in app.samples(name)[:limit]], "problems": []}


@router.post("/datasets/{name}/refresh", tags=["datasets"])
def refresh(name: str, app: Opened, _: Person = needs(Right.EDIT)) -> Any:
    """Read the dataset and decide its columns anew."""
    return as_json(app.dataset(name, refresh=True))


@router.put("/credentials/{name}/secret", status_code=204, tags=["credentials"], operation_id="setSecret")
def secret(name: str, given: NewSecret, app: Opened, _: Person = needs(Right.EDIT)) -> None:
    """Seal the API key of a credential; nobody can read it again."""
    app.set_credential(name, given.secret)


@router.post("/credentials/{name}/check", tags=["credentials"], operation_id="checkCredential")
def check(name: str, how: HowToCheck, app: Opened, _: Person = needs(Right.OPERATE)) -> Any:
    """Ask the API whether the credential works, and which base answers."""
    return as_json(app.check(name, refresh=how.refresh))
