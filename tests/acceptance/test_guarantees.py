"""The main guarantees, by the command line and real HTTP."""

import json
import os
import signal
import subprocess

import pytest

from support.cli import forked_process
from support.cli.project import Project, run_penstock

PERSON = "user_id: id, name: name, email: email"


def people(project: Project, number: int, email: str = "p{n}@x.example") -> None:
    rows = "".join(f"u{n},Person {n},{email.format(n=n)}\n" for n in range(number))
    project.write("people.csv", "id,name,email\n" + rows)


def run(project: Project, *more: str) -> tuple[int, dict]:
    done = run_penstock(project, "run", "it", "--json", *more)
    return done.returncode, json.loads(done.stdout)


def balanced(report: dict) -> bool:
    records = report["records"]
    return records["read"] == sum(number for name, number in records.items() if name != "read")


def test_the_fuse_stops_a_run_that_the_api_refuses(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 400)
    project.destination(
        "people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="fuse: {in_a_row: 20}\n    concurrency: 2"
    )
    sandbox.fault(status=422, path="/people", method="POST")
    code, report = run(project)
    assert (code, report["status"]) == (1, "failed")
    assert "fuse" in report["reason"]
    assert balanced(report)
    assert 20 <= report["records"]["quarantined"] <= 25
    assert report["records"]["unsent"] > 300
    sandbox.clear_faults()
    run_penstock(project, "quarantine", "resend", "--all", "--json")
    code, report = run(project)
    assert (code, report["status"]) == (0, "succeeded")
    assert len(sandbox.state()["people"]) == 400


def test_a_refused_key_stops_the_run_and_the_rest_is_unsent(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 30)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="concurrency: 1")
    sandbox.fault(status=401, path="/people", after=10)
    code, report = run(project)
    assert (code, report["status"], report["records"]["delivered"]) == (3, "failed", 10)
    assert report["records"]["unsent"] == 20
    assert balanced(report)
    sandbox.clear_faults()
    code, report = run(project)
    assert code == 0
    assert report["records"]["delivered"] == 20


@pytest.mark.parametrize("cut", ["before", "after"])
def test_after_a_lost_reply_an_upsert_is_sent_again_and_a_note_never(tmp_path, sandbox, cut):
    project = Project(tmp_path, sandbox)
    people(project, 5)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url)
    sandbox.fault(cut=cut, path="/people", times=2)
    code, report = run(project)
    assert (code, report["records"]["delivered"], report["retries"]) == (0, 5, 2)
    assert len(sandbox.state()["people"]) == 5

    sandbox.reset()
    sandbox.call("POST /company", '{"company_id": "acme"}')
    (tmp_path / "n").mkdir()
    notes = Project(tmp_path / "n", sandbox)
    notes.write("notes.csv", "id,company_id,text\nn1,acme,one\nn2,acme,two\n")
    notes.destination("notes.csv", "create_note", "company_id: company_id, text: text", base=sandbox.flat_url)
    sandbox.fault(cut=cut, path="/note", times=1)
    code, report = run(notes)
    assert (code, report["records"]["delivered"], report["records"]["unknown"]) == (1, 1, 1)
    code, report = run(notes)
    assert (report["requests"], report["records"]["unknown"]) == (0, 1)
    assert len(sandbox.state()["notes"]) == (1 if cut == "before" else 2)
    (unknown,) = json.loads(run_penstock(notes, "quarantine", "list", "--json").stdout)
    assert run_penstock(notes, "quarantine", "settle", unknown["id"], "--delivered").returncode == 0
    code, report = run(notes)
    assert (code, report["records"]["unchanged"]) == (0, 2)


def test_the_newest_of_two_versions_wins_and_a_reverted_source_is_sent(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url)
    project.write("people.csv", "id,name,email\nu1,Old,a@x.example\nu1,New,a@x.example\n")
    code, report = run(project)
    assert (code, report["records"]["delivered"], report["records"]["unchanged"]) == (0, 1, 1)
    assert sandbox.state()["people"][0]["name"] == "New"
    project.write("people.csv", "id,name,email\nu1,Old,a@x.example\n")
    assert run(project)[1]["records"]["delivered"] == 1
    assert sandbox.state()["people"][0]["name"] == "Old"


