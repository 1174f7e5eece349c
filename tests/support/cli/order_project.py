"""A destination that is backfilled while other runs of it go on: a table with a cursor, and what the API was sent."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from penstock.store import leases
from penstock.store.database import Database
from support.cli.shell import Shell
from support.servers.sandbox import Sandbox

PROJECT = """\
credentials:
  sandbox:
    {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", rate_limit: {{requests: 100000, per: 1s}}}}
sources:
  crm: {{type: sql, url: "sqlite:///crm.db", table: companies, cursor: at}}
datasets:
  companies: {{source: crm, key: company_id}}
destinations:
  it:
    dataset: companies
    credential: sandbox
    concurrency: 2
    active: true
    attributes: none
    {how}
"""
NOTES = "template: create_note\n    settle_after: 0.2\n    fields: {company_id: company_id, text: note}"
EVENTS = """template: insert_event
    fields: {name: note, created_at: {value: "2026-01-31T08:30:00Z"}, company_id: company_id}
    batch: {size: 5}"""
SINGLE = 'template: upsert_company\n    fields: {company_id: company_id, name: name}\n    batch: "off"'
PATIENCE_S = 60.0
MARK = re.compile(r"(c\d{4}) v(\d+)")
NAMED = re.compile(r'"(c\d{4})".*"v(\d+)"')


@dataclass
class OrderProject:
    """The companies `c0000`, `c0001` …; each version of one has a higher number in its name."""

    folder: Path
    sandbox: Sandbox
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)

    def make(self, companies: int, how: str = SINGLE, latency: int = 20) -> "OrderProject":
        self.sandbox.settings(latency=latency)
        self.shell = Shell(self.folder, self.monkeypatch, self.capsys)
        with sqlite3.connect("crm.db") as crm:
            note = "note text generated always as (company_id || ' ' || name)"
            crm.execute(f"create table companies (company_id text primary key, name text, at integer, {note})")
        self.keys = [f"c{number:04}" for number in range(companies)]
        self.write(self.keys)
        text = PROJECT.format(base=self.sandbox.url, how=how)
        (self.folder / "penstock.yaml").write_text(text, encoding="utf-8")
        return self

    def write(self, keys: Sequence[str], name: str | None = None) -> None:
        """A newer version of each of these companies; `name` is another name than that with the version's number."""
        with sqlite3.connect("crm.db") as crm:
            (at,) = crm.execute("select coalesce(max(at), 0) from companies").fetchone()
            for number, key in enumerate(keys, 1):
                self.newest[key] = self.newest.get(key, 0) + 1
                row = (key, name or f"v{self.newest[key]}", at + number)
                crm.execute("insert or replace into companies values (?, ?, ?)", row)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as a process of its own."""
        self.processes.append(self.shell.start(*arguments, "--json"))
        return self.processes[-1]

    def ended(self, process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
        """What the command printed, having ended with this code."""
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, out + err
        report: dict[str, Any] = json.loads(out)
        return report

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill -9; the leases of the process on PostgreSQL, which last up to 12 s, end now."""
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
        if os.environ["PENSTOCK_DATABASE_URL"].startswith("postgresql"):
            with psycopg.connect(os.environ["PENSTOCK_DATABASE_URL"]) as connection:
                mine = f"process {process.pid} on %"
                connection.execute("update leases set expires = 0 where holder like %s", (mine,))

    def holder(self, name: str) -> str | None:
        """The process that has a lease now."""
        with closing(Database.open(os.environ["PENSTOCK_DATABASE_URL"])) as database:
            return leases.holder_of(database, name)

    def create_companies(self) -> None:
        """Create in Custify, without a note or an event."""
        batch = [{"company_id": key} for key in self.keys]
        assert self.sandbox.call("POST /api/batch", json.dumps({"batch": batch})).status == 200

    def stored(self, kind: str) -> list[tuple[str, int]]:
        """The company and the version that each note or event in Custify names, sorted."""
        found = (MARK.search(json.dumps(each)) for each in self.sandbox.state()[kind])
        return sorted((mark[1], int(mark[2])) for mark in found if mark is not None)

    def sent(self) -> list[tuple[str, int]]:
        """The company and the version of each request that the API has executed, in order."""
        bodies = (json.loads(entry["body"]) for entry in self.sandbox.requests() if entry["method"] == "POST")
        return [(body["company_id"], int(body["name"][1:])) for body in bodies]

    def executed(self) -> list[tuple[str, int]]:
        """The company and the version that each request names which the API has executed, in order; once for a batch."""
        found = (MARK.search(entry["body"]) or NAMED.search(entry["body"]) for entry in self.sandbox.requests())
        return [(mark[1], int(mark[2])) for mark in found if mark is not None]

    def wait_for_sent(self, number: int) -> None:
        """Until the API has been sent so many requests."""
        self.wait(lambda: len(self.sent()) >= number)

    def wait(self, condition: Any) -> None:
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until, "it never came"
            time.sleep(0.02)

    def assert_in_order(self) -> None:
        """Each company's versions were sent in their order, and the newest is in Custify."""
        seen: dict[str, int] = {}
        for key, version in self.sent():
            assert version >= seen.get(key, 0), f"{key}: version {version} after {seen[key]}"
            seen[key] = version
        assert seen == self.newest
        stored = {company["company_id"]: company["name"] for company in self.sandbox.state()["companies"]}
        assert stored == {key: f"v{version}" for key, version in self.newest.items()}

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)


def outcomes(report: dict[str, Any]) -> dict[str, int]:
    """The outcomes of a run that are not 0; their sum is `read`."""
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


def superseded(report: dict[str, Any]) -> int:
    """How many records a backfill left out because another run had newer ones."""
    return sum(note["count"] for note in report["notes"] if note["reason"].startswith("superseded: a newer version"))
