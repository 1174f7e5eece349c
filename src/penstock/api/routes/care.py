"""What is wrong with the service, for whoever looks after it."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened

router = APIRouter(tags=["care"])


class DoctorFinding(BaseModel):
    """Something that has to be put right (`wrong`), or is worth knowing (`note`)."""

    level: str
    code: str
    message: str
    hint: str
    about: str
    check: str


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
