"""About the service, the templates, datasets and runs: what can be looked at."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.destinations.catalogue import load_catalogue
from penstock.model.reports import as_json, delivery_json, run_json
from penstock.version import __version__

router = APIRouter()


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


@router.post("/datasets/{name}/refresh", tags=["datasets"])
def refresh(name: str, app: Opened, _: Person = needs(Right.EDIT)) -> Any:
    """Read the dataset and decide its columns anew."""
    return as_json(app.dataset(name, refresh=True))


@router.get("/runs", tags=["runs"])
def runs(app: Opened, limit: Annotated[int, Query(ge=1, le=500)] = 50, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The newest runs, newest first."""
    return {"items": [run_json(run, times=True) for run in app.runs(limit=limit)], "next": None}


@router.get("/runs/{run}", tags=["runs"])
def one_run(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One run."""
    return run_json(app.runs(run=run)[0], times=True)


@router.get("/runs/{run}/deliveries", tags=["runs"])
def deliveries(run: str, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """The requests of a run."""
    return {"items": [delivery_json(found) for found in app.deliveries(run)], "next": None}
