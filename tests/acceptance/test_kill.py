"""kill -9 at any moment, then the same command again: nothing is lost or sent twice, and the counts add up."""

import json
import random
import signal
import sqlite3
from pathlib import Path

import pytest

from support.cli import forked_process
from support.cli.project import HERE, Project, run_penstock

KILLED_RUN = HERE / "killed_run.py"
PEOPLE, NOTES = 60, 24
GENERAL = (
    "before the bytes leave",
    "between bytes out and reply",
    "between reply and verdict",
    "between verdict and commit",
    "inside the commit",
    "after the commit",
    "before a chunk",
)


def seeded(name: str, moments: tuple[str, ...], most: int, each: int) -> list[tuple[str, str, int]]:
    dice = random.Random(f"2026 {name}")
    return [
        (name, moment, 1 if moment == "before a chunk" else dice.randint(1, most))
        for moment in moments
        for _ in range(1 if moment == "before a chunk" else each)
    ]


CASES = [
    *seeded("upsert", GENERAL, 40, 2),
    *seeded("note", GENERAL, 20, 2),
    *seeded("batch", (*GENERAL, "between accepted and confirmed"), 5, 1),
    ("parts", "between bytes out and reply", 37),
    ("parts", "between verdict and commit", 17),
    ("parts", "inside the commit", 1),
    ("parts in batches", "inside the commit", 1),
    ("parts in batches", "after the commit", 1),
    ("parts in batches", "between accepted and confirmed", 2),
]
RECORDS = {"note": NOTES, "upsert": PEOPLE, "batch": PEOPLE, "parts": 4 * PEOPLE, "parts in batches": 4 * PEOPLE}


@pytest.mark.parametrize(("kind", "moment", "times"), CASES)
def test_the_same_command_again_completes_the_run(tmp_path: Path, sandbox, kind: str, moment: str, times: int):
    sandbox.settings(latency=60 if moment == "between bytes out and reply" else 0)
    project = Project(tmp_path, sandbox)
    make = {"upsert": upsert, "note": note, "batch": batch, "parts": parts, "parts in batches": parts_in_batches}[kind]
    make(project, sandbox)
    died = forked_process.run(
        [KILLED_RUN, moment, str(times), "run", "it", "--json"],
        cwd=tmp_path,
        env=project.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ends = (-signal.SIGKILL,) if kind.startswith("parts") else (-signal.SIGKILL, 0, 1)
    assert died.returncode in ends, died.stderr
    sandbox.settings(latency=0)
    if died.returncode == -signal.SIGKILL:
        states = {run["status"] for run in json.loads(run_penstock(project, "runs", "--json").stdout)}
        assert states <= {"interrupted"}, "a dead run is not running"
    again = run_penstock(project, "run", "it", "--json")
    assert again.returncode in (0, 1), again.stderr
    report = json.loads(again.stdout)
    records = report["records"]
    assert records["read"] == sum(number for name, number in records.items() if name != "read")
    in_quarantine = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
    if kind == "note":
        arrived = [entry["text"] for entry in sandbox.state()["notes"]]
        assert len(arrived) == len(set(arrived)), "a note was sent twice"
        unknown = {entry["key"] for entry in in_quarantine if entry["outcome"] == "unknown"}
        assert len(in_quarantine) == len(unknown)
        for number in range(NOTES):
            assert (f"note {number}" in arrived) or f"n{number}" in unknown, "a note was lost"
        assert records["unknown"] == len(unknown)
        assert records["read"] in (NOTES, 0) or died.returncode != 0
    else:
        people = {person["user_id"]: person for person in sandbox.state()["people"]}
        assert sorted(people) == sorted(f"u{number}" for number in range(PEOPLE))
        assert all(person["name"] == f"Person {key[1:]}" for key, person in people.items())
        if kind.startswith("parts"):
            assert all(person["email"] == f"p{key[1:]}@x.example" for key, person in people.items())
            assert {person["custom_attributes"]["plan"] for person in people.values()} == {"gold"}, "the newest wins"
        assert in_quarantine == []
    if died.returncode == -signal.SIGKILL:
        assert report["run"] == json.loads(run_penstock(project, "runs", "--json").stdout)[0]["run"]
        assert records["read"] == RECORDS[kind]
    quiet = json.loads(run_penstock(project, "run", "it", "--json").stdout)
    assert quiet["requests"] == 0, "a further run has nothing to send"


def upsert(project: Project, sandbox) -> None:
    rows = "".join(f"u{number},Person {number},p{number}@x.example\n" for number in range(PEOPLE))
    project.write("people.csv", "id,name,email\n" + rows)
    project.destination("people.csv", "upsert_person", "user_id: id, name: name, email: email", base=sandbox.flat_url)


def batch(project: Project, sandbox) -> None:
    upsert(project, sandbox)
    project.destination(
        "people.csv",
        "upsert_person",
        "user_id: id, name: name, email: email",
        base=sandbox.url,
        more="batch: {size: 10}",
    )


def note(project: Project, sandbox) -> None:
    sandbox.call("POST /company", '{"company_id": "acme"}')
    rows = "".join(f"n{number},acme,note {number}\n" for number in range(NOTES))
    project.write("notes.csv", "id,company_id,text\n" + rows)
    project.destination("notes.csv", "create_note", "company_id: company_id, text: text", base=sandbox.url)


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
