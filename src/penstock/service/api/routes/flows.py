"""Routes for flows: plan, pause, resume."""

from fastapi import APIRouter

from penstock.model.runs import PlanJson, plan_json
from penstock.service.api.dependencies import Opened, Person, Right, needs, seen_by

router = APIRouter(prefix="/flows/{name}", tags=["flows"])


@router.get("/plan", operation_id="planFlow")
def plan(name: str, app: Opened, person: Person = needs(Right.VIEW)) -> PlanJson:
    """Returns what a run of the flow would do now, in total and per destination."""
    return plan_json(seen_by(app, person).plan_flow(name))


@router.post("/pause", status_code=204, operation_id="pauseFlow")
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Pauses a flow: scheduled runs are skipped. A run in progress stops after its requests in flight."""
    app.work.pause_flow(name, by=person.name)


@router.post("/resume", status_code=204, operation_id="resumeFlow")
def resume(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Resumes a flow: it runs at the next scheduled time."""
    app.work.resume_flow(name, by=person.name)
