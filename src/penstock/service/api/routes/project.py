"""Routes for the whole project (read, replace, export) and its versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from penstock.model.reports import ChangeKind, Page, ProjectVersion, page_of
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
)

router = APIRouter(tags=["project"])


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
    headers = {"Content-Disposition": 'attachment; filename="penstock.yaml"'}
    return Response(app.edits.newest().text, media_type="text/yaml", headers=headers)


@router.get("/schema", operation_id="getFileSchema")
def schema(app: Opened, _: Person = needs(Right.VIEW)) -> dict[str, Any]:
    """Returns the JSON Schema of the project file."""
    return app.file_schema()


@router.get("/versions", operation_id="listVersions")
def versions(app: Opened, cursor: Cursor = None, limit: Limit = 50, _: Person = needs(Right.VIEW)) -> Page[VersionOut]:
    """Returns the versions of the project with their changes, newest first."""
    found = app.edits.versions(limit + 1, number_of(cursor))
    return page_of(found, limit, _out, lambda version: cursor_of(str(version.version)))


@router.get("/versions/{number}", operation_id="getVersion")
def version(number: int, app: Opened, _: Person = needs(Right.VIEW)) -> WholeVersionOut:
    """Returns a version of the project with its YAML."""
    found = app.edits.version(number)
    return WholeVersionOut(**_out(found).model_dump(), yaml=found.text)


@router.post("/versions/{number}/roll-back", operation_id="rollBack")
def roll_back(number: int, back: BackTo, app: Opened, person: Person = needs(Right.EDIT)) -> VersionOut:
    """Restores an earlier version, or one resource of it, as a new version."""
    return _out(app.edits.roll_back(number, author=person.name, only=back.only))


def _out(version: ProjectVersion) -> VersionOut:
    changes = [ChangeOut(**change) for change in version.changes]
    return VersionOut(version=version.version, at=version.at, author=version.author, changes=changes)
