"""The times at which a schedule is due. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.clock import iso
from penstock.config.flows import NoSchedule, read_schedule
from penstock.model.errors import InputError, Problem
from penstock.model.spec import CatchUp, Cron, Every, FlowSpec, Schedule
from penstock.run.context import Context
from penstock.service.store.pauses import FlowTimes

MOST = 100  # missed times that are listed one by one
ON_TIME = timedelta(seconds=60)  # what is due no longer ago was not missed
MINUTE = timedelta(minutes=1)


class Due(NamedTuple):
    """A moment to run at; `missed` earlier ones are folded into it."""

    at: datetime
    missed: int


def next_after(schedule: Schedule, zone: str | None, after: datetime) -> datetime | None:
    """The first moment after `after`; None for a schedule without moments."""
    if isinstance(schedule, Cron):
        from cronsim import CronSim  # noqa: PLC0415 - only flows with cron fields pay for it

        moments: Iterator[datetime] = CronSim(schedule.fields, after.astimezone(_zone(zone)))
        return next((moment.astimezone(UTC) for moment in moments), None)
    if isinstance(schedule, Every):
        step = schedule.seconds
        return datetime.fromtimestamp((int(after.timestamp() // step) + 1) * step, UTC)
    return None


def next_at(ctx: Context, flow: FlowSpec, times: FlowTimes) -> str | None:
    """When a flow runs next by itself; None when it has no times."""
    if flow.schedule is None or times.paused:
        return None
    moment = next_after(read_schedule(flow.schedule), flow.timezone, ctx.clock.now())
    return None if moment is None else iso(moment)


def upcoming(text: str, zone: str | None, after: datetime, most: int) -> list[datetime]:
    """The next moments of a schedule in the project file's form. Raises InputError where it is none."""
    try:
        schedule = read_schedule(text)
        _zone(zone)
    except NoSchedule as error:
        raise InputError(Problem("schedule", str(error), "bad-schedule", error.hint, text)) from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "write a zone such as Europe/Berlin or UTC"
        raise InputError(Problem("timezone", f"there is no time zone {zone}", "unknown-value", hint, zone)) from None
    moments: list[datetime] = []
    while len(moments) < most and (moment := next_after(schedule, zone, moments[-1] if moments else after)) is not None:
        moments.append(moment)
    return moments


def passed(schedule: Schedule, zone: str | None, after: datetime, now: datetime) -> list[datetime]:
    """The moments after `after` and not after `now`, newest first, at most `MOST` of them."""
    return list(islice(takewhile(lambda moment: moment > after, _backwards(schedule, zone, now)), MOST))


def to_run(moments: list[datetime], now: datetime, catch_up: CatchUp, *, busy: bool) -> list[Due]:
    """Which of the passed moments (newest first) are run: missed ones are caught up by the flow's `catch_up`."""
    if not moments:
        return []
    if catch_up == "all":
        return [Due(moment, 0) for moment in reversed(moments)]
    if catch_up == "none" and (busy or now - moments[0] > ON_TIME):
        return []
    return [Due(moments[0], 0 if catch_up == "none" else len(moments) - 1)]


def _backwards(schedule: Schedule, zone: str | None, now: datetime) -> Iterator[datetime]:
    if isinstance(schedule, Cron):
        from cronsim import CronSim  # noqa: PLC0415

        start = (now + MINUTE).astimezone(_zone(zone))
        yield from (moment.astimezone(UTC) for moment in CronSim(schedule.fields, start, reverse=True) if moment <= now)
    elif isinstance(schedule, Every):
        last = int(now.timestamp() // schedule.seconds)
        yield from (datetime.fromtimestamp(n * schedule.seconds, UTC) for n in range(last, 0, -1))


def _zone(name: str | None) -> ZoneInfo:
    return ZoneInfo(name or "UTC")
