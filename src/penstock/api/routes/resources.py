"""Reading and editing the applied project, one resource at a time; an ETag guards every edit."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Response

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened
from penstock.engine.editing import Resource

router = APIRouter(prefix="/{kind}", tags=["project"])
Kind = Literal["credentials", "sources", "datasets", "destinations", "flows"]
IfMatch = Annotated[str | None, Header()]


@router.get("")
def every(kind: Kind, app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """All resources of a kind."""
    return {"items": [{"name": name, **value} for name, value in app.resources(kind).items()], "next": None}


@router.get("/{name}")
def one(kind: Kind, name: str, app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """One resource; its ETag guards the next edit."""
    return _shown(app.resource(kind, name), response)


@router.put("/{name}")
def put(
    kind: Kind,
    name: str,
    value: Annotated[dict[str, Any], Body()],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> dict[str, Any]:
    """Write a resource as in the project file; the whole project is checked first."""
    return _shown(app.put_resource(kind, name, value, author=person.name, if_match=_etag(if_match)), response)


@router.patch("/{name}")
def patch(
    kind: Kind,
    name: str,
    changes: Annotated[dict[str, Any], Body()],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> dict[str, Any]:
    """Change parts of a resource: a JSON merge patch."""
    return _shown(app.patch_resource(kind, name, changes, author=person.name, if_match=_etag(if_match)), response)


@router.delete("/{name}", status_code=204)
def delete(kind: Kind, name: str, app: Opened, if_match: IfMatch = None, person: Person = needs(Right.EDIT)) -> None:
    """Take out a resource that nobody refers to."""
    app.delete_resource(kind, name, author=person.name, if_match=_etag(if_match))


def _shown(resource: Resource, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{resource.etag}"'
    return {"name": resource.name, **resource.value}


def _etag(given: str | None) -> str | None:
    return None if given is None else given.removeprefix("W/").strip('"')
