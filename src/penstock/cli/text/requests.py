"""Requests before and after they are sent, and plans, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.exits import printable
from penstock.cli.text.words import amount, duration, hint, key_text, keys_text, note_lines, safe_text, table, titled
from penstock.model.outcome import NOT_DELETED
from penstock.model.record import RefusedRecord
from penstock.model.reports import Preview, PreviewedRequest, TestReport
from penstock.model.runs import PlanReport


def preview_text(report: Preview, destination: str, *, everything: bool) -> Iterator[Text | str]:
    """Each request as it would be sent, then invalid records, notes and the base URL."""
    total = len(report.requests)
    for number, request in enumerate(report.requests, 1):
        yield _heading(f"Request {number} of {total}", keys_text(request.records))
        yield from request_lines(request)
        yield Text("")
    if total == 0:
        yield Text("No request would be made: there is no record to send.")
    yield from titled("Would be quarantined", refused_lines(report.refused))
    yield from titled("Notes", note_lines(report.notes))
    yield from base_lines(report.base_url, report.base_url_reason)
    if not everything:
        yield hint(f"from the cached sample records; `penstock preview {destination} --all` shows the whole dataset")


def request_lines(request: PreviewedRequest) -> Iterator[Text | str]:
    yield safe_text(f"{request.method} {request.url}", "bold")
    for name, value in request.headers.items():
        yield Text.assemble((f"{name}: ", "dim"), safe_text(value))
    if request.body is not None:
        yield Text("")
        yield printable(request.body)  # unchanged: no wrapping, tabs stay
    if request.unresolved:
        yield safe_text(f"looked up when the request is sent: {', '.join(request.unresolved)}", "italic")


def test_text(report: TestReport, destination: str) -> Iterator[Text | str]:
    """The requests that were sent, each with its reply or error."""
    for part in report.earlier:
        yield from _exchange(part)
        yield Text("")
    yield from _exchange(report)
    if report.succeeded:
        yield hint(f"a test changes no counts; `penstock plan {destination}` shows what a run would send")


def _exchange(report: TestReport) -> Iterator[Text | str]:
    yield _heading("Sent", keys_text(report.request.records))
    yield from request_lines(report.request)
    yield Text("")
    if report.response is None and report.error is None:
        yield _heading("Written", "to a file beside the real one, and removed", "bold green")
        return
    if report.response is None:
        yield _heading("No reply", f"after {report.duration_ms:,.0f} ms", "bold red")
        yield safe_text(report.error or "")
        return
    style = "bold green" if report.succeeded else "bold red"
    yield _heading(f"Reply {report.response['status']}", f"after {report.duration_ms:,.0f} ms", style)
    headers: Mapping[str, str] = report.response.get("headers") or {}
    for name, value in headers.items():
        yield Text.assemble((f"{name}: ", "dim"), safe_text(value))
    yield Text("")
    yield printable(str(report.response.get("body") or ""))
    if report.error is not None:
        yield safe_text(report.error)


def refused_lines(refused: Sequence[RefusedRecord], of: str = "") -> Iterator[Text]:
    """Records that Penstock's checks refuse, with the reason; `of` is their destination."""
    for record in refused:
        found = f" (found {record.value})" if record.value is not None and record.value not in record.reason else ""
        accepted = f"; accepted: {record.accepted}" if record.accepted and record.accepted not in record.reason else ""
        yield safe_text(f"  {of + ' · ' if of else ''}{key_text(record.key)}: {record.reason}{found}{accepted}")


def base_lines(base_url: str, reason: str) -> Iterator[Text]:
    if base_url and "://" not in base_url:
        yield safe_text(f"Folder {base_url}")
    elif base_url:
        yield safe_text(f"Base URL {base_url}, {reason}" if reason else f"Base URL {base_url}")


def _heading(what: str, more: str, style: str = "bold") -> Text:
    return Text.assemble(("── ", "dim"), (what, style), ("  " + more, "dim"))


def plan_text(report: PlanReport) -> Iterator[RenderableType]:
    """`200 records → 3 requests → 0.1 s`, then unchanged and invalid records and notes."""
    name = report.flow or report.destination or ""
    yield Text.assemble(
        (f"{name}: ", "bold"),
        f"{amount(report.records, 'record')} → {amount(report.requests, 'request')} → ",
        f"{duration(report.eta_s)} at the credential's rate limit",
    )
    if report.asking:
        read = "read" if report.asking > 1 else "reads"
        yield Text(f"  {report.asking:>9,}  of the requests only {read}: look-ups and polls of batch jobs")
    yield from _shares(report)
    if report.read_requests:
        yield Text(f"  {amount(report.read_requests, 'request')} read Custify for this plan")
    if report.destinations:
        yield Text("")
        yield _table(report)
    for destination, reason in report.skipped.items():
        yield safe_text(f"Skipped: {destination} ({reason})", "yellow")
    yield from _refused_and_notes(report)
    if report.flow is None:
        yield from base_lines(report.base_url, report.base_url_reason)
    yield from _next_step(report, name)


def _next_step(report: PlanReport, name: str) -> Iterator[Text]:
    """What a person writes next; deletions that are withheld need an approval."""
    withheld = report.deletes_hash is not None and any(note.action == NOT_DELETED for note in report.notes)
    if not (report.requests or report.creates_or_updates or withheld):
        yield hint("nothing to send")
        return
    if not report.active:
        yield hint(f"penstock activate {name}")
        return
    if report.requests or report.creates_or_updates:
        yield hint(f"penstock run {name}")
    if withheld:
        yield hint(f"penstock run {name} --allow-deletes {report.deletes_hash} deletes them")


def _refused_and_notes(report: PlanReport) -> Iterator[RenderableType]:
    """The invalid records and the notes; for a flow, by destination."""
    parts = [(part, part.destination or "") for part in report.destinations] or [(report, "")]
    first = [line for part, of in parts for line in refused_lines(part.first_errors, of)]
    shown = "" if len(first) >= report.invalid else f" (the first {len(first)} of {report.invalid:,})"
    yield from titled(f"Would be quarantined{shown}", first)
    yield from titled("Notes", (line for part, of in parts for line in note_lines(part.notes, of)))


def _shares(report: PlanReport) -> Iterator[Text]:
    exact = report.creates is not None and report.updates is not None
    withheld = report.flow is None and any(note.action == NOT_DELETED for note in report.notes)
    shares = (
        (0 if exact else report.creates_or_updates, "to create or update"),
        (report.creates or 0, "to create"),
        (report.updates or 0, "to update: Custify has them"),
        (report.deletes, "to delete, when a person allows it" if withheld else "to delete"),
        (report.unchanged, "unchanged: not sent"),
        (report.held, "already in quarantine: not sent"),
        (report.invalid, "invalid: would be quarantined"),
    )
    for number, what in shares:
        if number:
            yield Text(f"  {number:>9,}  {what}", "yellow" if what.startswith("invalid") else "")


def _table(report: PlanReport) -> RenderableType:
    numbers = ("records", "to send", "unchanged", "in quarantine", "invalid", "requests")
    rows = table("destination", *numbers, right=numbers)
    for part in report.destinations:
        cells = (part.records, part.creates_or_updates, part.unchanged, part.held, part.invalid, part.requests)
        rows.add_row(safe_text(part.destination or ""), *(f"{cell:,}" for cell in cells))
    return rows
