"""The quarantine as text: its records, grouped by cause."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.exits import printable
from penstock.cli.text.runs import moment
from penstock.cli.text.words import amount, coloured, hint, key_text, safe_text, table
from penstock.model.reports import QuarantineDetail, QuarantineEntry, SettleReport

SHOWN_A_CAUSE = 10


def quarantine_text(entries: Sequence[QuarantineEntry], *, everything: bool) -> Iterator[RenderableType]:
    """Each cause with its first records, or with all of them if `everything`."""
    if not entries:
        yield Text("The quarantine is empty.")
        return
    yield Text(f"{amount(len(entries), 'record')} in quarantine", "bold")
    causes: dict[str, list[QuarantineEntry]] = {}
    for entry in entries:
        causes.setdefault(entry.cause, []).append(entry)
    for cause, group in causes.items():
        yield Text("")
        yield Text.assemble(safe_text(cause, "bold yellow"), f"  {amount(len(group), 'record')}")
        yield _table(group if everything else group[:SHOWN_A_CAUSE])
        if not everything and len(group) > SHOWN_A_CAUSE:
            more = len(group) - SHOWN_A_CAUSE
            yield safe_text(f"  … and {more:,} more: penstock quarantine list --cause '{cause}'")
    yield Text("")
    yield hint("penstock quarantine show ID · edit ID --set column=value · resend ID · discard ID")
    if any(entry.outcome == "unknown" for entry in entries):
        yield hint("unknown: the record may have arrived. penstock settle DEST finds out what Custify can tell;")
        yield hint("for the rest check in Custify, then settle ID --delivered or resend ID")


def detail_text(detail: QuarantineDetail) -> Iterator[RenderableType]:
    """One record in quarantine with its record, last request and last reply."""
    entry = detail.entry
    yield Text.assemble((f"{entry.id}  ", "bold"), coloured(entry.outcome), f"  {entry.destination}: ", key(entry))
    yield safe_text(f"  {entry.reason}")
    known = (("field", entry.field), ("found", detail.value), ("accepted", detail.accepted), ("cause", entry.cause))
    for name, value in known:
        if value is not None and (name == "cause" or value not in entry.reason):
            yield safe_text(f"  {name}: {value}")
    yield Text(f"  in quarantine since {moment(entry.at)} UTC" + (f", run {entry.run}" if entry.run else ""), "dim")
    yield from _record(detail)
    yield from _exchange("Last request", detail.request)
    yield from _exchange("Last reply", detail.reply)
    if entry.outcome == "unknown":
        yield safe_text(f"  read back: {entry.finding or 'not yet'}")
        yield hint(f"if it arrived: penstock quarantine settle {entry.id} --delivered")
    yield hint(f"penstock quarantine edit {entry.id} --set column=value, then penstock quarantine resend {entry.id}")


def edited_text(detail: QuarantineDetail) -> Iterator[RenderableType]:
    """The record after an edit, and how to send it."""
    entry = detail.entry
    yield Text.assemble((f"{entry.id}  ", "bold"), f"{entry.destination}: ", key(entry), "  edited, not sent yet")
    yield from _record(detail)
    yield hint(f"penstock quarantine resend {entry.id}")


def settled_text(
    report: SettleReport, destination: str, refused: int, left: Sequence[QuarantineEntry]
) -> Iterator[RenderableType]:
    """What became of the unknown records of a destination: `refused` were sent again, `left` are still unknown."""
    number = report.delivered + report.sent_again + refused + report.undecided
    if number == 0:
        yield safe_text(f"{destination}: no record is unknown.")
        return
    yield Text.assemble(
        safe_text(f"{destination}  ", "bold"), amount(number, "unknown record"), (f"  run {report.run}", "dim")
    )
    if report.delivered:
        yield Text.assemble("  ", (f"{report.delivered:,} had arrived", "green"))
    if report.sent_again:
        yield Text.assemble("  ", (f"{report.sent_again:,} {_was(report.sent_again)} not there: sent again", "green"))
    if refused:
        yield Text.assemble("  ", (f"{refused:,} {_was(refused)} not there: in quarantine now", "yellow"))
    if report.undecided:
        yield Text.assemble("  ", (f"{report.undecided:,} could not be decided", "red"))
        for finding, times in Counter(entry.finding for entry in left).most_common():
            yield safe_text(f"    {times:,}: {finding or 'not read back'}")
    yield Text(f"  {amount(report.requests, 'request')}")
    if report.undecided:
        yield hint("look for them in Custify, then penstock quarantine settle ID --delivered, or resend ID")


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def key(entry: QuarantineEntry) -> Text:
    return Text(key_text(entry.key))


def _record(detail: QuarantineDetail) -> Iterator[RenderableType]:
    yield Text("\nRecord", "bold")
    yield printable(json.dumps(detail.record, ensure_ascii=False, indent=2, default=str))


def _table(group: Sequence[QuarantineEntry]) -> RenderableType:
    rows = table("  id", "destination", "key", "outcome", "reason")
    for entry in group:
        rows.add_row(
            f"  {entry.id}", safe_text(entry.destination), key(entry), coloured(entry.outcome), safe_text(entry.reason)
        )
    return rows


def _exchange(title: str, part: Mapping[str, Any] | None) -> Iterator[Text]:
    if part is None:
        return
    yield Text(f"\n{title}", "bold")
    first = [str(part[name]) for name in ("method", "url", "status") if part.get(name) is not None]
    if first:
        yield safe_text(" ".join(first))
    headers = part.get("headers") or {}
    for name, value in islice(headers.items(), 30):
        yield Text.assemble((f"{name}: ", "dim"), safe_text(str(value)))
    if part.get("body"):
        yield safe_text(str(part["body"]))
