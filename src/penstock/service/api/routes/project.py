"""Routes for the applied project: the whole of it, its versions, and its resources. An ETag guards every edit."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from penstock.model.reports import ChangeKind, Page, ProjectVersion, Resource, page_of
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
    number_of,
    place_of,
)
from penstock.service.api.responses import Problems, attachment, plain, whole_problems
from penstock.service.app import ServiceApp
from penstock.service.documents import StateJson

router = APIRouter(tags=["project"])
resources = APIRouter(prefix="/{kind}", tags=["project"])  # included last: its paths match those of other routes
Kind = Literal["credentials", "sources", "datasets", "destinations", "flows"]


class ProjectOut(BaseModel):
    """The applied project as YAML; `version` is 0 if none was applied."""

    version: int
    yaml: str


class NewProject(BaseModel):
    model_config = ConfigDict(extra="forbid")
    yaml: str


class ChangeOut(BaseModel):
    """One difference between two versions. Values that may be secret are not shown."""

    path: str
    change: ChangeKind
    before: str | None
    after: str | None


class AppliedOut(BaseModel):
    """The applied version, and the changes that were made (in a dry run: would be made)."""

    version: int
    changes: list[ChangeOut]


class VersionOut(BaseModel):
    version: int
    at: str
    author: str
    changes: list[ChangeOut]


class WholeVersionOut(VersionOut):
    yaml: str


class BackTo(BaseModel):
    """`only` limits the rollback to one resource, such as `destinations.people`."""

    model_config = ConfigDict(extra="forbid")
    only: str | None = None


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


@router.get("/project", operation_id="getProject")
def project(app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> ProjectOut:
    """Returns the applied project as YAML."""
    newest = app.edits.newest()
    response.headers.update(etag_header(str(newest.version)))
    return ProjectOut(version=newest.version, yaml=newest.text)


@router.put("/project", operation_id="putProject")
def replace(
    new: NewProject,
    app: Opened,
    dry_run: Annotated[bool, Query(description="Returns the changes without making them.")] = False,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> AppliedOut:
    """Replaces the whole project. Literal API keys are sealed. Errors name the line of each problem."""
    written = app.edits.replace(new.yaml, author=person.name, if_match=bare_etag(if_match), dry_run=dry_run)
    return AppliedOut(version=written.version, changes=[ChangeOut(**change) for change in written.changes])


@router.get(
    "/project/export",
    operation_id="exportProject",
    response_class=Response,
    responses={200: {"content": {"text/yaml": {"schema": {"type": "string"}}}}},
)
def export(app: Opened, _: Person = needs(Right.VIEW)) -> Response:
    """Returns the applied project as a project file. References to secrets remain references."""
    return Response(app.edits.newest().text, media_type="text/yaml", headers=attachment("penstock.yaml"))


@router.get("/schema", operation_id="getFileSchema")
def schema(app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """Returns the JSON Schema of the project file."""
    return app.file_schema()


@router.get("/versions", operation_id="listVersions")
def versions(app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)) -> Page[VersionOut]:
    """Returns the versions of the project with their changes, newest first."""
    found = app.edits.versions(limit + 1, number_of(cursor))
    return page_of(found, limit, _version_out, lambda version: cursor_of(str(version.version)))


@router.get("/versions/{number}", operation_id="getVersion")
def version(number: int, app: Opened, _: Person = needs(Right.VIEW)) -> WholeVersionOut:
    """Returns a version of the project with its YAML."""
    found = app.edits.version(number)
    return WholeVersionOut(**_version_out(found).model_dump(), yaml=found.text)


@router.post("/versions/{number}/roll-back", operation_id="rollBack")
def roll_back(number: int, back: BackTo, app: Opened, person: Person = needs(Right.EDIT)) -> VersionOut:
    """Restores an earlier version, or one resource of it, as a new version."""
    return _version_out(app.edits.roll_back(number, author=person.name, only=back.only))


@resources.get("", operation_id="listResources", response_model=Page[ResourceJson])
def listed(
    kind: Kind, app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)
) -> Response:
    """Returns the resources of a kind, in the order of the project."""
    found = app.edits.page(kind, limit + 1, place_of(cursor))
    states = app.states(kind, [resource.name for resource in found[:limit]])
    return plain(page_of(found, limit, lambda one: _resource_json(one, states), lambda one: cursor_of(one.name)))


@resources.post("", status_code=201, operation_id="createResource", response_model=ResourceJson)
def create(kind: Kind, new: NewResource, app: Opened, person: Person = needs(Right.EDIT)) -> Response:
    """Creates a resource after a check of the whole project. Returns 409 if the name is taken."""
    return _resource_response(app, app.edits.put(kind, new.name, new.value, author=person.name, create=True), 201)


@resources.post("/validate", operation_id="validateResource")
def validate(kind: Kind, new: NewResource, app: Opened, _: Person = needs(Right.VIEW)) -> Problems:
    """Checks the project with this resource in it and returns every problem. Writes nothing."""
    return Problems(errors=whole_problems(app.edits.problems(kind, new.name, new.value)))


@resources.get("/{name}", operation_id="getResource", response_model=ResourceJson)
def one(kind: Kind, name: str, app: Opened, _: Person = needs(Right.VIEW)) -> Response:
    """Returns a resource, with its ETag."""
    return _resource_response(app, app.edits.one(kind, name))


@resources.put("/{name}", operation_id="putResource", response_model=ResourceJson)
def put(
    kind: Kind,
    name: str,
    value: Annotated[dict[str, Any], Body()],
    app: Opened,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> Response:
    """Creates or replaces a resource after a check of the whole project."""
    return _resource_response(app, app.edits.put(kind, name, value, author=person.name, if_match=bare_etag(if_match)))


@resources.patch("/{name}", operation_id="patchResource", response_model=ResourceJson)
def patch(
    kind: Kind,
    name: str,
    changes: Annotated[dict[str, Any], Body()],
    app: Opened,
    if_match: IfMatch = None,
    person: Person = needs(Right.EDIT),
) -> Response:
    """Updates a resource with a JSON merge patch (RFC 7396)."""
    return _resource_response(
        app, app.edits.patch(kind, name, changes, author=person.name, if_match=bare_etag(if_match))
    )


@resources.delete("/{name}", status_code=204, operation_id="deleteResource")
def delete(kind: Kind, name: str, app: Opened, if_match: IfMatch = None, person: Person = needs(Right.EDIT)) -> None:
    """Deletes a resource. Returns 409 if another resource refers to it or it is active."""
    app.edits.delete(kind, name, author=person.name, if_match=bare_etag(if_match))


@resources.post("/{name}/copy", status_code=201, operation_id="copyResource", response_model=ResourceJson)
def copy(kind: Kind, name: str, new: NewName, app: Opened, person: Person = needs(Right.EDIT)) -> Response:
    """Copies a resource to a new name. The copy of a destination is a draft."""
    return _resource_response(app, app.edits.copy(kind, name, new.name, author=person.name), 201)


def _version_out(version: ProjectVersion) -> VersionOut:
    changes = [ChangeOut(**change) for change in version.changes]
    return VersionOut(version=version.version, at=version.at, author=version.author, changes=changes)


def _resource_response(app: ServiceApp, resource: Resource, status: int = 200) -> Response:
    states = app.states(resource.kind, [resource.name])
    return plain(_resource_json(resource, states), status, etag_header(resource.etag))


def _resource_json(resource: Resource, states: Mapping[str, StateJson]) -> ResourceJson:
    state = states[resource.name]
    return {"name": resource.name, "value": resource.value, "etag": resource.etag, "state": state}
