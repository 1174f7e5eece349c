"""Routes for the maintenance of the service: diagnosis, pruning, backup, key rotation."""

from pathlib import Path
from shutil import rmtree
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask

from penstock.model.reports import as_json
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.model import Level

router = APIRouter(tags=["care"])
PRUNES_S = 20.0  # how long a request removes at most


class DoctorFinding(BaseModel):
    """Something that has to be put right (`wrong`), or is worth knowing (`note`)."""

    level: Level
    code: str
    message: str
    hint: str
    about: str
    check: str


class Prune(BaseModel):
    """`forget`: destinations that the project does not have any more; everything is sent again if they come back."""

    model_config = ConfigDict(extra="forbid")
    dry_run: bool = False
    forget: list[str] = []


class PrunedOut(BaseModel):
    """Rows removed (or, dry, that would be) by kind; `gone`: destinations that only the memory knows, with its keys."""

    dry_run: bool
    removed: dict[str, int]
    finished: bool
    frozen: list[str]
    gone: dict[str, int]
    forgotten: list[str]
    free_bytes: int


class RotatedOut(BaseModel):
    """How much was sealed anew, and the id of the key. `from_environment`: take the old one out of the variable."""

    key: str
    sealed: int
    from_environment: bool


class DiagnosisOut(BaseModel):
    """`ok`: nothing is wrong; `checks` names what was looked at."""

    ok: bool
    at: str
    database: str
    versions: dict[str, str]
    checks: list[str]
    findings: list[DoctorFinding]


@router.get("/doctor", operation_id="getDoctor", response_model=DiagnosisOut)
def doctor(app: Opened, request: Request, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """What is wrong, and what to do, as `penstock doctor` says it; only the project file is not known here."""
    return app.care.diagnose(open_to_all=request.app.state.without_sign_in).to_json()


@router.post("/prune", operation_id="prune")
def prune(what: Prune, app: Opened, _: Person = needs(Right.ADMIN)) -> PrunedOut:
    """Remove what is older than the retention says, for some seconds; `finished` says whether all of it is gone.

    The service does it by itself once a day.
    """
    return PrunedOut(**as_json(app.care.prune(dry_run=what.dry_run, forget=what.forget, most_s=PRUNES_S)))


@router.post(
    "/backup",
    operation_id="backUp",
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def back_up(app: Opened, _: Person = needs(Right.ADMIN)) -> FileResponse:
    """The state in one file, of one moment, for `penstock restore`; its secrets only sealed. SQLite only."""
    made = app.care.back_up()
    name = f"penstock-{made.made_at[:19].replace(':', '')}.backup"
    return FileResponse(
        made.file,
        media_type="application/octet-stream",
        filename=name,
        background=BackgroundTask(rmtree, Path(made.file).parent),
    )


@router.post("/rotate-key", operation_id="rotateKey")
def rotate_key(app: Opened, _: Person = needs(Right.ADMIN)) -> RotatedOut:
    """Seal all keys and secrets with another sealing key. Whoever is signed in has to sign in again."""
    return RotatedOut(**as_json(app.care.rotate_key()))
