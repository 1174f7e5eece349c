"""The route that returns the next times of a schedule that is not saved."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from penstock.model.errors import InputError, ProblemJson
from penstock.service.api.dependencies import Opened, Person, Right, needs
from penstock.service.api.shapes import problems

router = APIRouter(prefix="/schedules", tags=["flows"])


class TimesOut(BaseModel):
    """The next times, empty for `on new data`; `errors` if the schedule is invalid."""

    times: list[str]
    errors: list[ProblemJson]


@router.get("/next", operation_id="nextTimes")
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
        return TimesOut(times=[], errors=problems(error.problems).errors)
