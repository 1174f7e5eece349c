"""kill -9 of runs that merge records, and of runs from the start; the fault campaign kills all others (`tests/campaign`)."""

import json
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from support.cli import forked_process
from support.cli.project import HERE, Project, run_penstock

KILLED_RUN = HERE / "killed_run.py"
PEOPLE = 60
CASES = [
    ("parts", "between bytes out and reply", 37),
    ("parts", "between verdict and commit", 17),
    ("parts", "inside the commit", 1),
    ("parts in batches", "inside the commit", 1),
    ("parts in batches", "after the commit", 1),
    ("parts in batches", "between accepted and confirmed", 2),
]


@pytest.mark.parametrize(("kind", "moment", "times"), CASES)
def test_the_same_command_again_completes_the_run(tmp_path: Path, sandbox, kind: str, moment: str, times: int):
    sandbox.settings(latency=60 if moment == "between bytes out and reply" else 0)
    project = Project(tmp_path, sandbox)
    {"parts": parts, "parts in batches": parts_in_batches}[kind](project, sandbox)
    died = forked_process.run(
        [KILLED_RUN, moment, str(times), "run", "it", "--json"],
        cwd=tmp_path,
        env=project.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    sandbox.settings(latency=0)
    states = {run["status"] for run in json.loads(run_penstock(project, "runs", "--json").stdout)}
    assert states <= {"interrupted"}, "a dead run is not running"
    again = run_penstock(project, "run", "it", "--json")
    assert again.returncode in (0, 1), again.stderr
    report = json.loads(again.stdout)
    records = report["records"]
    assert records["read"] == sum(number for name, number in records.items() if name != "read")
    in_quarantine = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
    people = {person["user_id"]: person for person in sandbox.state()["people"]}
    assert sorted(people) == sorted(f"u{number}" for number in range(PEOPLE))
    assert all(person["name"] == f"Person {key[1:]}" for key, person in people.items())
    assert all(person["email"] == f"p{key[1:]}@x.example" for key, person in people.items())
    assert {person["custom_attributes"]["plan"] for person in people.values()} == {"gold"}, "the newest wins"
    assert in_quarantine == []
    assert report["run"] == json.loads(run_penstock(project, "runs", "--json").stdout)[0]["run"]
    assert records["read"] == 4 * PEOPLE
    quiet = json.loads(run_penstock(project, "run", "it", "--json").stdout)
    assert quiet["requests"] == 0, "a further run has nothing to send"


def parts(project: Project, sandbox, more: str = "batch: off") -> None:
    """Four records for each person, which are merged: each has a part, and one has an older plan."""
    keys = range(PEOPLE)
    middle = [{"id": f"u{n}", "plan": "basic"} for n in keys] + [{"id": f"u{n}", "name": f"Person {n}"} for n in keys]
    random.Random("2026 parts").shuffle(middle)
    records = [
        {"id": f"u{n}", "email": f"p{n}@x.example"} for n in keys
    ]  # a later address can belong to another person
    records += [*middle, *({"id": f"u{n}", "plan": "gold"} for n in keys)]
    project.write("people.ndjson", "".join(json.dumps(record) + "\n" for record in records))
    fields = "user_id: id, name: name, email: email, plan: plan"
    project.destination("people.ndjson", "upsert_person", fields, base=sandbox.url, more=more)


def parts_in_batches(project: Project, sandbox) -> None:
    parts(project, sandbox, more="batch: {size: 10}")


@pytest.mark.parametrize("moment", ["between verdict and commit", "before a chunk"])
def test_a_run_from_the_start_continues_from_there(tmp_path: Path, sandbox, moment: str):
    project = Project(tmp_path, sandbox)
    project.destination("unused.csv", "upsert_person", "user_id: id, name: name", base=sandbox.flat_url)
    text = (tmp_path / "penstock.yaml").read_text()
    source = "{type: sql, url: 'sqlite:///shop.db', table: people, cursor: at}"
    text = (
        text.replace("{type: file, path: unused.csv}", source)
        + "  other: {dataset: data, credential: sandbox, template: upsert_person, fields: {user_id: id, phone: name}, attributes: none, active: true}\nflows:\n  both: {destinations: [it, other]}\n"
    )
    project.write("penstock.yaml", text)
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("create table people (id text, name text, at integer)")
        rows = [(f"u{number}", f"Person {number}", number) for number in range(PEOPLE)]
        connection.executemany("insert into people values (?, ?, ?)", rows)
    assert json.loads(run_penstock(project, "run", "both", "--json").stdout)["records"]["delivered"] == 2 * PEOPLE
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("update people set name = name || ' II'")
    command = [KILLED_RUN, moment, "1", "run", "both", "--from", "start", "--json"]
    died = forked_process.run(command, cwd=tmp_path, env=project.environ, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    report = json.loads(run_penstock(project, "run", "both", "--json").stdout)
    assert report["run"] == json.loads(run_penstock(project, "runs", "--json").stdout)[0]["run"]
    assert [part["records"]["read"] for part in report["destinations"]] == [PEOPLE, PEOPLE]
    people = sandbox.state()["people"]
    assert [person["name"][-3:] + person["phone"][-3:] for person in people] == [" II II"] * PEOPLE
    again = json.loads(run_penstock(project, "run", "both", "--json").stdout)
    assert (again["run"] == report["run"], again["requests"]) == (False, 0)
