"""The times at which a schedule is due: pure functions."""

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

MOST = 100  # missed times that are listed
ON_TIME = timedelta(seconds=60)  # a time that is due for less than this was not missed
MINUTE = timedelta(minutes=1)


class Due(NamedTuple):
    """A time to run at. The run stands in for `missed` earlier times."""

    at: datetime
    missed: int


def next_after(schedule: Schedule, zone: str | None, after: datetime) -> datetime | None:
    """The first time of the schedule after `after`; None for a schedule without times."""
    if isinstance(schedule, Cron):
        from cronsim import CronSim  # noqa: PLC0415 - loaded only for flows with cron fields

        moments: Iterator[datetime] = CronSim(schedule.fields, after.astimezone(_zone(zone)))
        return next((moment.astimezone(UTC) for moment in moments), None)
    if isinstance(schedule, Every):
        step = schedule.seconds
        return datetime.fromtimestamp((int(after.timestamp() // step) + 1) * step, UTC)
    return None


def next_at(ctx: Context, flow: FlowSpec, times: FlowTimes) -> str | None:
    """The next scheduled time of a flow in ISO 8601; None if it has none."""
    if flow.schedule is None or times.paused:
        return None
    moment = next_after(read_schedule(flow.schedule), flow.timezone, ctx.clock.now())
    return None if moment is None else iso(moment)


def upcoming(text: str, zone: str | None, after: datetime, most: int) -> list[datetime]:
    """The next times of a schedule such as `every 15m`. InputError for an invalid schedule."""
    try:
        schedule = read_schedule(text)
        _zone(zone)
    except NoSchedule as error:
        raise InputError(Problem("schedule", str(error), "bad-schedule", error.hint, text)) from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = "use a time zone such as Europe/Berlin or UTC"
        raise InputError(Problem("timezone", f"there is no time zone {zone}", "unknown-value", hint, zone)) from None
    moments: list[datetime] = []
    while len(moments) < most and (moment := next_after(schedule, zone, moments[-1] if moments else after)) is not None:
        moments.append(moment)
    return moments


def passed(schedule: Schedule, zone: str | None, after: datetime, now: datetime) -> list[datetime]:
    """The times after `after` up to `now`, newest first, at most `MOST`."""
    return list(islice(takewhile(lambda moment: moment > after, _backwards(schedule, zone, now)), MOST))


def to_run(moments: list[datetime], now: datetime, catch_up: CatchUp, *, busy: bool) -> list[Due]:
    """The passed times (newest first) that get a run; the flow's `catch_up` decides about missed ones."""
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
