"""The route of a schedule that is not saved yet: its next times."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from penstock.model.errors import InputError, ProblemJson
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.api.shapes import problems

router = APIRouter(prefix="/schedules", tags=["flows"])


class TimesOut(BaseModel):
    """The next moments; none for `on new data`. `errors` in their place while it is no schedule."""

    times: list[str]
    errors: list[ProblemJson]


@router.get("/next", operation_id="nextTimes")
def next_times(
    app: Opened,
    schedule: Annotated[str, Query(max_length=200, description="As a flow says it: `0 2 * * *`, `every 15m`.")],
    timezone: Annotated[str | None, Query(max_length=100, description="The zone of the cron fields.")] = None,
    count: Annotated[int, Query(ge=1, le=20)] = 3,
    _: Person = needs(Right.VIEW),
) -> TimesOut:
    """When a flow with this schedule would run next."""
    try:
        return TimesOut(times=app.work.upcoming(schedule, timezone, count), errors=[])
    except InputError as error:
        return TimesOut(times=[], errors=problems(error.problems).errors)
