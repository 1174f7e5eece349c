"""`--limit N`: a run sends the first N records that would be sent, and the next one goes on behind them."""

import json
import os
import sqlite3

import psycopg
import pytest
import yaml

from penstock.model.errors import InputError
from penstock.project import Project
from support.cli import forked_process
from support.cli.project import HERE
from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}"}}
sources:
  people: {source}
datasets:
  people: {{source: people, key: user_id}}
destinations:
  people:
    dataset: people
    credential: sandbox
    active: true
    {destination}
flows:
  all: {{destinations: [people]}}
"""
FILE = "{type: file, path: people.csv}"
TABLE = '{type: sql, url: "sqlite:///crm.db", table: people}'
WITH_CURSOR = '{type: sql, url: "sqlite:///crm.db", table: people, cursor: number}'
UPSERT = "{template: upsert_person, fields: {user_id: user_id, email: email}, attributes: none, batch: %s}"
SINGLE, BATCHES = UPSERT % '"off"', UPSERT % "{size: 4}"
EVERY = "{mode: all, request: {method: POST, url: /people, idempotent: true}, exclude: [number]}"


class Limited:
    """A project with one destination; `run` returns the counts that are not zero, with the status."""

    def __init__(self, shell, sandbox, url):
        self.shell, self.sandbox, self.url, self.folder = shell, sandbox, url, shell.folder

    def write(self, destination=SINGLE, source=FILE, **keys):
        more = "".join(f"\n    {name}: {value}" for name, value in keys.items())
        text = PROJECT.format(base=self.sandbox.url, source=source, destination="{}")
        body = "\n    ".join(_members(destination)) + more
        (self.folder / "penstock.yaml").write_text(text.replace("    {}\n", f"    {body}\n"), encoding="utf-8")

    def people(self, *emails):
        rows = [(f"u{number}", email, number) for number, email in enumerate(emails)]
        lines = [f"{user},{email},{number}" for user, email, number in rows]
        (self.folder / "people.csv").write_text("\n".join(["user_id,email,number", *lines, ""]), encoding="utf-8")
        with sqlite3.connect(self.folder / "crm.db") as crm:
            crm.execute("drop table if exists people")
            crm.execute("create table people (user_id text, email text, number integer)")
            crm.executemany("insert into people values (?, ?, ?)", rows)

    def many(self, number):
        self.people(*(f"u{each}@example.com" for each in range(number)))

    def run(self, options="", code=0):
        report = self.shell.json(f"run people {options}".strip(), code)
        counts = report["records"]
        assert counts["read"] == sum(number for name, number in counts.items() if name != "read")
        return report["status"], {name: counts[name] for name in counts if counts[name]}

    def sent(self):
        """The user ids in Custify's log, in their order; emptied by the call."""
        found = []
        for request in self.sandbox.requests():
            if request["method"] == "POST":
                body = json.loads(request["body"])
                jobs = [job["payload"] for job in body["jobs"]] if "jobs" in body else [body]
                found += [int(person["user_id"][1:]) for person in jobs]
        self.sandbox.reset()
        return found

    def kill(self, moment, times, options):
        command = [str(HERE / "killed_run.py"), moment, str(times), "run", "people", "--json", *options.split()]
        process = forked_process.run(command, cwd=self.folder, capture_output=True, text=True)
        assert process.returncode == -9, process.stderr
        self.end_lease()

    def end_lease(self):
        """That of a killed process, which other processes would wait for."""
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url.replace("postgresql+psycopg", "postgresql")) as connection:
                connection.execute("update leases set expires = 0")


def _members(text):
    return [f"{name}: {json.dumps(value)}" for name, value in yaml.safe_load(text).items()]


