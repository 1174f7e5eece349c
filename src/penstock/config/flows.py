"""Reads and checks flows and their schedules (`0 2 * * *`, `every 15m`, `on new data`).

Also checks that no destination reads its own replies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from penstock.config.sections import Key, Section
from penstock.config.shapes import SECONDS, BadValue, ChoiceShape, DurationShape, NamesShape, TextShape
from penstock.config.tree import Marked, Report
from penstock.model.schedule import Cron, Every, OnNewData, Schedule
from penstock.model.spec import CustifySource, DestinationSpec, FlowSpec, ProjectSpec, ResponseSource, SqlSource
from penstock.model.text import suggest
from penstock.templates.catalogue import load_catalogue

FLOW = Section(
    "Destinations that run together, in order.",
    (
        Key("schedule", TextShape(), "when to run: five cron fields such as 0 2 * * *, every 15m, or on new data"),
        Key("timezone", TextShape(), "the time zone of the cron fields, such as Europe/Berlin (default: UTC)"),
        Key(
            "catch_up",
            ChoiceShape(("latest", "all", "none")),
            "missed runs: one run for all, one run for each, or none",
        ),
        Key("destinations", NamesShape(), "the destinations, by name", required=True),
        Key("reconcile_every", DurationShape(), "how often its destinations are compared with Custify, such as 24h"),
    ),
    FlowSpec,
)
CRON_FIELDS = 5
SOME_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - any day: only checks that the schedule has a next time
CRON_HINT = "write five fields: minute, hour, day, month, weekday, such as 0 2 * * * for every night at two"
EVERY_HINT = "write every and a time span of 10s to 365d, such as every 15m, every 2h or every 1d"
OTHER_HINT = f"{CRON_HINT}; or every 15m; or on new data"
SPAN = re.compile(r"(\d+)\s*(s|m|h|d)")
SHORTEST_S, LONGEST_S = 10, 365 * 86400
SHORTEST_COMPARISON_S = 3600


class NoSchedule(ValueError):  # noqa: N818 - callers catch it as a ValueError
    """The text is not a schedule; `hint` says what to write."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_schedule(text: str) -> Schedule:
    """Parses a schedule. Raises NoSchedule."""
    words = text.lower().split()
    if words == ["on", "new", "data"]:
        return OnNewData()
    if words[:1] == ["every"]:
        span = SPAN.fullmatch(" ".join(words[1:]))
        seconds = 0 if span is None else int(span[1]) * int(SECONDS[span[2]])
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise NoSchedule("this is not a time span for a schedule", EVERY_HINT)
        return Every(seconds)
    _check_cron(text)
    return Cron(text)


def _check_cron(text: str) -> None:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - slow to import, and only needed for schedules

    fields = text.split()
    if len(fields) != CRON_FIELDS:
        wordy = bool(fields) and fields[0][0].isalpha()
        raise NoSchedule("a cron schedule has five fields", OTHER_HINT if wordy else CRON_HINT)
    try:
        next(CronSim(text, SOME_DAY))
    except CronSimError as error:
        raise NoSchedule(f"this is not a schedule: {str(error).lower()}", CRON_HINT) from error
    except StopIteration:
        raise NoSchedule("this date does not exist", CRON_HINT) from None


def read_flow(name: str, node: Marked, report: Report) -> FlowSpec:
    """Reads one flow; whether its destinations exist is checked later."""
    read = FLOW.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    return FlowSpec(name, **{"destinations": (), **values})


def check_flows(project: ProjectSpec, node: Marked, report: Report) -> None:
    """Checks that destinations, schedules and time zones exist, and that no flow has the name of a destination."""
    for name, flow in project.flows.items():
        own = node.at(name)
        if name in project.destinations:
            message = f"{name} is also the name of a destination: `run {name}` could mean either"
            report.add(own.place, "duplicate-name", message, "rename one of the two", name)
        _check_destinations(flow, project.destinations, own.at("destinations"), report)
        _check_schedule(flow, project, own, report)
        if flow.timezone is not None:
            _check_timezone(flow.timezone, own.at("timezone"), report)
        if flow.reconcile_every is not None:
            _check_comparisons(flow, project, own.at("reconcile_every"), report)


