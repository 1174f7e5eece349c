"""Runs and their requests as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.text.words import (
    amount,
    coloured,
    duration,
    hint,
    key_text,
    note_lines,
    outcome_words,
    safe_text,
    table,
)
from penstock.model.delivery import DeliveryReport
from penstock.model.outcome import COUNT_NAMES, Counts
from penstock.model.runs import LABELS, RunReport

QUIET = frozenset({"renamed", "derived"})


def run_text(report: RunReport) -> Iterator[RenderableType]:
    """How a run ended: the outcomes, the number of requests, the time, and what to do next."""
    name = report.flow or report.destination or ""
    yield Text.assemble((f"{name} ", "bold"), coloured(report.status), (f"  run {report.run}", "dim"))
    for problem in report.errors:
        yield safe_text(f"  {problem}")
    compared = _compared(report)
    if report.reason and compared is None and not any(one.errors for one in (report, *report.destinations)):
        yield safe_text(f"  {report.reason}")
    outcomes = _result(report)
    bound = "" if report.limit is None else f" (limited to {amount(report.limit, 'record')})"
    read = amount(report.records.read, "unknown record" if report.kind == "settle" else "record")
    records = "" if compared is not None else f"{read}: " if outcomes else read
    yield Text.assemble(f"  {records}", outcomes, bound)
    counted = ((getattr(report, name), label) for name, label in LABELS.items())
    more = "".join(f", {number:,} {label}" for number, label in counted if number)
    retries = f" ({amount(report.retries, 'retry', 'retries')})" if report.retries else ""
    yield Text(f"  {amount(report.requests, 'request')}{retries}{more} in {duration(report.duration_s)}")
    if report.flow is not None:
        yield from _parts(report)
    yield from _notes(report)
    yield from _next_steps(report)


def runs_text(reports: Sequence[RunReport]) -> Iterator[RenderableType]:
    """One line per run, newest first."""
    if not reports:
        yield Text("No runs yet.")
        yield hint("penstock run DEST")
        return
    rows = table(
        "run", "target", "status", "started (UTC)", "records", "outcomes", "requests", right=("records", "requests")
    )
    for report in reports:
        rows.add_row(
            report.run,
            safe_text(report.flow or report.destination or ""),
            coloured(report.status),
            moment(report.started_at),
            f"{report.records.read:,}" if _compared(report) is None else "",
            Text.assemble("settle: " if report.kind == "settle" else "", _result(report)),
            f"{report.requests:,}",
        )
    yield rows
    yield hint("penstock runs RUN shows one run, penstock deliveries RUN its requests")


def deliveries_text(reports: Sequence[DeliveryReport], run: str) -> Iterator[RenderableType]:
    """One line per request."""
    if not reports:
        yield safe_text(f"Run {run} made no requests for records.")
        return
    numbers = ("status", "attempts", "ms", "records")
    rows = table("delivery", "request", *numbers, "first key", "outcome", "reason", right=numbers)
    for report in reports:
        rows.add_row(
            report.delivery,
            safe_text(f"{report.method} {report.url}"),
            "-" if report.status is None else str(report.status),
            str(report.attempts),
            f"{report.duration_ms:,.0f}",
            f"{len(report.records):,}",
            key_text(report.records[0]) if report.records else "",
            coloured(report.outcome),
            safe_text(report.reason or ""),
        )
    yield rows


def _result(report: RunReport) -> Text:
    """What came out, in words: the outcomes; of a comparison what differs; of `settle` what became of the records."""
    compared = _compared(report)
    if compared is not None:
        return safe_text(compared)
    counts = dict(counts_of(report.records))
    if report.kind != "settle":
        return outcome_words(counts)
    arrived, sent_again = counts.pop("unchanged"), counts.pop("delivered") + counts.pop("accepted")
    named = ((arrived, "had arrived"), (sent_again, "sent again"))
    parts = [Text(f"{number:,} {what}") for number, what in named if number]
    others = outcome_words(counts)
    return Text(", ").join([*parts, others] if others else parts)


def _compared(report: RunReport) -> str | None:
    """What a comparison that has ended found; None for other runs, and for one that has sent records again."""
    if report.kind != "reconcile" or report.records.read or report.status not in ("succeeded", "partial"):
        return None
    return f"comparison: {report.reason or 'nothing differs'}"


def counts_of(counts: Counts) -> Mapping[str, int]:
    return {name: getattr(counts, name) for name in COUNT_NAMES}


def moment(iso: str | None) -> str:
    """`2026-01-31T12:00:00.000Z` as `2026-01-31 12:00:00`, still in UTC."""
    return "" if iso is None else iso[:19].replace("T", " ")


def _parts(report: RunReport) -> Iterator[RenderableType]:
    if report.destinations:
        rows = table("  destination", "status", "records", "outcomes", "requests", right=("records", "requests"))
        for part in report.destinations:
            rows.add_row(
                safe_text(f"  {part.destination}"),
                coloured(part.status),
                f"{part.records.read:,}",
                outcome_words(counts_of(part.records)),
                f"{part.requests:,}",
            )
        yield rows
    for part in report.destinations:
        for problem in part.errors if part.errors != report.errors else ():
            yield safe_text(f"  {part.destination}: {problem}")
        if part.reason and part.reason != report.reason and not part.errors:
            yield safe_text(f"  {part.destination}: {part.reason}")
    for destination, reason in report.skipped.items():
        yield safe_text(f"  skipped: {destination} ({reason})", "yellow")


def _notes(report: RunReport) -> Iterator[Text]:
    """The notes. Renamed and derived fields are only counted: `preview` and `plan` show them."""
    parts = report.destinations or (report,)
    for part in parts:
        said = None if part.errors else part.reason
        reported = [note for note in part.notes if note.action not in QUIET and note.reason != said]
        yield from note_lines(reported, (part.destination or "") if report.destinations else "")
    quiet = sum(note.action in QUIET for part in parts for note in part.notes)
    if quiet:
        target = report.flow or report.destination
        fields = amount(quiet, "field")
        yield safe_text(f"  {fields} renamed or derived for Custify: penstock plan {target}", "dim")


def _next_steps(report: RunReport) -> Iterator[Text]:
    if report.status in ("cancelled", "interrupted"):
        yield hint(f"run the same command again to continue run {report.run}")
    elif report.records.unsent:
        yield hint("the next run sends the unsent records")
    if report.records.quarantined or report.records.unknown:
        yield hint("penstock quarantine list shows the records in quarantine, and why")
    if report.records.waiting:
        yield hint("waiting records are decided by a later run: penstock quarantine list shows what they wait for")
