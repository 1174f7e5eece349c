"""Whether a request is sent again, and what becomes of its record: every retry class with every fault.

The requests go through a proxy that breaks the reply to each record in its own way; behind it is the sandbox.
"""

import csv
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from support.cli.shell import Shell
from support.docs.retry_table import CLASSES, ROWS, Cell, RetryClassName
from support.servers.faulty_proxy import ProxyPort, reserved_port
from support.servers.sandbox import Sandbox

PROJECT = """\
credentials:
  api:
    connector: custify
    api_key: "${{env:SANDBOX_KEY}}"
    base_url: "{base}"
    timeout: 2s
    rate_limit: {{requests: 100000, per: 1s}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it:
    dataset: rows
    credential: api
    concurrency: 40
    active: true
    settle_after: 0
    on_unknown: {on_unknown}
    {how}
"""
PERSON = "template: upsert_person\n    batch: off\n    attributes: none\n    fields: {user_id: id}"
TASK = "template: create_task\n    attributes: none\n    fields: {name: id}"
NOTE = "template: create_note\n    attributes: none\n    fields: {text: id, entity: entity}"
ONCE = 'idempotency: {header: Idempotency-Key, value: "{record.id}"}'
SETTLE = 'settle: {url: "/task?externalId={record.id}", found: "$.tasks[0].id"}'
COMPANY = "its own id"  # in the place of Custify's id of the company
OPEN_TASK = {"priority": "low", "status": "open"}


def manual(path: str, more: str = "") -> str:
    return f"mode: changed\n    exclude: [id]\n    request: {{method: POST, url: /{path}{more and ', '}{more}}}"


@dataclass(frozen=True)
class Kind:
    """A destination whose requests have this retry class.

    `columns` have the name of the record's fault; `marked` is the member of the objects in `stored` that has it.
    """

    retry: RetryClassName
    how: str
    stored: str
    marked: str
    columns: tuple[str, ...] = ("id",)
    constants: dict[str, str] = field(default_factory=dict)
    flat: bool = False


KINDS = {
    "person": Kind("idempotent", PERSON, "people", "user_id"),
    "request with a key": Kind("idempotent", manual("people", ONCE), "people", "user_id", ("id", "user_id")),
    "task": Kind("settled", TASK, "tasks", "name"),
    "note": Kind("settled", NOTE, "notes", "text", constants={"entity": COMPANY}),
    "request with settle": Kind(
        "settled", manual("task", SETTLE), "tasks", "name", ("id", "name", "externalId"), OPEN_TASK
    ),
    "request": Kind("once", manual("task"), "tasks", "name", ("id", "name"), OPEN_TASK),
    "task in flat": Kind("once", TASK, "tasks", "name", flat=True),
}
RATE_LIMITED = [name for name, row in ROWS.items() if row.fault.status == 429 and row.cells["once"].again]
ALONE = [name for name, row in ROWS.items() if (row.stops or row.whole_api) and name not in RATE_LIMITED]
OTHERS = [name for name in ROWS if name not in (*RATE_LIMITED, *ALONE)]
GROUPS = {"replies": OTHERS, "rate limit": RATE_LIMITED, **{name: [name] for name in ALONE}}

FIRST_OF_CLASS = ("person", "task", "request")  # the faults that stop a run are tried with these
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
each_group = pytest.mark.parametrize(
    ("kind", "names"),
    [
        pytest.param(kind, names, id=f"{name}-{group}")
        for name, kind in KINDS.items()
        for group, names in GROUPS.items()
        if group == "replies" or name in FIRST_OF_CLASS
    ],
)


