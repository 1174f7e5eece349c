"""Numbers, times, keys and names as text for people; the result of a check, and the columns of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from penstock.cli.exits import printable
from penstock.model.outcome import COUNT_NAMES, Note
from penstock.model.record import DatasetReport, Key
from penstock.model.reports import CheckReport

COLOURS: Mapping[str, str] = {
    "delivered": "green",
    "accepted": "green",
    "succeeded": "bold green",
    "partial": "bold yellow",
    "quarantined": "yellow",
    "waiting": "yellow",
    "unknown": "red",
    "failed": "bold red",
    "cancelled": "bold yellow",
    "interrupted": "yellow",
}
SHOWN_NOTES = 12
SHOWN_KEYS = 3


def amount(number: int, word: str, plural: str | None = None) -> str:
    """`1 record`, `1,234 records`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 0.1:
        return "less than 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def key_text(key: Key | Sequence[str] | None) -> str:
    """A key on one line; slashes separate the parts of a key of several columns."""
    if key is None:
        return "(no key)"
    return printable(key if isinstance(key, str) else " / ".join(key)).replace("\n", "\\n")


def keys_text(keys: Sequence[Key]) -> str:
    """The first three keys, and how many more there are."""
    shown = ", ".join(key_text(key) for key in keys[:SHOWN_KEYS])
    return shown if len(keys) <= SHOWN_KEYS else f"{shown} and {len(keys) - SHOWN_KEYS:,} more"


def outcome_words(counts: Mapping[str, int]) -> Text:
    """`120 delivered, 3 quarantined`: the outcomes that occurred, in a fixed order; empty if none did."""
    parts = [(f"{counts[name]:,} {name}", COLOURS.get(name, "")) for name in COUNT_NAMES[1:] if counts.get(name, 0)]
    return Text(", ").join(Text(*part) for part in parts)


def coloured(word: str) -> Text:
    return Text(word, COLOURS.get(word, ""))


def safe_text(text: str, style: str = "") -> Text:
    """A line of text that may contain control characters; they are escaped."""
    return Text(printable(text), style)


def hint(text: str) -> Text:
    """What to do next."""
    return Text.assemble(("→ ", "cyan"), printable(text))


def table(*headings: str, right: Iterable[str] = ()) -> Table:
    """A table without lines; the columns in `right` are aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    numbers = set(right)
    for heading in headings:
        made.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    return made


def note_lines(notes: Sequence[Note], of: str = "") -> Iterator[Text]:
    """The first 12 notes, one per line; `of` is their destination, for a flow."""
    for note in notes[:SHOWN_NOTES]:
        times = f" ({amount(note.count, 'record')})" if note.count else ""
        yield safe_text(f"  {of + ' · ' if of else ''}{note.field}: {note.action}{times}: {note.reason}")
    if len(notes) > SHOWN_NOTES:
        yield Text(f"  … and {len(notes) - SHOWN_NOTES} more: --json shows all")


def titled(title: str, lines: Iterable[Text]) -> Iterator[Text]:
    """The title and the lines; nothing if there are no lines."""
    for number, line in enumerate(lines):
        if number == 0:
            yield Text(title, "bold")
        yield line


COST_SOURCES = {
    "settings": "as `batch_cost` says",
    "replies": "as replies showed in runs",
    "default": "until replies in a run show otherwise",
}


def check_text(report: CheckReport) -> Iterator[RenderableType]:
    """Whether the credential works, its base URL and dialect, and what is left of its rate limit."""
    verdict = ("works", "bold green") if report.ok else ("does not work", "bold red")
    reason = "" if report.ok and len(report.tried) == 1 else f": {report.reason}"
    yield Text.assemble((f"{report.credential} ", "bold"), verdict, safe_text(reason))
    if report.base_url is not None:
        yield safe_text(f"  base URL   {report.base_url}")
        yield safe_text(f"  dialect    {report.dialect}")
    if report.allowance is not None:
        remaining, limit = report.allowance.get("remaining"), report.allowance.get("limit")
        yield Text(f"  rate limit {remaining} of {limit} requests left in this window")
    if report.ok and report.batch_cost is not None:
        cost = {"1": "1 request", "jobs": "1 request for each of its jobs"}[report.batch_cost["cost"]]
        yield Text(f"  a batch    counts as {cost}, {COST_SOURCES[report.batch_cost['source']]}")
    for tried in report.tried if len(report.tried) > 1 else ():
        yield safe_text(f"  tried      {tried['base_url']}: {tried['result']}")


def dataset_text(report: DatasetReport) -> Iterator[RenderableType]:
    """The columns of a dataset as they were detected."""
    records, columns = amount(report.schema.records, "record"), amount(len(report.schema.columns), "column")
    yield Text.assemble((report.dataset, "bold"), f": {records}, {columns}, key ", safe_text(", ".join(report.key)))
    rows = table("  column", "type", "null", "examples")
    for column in report.schema.columns:
        null = "yes" if column.nullable else ""
        rows.add_row(safe_text(f"  {column.name}"), column.type, null, safe_text(" · ".join(column.examples)))
    yield rows
    if report.extra_columns:
        names = ", ".join(report.extra_columns)
        yield safe_text(
            f"New in the source, not in the schema: {names}. To add them: `penstock schema {report.dataset} --refresh`",
            "yellow",
        )
    if report.gone_columns:
        names = ", ".join(report.gone_columns)
        yield safe_text(
            f"No longer in the source: {names}. If that is intended: `penstock schema {report.dataset} --refresh`",
            "yellow",
        )