def _check_comparisons(flow: FlowSpec, project: ProjectSpec, node: Marked, report: Report) -> None:
    """Checks that the flow has something to compare, and not too often."""
    found = node.raw
    if flow.reconcile_every is not None and flow.reconcile_every < SHORTEST_COMPARISON_S:
        message = "a comparison reads all objects of Custify, so that it is made every hour at most"
        report.add(node.place, "out-of-range", message, "write a time span of 1h or more, such as 24h", found)
    known = [project.destinations[name] for name in flow.destinations if name in project.destinations]
    if known and not any(can_be_compared(project, each) for each in known):
        message = f"no destination of {flow.name} can be compared with Custify"
        lists = "people, companies, subscriptions, invoices, deals, tasks or custom objects"
        hint = f"remove `reconcile_every`: it needs a native destination of {lists}, without `mode: all`"
        report.add(node.place, "key-not-here", message, hint, found)


def can_be_compared(project: ProjectSpec, spec: DestinationSpec) -> bool:
    """Whether Custify has a list of what the destination writes, as far as the project file shows that."""
    credential, template = project.credentials.get(spec.credential), load_catalogue().get(spec.template or "")
    if credential is None or credential.connector != "custify" or template is None or spec.mode == "all":
        return False
    is_flat = credential.dialect == "flat" or (
        credential.dialect == "auto" and credential.base_url.rstrip("/").endswith("/api")
    )
    return not is_flat and (template.read is not None or bool(template.items))


def _check_destinations(flow: FlowSpec, known: Mapping[str, object], node: Marked, report: Report) -> None:
    for item in node.items() or [node]:
        if isinstance(item.value, str) and item.raw in flow.destinations and item.raw not in known:
            report.add_unknown(item.place, "destination", item.raw, known)


def _check_schedule(flow: FlowSpec, project: ProjectSpec, own: Marked, report: Report) -> None:
    if flow.schedule is None:
        if "catch_up" in own.entries():
            message, hint = (
                "only a flow with a `schedule` can have `catch_up`",
                "remove `catch_up`, or write a `schedule`",
            )
            report.add(own.at("catch_up").place, "key-not-here", message, hint, flow.catch_up)
        return
    node = own.at("schedule")
    try:
        schedule = read_schedule(flow.schedule)
    except NoSchedule as error:
        report.add(node.place, "bad-schedule", str(error), error.hint, flow.schedule)
        return
    if "timezone" in own.entries() and not isinstance(schedule, Cron):
        message, hint = "only a cron schedule can have `timezone`", "remove `timezone`"
        report.add(own.at("timezone").place, "key-not-here", message, hint, str(flow.timezone))
    if isinstance(schedule, OnNewData):
        _check_new_data(flow, project, own, report)


def _check_new_data(flow: FlowSpec, project: ProjectSpec, own: Marked, report: Report) -> None:
    """Checks that new data of the flow's sources can be detected."""
    if "catch_up" in own.entries():
        message, hint = "a flow that runs on new data cannot have `catch_up`", "remove `catch_up`"
        report.add(own.at("catch_up").place, "key-not-here", message, hint, flow.catch_up)
    for name in flow.destinations:
        destination = project.destinations.get(name)
        dataset = project.datasets.get(destination.dataset) if destination is not None else None
        source = project.sources.get(dataset.source) if dataset is not None else None
        if isinstance(source, CustifySource):
            message = f"new data of the source {source.name} cannot be detected: Custify returns no changes"
            hint = "write a schedule such as every 6h"
            report.add(own.at("schedule").place, "no-cursor", message, hint, flow.schedule)
            return
        if isinstance(source, SqlSource) and source.cursor is None:
            message = f"new data of the source {source.name} cannot be detected: it has no `cursor`"
            hint = f"give {source.name} a `cursor`, or write a schedule such as every 15m"
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
    """Reports destinations that read their own replies, directly or through others: their runs would never end."""
    for name in project.destinations:
        chain = [name]
        while (fed_by := _feeder(chain[-1], project)) is not None and fed_by not in chain:
            chain.append(fed_by)
        if fed_by == name:
            way = " ← ".join((*chain, name))
            place = node.at(name, "dataset").place
            message = f"the destination {name} reads its own replies: {way}"
            report.add(place, "circle", message, "give it a dataset that does not come from its replies", way)


def _feeder(name: str, project: ProjectSpec) -> str | None:
    """The destination whose replies this one sends; None if it sends no replies."""
    destination = project.destinations.get(name)
    dataset = project.datasets.get(destination.dataset) if destination is not None else None
    source = project.sources.get(dataset.source) if dataset is not None else None
    return source.destination if isinstance(source, ResponseSource) else None
