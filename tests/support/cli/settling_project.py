"""A project whose records meet faults of the sandbox, so that they have to be settled: its kinds of records and faults."""

import csv
import os
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg

from penstock.delivery import retry
from support.cli.shell import Shell
from support.servers.sandbox import Sandbox

PROJECT = """\
credentials:
  sandbox:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it:
    dataset: rows
    credential: sandbox
    concurrency: {concurrency}
    active: true
    settle_after: {settle_after}
    on_unknown: {on_unknown}
    {how}
"""


@dataclass(frozen=True)
class Kind:
    """A kind of records: its destination, its rows, its path in the API, and what identifies a stored object."""

    how: str
    rows: tuple[dict[str, str], ...]
    path: str
    stored: str
    identity: str
    column: str = "id"
    repeatable: bool = False  # an upsert, which a run sends again itself
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> list[str]:
        """What Custify has in the end, once each."""
        return sorted(row[self.column] for row in self.rows)


def notes(texts: tuple[str, ...], form: str = "text") -> Kind:
    """Notes on one company, which the API returns in this form."""
    rows = tuple({"id": f"k{number}", "company": "acme", "text": text} for number, text in enumerate(texts, 1))
    how = "template: create_note\n    attributes: none\n    fields: {text: text, company_id: company}"
    return Kind(how, rows, "/note", "notes", "text", column="text", settings={"notes": form})


KEYS = ("k1", "k2", "k3", "k4")
TEXTS = ("called", 'a < b & "c"', "<b>called</b>", "  two \n\n lines\u00a0– café &amp; 😀 ")
FORMS = ("text", "html", "trimmed")
TASK = Kind(
    "template: create_task\n    attributes: none\n    fields: {name: name}",
    tuple({"id": key, "name": f"Call {key}"} for key in KEYS),
    "/task",
    "tasks",
    "externalId",
)
READ_BACK = '{url: "/task?externalId={record.id}", found: "$.tasks[0].id"}'
MANUAL = Kind(
    "mode: changed\n    exclude: [id]\n    request: {method: POST, url: /task, settle: " + READ_BACK + "}",
    tuple({"id": key, "externalId": key, "name": "Call", "priority": "low", "status": "open"} for key in KEYS),
    "/task",
    "tasks",
    "externalId",
)
CUSTOM_OBJECT = Kind(
    "template: upsert_custom_object\n    batch: off\n    attributes: [label]\n"
    "    fields: {type: {value: asset}, company_id: company}",
    tuple({"id": key, "company": "acme", "label": f"L {key}"} for key in KEYS),
    "/custom_data",
    "custom_data",
    "data_id",
    repeatable=True,
)


def financial(sort: str, fields: str, **values: str) -> Kind:
    """Invoices, subscriptions or deals of one company, sent one by one."""
    return Kind(
        f"template: upsert_{sort}\n    batch: off\n    attributes: none\n    fields: {{company_id: company, {fields}}}",
        tuple({"id": key, "company": "acme", **values} for key in KEYS),
        f"/financial/{sort}",
        f"{sort}s",
        "externalId",
        repeatable=True,
    )


FINANCIAL = {
    "invoice": financial("invoice", "amount: amount, status: state", amount="12.5", state="paid"),
    "subscription": financial("subscription", "plan: plan, mrr: mrr", plan="gold", mrr="9.5"),
    "deal": financial("deal", "name: name, value: value", name="Renewal", value="100"),
}
KINDS = {
    "task": TASK,
    **{f"note as {form}": notes(TEXTS, form) for form in FORMS},
    "manual request": MANUAL,
    "custom object": CUSTOM_OBJECT,
}
ONE_FORM = {name: kind for name, kind in KINDS.items() if name not in ("note as text", "note as trimmed")}
CREATED_ONCE = {name: kind for name, kind in ONE_FORM.items() if not kind.repeatable}
FAULTS: dict[str, dict[str, Any]] = {
    "reply lost": {"cut": "after"},
    "cut before commit": {"cut": "before"},
    "503 after commit": {"status": 503, "commit": True},
    "503 before commit": {"status": 503},
}
READS_FAIL = {"status": 503, "method": "GET"}


def commits(fault: dict[str, Any]) -> bool:
    """Whether a request that meets the fault is executed."""
    return fault.get("commit") is True or fault.get("cut") == "after"


