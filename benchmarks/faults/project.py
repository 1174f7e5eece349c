"""The project of a case: one destination `it` of one template, whose records are in a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from faults.harness import CaseError, Commands, Database, Harness
from faults.records import COMPANIES, TEMPLATES, Dialect, Records, Template, csv

TEXT = """\
credentials:
  sandbox:
    connector: custify
    api_key: "${{env:SANDBOX_KEY}}"
    base_url: "{base}"
    rate_limit: {rate}
    timeout: {timeout}
sources: {{{sources}}}
datasets: {{{datasets}}}
destinations:
"""
DESTINATION = """\
  {name}:
    dataset: {name}_rows
    credential: sandbox
    template: {template}
    fields: {{{fields}}}
    attributes: {attributes}
    concurrency: {concurrency}
    settle_after: {settle_after}
    active: true
{more}"""
FREE = "{requests: 1000000, per: 1s}"


@dataclass(frozen=True)
class Destination:
    """The settings of the destination that cases differ in; `keys` are further ones, such as `mode`.

    `source` is YAML in one line; without it, the records are in a CSV file.
    """

    template: str
    dialect: Dialect
    concurrency: int = 10
    settle_after: str = "0.2s"
    rate: str = FREE
    timeout: str = "30s"
    source: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Project:
    """A written project, and the newest version of each of its records."""

    commands: Commands
    destination: Destination
    names: tuple[str, ...] = ("it",)  # of the destinations
    newest: dict[int, int] = field(default_factory=dict)

    @property
    def template(self) -> Template:
        return TEMPLATES[self.destination.template]

    @property
    def is_once(self) -> bool:
        """Whether a request must not be sent twice."""
        return self.destination.dialect in self.template.once

    @property
    def can_tell(self) -> bool:
        """Whether what became of a record without an answer can be found out."""
        return not self.is_once or self.destination.dialect in self.template.readable

    @property
    def wait(self) -> tuple[str, ...]:
        return () if self.commands.database is None else ("--wait",)

    def write(self) -> None:
        sandbox, its = self.commands.sandbox, self.destination
        text = TEXT.format(
            base=sandbox.url if its.dialect == "native" else sandbox.flat_url,
            rate=its.rate,
            timeout=its.timeout,
            sources=", ".join(f"{name}: {its.source or f'{{type: file, path: {name}.csv}}'}" for name in self.names),
            datasets=", ".join(
                f"{name}_rows: {{source: {name}, key: id, types: {{mark: text, at: text, text: text}}}}"
                for name in self.names
            ),
        )
        for name in self.names:
            text += DESTINATION.format(
                name=name,
                template=its.template,
                fields=self.template.fields,
                attributes=self.template.attributes,
                concurrency=its.concurrency,
                settle_after=its.settle_after,
                more="".join(f"    {key}: {value}\n" for key, value in its.keys.items()),
            )
        (self.commands.folder / "penstock.yaml").write_text(text, encoding="utf-8")

    def write_records(self, records: Records) -> None:
        """The records of all destinations; each record belongs to one of them."""
        self.newest = dict(records.newest)
        for place, name in enumerate(self.names):
            rows = [row for row in records.newest.items() if row[0] % len(self.names) == place]
            self.write_rows(rows, name)

    def write_rows(self, rows: Iterable[tuple[int, int]], name: str = "it") -> None:
        (self.commands.folder / f"{name}.csv").write_text(csv(rows), encoding="utf-8")

    def prepare(self, most: int) -> None:
        """Create the companies that up to `most` records are about."""
        names = [f"c{number}" for number in range(COMPANIES)]
        if self.template.name == "upsert_custom_object":
            names += [f"o{number}" for number in range(most)]
        for first in range(0, len(names), 500):
            items = [{"company_id": name} for name in names[first : first + 500]]
            self.commands.sandbox.call("POST", "/api/batch", {"batch": items})

    def finish(self, name: str = "it", attempts: int = 5) -> dict[str, Any]:
        """Run until a run ends with 0 or 1; what its end left unknown and can be found out is settled."""
        report: dict[str, Any] = {}
        for _ in range(attempts):
            ended = self.commands.end(self.commands.start("run", name, *self.wait))
            report = ended.document
            if ended.code in (0, 1):
                break
            if ended.code != 3:
                raise CaseError(f"penstock run ended with {ended.code}: {ended.document} {ended.stderr[-500:]}")
        else:
            raise CaseError(f"{attempts} runs did not end well: {report}")
        if report["records"]["unknown"] and self.is_once and self.can_tell:
            self.commands.run("settle", name)
        return report


@contextmanager
def made(
    harness: Harness,
    destination: Destination,
    database: Database,
    *flags: str,
    most: int = 0,
    names: tuple[str, ...] = ("it",),
    environ: Mapping[str, str] | None = None,
) -> Iterator[Project]:
    """A new project with its sandbox and state. `most`: the largest number of records."""
    with (
        harness.sandbox(*(() if "--rate" in flags else ("--rate", "off")), *flags, environ=environ) as sandbox,
        harness.folder() as folder,
    ):
        commands = Commands(harness, folder, sandbox, harness.database(database), environ or {})
        project = Project(commands, destination, names)
        project.write()
        project.prepare(most)
        yield project
