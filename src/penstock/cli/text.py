"""Reports as text for people. Plain lines; nothing here decides anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from penstock.model.outcome import Note, RunReport
from penstock.model.record import Key, key_text
from penstock.model.reports import (
    CheckReport,
    DatasetReport,
    DeliveryReport,
    PlanReport,
    Preview,
    PreviewedRequest,
    QuarantineDetail,
    QuarantineEntry,
    TestReport,
    as_json,
)

OUTCOMES = ("delivered", "accepted", "unchanged", "quarantined", "unknown", "waiting", "unsent")
LONG = 60


def table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    """Columns as wide as they must be, numbers to the right."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(len(line[n]) for line in [list(heads), *texts]) for n in range(len(heads))]
    right = [all(isinstance(row[n], int | float) or row[n] is None for row in rows) for n in range(len(heads))]
    lines = [
        "  ".join(
            cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(line, widths, right, strict=True)
        )
        for line in [list(heads), *texts]
    ]
    return "\n".join(line.rstrip() for line in lines)


def duration(seconds: float) -> str:
    """`3.2 s`, `4 min 10 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(number: int, word: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def notes_text(notes: Iterable[Note]) -> list[str]:
    return [
        f"note: {note.field} {note.action}"
        + (f" in {plural(note.count, 'record')}" if note.count else "")
        + f": {note.reason}"
        for note in notes
    ]


def run_text(report: RunReport) -> str:
    """The end of a run: what became of the records, and what to do next."""
    name = report.flow or report.destination
    lines = [f"{name}: {report.status}  (run {report.run}, {duration(report.duration_s)})"]
    for part in report.destinations:
        lines.append(
            f"  {part.destination}: {part.status}: {_counts(part)}" + (f"; {part.reason}" if part.reason else "")
        )
    lines += [f"  {skipped}: skipped: {why}" for skipped, why in report.skipped.items()]
    lines.append(f"  {_counts(report)}")
    again = "" if report.retries == 0 else f", {report.retries:,} of them sent again"
    lines.append(f"  {plural(report.requests, 'request')}{again}")
    if report.reason and report.status != "cancelled":
        lines.append(f"  stopped: {report.reason}")
    lines += [f"  {note}" for note in notes_text(report.notes)]
    lines += [f"  → {hint}" for hint in _next(report)]
    return "\n".join(lines)


def _counts(report: RunReport) -> str:
    told = [f"{getattr(report.records, name):,} {name}" for name in OUTCOMES if getattr(report.records, name)]
    return f"{plural(report.records.read, 'record')} read" + (": " + ", ".join(told) if told else "")


def _next(report: RunReport) -> list[str]:
    hints = []
    if report.records.quarantined or report.records.unknown or report.records.waiting:
        hints.append("penstock quarantine list  shows what is held, and why")
    if report.status == "cancelled":
        hints.append(f"run the same command again: it goes on with {report.run}")
    elif report.records.unsent:
        hints.append("run the same command again: it sends what was not sent")
    return hints


def plan_text(report: PlanReport) -> str:
    """N records → M requests → time at the limit."""
    lines = []
    for part in report.destinations or (report,):
        lines.append(
            f"{part.destination}: {plural(part.records, 'record')} → {plural(part.requests, 'request')} → "
            f"about {duration(part.eta_s)} at the allowance"
        )
        lines.append(
            f"  {part.creates_or_updates:,} to create or update, {part.unchanged:,} unchanged, {part.invalid:,} invalid"
        )
        if part.held:
            lines.append(f"  {part.held:,} held in the quarantine or waiting")
        lines += [f"  invalid: {key_text(e.key)}: {e.reason}" for e in part.first_errors]
        lines += [f"  {note}" for note in notes_text(part.notes)]
    lines += [f"{name}: skipped: {why}" for name, why in report.skipped.items()]
    if report.flow is not None:
        lines.append(
            f"{report.flow}: {plural(report.records, 'record')} → {plural(report.requests, 'request')} → "
            f"about {duration(report.eta_s)}"
        )
    return "\n".join(lines)


def preview_text(report: Preview) -> str:
    parts = [request_text(request) for request in report.requests]
    notes = notes_text(report.notes)
    return (
        "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])
        or "no requests: the dataset has no records to send"
    )


def request_text(request: PreviewedRequest) -> str:
    """A request as it goes over the wire, secrets hidden."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body is not None:
        lines += ["", request.body]
    lines.append(f"# {plural(len(request.records), 'record')}: {_keys(request.records)}")
    if request.unresolved:
        lines.append(f"# looked up when it is sent: {', '.join(request.unresolved)}")
    return "\n".join(lines)


