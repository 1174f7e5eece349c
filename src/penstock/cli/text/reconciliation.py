"""A comparison with Custify as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.text.words import amount, hint, key_text, safe_text
from penstock.model.reconciliation import NOTHING_FIXED, Difference, ReconcileReport
from penstock.model.record import Key
from penstock.model.runs import RunReport

SHOWN = 10  # differences of a field, and keys of a list
LONGEST = 60  # characters of a value


def reconciled_text(
    report: ReconcileReport, run: RunReport, destination: str, *, fix: bool
) -> Iterator[RenderableType]:
    """What Custify has against what was sent: the numbers, then the first differences of each field and keys."""
    yield Text.assemble(safe_text(f"{destination}  ", "bold"), f"compared with Custify  run {run.run}")
    yield Text.assemble("  ", (f"{report.same:,} as sent", "green"))
    for field, number, differences in _by_field(report.differs):
        yield Text.assemble("  ", safe_text(f"{field}: {amount(number, 'difference')}", "yellow"))
        for each in differences:
            yield safe_text(f"    {key_text(each.key)}: sent {_shown(each.ours)}, Custify has {_shown(each.theirs)}")
        yield from _more(number)
    yield from _keys("missing in Custify", "yellow", report.missing)
    yield from _keys("not sent yet", "dim", report.pending)
    yield from _keys("in Custify without a record", "dim", report.extra)
    if report.incomplete:
        yield Text("  Custify's list changed while it was read: what is missing or has no record is not known", "red")
    yield Text(f"  {amount(report.requests, 'request')}")
    nothing_fixed = list(nothing_fixed_text(run)) if fix else []
    yield from nothing_fixed
    if fix and report.has_drift and not nothing_fixed:
        yield safe_text(f"  sent again: {run.status}, {run.records.delivered + run.records.accepted:,} delivered")
    elif report.has_drift:
        yield hint(f"penstock reconcile {destination} --fix sends them again")


def nothing_fixed_text(run: RunReport) -> Iterator[RenderableType]:
    """That a fix sent nothing, and why; nothing for other runs."""
    is_sent = run.records.delivered + run.records.accepted > 0
    if run.status in ("failed", "cancelled") and not is_sent:
        reason = (run.reason or run.status).removeprefix(NOTHING_FIXED.format(""))
        yield safe_text(f"  {NOTHING_FIXED.format(reason)}", "red")


def _by_field(differs: Sequence[Difference]) -> list[tuple[str, int, list[Difference]]]:
    """The fields with the number of their differences and the first of them, the most frequent field first."""
    counted, first = Counter[str](), dict[str, list[Difference]]()
    for each in differs:
        counted[each.field] += 1
        if counted[each.field] <= SHOWN:
            first.setdefault(each.field, []).append(each)
    return [(field, number, first[field]) for field, number in counted.most_common()]


def _keys(what: str, style: str, keys: Sequence[Key]) -> Iterator[RenderableType]:
    if keys:
        shown = ", ".join(map(key_text, keys[:SHOWN])) + (", …" if len(keys) > SHOWN else "")
        yield Text.assemble("  ", safe_text(f"{len(keys):,} {what}", style), safe_text(f": {shown}"))


def _more(number: int) -> Iterator[RenderableType]:
    if number > SHOWN:
        yield Text(f"    … and {number - SHOWN:,} more: --json has all", "dim")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
