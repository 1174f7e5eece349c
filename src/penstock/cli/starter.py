"""The project file that `penstock init` writes: commented, valid, and for the data file in the folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.app import App

SAMPLE = ("id", "email", "name")
COMPANY_WORDS = ("compan", "account", "customer", "organi")
KEYS = ("id", "user_id", "userid", "customer_id", "customerid", "company_id", "account_id", "uuid", "email")

SEGMENT_NEXT = (
    ("penstock validate", "check the file"),
    ("penstock check custify", "check the API key"),
    ("penstock apply", "load it into the database, for the service"),
    ("penstock serve", "receive calls and send their records"),
    ("penstock activate companies", "a draft sends nothing until it is activated"),
    ("penstock activate people", ""),
    ("penstock activate events", ""),
)


@dataclass(frozen=True, slots=True)
class Starter:
    """The text of a project file; `data` is the file that it reads, None if there is none yet."""

    text: str
    data: str | None
    dataset: str
    is_segment: bool = False

    @property
    def next(self) -> tuple[str, ...]:
        if self.is_segment:
            return tuple(command for command, _ in SEGMENT_NEXT)
        return (
            "penstock validate",
            f"penstock preview {self.dataset}",
            "penstock check custify",
            f"penstock test {self.dataset}",
            f"penstock plan {self.dataset}",
            f"penstock activate {self.dataset}",
            f"penstock run {self.dataset}",
        )

    def lines(self, path: Path) -> Iterator[str]:
        yield f"Wrote {path}."
        if self.is_segment:
            yield "Set CUSTIFY_API_KEY and SEGMENT_SECRET, and let Segment post its calls to /hooks/segment."
            yield "\nNext"
            yield from (f"  {command:<28}{what}".rstrip() for command, what in SEGMENT_NEXT)
            return
        if self.data is None:
            yield "This folder has no data file yet. The project reads people.csv with the columns id, email and name."
        else:
            yield f"It reads {self.data}. Check that key and fields are what you want."
        yield "\nNext"
        about = (
            "check the file",
            "show the exact requests",
            "check the API key (set CUSTIFY_API_KEY first)",
            "send one record",
            "show the size of the run, its time, and invalid records",
            "a draft sends nothing until it is activated",
            "",
        )
        for command, what in zip(self.next, about, strict=True):
            yield f"  {command:<28}{what}".rstrip()


def segment_starter() -> Starter:
    """The project of the Segment how-to, which receives calls by webhook."""
    text = (Path(__file__).parent / "presets" / "segment.yaml").read_text(encoding="utf-8")
    return Starter(text, None, "people", is_segment=True)


def starter(folder: Path) -> Starter:
    """A project for the first data file in `folder`, else for `people.csv`."""
    found = sorted(path for path in folder.iterdir() if _holds_data(path)) if folder.is_dir() else []
    if not found:
        return Starter(_text("people.csv", "people", SAMPLE), None, "people")
    name = found[0].name
    columns = App.column_names(found[0])
    companies = any(word in name.lower() for word in COMPANY_WORDS) and not _like(columns, "email")
    dataset = "companies" if companies else "people"
    return Starter(_text(name, dataset, columns or SAMPLE), name, dataset)


def _holds_data(path: Path) -> bool:
    """Whether a file's extension is that of a data file; .txt is left out, because it can be any text."""
    extension = path.suffix.lower()
    return extension != ".txt" and any(extension in each.extensions for each in App.file_formats())


def _text(file: str, dataset: str, columns: Sequence[str]) -> str:
    key = next((column for name in KEYS if (column := _like(columns, name))), columns[0])
    template, match = ("upsert_company", "company_id") if dataset == "companies" else ("upsert_person", "user_id")
    fields = {match: key}
    for field in ("email", "name"):
        column = _like(columns, field)
        if column is not None and not (field == "email" and dataset == "companies"):
            fields[field] = column
    mapped = "\n".join(f"      {field}: {_quoted(column)}" for field, column in fields.items())
    return TEMPLATE.format(
        file=_quoted(file),
        formats=", ".join(each.name for each in App.file_formats()),
        dataset=dataset,
        key=_quoted(key),
        template=template,
        fields=mapped,
        match=match,
    )


def _like(columns: Sequence[str], name: str) -> str | None:
    return next((column for column in columns if column.lower() == name), None)


def _quoted(text: str) -> str:
    """The text as a YAML value: quoted unless it is a plain word."""
    plain = text.replace("_", "").replace(".", "").replace("/", "").isalnum() and text[0].isalpha()
    reserved = text.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    if plain and text.isascii() and not reserved:
        return text
    return "'" + text.replace("'", "''") + "'"


TEMPLATE = """\
# A Penstock project: where records come from, and how they are sent to Custify.
# `penstock validate` checks it, `penstock schema` prints the JSON Schema for your editor.

credentials:
  custify:
    connector: custify
    api_key: ${{env:CUSTIFY_API_KEY}}   # a reference, not the key itself: ${{env:NAME}} or ${{file:PATH}};
                                      # or remove the line and use `penstock credential set custify`
    # base_url: auto                  # `penstock check custify` finds the right address

sources:
  data:
    type: file                        # {formats}; .gz and globs too
    path: {file}
  # billing:                          # or a database:
  #   type: sql
  #   url: ${{env:BILLING_URL}}
  #   query: select * from invoices

datasets:
  {dataset}:
    source: data
    key: {key}                        # the column that identifies a record across runs

destinations:
  {dataset}:
    dataset: {dataset}
    credential: custify
    template: {template}
    fields:                           # Custify's field: your column
{fields}
    attributes: all                   # the other columns become custom attributes: all, none or [columns]
    # exclude: [column]               # never sent
    # mode: changed                   # only what is new or differs from what was delivered
    # a draft until `penstock activate {dataset}`; or write `active: true` here
"""
