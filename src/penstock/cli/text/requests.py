"""Requests as they would go, or went."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from penstock.cli.failing import printable
from penstock.cli.text.words import hint, key_text, keys_text, note_lines, said, titled
from penstock.model.reports import Preview, PreviewedRequest, RefusedRecord, TestReport


def preview_text(report: Preview, destination: str, *, everything: bool) -> Iterator[Text | str]:
    """Each request as it would be sent, then what to know about them."""
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
        of = "the cached sample records"
        yield hint(f"made of {of}; `penstock preview {destination} --all` shows the whole dataset")


def request_lines(request: PreviewedRequest) -> Iterator[Text | str]:
    yield said(f"{request.method} {request.url}", "bold")
    for name, value in request.headers.items():
        yield Text.assemble((f"{name}: ", "dim"), said(value))
    if request.body is not None:
        yield Text("")
        yield printable(request.body)  # as it is: no wrapping, no widening of tabs
    if request.unresolved:
        yield said(f"looked up when it is sent: {', '.join(request.unresolved)}", "italic")


def test_text(report: TestReport, destination: str) -> Iterator[Text | str]:
    """The request that was sent (or the several), and the reply or the error."""
    for part in report.earlier:
        yield from _exchange(part)
        yield Text("")
    yield from _exchange(report)
    if report.succeeded:
        yield hint(f"a test counts for nothing: `penstock plan {destination}` shows what a run would send")


def _exchange(report: TestReport) -> Iterator[Text | str]:
    yield _heading("Sent", keys_text(report.request.records))
    yield from request_lines(report.request)
    yield Text("")
    if report.response is None:
        yield _heading("No reply", f"after {report.duration_ms:,.0f} ms", "bold red")
        yield said(report.error or "")
        return
    style = "bold green" if report.succeeded else "bold red"
    yield _heading(f"Reply {report.response['status']}", f"after {report.duration_ms:,.0f} ms", style)
    headers: Mapping[str, str] = report.response.get("headers") or {}
    for name, value in headers.items():
        yield Text.assemble((f"{name}: ", "dim"), said(value))
    yield Text("")
    yield printable(str(report.response.get("body") or ""))
    if report.error is not None:
        yield said(report.error)


def refused_lines(refused: Sequence[RefusedRecord], of: str = "") -> Iterator[Text]:
    """Records that our own checks refuse, with the reason; `of` is the destination they were for."""
    for record in refused:
        found = f" (found {record.value})" if record.value is not None and record.value not in record.reason else ""
        accepted = f"; accepted: {record.accepted}" if record.accepted and record.accepted not in record.reason else ""
        yield said(f"  {of + ' · ' if of else ''}{key_text(record.key)}: {record.reason}{found}{accepted}")


def base_lines(base_url: str, reason: str) -> Iterator[Text]:
    if base_url:
        yield said(f"Base URL {base_url}, {reason}" if reason else f"Base URL {base_url}")


def _heading(what: str, more: str, style: str = "bold") -> Text:
    return Text.assemble(("── ", "dim"), (what, style), ("  " + more, "dim"))