def test_control_c_ends_after_the_requests_in_flight_and_the_same_command_continues(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 60)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="concurrency: 2")
    sandbox.settings(latency=100)
    with forked_process.Process(
        ["-m", "penstock", "run", "it", "--json"],
        cwd=tmp_path,
        env=project.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not any(entry["path"] == "/api/people" for entry in sandbox.requests()):
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    first = json.loads(out)
    assert (process.returncode, first["status"]) == (130, "cancelled")
    assert balanced(first)
    sandbox.settings(latency=0)
    code, report = run(project)
    assert (code, report["run"], report["records"]["delivered"], report["records"]["read"]) == (0, first["run"], 60, 60)
    assert len([entry for entry in sandbox.requests() if entry["method"] == "POST"]) == 60


def test_no_secret_is_printed_or_stored(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 3)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="responses: true")
    sandbox.fault(status=422, path="/people", times=1)
    output = ""
    for command in (
        ["preview", "it"],
        ["check", "sandbox"],
        ["test", "it"],
        ["run", "it"],
        ["runs"],
        ["quarantine", "list"],
    ):
        done = run_penstock(project, *command, "--json")
        output += done.stdout + done.stderr
    stored = b"".join(path.read_bytes() for path in (tmp_path / ".penstock").rglob("*") if path.is_file())
    assert sandbox.api_key not in output
    assert sandbox.api_key.encode() not in stored
    assert "Bearer ***" in output


def test_two_processes_do_not_run_one_destination(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 400)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="concurrency: 1")
    sandbox.settings(latency=100)
    with forked_process.Process(
        ["-m", "penstock", "run", "it", "--json"],
        cwd=tmp_path,
        env=project.environ,
        stdout=subprocess.PIPE,
    ) as first:
        while not any(entry["path"] == "/api/people" for entry in sandbox.requests()):
            os.sched_yield()
        code, report = run(project)
        assert code == 3
        assert str(first.pid) in report["errors"][0]["message"]
        sandbox.settings(latency=0)
        first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_command_that_waits_for_another_run_continues_after_it_or_stops_on_a_signal(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 40)
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more="concurrency: 1")
    sandbox.settings(latency=500)  # longer than two more processes take to start
    command = ["-m", "penstock", "run", "it", "--json"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    settings = {"cwd": tmp_path, "env": project.environ, **streams}
    with forked_process.Process(command, **settings) as first:
        while not any(entry["path"] == "/api/people" for entry in sandbox.requests()):
            os.sched_yield()
        with forked_process.Process([*command, "--wait"], **settings) as patient:
            with forked_process.Process([*command, "--wait"], **settings) as stopped:
                assert f"waiting for process {first.pid}" in stopped.stderr.readline()
                stopped.send_signal(signal.SIGINT)
                out, _ = stopped.communicate(timeout=10)
            assert (stopped.returncode, json.loads(out)["errors"][0]["code"]) == (130, "cancelled")
            assert f"waiting for process {first.pid}" in patient.stderr.readline()
            sandbox.settings(latency=0)
            first.communicate(timeout=30)
            out, _ = patient.communicate(timeout=30)
    assert (first.returncode, patient.returncode) == (0, 0)
    assert json.loads(out)["records"]["unchanged"] == 40


def test_the_fuse_counts_the_records_of_a_halved_batch(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    people(project, 400)
    more = "batch: on\n    fuse: {in_a_row: 5}"
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url, more=more)
    sandbox.fault(status=422, path="/batch")
    code, report = run(project)
    assert (code, report["status"]) == (1, "failed")
    assert balanced(report)
    assert 5 <= report["records"]["quarantined"] < 20
    assert report["records"]["unsent"] > 380
    assert report["requests"] < 60
