"""A flow in which one destination has an error of input or configuration: the others run, and the next run is a new one."""

import gzip
import json
import os
import sqlite3
from pathlib import Path

import pytest

from support.cli import forked_process

FLOW = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources: {{c: {{type: file, path: c.csv}}, e: {{type: file, path: {events}}}}}
datasets: {{companies: {{source: c, key: company_id}}, events: {{source: e, key: rid}}}}
destinations:
  companies: {{dataset: companies, credential: acme, active: true, template: upsert_company}}
  events: {{dataset: events, credential: acme, active: true, template: insert_event, exclude: [{exclude}]}}
flows: {{nightly: {{destinations: [companies, events]}}}}
"""
RECORDS = 3_000
EVENT = "rid,name,created_at,company_id\n{n},login,2026-01-01T00:00:00Z,k1\n"


class Flow:
    def __init__(self, folder: Path, sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.settings()

    def settings(self, *, events: str = "e.csv", exclude: str = "rid") -> None:
        text = FLOW.format(url=self.sandbox.url, events=events, exclude=exclude)
        (self.folder / "penstock.yaml").write_text(text)

    def day(self, day: int, *, event: bool = True) -> None:
        (self.folder / "c.csv").write_text(f"company_id,name\nk1,day {day}\n")
        (self.folder / "e.csv").unlink(missing_ok=True)
        if event:
            (self.folder / "e.csv").write_text(EVENT.format(n=day))

    def penstock(self, *words: str, key: str | None = "given"):
        environ = {name: value for name, value in os.environ.items() if name != "SANDBOX_KEY"} | {"NO_COLOR": "1"}
        if key is not None:
            environ["SANDBOX_KEY"] = self.sandbox.api_key
        done = forked_process.run(
            ["-m", "penstock", *words], cwd=self.folder, env=environ, capture_output=True, text=True, timeout=100
        )
        return done.returncode, done.stdout

    def run(self):
        code, text = self.penstock("run", "nightly", "--json")
        return code, json.loads(text)

    def runs(self):
        return json.loads(self.penstock("runs", "--json")[1])

    def stored(self, run: str):
        """The stored report of one run."""
        (found,) = json.loads(self.penstock("runs", run, "--json")[1])
        return found

    def holds(self) -> str:
        return self.sandbox.state()["companies"][0]["name"]

    def state(self, statement: str, *values) -> None:
        with sqlite3.connect(self.folder / ".penstock" / "state.db", timeout=30) as db:
            assert db.execute(statement, values).rowcount > 0
            db.commit()


@pytest.fixture
def flow(tmp_path, sandbox):
    return Flow(tmp_path, sandbox)


def parts(report):
    return {part["destination"]: part for part in report["destinations"]}


def test_a_missing_file_of_one_destination_does_not_stop_the_others(flow):
    flow.day(1)
    assert flow.run()[0] == 0
    seen = set()
    for day in (2, 3):
        flow.day(day, event=False)
        code, report = flow.run()
        assert (code, report["status"], flow.holds()) == (2, "failed", f"day {day}")
        assert {name: part["status"] for name, part in parts(report).items()} == {
            "companies": "succeeded",
            "events": "failed",
        }
        (problem,) = parts(report)["events"]["errors"]
        assert problem["code"] == "missing-file"
        assert problem["path"]
        assert problem["line"]
        assert parts(report)["companies"]["records"]["delivered"] == report["records"]["delivered"] == 1
        seen.add(report["run"])
    flow.day(4)
    code, report = flow.run()
    assert (code, report["status"], flow.holds()) == (0, "succeeded", "day 4")
    assert report["run"] not in seen
    assert len(seen) == 2
    for run in flow.runs():
        assert run["status"] in ("succeeded", "failed")
        assert run["finished_at"] >= run["started_at"]
        assert all(part["finished_at"] >= part["started_at"] for part in run["destinations"])


def test_the_error_is_stored_with_the_run(flow):
    flow.day(1, event=False)
    _, report = flow.run()
    stored = flow.stored(report["run"])
    (problem,) = parts(report)["events"]["errors"]
    assert parts(stored)["events"]["errors"] == [problem]
    assert problem.keys() >= {"path", "line", "code", "found", "message", "hint"}
    part = flow.stored(parts(report)["events"]["run"])
    assert part["errors"] == [problem]
    assert "errors" not in parts(stored)["companies"].keys() | stored.keys()
    text = flow.penstock("runs", report["run"])[1]
    assert problem["message"] in text
    assert problem["hint"] in text
    assert all("errors" not in run for run in flow.runs())  # the list has the reason


def test_the_refusal_of_a_key_is_stored_with_the_run_without_the_key(flow):
    flow.day(1)
    flow.sandbox.fault(status=401)
    code, text = flow.penstock("run", "nightly", "--json", key="a-wrong-key-1234")
    assert code == 3
    (run,) = flow.runs()
    stored = flow.stored(run["run"])
    assert [problem["code"] for problem in stored["errors"]] == ["credential-refused"]
    assert "a-wrong-key-1234" not in text + json.dumps(stored)


def test_wrong_settings_of_one_destination_are_reported_for_it(flow):
    flow.settings(exclude="name")  # a mapped field
    flow.day(1)
    code, report = flow.run()
    assert (code, report["status"], flow.holds()) == (2, "failed", "day 1")
    assert parts(report)["events"]["errors"][0]["path"].startswith("destinations.events")
    assert flow.penstock("runs")[1].count("failed") == 1
    text = flow.penstock("run", "nightly")[1]
    assert "destinations.events" in text
    flow.settings()
    flow.day(2)
    assert flow.run()[0] == 0
    assert flow.holds() == "day 2"


def test_a_truncated_input_fails_its_destination_and_sends_nothing_of_it(flow):
    rows = "rid,name,created_at,company_id\n" + "".join(f"{n},login,2026-01-01T00:00:00Z,k1\n" for n in range(RECORDS))
    whole = gzip.compress(rows.encode(), mtime=0)
    flow.settings(events="e.csv.gz")
    flow.day(1, event=False)
    (flow.folder / "e.csv.gz").write_bytes(gzip.compress(rows[:200].rpartition("\n")[0].encode()))
    assert flow.run()[0] == 0
    sent = flow.sandbox.state()["events"]
    flow.day(2, event=False)
    (flow.folder / "e.csv.gz").write_bytes(whole[: len(whole) // 2])
    code, report = flow.run()
    assert (code, report["status"], flow.holds()) == (2, "failed", "day 2")
    events = parts(report)["events"]
    assert events["status"] == "failed"
    assert events["errors"]
    assert events["records"]["read"] == sum(n for name, n in events["records"].items() if name != "read")
    assert flow.sandbox.state()["events"] == sent
    (flow.folder / "e.csv.gz").write_bytes(whole)
    code, report = flow.run()
    assert (code, report["status"]) == (0, "succeeded")
    assert len(flow.sandbox.state()["events"]) == RECORDS


def test_a_flow_whose_credential_has_no_key_leaves_no_run_behind(flow):
    flow.day(1)
    code, text = flow.penstock("run", "nightly", "--json", key=None)
    assert (code, json.loads(text)["errors"][0]["code"]) == (2, "unset-variable")
    assert flow.runs() == []
    assert flow.run()[0] == 0


OPEN_BY_A_COMMAND = "status = 'running', resumable = 1, holder = null, finished_at = null"
OPEN_BY_A_SERVICE = "status = 'failed', resumable = 1"


@pytest.mark.parametrize("left", [OPEN_BY_A_COMMAND, OPEN_BY_A_SERVICE])
def test_a_run_that_0_1_0_left_open_after_an_error_is_not_continued(flow, left):
    flow.day(1)
    _, first = flow.run()
    flow.state("delete from runs where parent = ? and target = 'events'", first["run"])
    flow.state(f"update runs set {left} where id = ?", first["run"])
    flow.day(2)
    code, report = flow.run()
    assert (code, report["status"], flow.holds()) == (0, "succeeded", "day 2")
    assert report["run"] != first["run"]
    assert flow.runs()[1]["finished_at"] is not None


@pytest.mark.parametrize("changed", [False, True])
def test_a_stopped_flow_continues_unless_data_of_its_finished_parts_changed(flow, changed):
    flow.day(1)
    _, first = flow.run()
    flow.state("delete from runs where parent = ? and target = 'events'", first["run"])
    flow.state("update runs set status = 'cancelled', resumable = 1 where id = ?", first["run"])
    if changed:
        flow.day(2)
    code, report = flow.run()
    assert code == 0, report
    assert (report["run"] == first["run"]) is not changed
    assert flow.holds() == ("day 2" if changed else "day 1")
