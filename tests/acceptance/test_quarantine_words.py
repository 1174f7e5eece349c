"""What people are told of runs that records in quarantine keep from success; programs get status and code as before."""

import csv
import io
import json

from acceptance_project import Project, run_penstock
from penstock.engine.app import App


def project_of(tmp_path, sandbox) -> Project:
    project = Project(tmp_path, sandbox)
    project.destination("p.csv", "upsert_person", "email: email, name: name", base=sandbox.url, key="email")
    return project


def rows(project: Project, *lines: str) -> None:
    project.write("p.csv", "email,name\n" + "".join(f"{line}\n" for line in lines))


def run(project: Project, code: int, status: str) -> tuple[str, str]:
    """The run's id, and its report as text for people."""
    done = run_penstock(project, "run", "it", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["status"]) == (code, status)
    return report["run"], run_penstock(project, "runs", report["run"]).stdout


def test_the_words_for_people(tmp_path, sandbox):
    project = project_of(tmp_path, sandbox)
    rows(project, "a@x.example,A", "not-an-address,B")
    first, text = run(project, 1, "partial")
    assert "delivered, 1 in quarantine\n" in text
    assert "partial" in text

    rows(project, "a@x.example,New", "not-an-address,B")
    _, text = run(project, 1, "partial")
    assert f"delivered, 1 in quarantine since run {first}" in text

    rows(project, "a@x.example,New", "not-an-address,B", "neither,C")
    _, text = run(project, 1, "partial")
    assert f"delivered, 2 in quarantine, some since run {first}" in text

    rows(project, "not-an-address,B", "neither,C")
    run_id, text = run(project, 1, "partial")
    assert f"failed  run {run_id}" in text
    assert "partial" not in text
    assert f"nothing delivered, 2 records in quarantine since run {first}" in text
    listed = run_penstock(project, "runs").stdout.splitlines()
    assert "failed" in next(line for line in listed if run_id in line)


def test_superseded_records_keep_their_key_everywhere(tmp_path, sandbox):
    project = project_of(tmp_path, sandbox)
    rows(project, "a@x.example,Old", "b@x.example,B", "a@x.example,New")
    run_id, _ = run(project, 0, "succeeded")
    with App.open(project.folder / "penstock.yaml", environ=project.environ) as app:
        shown = app.work.details.records(run_id).items
        (unchanged,) = [record for record in shown if record["outcome"] == "unchanged"]
        assert (unchanged["key"], unchanged["ordinal"]) == ("a@x.example", 0)
        assert unchanged["reason"].startswith("superseded")
        text = b"".join(app.work.details.export(run_id, "csv")).decode()
    lines = {line["ordinal"]: line for line in csv.DictReader(io.StringIO(text))}
    assert lines["0"]["key"] == "a@x.example"
