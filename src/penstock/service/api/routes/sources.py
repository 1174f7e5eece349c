"""Routes for sources and datasets, saved or not: file formats, uploads, columns, first records."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from penstock.model.errors import InputError, Problem, ProblemJson
from penstock.model.identity import (
    EmailOfSeveralIds,
    IdentitySource,
    IdOfSeveralEmails,
    ScientificId,
    TakenEmail,
)
from penstock.model.record import DataLook
from penstock.model.reports import Page, as_json, single_page
from penstock.model.spec import ColumnType
from penstock.model.text import place_in
from penstock.service.api.dependencies import Limit, Opened, Person, Right, needs, require
from penstock.service.api.middleware.limits import limit_queries
from penstock.service.api.responses import whole_problems
from penstock.service.app import ServiceApp

router = APIRouter(tags=["sources"])
datasets = APIRouter(prefix="/datasets", tags=["datasets"])
AT_ONCE = 1 << 20  # bytes that are written together


Against = Annotated[
    str | None,
    Query(description="A credential. All people of its account are read and compared with those of the dataset."),
]


class FormatOut(BaseModel):
    """A file format: `label` and `about` are for people; `options` are the keys of a file source that apply to it.

    `extensions` are its usual extensions, the most usual first. An extension of several formats sets none of them.
    """

    name: str
    label: str
    about: str
    extensions: list[str]
    options: list[str]
    is_text: bool
    can_upload: bool


class ColumnOut(BaseModel):
    """A detected column; `examples` are some of its values as text."""

    name: str
    type: ColumnType
    nullable: bool
    examples: list[str]


class SchemaOut(BaseModel):
    """The columns of a dataset; `source` are the columns that its SQL reads."""

    columns: list[ColumnOut]
    records: int
    source: "SchemaOut | None"


class DatasetOut(BaseModel):
    """The detected schema of a dataset.

    `extra_columns` were added to the source after the first read; `gone_columns` are no longer in the source.
    """

    dataset: str
    key: list[str]
    schema_: SchemaOut = Field(alias="schema")
    extra_columns: list[str]
    gone_columns: list[str]


class SamplesOut(BaseModel):
    """The columns and the sample records of a dataset."""

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    problems: list[ProblemJson]


class IdentityOut(BaseModel):
    """The identity report of a dataset. Each list has at most `limit` entries; `counts` has the number of all.

    `sources` are the columns with the ids and the e-mails. `taken_in_custify` is null unless an account was read;
    `incomplete` is why people of the account may be missing.
    """

    dataset: str
    records: int
    sources: list[IdentitySource]
    counts: dict[str, int]
    email_several_ids: list[EmailOfSeveralIds]
    id_several_emails: list[IdOfSeveralEmails]
    scientific_ids: list[ScientificId]
    taken_in_custify: list[TakenEmail] | None
    incomplete: str | None
    requests: int


class Unsaved(BaseModel):
    """An unsaved source or dataset; `value` has the keys of the project file."""

    model_config = ConfigDict(extra="forbid")
    name: str
    value: dict[str, Any]


class SqlProblemJson(ProblemJson):
    """A problem with SQL; `line` and `column` are the position in the SQL if the database reports it."""

    column: int | None


class FirstRecords(BaseModel):
    """The first records of a source or a dataset, with their columns."""

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    records: int
    complete: bool


class SourceLook(FirstRecords):
    """The first records of a source; `records` is how many were read, `complete` is true if there are no more.

    `problems` are set if it cannot be read. `tables` are the tables of a database, null if they cannot be listed.
    """

    problems: list[ProblemJson]
    tables: list[str] | None


class DatasetLook(FirstRecords):
    """The result of the SQL for the first records of the source; `errors` are set if it cannot be read."""

    errors: list[SqlProblemJson]


class UploadedOut(BaseModel):
    """An uploaded file; `path` and `format` are the values for a file source."""

    path: str
    bytes: int
    format: str


@router.get("/formats", operation_id="listFormats")
def formats(_: Person = needs(Right.VIEW)) -> Page[FormatOut]:
    """Returns the file formats that sources read. Files may also be compressed with gzip (`.gz`)."""
    return single_page([FormatOut.model_validate(each, from_attributes=True) for each in ServiceApp.file_formats()])


@router.post("/sources/check", operation_id="checkUnsavedSource", dependencies=[Depends(limit_queries)])
def check(draft: Unsaved, app: Opened, _: Person = needs(Right.EDIT)) -> SourceLook:
    """Reads the first records of a source. For a database without query and table: lists its tables."""
    found = app.unsaved.source(draft.name, draft.value)
    tables = None if found.tables is None else list(found.tables)
    return SourceLook(**_columns_and_rows(found), problems=whole_problems(found.problems), tables=tables)


@router.post(
    "/sources/upload",
    status_code=201,
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
        await _write_body(request, draft.write)
        stored = await run_in_threadpool(draft.finish)
    except ClientDisconnect:
        raise InputError(
            Problem("body", "the upload ended before the end of the file", "cut-off", "send it again")
        ) from None
    finally:
        await run_in_threadpool(draft.close)
    request.state.names = {"name": stored.path}  # for the audit log
    return UploadedOut(path=stored.path, bytes=stored.bytes, format=stored.format)


@datasets.get("/{name}/schema", operation_id="getDatasetSchema", dependencies=[Depends(limit_queries)])
def schema(name: str, app: Opened, _: Person = needs(Right.VIEW)) -> DatasetOut:
    """Returns the detected columns of a dataset."""
    return DatasetOut(**as_json(app.dataset(name)))


@datasets.get("/{name}/samples", operation_id="getDatasetSamples", dependencies=[Depends(limit_queries)])
def samples(name: str, app: Opened, limit: Limit = 50, _: Person = needs(Right.VIEW)) -> SamplesOut:
    """Returns the columns and the stored sample records of a dataset."""
    found = app.dataset(name)
    columns = [ColumnOut(**as_json(column)) for column in found.schema.columns]
    return SamplesOut(columns=columns, rows=app.samples(name)[:limit], problems=[])


@datasets.get("/{name}/identity", operation_id="getDatasetIdentity")
def identity(
    name: str, app: Opened, limit: Limit = 50, against: Against = None, person: Person = needs(Right.VIEW)
) -> IdentityOut:
    """Returns which people of a dataset Custify would hold twice: e-mails that belong to several ids, ids that have
    several e-mails, ids in scientific notation. Makes no request to Custify without `against`, which needs the role
    operator.
    """
    if against is not None:
        require(person, Right.OPERATE, "against")
    return IdentityOut(**as_json(app.identity(name, most=limit, against=against)))


@datasets.post("/{name}/refresh", operation_id="refreshDataset", dependencies=[Depends(limit_queries)])
def refresh(name: str, app: Opened, _: Person = needs(Right.EDIT)) -> DatasetOut:
    """Reads the dataset and detects its columns again."""
    return DatasetOut(**as_json(app.dataset(name, refresh=True)))


@datasets.post("/preview", operation_id="previewUnsavedDataset", dependencies=[Depends(limit_queries)])
def preview(draft: Unsaved, app: Opened, _: Person = needs(Right.EDIT)) -> DatasetLook:
    """Runs the SQL on the first records of the source. The key is optional."""
    found = app.unsaved.dataset(draft.name, draft.value)
    return DatasetLook(**_columns_and_rows(found), errors=list(map(_sql_problem, found.problems)))


async def _write_body(request: Request, write: Callable[[bytes], None]) -> None:
    waiting: list[bytes] = []
    size = 0
    async for piece in request.stream():
        waiting.append(piece)
        size += len(piece)
        if size >= AT_ONCE:
            await run_in_threadpool(write, b"".join(waiting))
            waiting, size = [], 0
    await run_in_threadpool(write, b"".join(waiting))


def _columns_and_rows(look: DataLook) -> dict[str, Any]:
    columns = [ColumnOut(**as_json(column)) for column in look.columns]
    return {
        "columns": columns,
        "rows": list(look.rows),
        "records": look.records,
        "complete": look.complete,
    }


def _sql_problem(problem: Problem) -> SqlProblemJson:
    place = place_in(problem.message)
    (shown,) = whole_problems([problem])
    return {**shown, "column": None} if place is None else {**shown, "line": place[0], "column": place[1]}
