"""Routes for the resources of the applied project. An ETag guards every edit."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from penstock.model.reports import Page, Resource, page_of
from penstock.service.api.dependencies import (
    Cursor,
    IfMatch,
    Limit,
    Opened,
    Person,
    Right,
    bare_etag,
    cursor_of,
    etag_header,
    needs,
    place_of,
)
from penstock.service.api.shapes import Problems, plain, problems
from penstock.service.app import ServiceApp
from penstock.service.documents import StateJson

router = APIRouter(prefix="/{kind}", tags=["project"])
Kind = Literal["credentials", "sources", "datasets", "destinations", "flows"]


class ResourceJson(TypedDict):
    """A resource: `value` has the keys of the project file, `state` is its current state, `etag` guards an edit."""

    name: str
    value: dict[str, Any]
    etag: str
    state: StateJson


class NewResource(BaseModel):
    """A resource's name and settings: `value` has the keys of the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class NewName(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


@router.get("", operation_id="listResources", response_model=Page[ResourceJson])
def listed(
    kind: Kind, app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)
) -> Response:
    """Returns the resources of a kind, in the order of the project."""
    found = app.edits.page(kind, limit + 1, place_of(cursor))
    states = app.states(kind, [resource.name for resource in found[:limit]])
    return plain(page_of(found, limit, lambda one: _document(one, states), lambda one: cursor_of(one.name)))


@router.post("", status_code=201, operation_id="createResource", response_model=ResourceJson)
def create(kind: Kind, new: NewResource, app: Opened, person: Person = needs(Right.EDIT)) -> Response:
    """Creates a resource after a check of the whole project. Returns 409 if the name is taken."""
    return _shown(app, app.edits.put(kind, new.name, new.value, author=person.name, create=True), 201)


@router.post("/validate", operation_id="validateResource")
def validate(kind: Kind, new: NewResource, app: Opened, _: Person = needs(Right.VIEW)) -> Problems:
    """Checks the project with this resource in it and returns every problem. Writes nothing."""
    return problems(app.edits.problems(kind, new.name, new.value))


@router.get("/{name}", operation_id="getResource", response_model=ResourceJson)
def one(kind: Kind, name: str, app: Opened, _: Person = needs(Right.VIEW)) -> Response:
    """Returns a resource, with its ETag."""
    return _shown(app, app.edits.one(kind, name))


@router.put("/{name}", operation_id="putResource", response_model=ResourceJson)
def put(
    kind: Kind,
    name: str,
    value: Annotated[dict[str, Any], Body()],
    app: Opened,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> Response:
    """Creates or replaces a resource after a check of the whole project."""
    return _shown(app, app.edits.put(kind, name, value, author=person.name, if_match=bare_etag(if_match)))


@router.patch("/{name}", operation_id="patchResource", response_model=ResourceJson)
def patch(
    kind: Kind,
    name: str,
    changes: Annotated[dict[str, Any], Body()],
    app: Opened,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> Response:
    """Updates a resource with a JSON merge patch (RFC 7396)."""
    return _shown(app, app.edits.patch(kind, name, changes, author=person.name, if_match=bare_etag(if_match)))


@router.delete("/{name}", status_code=204, operation_id="deleteResource")
def delete(kind: Kind, name: str, app: Opened, if_match: IfMatch = None, person: Person = needs(Right.EDIT)) -> None:
    """Deletes a resource. Returns 409 if another resource refers to it or it is active."""
    app.edits.delete(kind, name, author=person.name, if_match=bare_etag(if_match))


@router.post("/{name}/copy", status_code=201, operation_id="copyResource", response_model=ResourceJson)
def copy(kind: Kind, name: str, new: NewName, app: Opened, person: Person = needs(Right.EDIT)) -> Response:
    """Copies a resource to a new name. The copy of a destination is a draft."""
    return _shown(app, app.edits.copy(kind, name, new.name, author=person.name), 201)


def _shown(app: ServiceApp, resource: Resource, status: int = 200) -> Response:
    states = app.states(resource.kind, [resource.name])
    return plain(_document(resource, states), status, etag_header(resource.etag))


def _document(resource: Resource, states: Mapping[str, StateJson]) -> ResourceJson:
    state = states[resource.name]
    return {"name": resource.name, "value": resource.value, "etag": resource.etag, "state": state}
