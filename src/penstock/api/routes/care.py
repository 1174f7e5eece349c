"""What is wrong with the service, for whoever looks after it."""

from typing import Any

from fastapi import APIRouter, Request

from penstock.api.access import Person, Right, needs
from penstock.api.opened import Opened

router = APIRouter(tags=["care"])


@router.get("/doctor")
def doctor(app: Opened, request: Request, _: Person = needs(Right.ADMIN)) -> dict[str, Any]:
    """What is wrong, and what to do, as `penstock doctor` says it; only the project file is not known here."""
    return app.care.diagnose(open_to_all=request.app.state.without_sign_in).to_json()