def outcomes(report: dict[str, Any]) -> dict[str, int]:
    """The outcomes of a run that are not 0; their sum is `read`."""
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


@dataclass(frozen=True)
class SettlingProject:
    """A project with one destination `it` of records of a kind, and the sandbox that it sends to."""

    shell: Shell
    sandbox: Sandbox
    kind: Kind

    def write(self, *, on_unknown: str = "settle", settle_after: str = "0.2", concurrency: int = 1) -> None:
        self.write_rows(self.kind.rows)
        keys = {"on_unknown": on_unknown, "settle_after": settle_after, "concurrency": concurrency}
        text = PROJECT.format(base=self.sandbox.url, how=self.kind.how, **keys)
        (self.shell.folder / "penstock.yaml").write_text(text, encoding="utf-8")

    def write_rows(self, rows: tuple[dict[str, str], ...]) -> None:
        with (self.shell.folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def run(self, code: int = 0) -> dict[str, Any]:
        return self.shell.json("run it", code)

    def settle(self, code: int = 0) -> tuple[dict[str, int], int]:
        """The numbers of records by what became of them, and the number of requests."""
        report = self.shell.json("settle it", code)
        return report, report.pop("requests")

    def fault(self, fault: dict[str, Any], *, after: int = 0, records: int = 2) -> None:
        """Let this number of records meet the fault, after the first ones."""
        self.sandbox.fault(
            **fault, method="POST", path=self.kind.path, after=after, times=records * self.attempts(fault)
        )

    def attempts(self, fault: dict[str, Any]) -> int:
        """How often a run sends a record that meets the fault, as long as every attempt meets it."""
        return retry.DEFAULT_POLICY.attempts if self.kind.repeatable and "cut" in fault else 1

    def is_retried(self, fault: dict[str, Any]) -> bool:
        """Whether the run itself sends until it gets a good reply: an upsert whose second attempt meets no fault."""
        return self.kind.repeatable and "status" in fault

    def fail_reads(self) -> None:
        self.sandbox.fault(**READS_FAIL, path=self.kind.path)

    def kill(self, command: str, fault: dict[str, Any]) -> None:
        """Kill the command (signal 9) while a request that this fault delays is under way."""
        self.sandbox.fault(slow="60s", path=self.kind.path, times=1, **fault)
        process = self.shell.start(*command.split(), "--json")
        while self.sandbox.faults()[-1]["fired"] == 0:
            assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        self.sandbox.clear_faults()
        if "PENSTOCK_DATABASE_URL" in os.environ:
            with psycopg.connect(os.environ["PENSTOCK_DATABASE_URL"]) as connection:
                connection.execute("update leases set expires = 0")  # that of the killed process has ended

    def arrived(self) -> list[str]:
        return sorted(stored[self.kind.identity] for stored in self.sandbox.state()[self.kind.stored])

    def requests(self, method: str) -> int:
        """The number of requests that store records (POST) or read them back (GET)."""
        found = [entry for entry in self.sandbox.requests() if entry["path"].startswith(self.kind.path)]
        return sum(entry["method"] == method for entry in found)

    def assert_settled(self, report: dict[str, Any]) -> None:
        """Each record is in Custify once, nothing is left to do, `report` has the same counts, the ledger agrees."""
        assert self.arrived() == self.kind.expected
        assert self.shell.json("quarantine list") == []
        again = self.run()
        assert (again["requests"], outcomes(again)) == (0, {"unchanged": len(self.kind.rows)})
        assert self.arrived() == self.kind.expected
        assert self.counts()[report["run"]] == outcomes(report)

    def counts(self) -> dict[str, dict[str, int]]:
        """The outcomes of each run; the ledger has one outcome for each record of a run, and the same numbers."""
        counted = {run["run"]: outcomes(run) for run in self.shell.json("runs")}
        rows = self.query("select run, ordinal, outcome from ledger where not is_test")
        assert len({row[:2] for row in rows}) == len(rows), "a record has two outcomes"
        assert {run: dict(Counter(row[2] for row in rows if row[0] == run)) for run in counted} == counted
        return counted

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the state database."""
        url = os.environ.get("PENSTOCK_DATABASE_URL")
        if url is not None:
            with psycopg.connect(url) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.shell.folder / ".penstock" / "state.db")) as connection:
            return connection.execute(query).fetchall()
