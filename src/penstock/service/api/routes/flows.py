"""Routes for flows: plan, pause, resume, and the next times of a schedule."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from penstock.model.errors import InputError, ProblemJson
from penstock.model.runs import PlanJson, plan_json
from penstock.service.api.dependencies import Exact, Opened, Person, Right, needs, require, seen_by
from penstock.service.api.responses import whole_problems

router = APIRouter(tags=["flows"])


class TimesOut(BaseModel):
    """The next times, empty for `on new data`; `errors` if the schedule is invalid."""

    times: list[str]
    errors: list[ProblemJson]


@router.get("/flows/{name}/plan", operation_id="planFlow")
def plan(name: str, app: Opened, exact: Exact = False, person: Person = needs(Right.VIEW)) -> PlanJson:
    """Returns what a run of the flow would do now, in total and per destination. `exact` needs the role operator."""
    if exact:
        require(person, Right.OPERATE, "exact")
    return plan_json(seen_by(app, person).plan_flow(name, exact=exact))


@router.post("/flows/{name}/pause", status_code=204, operation_id="pauseFlow")
def pause(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Pauses a flow: scheduled runs are skipped. A run in progress stops after its requests in flight."""
    app.work.pause_flow(name, by=person.name)


@router.post("/flows/{name}/resume", status_code=204, operation_id="resumeFlow")
def resume(name: str, app: Opened, person: Person = needs(Right.OPERATE)) -> None:
    """Resumes a flow: it runs at the next scheduled time."""
    app.work.resume_flow(name, by=person.name)


@router.get("/schedules/next", operation_id="nextTimes")
def next_times(
    app: Opened,
    schedule: Annotated[
        str, Query(max_length=200, description="The schedule of a flow, such as `0 2 * * *` or `every 15m`.")
    ],
    timezone: Annotated[str | None, Query(max_length=100, description="The time zone of the cron fields.")] = None,
    count: Annotated[int, Query(ge=1, le=20)] = 3,
    _: Person = needs(Right.VIEW),
) -> TimesOut:
    """Returns when a flow with this schedule would run next."""
    try:
        return TimesOut(times=app.work.upcoming(schedule, timezone, count), errors=[])
    except InputError as error:
        return TimesOut(times=[], errors=whole_problems(error.problems))
