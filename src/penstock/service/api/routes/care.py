"""Routes for the maintenance of the service: diagnosis, retention, pruning, erasing, backup, key rotation."""

from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask

from penstock.model.reports import as_json
from penstock.service.api.dependencies import IfMatch, Opened, Person, Right, needs, require_etag, set_etag
from penstock.service.model import EraseRequest, Level, Retention

router = APIRouter(tags=["care"])
settings = APIRouter(prefix="/settings/retention", tags=["settings"])
PRUNES_S = 20.0  # at most, for one request


class DoctorFinding(BaseModel):
    """A finding; `level` is `wrong` (needs a fix) or `note` (for information)."""

    level: Level
    code: str
    message: str
    hint: str
    about: str
    check: str


class DiagnosisOut(BaseModel):
    """A diagnosis; `ok` is true if nothing is wrong, `checks` are the names of the checks."""

    ok: bool
    at: str
    database: str
    versions: dict[str, str]
    checks: list[str]
    findings: list[DoctorFinding]


class Prune(BaseModel):
    """`forget`: removed destinations whose memory is deleted. If they are added again, all records are sent again."""

    model_config = ConfigDict(extra="forbid")
    dry_run: bool = False
    forget: list[str] = []


class PrunedOut(BaseModel):
    """The removed rows by kind (in a dry run: the rows that would be removed); `gone`: the number of keys in memory for
    each destination that is no longer in the project.
    """

    dry_run: bool
    removed: dict[str, int]
    finished: bool
    frozen: list[str]
    gone: dict[str, int]
    forgotten: list[str]
    free_bytes: int


class Erase(BaseModel):
    """`key` is the key of the record, a JSON list for a key of several columns. `dataset` or `destination` is needed if
    several datasets have it.
    """

    model_config = ConfigDict(extra="forbid")
    key: str
    dataset: str | None = None
    destination: str | None = None
    dry_run: bool = False


class ErasedOut(BaseModel):
    """What was found, by kind; `key_hash` names the key in the audit log."""

    key_hash: str
    dataset: str | None
    destinations: list[str]
    found: dict[str, int]
    erased: bool
    notes: list[str]


class RotatedOut(BaseModel):
    """The number of secrets sealed again, and the id of the new key. `from_environment`: the old key is in a variable
    of the environment, and has to be removed from it.
    """

    key: str
    sealed: int
    from_environment: bool


@router.get("/doctor", operation_id="getDoctor", response_model=DiagnosisOut)
def doctor(app: Opened, request: Request, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """Runs the checks of `penstock doctor`, except those of the project file, and returns problems with their fixes."""
    return app.care.diagnose(open_to_all=request.app.state.without_sign_in).to_json()


@settings.get("", operation_id="getRetention")
def retention(app: Opened, response: Response, _: Person = needs(Right.VIEW)) -> dict[str, int]:
    """Returns how many days each kind of data is kept; 0 means forever."""
    return _with_etag(app.care.retention(), response)


@settings.put("", operation_id="putRetention")
def put_retention(
    document: Annotated[dict[str, Any], Body(examples=[{"runs": 90, "responses": 30}])],
    app: Opened,
    response: Response,
    if_match: IfMatch = None,
    person: Person = needs(Right.ADMIN),
) -> dict[str, int]:
    """Replaces the retention settings. Omitted settings get their default."""

    def guard(before: Retention) -> None:
        require_etag(if_match, as_json(before), "the retention settings")

    return _with_etag(app.care.set_retention(document, by=person.name, guard=guard), response)


@router.post("/prune", operation_id="prune")
def prune(what: Prune, app: Opened, _: Person = needs(Right.ADMIN)) -> PrunedOut:
    """Deletes data that is older than its retention, for 20 seconds at most; `finished` is false if some is left.

    The service also does this once a day.
    """
    return PrunedOut(**as_json(app.care.prune(dry_run=what.dry_run, forget=what.forget, most_s=PRUNES_S)))


@router.post(
    "/backup",
    operation_id="backUp",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def back_up(app: Opened, _: Person = needs(Right.ADMIN)) -> FileResponse:
    """Returns a consistent backup of the state as one file for `penstock restore`. Secrets in it are sealed. Only for
    SQLite.
    """
    made = app.care.back_up()
    name = f"penstock-{made.made_at[:19].replace(':', '')}.backup"
    return FileResponse(
        made.file,
        media_type="application/octet-stream",
        filename=name,
        background=BackgroundTask(rmtree, Path(made.file).parent),
    )


@router.post("/erase", operation_id="erase")
def erase(what: Erase, app: Opened, _: Person = needs(Right.ADMIN)) -> ErasedOut:
    """Removes the values of one record from the state and from the exported ledger. Hashes stay. Remove the record from
    its source first, else the next run reads it again.
    """
    return ErasedOut(**as_json(app.erase(EraseRequest(**what.model_dump()))))


@router.post("/rotate-key", operation_id="rotateKey")
def rotate_key(app: Opened, _: Person = needs(Right.ADMIN)) -> RotatedOut:
    """Seals all API keys and secrets with a new sealing key. Ends all sessions."""
    return RotatedOut(**as_json(app.care.rotate_key()))


def _with_etag(found: Retention, response: Response) -> dict[str, int]:
    document: dict[str, int] = as_json(found)
    set_etag(response, document)
    return document
