"""Flows and their schedules, and that no destination feeds itself."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from penstock.config.marks import Marked
from penstock.config.report import Report, suggest
from penstock.config.schedules import NoSchedule, read_schedule
from penstock.model.schedule import Cron, OnNewData
from penstock.model.spec import FlowSpec, ProjectSpec, ResponseSource, SqlSource


def check_flows(project: ProjectSpec, node: Marked, report: Report) -> None:
    """Destinations are known, schedules come to pass, time zones exist, and names tell flows from destinations."""
    for name, flow in project.flows.items():
        own = node.at(name)
        if name in project.destinations:
            message = f"{name} is also the name of a destination: `run {name}` could mean either"
            report.add(own.place, "duplicate-name", message, "rename one of the two", name)
        _check_destinations(flow, project.destinations, own.at("destinations"), report)
        _check_schedule(flow, project, own, report)
        if flow.timezone is not None:
            _check_timezone(flow.timezone, own.at("timezone"), report)


def _check_destinations(flow: FlowSpec, known: Mapping[str, object], node: Marked, report: Report) -> None:
    for item in node.items() or [node]:
        if isinstance(item.value, str) and item.raw in flow.destinations and item.raw not in known:
            hint = suggest(item.raw, known, "destinations")
            report.add(item.place, "unknown-name", f"there is no destination {item.raw}", hint, item.raw)


def _check_schedule(flow: FlowSpec, project: ProjectSpec, own: Marked, report: Report) -> None:
    if flow.schedule is None:
        if "catch_up" in own.entries():
            message, hint = "`catch_up` is for flows with a schedule", "remove `catch_up`, or write a `schedule`"
            report.add(own.at("catch_up").place, "key-not-here", message, hint, flow.catch_up)
        return
    node = own.at("schedule")
    try:
        schedule = read_schedule(flow.schedule)
    except NoSchedule as error:
        report.add(node.place, "bad-schedule", str(error), error.hint, flow.schedule)
        return
    if "timezone" in own.entries() and not isinstance(schedule, Cron):
        message, hint = "`timezone` is for schedules of five cron fields", "remove `timezone`"
        report.add(own.at("timezone").place, "key-not-here", message, hint, str(flow.timezone))
    if isinstance(schedule, OnNewData):
        _check_new_data(flow, project, own, report)


def _check_new_data(flow: FlowSpec, project: ProjectSpec, own: Marked, report: Report) -> None:
    """What waits for data must be able to notice it."""
    if "catch_up" in own.entries():
        message, hint = "`catch_up` is for schedules by time: new data is never missed", "remove `catch_up`"
        report.add(own.at("catch_up").place, "key-not-here", message, hint, flow.catch_up)
    for name in flow.destinations:
        destination = project.destinations.get(name)
        dataset = project.datasets.get(destination.dataset) if destination is not None else None
        source = project.sources.get(dataset.source) if dataset is not None else None
        if isinstance(source, SqlSource) and source.cursor is None:
            message = f"new data of the source {source.name} cannot be noticed: it has no `cursor`"
            hint = f"give {source.name} a `cursor`, or write a time such as every 15m"
            report.add(own.at("schedule").place, "no-cursor", message, hint, flow.schedule)
            return


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
            report.add(place, "circle", message, "give it a dataset that does not come from its replies", way)


def _feeder(name: str, project: ProjectSpec) -> str | None:
    """The destination whose replies this one sends, if it does."""
    destination = project.destinations.get(name)
    dataset = project.datasets.get(destination.dataset) if destination is not None else None
    source = project.sources.get(dataset.source) if dataset is not None else None
    return source.destination if isinstance(source, ResponseSource) else None
