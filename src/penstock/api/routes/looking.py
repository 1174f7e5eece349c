"""About the service, the templates, datasets: what can be looked at."""

from typing import Any

from fastapi import APIRouter

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.destinations.catalogue import load_catalogue
from penstock.model.reports import as_json
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
