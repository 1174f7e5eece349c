"""Routes of the applied project's resources, one at a time. An ETag guards every edit."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict

from penstock.model.applied_project import Resource
from penstock.service.api.dependencies import (
    Cursor,
    IfMatch,
    Limit,
    Opened,
    Person,
    Right,
    bare_etag,
    needs,
    paged,
    place_of,
)
from penstock.service.api.shapes import Page, Problems, problems
from penstock.service.app import ServiceApp

router = APIRouter(prefix="/{kind}", tags=["project"])
Kind = Literal["credentials", "sources", "datasets", "destinations", "flows"]


class ResourceOut(BaseModel):
    """A resource: `value` as in the project file, `state` as it stands now; `etag` guards the next edit."""

    name: str
    value: dict[str, Any]
    etag: str
    state: dict[str, Any]


class NewResource(BaseModel):
    """A resource under a name: `value` as in the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class NewName(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


@router.get("", operation_id="listResources")
def listed(
    kind: Kind, app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)
) -> Page[ResourceOut]:
    """The resources of a kind, in the project's order."""
    found = app.edits.page(kind, limit + 1, place_of(cursor))
    states = app.states(kind, [resource.name for resource in found[:limit]])
    return paged(found, limit, lambda resource: resource.name, lambda resource: _out(resource, states[resource.name]))


@router.post("", status_code=201, operation_id="createResource")
def create(
    kind: Kind, new: NewResource, app: Opened, response: Response, person: Person = needs(Right.EDIT)
) -> ResourceOut:
    """Write a new resource; the whole project is checked first. 409 when the name is taken."""
    return _shown(app, app.edits.put(kind, new.name, new.value, author=person.name, create=True), response)


@router.post("/validate", operation_id="validateResource")
def validate(kind: Kind, new: NewResource, app: Opened, _: Person = needs(Right.VIEW)) -> Problems:
    """Every problem that the project would have with this resource in it; nothing is written."""
    return problems(app.edits.problems(kind, new.name, new.value))


@router.get("/{name}", operation_id="getResource")
def one(kind: Kind, name: str, app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> ResourceOut:
    """One resource; its ETag guards the next edit."""
    return _shown(app, app.edits.one(kind, name), response)


@router.put("/{name}", operation_id="putResource")
def put(
    kind: Kind,
    name: str,
    value: Annotated[dict[str, Any], Body()],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> ResourceOut:
    """Write a resource as in the project file; the whole project is checked first."""
    return _shown(app, app.edits.put(kind, name, value, author=person.name, if_match=bare_etag(if_match)), response)


@router.patch("/{name}", operation_id="patchResource")
def patch(
    kind: Kind,
    name: str,
    changes: Annotated[dict[str, Any], Body()],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> ResourceOut:
    """Change parts of a resource: a JSON merge patch."""
    return _shown(app, app.edits.patch(kind, name, changes, author=person.name, if_match=bare_etag(if_match)), response)


@router.delete("/{name}", status_code=204, operation_id="deleteResource")
def delete(kind: Kind, name: str, app: Opened, if_match: IfMatch = None, person: Person = needs(Right.EDIT)) -> None:
    """Take out a resource that nobody refers to and that is not active."""
    app.edits.delete(kind, name, author=person.name, if_match=bare_etag(if_match))


@router.post("/{name}/copy", status_code=201, operation_id="copyResource")
def copy(
    kind: Kind, name: str, new: NewName, app: Opened, response: Response, person: Person = needs(Right.EDIT)
) -> ResourceOut:
    """The same under a new name; the copy of a destination is a draft."""
    return _shown(app, app.edits.copy(kind, name, new.name, author=person.name), response)


def _shown(app: ServiceApp, resource: Resource, response: Response) -> ResourceOut:
    response.headers["ETag"] = f'"{resource.etag}"'
    return _out(resource, app.states(resource.kind, [resource.name])[resource.name])


def _out(resource: Resource, state: dict[str, Any]) -> ResourceOut:
    return ResourceOut(name=resource.name, value=resource.value, etag=resource.etag, state=state)
