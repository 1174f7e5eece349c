"""Routes for sources and datasets that are not saved: their first records, and uploads of files."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect

from penstock.model.errors import InputError, Problem, ProblemJson
from penstock.model.record import DataLook
from penstock.model.reports import as_json
from penstock.model.text import place_in
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.reports import ColumnOut
from penstock.service.api.shapes import whole_problems

router = APIRouter()
AT_ONCE = 1 << 20  # bytes that are written together


class Unsaved(BaseModel):
    """An unsaved source or dataset; `value` has the keys of the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class SqlProblemJson(ProblemJson):
    """A problem with SQL; `line` and `column` are the position in the SQL if the database reports it."""

    column: int | None


class SourceLook(BaseModel):
    """The first records of a source; `records` is how many were read, `complete` is true if there are no more.

    `problems` are set if it cannot be read. `tables` are the tables of a database, null if they cannot be listed.
    """

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    records: int
    complete: bool
    problems: list[ProblemJson]
    tables: list[str] | None


class DatasetLook(BaseModel):
    """The result of the SQL for the first records of the source; `errors` are set if it cannot be read."""

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    records: int
    complete: bool
    errors: list[SqlProblemJson]


class UploadedOut(BaseModel):
    """An uploaded file; `path` and `format` are the values for a file source."""

    path: str
    bytes: int
    format: str


@router.post(
    "/sources/check", tags=["sources"], operation_id="checkUnsavedSource", dependencies=[Depends(limit_queries)]
)
def check(draft: Unsaved, app: Opened, _: Person = needs(Right.EDIT)) -> SourceLook:
    """Reads the first records of a source. For a database without query and table: lists its tables."""
    found = app.unsaved.source(draft.name, draft.value)
    tables = None if found.tables is None else list(found.tables)
    return SourceLook(**_seen(found), problems=whole_problems(found.problems), tables=tables)


@router.post(
    "/datasets/preview", tags=["datasets"], operation_id="previewUnsavedDataset", dependencies=[Depends(limit_queries)]
)
def preview(draft: Unsaved, app: Opened, _: Person = needs(Right.EDIT)) -> DatasetLook:
    """Runs the SQL on the first records of the source. The key is optional."""
    found = app.unsaved.dataset(draft.name, draft.value)
    return DatasetLook(**_seen(found), errors=list(map(_placed, found.problems)))


@router.post(
    "/sources/upload",
    status_code=201,
    tags=["sources"],
    operation_id="uploadFile",
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {}}}}},
)
async def upload(
    request: Request,
    app: Opened,
    filename: Annotated[
        str, Query(min_length=1, max_length=300, description="Such as `contacts.csv`; the extension sets the format.")
    ],
    _: Person = needs(Right.EDIT),
) -> UploadedOut:
    """Stores a file for a file source. The body is the file, 512 MiB at most."""
    length = request.headers.get("Content-Length", "")
    draft = await run_in_threadpool(app.uploads.begin, filename, int(length) if length.isdigit() else None)
    try:
        await _take(request, draft.write)
        kept = await run_in_threadpool(draft.finish)
    except ClientDisconnect:
        raise InputError(
            Problem("body", "the upload ended before the end of the file", "cut-off", "send it again")
        ) from None
    finally:
        await run_in_threadpool(draft.close)
    request.state.names = {"name": kept.path}  # for the audit log
    return UploadedOut(path=kept.path, bytes=kept.bytes, format=kept.format)


async def _take(request: Request, write: Callable[[bytes], None]) -> None:
    waiting: list[bytes] = []
    size = 0
    async for piece in request.stream():
        waiting.append(piece)
        size += len(piece)
        if size >= AT_ONCE:
            await run_in_threadpool(write, b"".join(waiting))
            waiting, size = [], 0
    await run_in_threadpool(write, b"".join(waiting))


def _seen(look: DataLook) -> dict[str, Any]:
    columns = [ColumnOut(**as_json(column)) for column in look.columns]
    return {
        "columns": columns,
        "rows": list(look.rows),
        "records": look.records,
        "complete": look.complete,
    }


def _placed(problem: Problem) -> SqlProblemJson:
    place = place_in(problem.message)
    (shown,) = whole_problems([problem])
    return {**shown, "column": None} if place is None else {**shown, "line": place[0], "column": place[1]}
