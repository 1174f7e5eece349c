"""What a run would do."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.text.requests import base_lines, refused_lines
from penstock.cli.text.words import amount, duration, hint, note_lines, said, table, titled
from penstock.model.reports import PlanReport


def plan_text(report: PlanReport) -> Iterator[RenderableType]:
    """`200 records → 3 requests → 0.1 s`, then what stays, what is refused and why."""
    name = report.flow or report.destination or ""
    yield Text.assemble(
        (f"{name}: ", "bold"),
        f"{amount(report.records, 'record')} → {amount(report.requests, 'request')} → ",
        f"{duration(report.eta_s)} at the credential's rate limit",
    )
    if report.asking:
        yield Text(f"  {report.asking:>9,}  of the requests only ask: look-ups, and what became of a batch")
    yield from _shares(report)
    if report.destinations:
        yield Text("")
        yield _table(report)
    for destination, reason in report.skipped.items():
        yield said(f"Skipped: {destination} ({reason})", "yellow")
    parts = report.destinations or (report,)
    names = [part.destination or "" if report.destinations else "" for part in parts]
    first = [line for part, of in zip(parts, names, strict=True) for line in refused_lines(part.first_errors, of)]
    shown = "" if len(first) >= report.invalid else f" (the first {len(first)} of {report.invalid:,})"
    yield from titled(f"Would be quarantined{shown}", first)
    yield from titled(
        "Notes", (line for part, of in zip(parts, names, strict=True) for line in note_lines(part.notes, of))
    )
    if report.flow is None:
        yield from base_lines(report.base_url, report.base_url_reason)
    yield hint(f"penstock run {name}") if report.requests else hint("nothing to send")


def _shares(report: PlanReport) -> Iterator[Text]:
    shares = (
        (report.creates_or_updates, "to create or update"),
        (report.deletes, "to delete"),
        (report.unchanged, "unchanged: not sent"),
        (report.held, "held in the quarantine: not sent"),
        (report.invalid, "invalid: would be quarantined"),
    )
    for number, what in shares:
        if number:
            yield Text(f"  {number:>9,}  {what}", "yellow" if what.startswith("invalid") else "")


def _table(report: PlanReport) -> RenderableType:
    numbers = ("records", "to send", "unchanged", "held", "invalid", "requests")
    rows = table("destination", *numbers, right=numbers)
    for part in report.destinations:
        cells = (part.records, part.creates_or_updates, part.unchanged, part.held, part.invalid, part.requests)
        rows.add_row(said(part.destination or ""), *(f"{cell:,}" for cell in cells))
    return rows