def _keys(keys: Sequence[Key]) -> str:
    shown = ", ".join(key_text(key) for key in keys[:5])
    return shown + (f", … {len(keys) - 5} more" if len(keys) > 5 else "")


def test_text(report: TestReport) -> str:
    lines = [request_text(report.request), ""]
    if report.response is None:
        lines.append(f"no reply: {report.error}")
    else:
        lines.append(f"{report.response['status']} in {report.duration_ms:.0f} ms")
        lines.append(str(report.response["body"]))
    return "\n".join(lines)


def check_text(report: CheckReport) -> str:
    lines = [f"{report.credential}: {'works' if report.ok else 'does not work'}: {report.reason}"]
    lines += [f"  {tried['base_url']}: {tried['result']}" for tried in report.tried]
    if report.base_url is not None:
        lines.append(f"  base URL {report.base_url}, dialect {report.dialect}")
    if report.allowance is not None:
        lines.append(f"  allowance: {report.allowance['remaining']} of {report.allowance['limit']} requests left")
    return "\n".join(lines)


def dataset_text(report: DatasetReport) -> str:
    rows = [
        (column.name, column.type, "yes" if column.nullable else "no", ", ".join(column.examples)[:LONG])
        for column in report.schema.columns
    ]
    lines = [
        f"{report.dataset}: {plural(report.schema.records, 'record')}, key {', '.join(report.key)}",
        "",
        table(rows, ("column", "type", "nulls", "examples")),
    ]
    if report.extra_columns:
        lines += [
            "",
            f"new in the source, not sent until `schema {report.dataset} --refresh`: {', '.join(report.extra_columns)}",
        ]
    return "\n".join(lines)


def runs_text(reports: Sequence[RunReport]) -> str:
    if not reports:
        return "no runs yet"
    rows = [
        (
            report.run,
            report.flow or report.destination,
            report.status,
            *(getattr(report.records, name) for name in ("read", "delivered", "unchanged", "quarantined")),
            report.requests,
            report.started_at,
        )
        for report in reports
    ]
    heads = ("run", "target", "status", "read", "delivered", "unchanged", "quarantined", "requests", "started")
    return table(rows, heads)


def deliveries_text(reports: Sequence[DeliveryReport]) -> str:
    if not reports:
        return "this run made no requests"
    rows = [
        (
            r.delivery,
            r.method,
            r.url[:LONG],
            r.status,
            r.attempts,
            round(r.duration_ms),
            len(r.records),
            r.outcome,
            r.reason,
        )
        for r in reports
    ]
    return table(rows, ("delivery", "method", "url", "status", "attempts", "ms", "records", "outcome", "reason"))


def quarantine_text(entries: Sequence[QuarantineEntry]) -> str:
    """By cause, the most frequent first."""
    if not entries:
        return "nothing is held"
    by_cause = sorted(entries, key=lambda e: (e.destination, e.cause))
    groups = [(name, list(group)) for name, group in groupby(by_cause, key=lambda e: (e.destination, e.cause))]
    lines = []
    for (destination, cause), group in sorted(groups, key=lambda item: -len(item[1])):
        lines.append(f"{destination} · {cause} · {plural(len(group), 'record')}")
        lines += [f"  {e.id}  {key_text(e.key)}  {e.outcome}: {e.reason}" for e in group[:20]]
        if len(group) > 20:
            lines.append(f"  … {len(group) - 20} more")
    lines += ["", "penstock quarantine show ID · edit ID --set column=value · resend ID · discard ID"]
    return "\n".join(lines)


def detail_json(detail: QuarantineDetail) -> dict[str, Any]:
    """The entry's own keys, and beside them the record and the last request and reply."""
    rest = {
        name: as_json(getattr(detail, name)) for name in ("record", "rule", "value", "accepted", "request", "reply")
    }
    return {**as_json(detail.entry), **rest}


def detail_text(detail: QuarantineDetail) -> str:
    entry = detail.entry
    lines = [
        f"{entry.id}  {entry.destination}  {key_text(entry.key)}",
        f"  {entry.outcome}: {entry.reason}",
        f"  held since {entry.at}, run {entry.run}",
    ]
    if detail.value is not None:
        lines.append(f"  found {detail.value}")
    if detail.accepted is not None:
        lines.append(f"  accepted: {detail.accepted}")
    lines += ["", json.dumps(detail.record, ensure_ascii=False, indent=2)]
    for name, part in (("last request", detail.request), ("last reply", detail.reply)):
        if part is not None:
            lines += ["", f"{name}:", json.dumps(as_json(part), ensure_ascii=False, indent=2)]
    return "\n".join(lines)