@dataclass
class Trial:
    """A destination of this kind, with a record for each of these faults."""

    shell: Shell
    sandbox: Sandbox
    kind: Kind
    names: list[str]
    port: ProxyPort

    @property
    def expected(self) -> dict[str, Cell]:
        return {name: ROWS[name].cells[self.kind.retry] for name in self.names}

    def run(self, on_unknown: str, code: int) -> tuple[dict[str, str], dict[str, str]]:
        """The outcomes and the reasons of the records, by fault; those that the run did not reach are unsent."""
        self._write(on_unknown)
        report = self.shell.json("run it", code)
        outcomes, reasons = dict.fromkeys(self.names, "unsent"), dict.fromkeys(self.names, json.dumps(report))
        with closing(sqlite3.connect(self.shell.folder / ".penstock" / "state.db")) as state:
            query = "select ordinal, key, outcome, reason from ledger where run = ? and not is_test"
            for ordinal, key, outcome, reason in state.execute(query, (report["run"],)):  # no keys where all is well
                name = self.names[ordinal] if key is None else key.removeprefix("k-")
                outcomes[name], reasons[name] = outcome, reason or ""
        counts = {outcome: number for outcome, number in report["records"].items() if number}
        assert counts.pop("read") == len(self.names)
        assert Counter(outcomes.values()) == counts
        return outcomes, reasons

    def _write(self, on_unknown: str) -> None:
        text = PROJECT.format(base=self.port.url, how=self.kind.how, on_unknown=on_unknown)
        Path("penstock.yaml").write_text(text, encoding="utf-8")
        columns = {column: [f"k-{name}" for name in self.names] for column in self.kind.columns}
        columns |= {column: [value] * len(self.names) for column, value in self.kind.constants.items()}
        with Path("rows.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])

    def assert_stored(self, outcomes: dict[str, str]) -> None:
        """Custify has the object of each record once that was delivered or whose request was executed, and no other."""
        objects = self.sandbox.state()[self.kind.stored]
        stored = sorted(each[self.kind.marked].removeprefix("k-") for each in objects)
        done = (name for name, outcome in outcomes.items() if outcome in ("delivered", "unchanged"))
        assert stored == sorted({*done, *(name for name in self.names if ROWS[name].fault.done)})


@pytest.fixture
def trial(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    company = sandbox.call("POST /company", '{"company_id": "acme"}').json()["id"]
    faults = {name: row.fault for name, row in ROWS.items()}
    with reserved_port() as port:

        def make(kind: Kind, names: list[str]) -> Trial:
            base = sandbox.flat_url if kind.flat else sandbox.url
            constants = {name: company if value == COMPANY else value for name, value in kind.constants.items()}
            kind = replace(kind, constants=constants)
            return Trial(Shell(tmp_path, monkeypatch, capsys), sandbox, kind, names, ProxyPort(base, faults, port))

        yield make


@each_group
def test_what_becomes_of_records_whose_every_attempt_meets_the_fault(trial, kind, names):
    its = trial(kind, names)
    cells = its.expected
    with its.port.broken(ROWS[names[0]].fault.how) as proxy:
        outcomes, reasons = its.run("hold", code=3 if ROWS[names[0]].stops else 1)
    assert outcomes == {name: cell.first for name, cell in cells.items()}
    assert [reasons[name] for name, cell in cells.items() if cell.reason not in reasons[name]] == []
    if not ROWS[names[0]].whole_api:
        assert {name: proxy.seen[name] > 1 for name in names} == {name: cell.again for name, cell in cells.items()}
    with its.port.open():
        outcomes, _ = its.run("settle", code=0 if {cell.end for cell in cells.values()} == {"delivered"} else 1)
    at_the_end = {name: "delivered" if outcome == "unchanged" else outcome for name, outcome in outcomes.items()}
    assert at_the_end == {name: cell.end for name, cell in cells.items()}
    its.assert_stored(outcomes)


def test_every_cell_of_the_table_is_run():
    classes = {name: KINDS[name].retry for name in FIRST_OF_CLASS}
    assert sorted(classes.values()) == sorted(CLASSES)
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(ROWS)


@each_kind
def test_what_becomes_of_records_whose_first_attempt_alone_meets_the_fault(trial, kind):
    its = trial(kind, [*OTHERS, *RATE_LIMITED])
    with its.port.open(times=1) as proxy:
        outcomes, _ = its.run("hold", code=1)
    assert outcomes == {name: "delivered" if cell.again else cell.first for name, cell in its.expected.items()}
    assert proxy.seen == {name: 1 + cell.again for name, cell in its.expected.items()}
    its.assert_stored(outcomes)
