"""Flows and their schedules, and that no destination feeds itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from penstock.config.marks import Marked
from penstock.config.report import Report, suggest
from penstock.model.spec import FlowSpec, ProjectSpec, ResponseSource

CRON_FIELDS = 5
SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - only whether the schedule ever comes is asked, from any day
CRON_HINT = "five fields: minute, hour, day, month, weekday, such as 0 2 * * * for every night at two"


def check_flows(project: ProjectSpec, node: Marked, report: Report) -> None:
    """Destinations are known, schedules come to pass, time zones exist, and names tell flows from destinations."""
    for name, flow in project.flows.items():
        own = node.at(name)
        if name in project.destinations:
            message = f"{name} is also the name of a destination: `run {name}` could mean either"
            report.add(own.place, "duplicate-name", message, "rename one of the two", name)
        _check_destinations(flow, project.destinations, own.at("destinations"), report)
        if flow.schedule is not None:
            _check_schedule(flow.schedule, own.at("schedule"), report)
        if flow.timezone is not None:
            _check_timezone(flow.timezone, own.at("timezone"), report)


def _check_destinations(flow: FlowSpec, known: Mapping[str, object], node: Marked, report: Report) -> None:
    for item in node.items() or [node]:
        if isinstance(item.value, str) and item.raw in flow.destinations and item.raw not in known:
            hint = suggest(item.raw, known, "destinations")
            report.add(item.place, "unknown-name", f"there is no destination {item.raw}", hint, item.raw)


def _check_schedule(schedule: str, node: Marked, report: Report) -> None:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only projects with a schedule pay for it

    if len(schedule.split()) != CRON_FIELDS:
        report.add(node.place, "bad-schedule", "a schedule has five fields", CRON_HINT, schedule)
        return
    try:
        next(CronSim(schedule, SOME_DAY))
    except CronSimError as error:
        report.add(node.place, "bad-schedule", f"this is no schedule: {str(error).lower()}", CRON_HINT, schedule)
    except StopIteration:
        report.add(node.place, "bad-schedule", "this day never comes", CRON_HINT, schedule)


def _check_timezone(timezone: str, node: Marked, report: Report) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = suggest(timezone, available_timezones(), "zones").partition("? ")[0]
        close = f"{hint}?" if hint.startswith("did you mean") else "write a zone such as Europe/Berlin or UTC"
        report.add(node.place, "unknown-value", f"there is no time zone {timezone}", close, timezone)


def refuse_circles(project: ProjectSpec, node: Marked, report: Report) -> None:
    """No destination may read its own replies, directly or by way of others: it would never end."""
    for name in project.destinations:
        chain = [name]
        while (fed_by := _feeder(chain[-1], project)) is not None and fed_by not in chain:
            chain.append(fed_by)
        if fed_by == name:
            way = " ← ".join((*chain, name))
            place = node.at(name, "dataset").place
            message = f"the destination {name} is fed by its own replies: {way}"
            report.add(place, "circle", message, "give it a dataset that does not come from its replies")


def _feeder(name: str, project: ProjectSpec) -> str | None:
    """The destination whose replies this one sends, if it does."""
    destination = project.destinations.get(name)
    dataset = project.datasets.get(destination.dataset) if destination is not None else None
    source = project.sources.get(dataset.source) if dataset is not None else None
    return source.destination if isinstance(source, ResponseSource) else None
