"""The identity report of a dataset as text."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from penstock.cli.text.words import amount, hint, safe_text, titled
from penstock.model.identity import IdentityReport

SHOWN = 20  # entries of a list
NOUNS = {"email_several_ids": "e-mail", "id_several_emails": "id", "scientific_ids": "id", "taken_in_custify": "e-mail"}
WHAT = {
    "email_several_ids": "of several ids: Custify creates a person for each id",
    "id_several_emails": "with several e-mails: the e-mail that is sent last overwrites the others",
    "scientific_ids": "in scientific notation: a spreadsheet has shortened them, and different people may share one",
    "taken_in_custify": "of other people in Custify",
}


def identity_text(report: IdentityReport) -> Iterator[RenderableType]:
    """The columns that were read, then each list with its first entries."""
    yield Text.assemble((report.dataset, "bold"), f": {amount(report.records, 'record')}")
    yield from source_lines(report)
    if report.is_clean:
        yield Text("No e-mail belongs to several ids, and no id has several e-mails.", "green")
    if report.incomplete is not None:
        yield safe_text(f"People of the account may be missing: {report.incomplete}", "yellow")
    for name, entries in _entries(report).items():
        number = report.counts.get(name, 0)
        lines = list(entries[:SHOWN])
        if number > len(lines):
            lines.append(Text(f"  … and {number - len(lines):,} more: --json shows them"))
        yield from titled(count_line(name, number), lines)


def source_lines(report: IdentityReport) -> Iterator[Text]:
    """Which columns the ids and e-mails were read from, and why."""
    for source in report.sources:
        if source.destinations:
            why = f"mapped by {', '.join(source.destinations)}"
        else:
            why = "no destination of the dataset sends people: columns named like the fields"
        by_key = " (the key of the dataset)" if source.id_by == "key" else ""
        id_text = "no id" if source.id is None else f"ids from {source.id}{by_key}"
        email = "no e-mail" if source.email is None else f"e-mails from {source.email}"
        yield safe_text(f"  {id_text}, {email}; {why}")


def count_line(name: str, number: int) -> str:
    """`3 e-mails of several ids: Custify creates a person for each id`."""
    return f"{amount(number, NOUNS[name])} {WHAT[name]}"


def found_lines(report: IdentityReport) -> Iterator[Text]:
    """The numbers of what was found, and the command that shows it; nothing if nothing was found."""
    for name, number in report.counts.items():
        if number:
            yield Text(f"  {count_line(name, number)}", "yellow")
    if not report.is_clean:
        yield hint(f"penstock identity {report.dataset}")


def _entries(report: IdentityReport) -> dict[str, list[Text]]:
    """The lines of each list."""
    return {
        "email_several_ids": [_line(each.email, each.ids, each.count) for each in report.email_several_ids],
        "id_several_emails": [_line(each.id, each.emails, each.count) for each in report.id_several_emails],
        "taken_in_custify": [
            _taken(each.email, each.id, [str(one.user_id) for one in each.people], creates=each.creates)
            for each in report.taken_in_custify or ()
        ],
        "scientific_ids": [
            safe_text(f"  {each.id} ({amount(each.records, 'record')})") for each in report.scientific_ids
        ],
    }


def _taken(email: str, own: str, others: list[str], *, creates: bool) -> Text:
    what = "would be created as a second person" if creates else "would get it too"
    return safe_text(f"  {email} is that of {', '.join(others)}: {own} {what}")


def _line(value: str, others: tuple[str, ...], count: int) -> Text:
    more = f" and {count - len(others):,} more" if count > len(others) else ""
    return safe_text(f"  {value}: {', '.join(others)}{more}")
