"""A project whose destination sends each key once, for tests of records that may have arrived."""

import csv
import signal

from sqlalchemy import create_engine, text

from penstock.app import App
from support.cli import forked_process
from support.cli.project import HERE

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it: {{dataset: rows, credential: sandbox, {what}, settle_after: 0, active: true, {more}}}
"""
TASK = "template: create_task, fields: {name: name}, external_id: id, attributes: none"
NOTE = "template: create_note, fields: {text: name, company_id: company}, attributes: none"
REQUEST = "request: {method: POST, url: /task}, mode: new, fields: {externalId: id, name: name, priority: prio, status: state}, exclude: [company, seen, person]"
EVENT = "template: insert_event, batch: off, fields: {user_id: person, name: name, created_at: seen}, attributes: none"
KINDS = {
    "task": (TASK, "/task", "tasks", "name"),
    "note": (NOTE, "/note", "notes", "text"),
    "manual request": (REQUEST, "/task", "tasks", "name"),
    "event": (EVENT, "/event", "events", "name"),
}
COLUMNS = {"company": "acme", "prio": "low", "state": "open", "person": "u1", "seen": "2026-01-31"}
HOLD = "on_unknown: hold"
DECIDED_LATER = "the next run decides this record, after "


class NewModeProject:
    """A destination with mode `new`; `what` is its kind of records, `base` its API."""

    def __init__(self, folder, sandbox, shell, kind):
        self.folder, self.sandbox, self.shell = folder, sandbox, shell
        self.what, self.path, self.stored, self.name = kind
        self.base = sandbox.url

    def settings(self, more):
        text = PROJECT.format(base=self.base, what=self.what, more=more)
        (self.folder / "penstock.yaml").write_text(text, encoding="utf-8")

    def rows(self, *rows, **more):
        """Write the source: (key, name) or (key, name, priority)."""
        with (self.folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["id", "name", *COLUMNS])
            writer.writeheader()
            for key, name, *prio in rows:
                writer.writerow({"id": key, "name": name, **COLUMNS, **more, **({"prio": prio[0]} if prio else {})})

    def lose(self, *, arrives=True, containing="one", times=1):
        """No reply comes to the next request with this text."""
        how = {"cut": "after" if arrives else "before", "path": self.path, "method": "POST", "times": times}
        self.sandbox.fault(**how, containing=containing)

    def run(self, **expected):
        """Run it, check the plan against the run and every outcome; returns the report."""
        plan = self.shell.json("plan it")
        report = self.shell.json("run it", code=0 if set(expected) <= {"delivered", "unchanged", "accepted"} else 1)
        records = dict(report["records"])
        assert records.pop("read") == sum(records.values()) == plan["records"]
        assert {name: number for name, number in records.items() if number} == expected
        self.planned = {name: plan[name] for name in ("creates_or_updates", "unchanged", "invalid", "held")}
        return report

    def runs_as_planned(self, **expected):
        """As `run`, where nothing is settled meanwhile: plan has the same numbers."""
        report = self.run(**expected)
        sent = expected.get("delivered", 0) + expected.get("accepted", 0)
        assert (self.planned["creates_or_updates"], self.planned["unchanged"]) == (sent, expected.get("unchanged", 0))
        assert self.planned["invalid"] + self.planned["held"] == sum(
            expected.get(name, 0) for name in ("quarantined", "unknown", "waiting")
        )
        return report

    def names(self):
        return sorted(each[self.name] for each in self.sandbox.state()[self.stored])

    def quarantine(self):
        """(outcome, name) of every record in quarantine, and their ids."""
        found = {}
        for entry in self.shell.json("quarantine list"):
            shown = self.shell.json(f"quarantine show {entry['id']}")
            assert (entry["outcome"], shown["record"]["name"]) not in found
            found[entry["outcome"], shown["record"]["name"]] = entry["id"]
        return found

    def settle(self):
        with App.open() as app:
            report = app.settle_destination("it")
        return report.delivered, report.sent_again, report.undecided


MOMENTS = ["before the bytes leave", "between bytes out and reply", "between reply and verdict"]


def killed(its, moment, *command):
    """Run a command that is killed at this moment of its first request."""
    its.sandbox.settings(latency=300 if moment == "between bytes out and reply" else 0)
    line = [HERE / "killed_run.py", moment, "1", *command]
    died = forked_process.run(line, cwd=its.folder, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    its.sandbox.settings(latency=0)
    if its.state.startswith("postgresql"):
        with create_engine(its.state).begin() as connection:
            connection.execute(text("update leases set expires = 0"))  # that of the killed process has ended