@pytest.fixture
def limited(tmp_path, sandbox, url, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", url)
    sandbox.reset()
    return Limited(Shell(tmp_path, monkeypatch, capsys), sandbox, url)


@pytest.mark.parametrize("destination", [SINGLE, BATCHES, EVERY], ids=["single", "batches", "mode all"])
@pytest.mark.parametrize("source", [FILE, TABLE, WITH_CURSOR], ids=["file", "table", "table with cursor"])
def test_limited_runs_send_all_records_one_after_the_other(limited, destination, source):
    limited.write(destination, source)
    limited.many(25)
    seen = 0
    for number in (10, 10, 5):
        status, counts = limited.run("--limit 10")
        assert (status, counts["delivered"]) == ("succeeded", number)
        assert counts.get("quarantined", 0) == 0
        assert sorted(limited.sent()) == list(range(seen, seen + number))
        seen += number
    assert limited.run("--limit 10")[1].get("delivered", 0) == 0
    assert limited.sent() == []


def test_the_next_limited_run_goes_on_although_old_data_was_deleted(limited):
    limited.write(EVERY, TABLE)
    limited.many(6)
    limited.run("--limit 2")
    for file in limited.folder.rglob("*.arrow"):
        os.utime(file, (0, 0))
    limited.shell.json("prune")
    limited.run("--limit 2")
    assert sorted(limited.sent()) == [0, 1, 2, 3]


def test_the_rest_of_the_chunk_is_unsent_and_no_later_chunk_is_read(limited):
    limited.write(BATCHES)
    limited.many(5000)
    assert limited.run("--limit 10") == ("succeeded", {"read": 4096, "delivered": 10, "unsent": 4086})
    assert sorted(limited.sent()) == list(range(10))


def test_records_that_our_checks_refuse_or_that_are_unchanged_do_not_count(limited):
    limited.write(SINGLE)
    limited.people("a@example.com", "none", "b@example.com", "c@example.com", "none", "d@example.com", "e@example.com")
    assert limited.run("--limit 1")[0] == "succeeded"
    counts = {"read": 7, "delivered": 2, "unchanged": 1, "quarantined": 1, "unsent": 3}
    assert limited.run("--limit 2", code=1) == ("partial", counts)
    assert sorted(limited.sent()) == [0, 2, 3]


def test_a_limit_that_is_not_reached_is_like_none(limited):
    limited.write(SINGLE)
    limited.many(3)
    assert limited.run("--limit 10") == ("succeeded", {"read": 3, "delivered": 3})


@pytest.mark.parametrize("destination", [SINGLE, EVERY], ids=["changed", "all"])
@pytest.mark.parametrize("source", [FILE, WITH_CURSOR], ids=["file", "cursor"])
def test_a_run_without_a_limit_sends_what_its_mode_sends(limited, destination, source):
    limited.write(destination, source)
    limited.many(12)
    limited.run("--limit 5")
    first = limited.sent()
    assert sorted(first) == list(range(5))
    limited.run()
    assert sorted(limited.sent()) == list(range(0 if destination == EVERY else 5, 12))


@pytest.mark.parametrize("moment", ["between bytes out and reply", "between verdict and commit", "after the commit"])
@pytest.mark.parametrize(
    ("destination", "source"), [(SINGLE, FILE), (EVERY, TABLE), (BATCHES, WITH_CURSOR)], ids=["changed", "all", "jobs"]
)
def test_a_limited_run_that_was_killed_sends_its_number_in_all(limited, destination, source, moment):
    limited.write(destination, source, concurrency=3)
    limited.many(30)
    limited.sandbox.settings(latency=60 if moment == "between bytes out and reply" else 0)
    limited.kill(moment, 1 if moment == "after the commit" else 2, "--limit 12")
    limited.sandbox.settings(latency=0)
    [before] = limited.shell.json("runs")
    status, counts = limited.run("--limit 12")
    assert (status, counts["delivered"], counts["unsent"]) == ("succeeded", 12, 18)
    assert sorted(set(limited.sent())) == list(range(12))
    assert [run["run"] for run in limited.shell.json("runs")] == [before["run"]]
    limited.run("--limit 12")
    assert sorted(limited.sent()) == list(range(12, 24))


def test_another_limit_is_another_run(limited):
    limited.write(EVERY, TABLE, concurrency=1)
    limited.many(20)
    limited.kill("after the commit", 1, "--limit 8")
    assert limited.run("--limit 3")[1]["delivered"] == 3
    assert sorted(limited.sent()) == list(range(11))
    [_, before] = limited.shell.json("runs")
    assert (before["status"], before["notes"][-1]["action"]) == ("interrupted", "not continued")


def test_a_chunk_is_divided_between_records_of_one_key(limited):
    """The newest of several rows of a key wins only among the rows up to the last one that is sent."""
    limited.write(SINGLE)
    lines = ["user_id,email,number", "u0,old@example.com,1", "u1,b@example.com,2", "u2,c@example.com,3"]
    (limited.folder / "people.csv").write_text("\n".join([*lines, "u0,new@example.com,4", ""]), encoding="utf-8")
    assert limited.run("--limit 2") == ("succeeded", {"read": 4, "delivered": 2, "unsent": 2})
    assert sorted(limited.sent()) == [0, 1]
    assert limited.run("--limit 2")[1]["delivered"] == 2
    assert sorted(limited.sent()) == [0, 2]


@pytest.mark.parametrize("number", ["0", "-3", "ten"])
def test_a_limit_is_a_whole_number_from_1_on(limited, number):
    limited.write(SINGLE)
    limited.many(1)
    found = limited.shell.json(f"run people --limit {number}", 2)["errors"]
    assert [(error["path"], error["code"], error["found"]) for error in found] == [("--limit", "wrong-value", number)]


def test_a_limit_that_no_state_can_store_is_refused(limited):
    limited.write(SINGLE)
    limited.many(1)
    for line in (f"run people --limit {2**53}", f"run people --dry-run --limit {2**53}"):
        [error] = limited.shell.json(line, 2)["errors"]
        assert (error["path"], error["code"], error["found"]) == ("limit", "out-of-range", str(2**53))
    with Project.load(limited.folder / "penstock.yaml") as project, pytest.raises(InputError, match="out of range"):
        project.run("people", limit=0)


def test_a_flow_has_no_limit(limited):
    limited.write(SINGLE)
    limited.many(1)
    [error] = limited.shell.json("run all --limit 5", 2)["errors"]
    assert (error["code"], error["hint"]) == ("limit-of-flow", "run a destination of it: people")
