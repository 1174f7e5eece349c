"""The text of runs that are partial because of records in quarantine; status and exit code are unchanged."""

import csv
import io
import json

from penstock.service.app import ServiceApp
from support.cli.project import Project, run_penstock


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


def test_the_text_of_a_partial_run_names_what_is_in_quarantine(tmp_path, sandbox):
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
    assert f"  2 in quarantine, some since run {first}" in text

    rows(project, "not-an-address,B", "neither,C")
    run_id, text = run(project, 1, "partial")
    assert f"partial  run {run_id}" in text
    assert f"nothing delivered, 2 records in quarantine since run {first}" in text
    listed = run_penstock(project, "runs").stdout.splitlines()
    assert "partial" in next(line for line in listed if run_id in line)


def test_superseded_records_keep_their_key_everywhere(tmp_path, sandbox):
    project = project_of(tmp_path, sandbox)
    rows(project, "a@x.example,Old", "b@x.example,B", "a@x.example,New")
    run_id, _ = run(project, 0, "succeeded")
    with ServiceApp.open(project.folder / "penstock.yaml", environ=project.environ) as app:
        shown = app.work.details.records(run_id)["items"]
        (unchanged,) = [record for record in shown if record["outcome"] == "unchanged"]
        assert (unchanged["key"], unchanged["ordinal"]) == ("a@x.example", 0)
        assert unchanged["reason"].startswith("superseded")
        text = b"".join(app.work.details.export(run_id, "csv")).decode()
    lines = {line["ordinal"]: line for line in csv.DictReader(io.StringIO(text))}
    assert lines["0"]["key"] == "a@x.example"


def test_a_row_without_a_record_releases_nothing_from_quarantine(tmp_path, sandbox):
    """A record with its key is in quarantine, and stays there."""
    project = Project(tmp_path, sandbox)
    project.write("rows.csv", "id,email,skip\nu1,no address,\nu1,a@x.example,not wanted\n")
    project.destination("rows.csv", "upsert_person", "user_id: id, email: email", base=sandbox.url)
    text = (tmp_path / "penstock.yaml").read_text()
    sql = "sql: 'select id, email, skip as penstock_no_record from source'"
    project.write("penstock.yaml", text.replace("key: id}", f"key: id, {sql}}}"))
    for _ in range(2):
        report = json.loads(run_penstock(project, "run", "it", "--json").stdout)
        counts = {name: number for name, number in report["records"].items() if number}
        assert counts == {"read": 2, "unchanged": 1, "quarantined": 1}
        assert [note["reason"] for note in report["notes"] if note["action"] == "no record"] == ["not wanted"]
        in_quarantine = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
        assert [(entry["key"], entry["field"]) for entry in in_quarantine] == [("u1", "email")]


def test_a_superseded_row_releases_nothing_from_quarantine(tmp_path, sandbox):
    """The newest row of its key is in quarantine, and stays there."""
    project = Project(tmp_path, sandbox)
    project.write("rows.csv", "id,email\nu1,a@x.example\nu1,no address\n")
    project.destination("rows.csv", "upsert_person", "user_id: id, email: email", base=sandbox.url)
    for _ in range(2):
        report = json.loads(run_penstock(project, "run", "it", "--json").stdout)
        counts = {name: number for name, number in report["records"].items() if number}
        assert counts == {"read": 2, "unchanged": 1, "quarantined": 1}
        in_quarantine = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
        assert [(entry["key"], entry["field"]) for entry in in_quarantine] == [("u1", "email")]


def test_an_older_version_that_is_delivered_releases_nothing_from_quarantine(tmp_path, sandbox):
    """The two rows of a key are in different chunks. The older one is delivered while the newer one is refused."""
    project = Project(tmp_path, sandbox)
    sandbox.settings(latency=200)
    between = "".join(f"v{number},v{number}@x.example\n" for number in range(4_200))
    more = "batch: {size: 500}"
    project.destination("rows.csv", "upsert_person", "user_id: id, email: email", base=sandbox.flat_url, more=more)
    for delivered, address in ((4_201, "a@x.example"), (1, "b@x.example")):
        project.write("rows.csv", f"id,email\nu1,{address}\n{between}u1,no address\n")
        report = json.loads(run_penstock(project, "run", "it", "--json").stdout)
        assert (report["records"]["delivered"], report["records"]["quarantined"]) == (delivered, 1)
        in_quarantine = json.loads(run_penstock(project, "quarantine", "list", "--json").stdout)
        assert [(entry["key"], entry["field"]) for entry in in_quarantine] == [("u1", "email")]
