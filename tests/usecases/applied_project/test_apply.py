"""`apply` and `export`; a difference between the file and the applied project is always reported."""

import json
import sqlite3

import pytest

from support.cli.project import Project, run_penstock

PERSON = "user_id: id, email: email"


@pytest.fixture
def project(tmp_path, sandbox):
    project = Project(tmp_path, sandbox)
    project.write("people.csv", "id,email\nu1,a@x.example\n")
    project.destination("people.csv", "upsert_person", PERSON, base=sandbox.flat_url)
    return project


def call(project, *arguments, code=0):
    done = run_penstock(project, *arguments, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_apply_makes_a_version_only_if_something_changed(project):
    first = call(project, "apply")
    assert first["version"] == 1
    assert {"path": "destinations", "change": "added"}.items() <= first["changes"][-1].items()
    assert call(project, "apply") == {"version": 1, "changes": []}
    project.destination("people.csv", "upsert_person", PERSON, base=project.sandbox.flat_url, more="nulls: send")
    change = {"path": "destinations.it.nulls", "change": "added", "before": None, "after": "send"}
    assert call(project, "apply", "--dry-run") == {"version": 1, "changes": [change]}
    assert call(project, "apply") == {"version": 2, "changes": [change]}


def test_a_file_that_differs_ends_every_command_until_apply(project):
    call(project, "apply")
    project.destination("people.csv", "upsert_person", PERSON, base=project.sandbox.flat_url, more="mode: all")
    for command in (["plan", "it"], ["run", "it"], ["preview", "it"], ["activate", "it"]):
        [error] = call(project, *command, code=2)["errors"]
        assert (error["path"], error["code"], error["found"]) == ("destinations.it.mode", "differs", "all")
        assert error["line"] is not None
        assert "penstock apply" in error["hint"]
    assert project.sandbox.requests() == []
    call(project, "apply")
    assert call(project, "run", "it")["records"]["delivered"] == 1


def test_different_spellings_of_a_value_do_not_differ(project):
    call(project, "apply")
    text = (project.folder / "penstock.yaml").read_text()
    project.write(
        "penstock.yaml", "# a remark\n" + text.replace("template: upsert_person", 'template: "upsert_person"')
    )
    assert call(project, "plan", "it")["records"] == 1


def test_without_its_file_the_applied_project_is_used(project):
    call(project, "apply")
    exported = call(project, "export")["project"]
    (project.folder / "penstock.yaml").unlink()
    assert call(project, "run", "it")["records"]["delivered"] == 1
    assert call(project, "export")["project"] == exported
    assert call(project, "plan", "it", "-f", "other.yaml", code=2)["errors"][0]["code"] == "no-file"


def test_an_exported_project_can_be_applied_again(project, tmp_path):
    call(project, "apply")
    out = tmp_path / "exported.yaml"
    assert call(project, "export", "--output", str(out)) == {"file": str(out)}
    assert call(project, "apply", "-f", str(out)) == {"version": 1, "changes": []}
    assert call(project, "export", "--output", str(out), code=2)["errors"][0]["code"] == "file-exists"


def test_a_wrong_file_is_not_applied(project):
    project.write("penstock.yaml", "destinations: {it: {template: upsert_persn}}")
    assert "unknown-template" in {error["code"] for error in call(project, "apply", code=2)["errors"]}
    assert call(project, "export", code=2)["errors"]


def test_references_stay_references_and_no_secret_is_stored(project):
    call(project, "apply")
    assert "${env:SANDBOX_KEY}" in call(project, "export")["project"]
    dump = "\n".join(sqlite3.connect(project.folder / ".penstock" / "state.db").iterdump())
    assert project.sandbox.api_key not in dump


def test_changes_of_a_key_are_listed_without_the_key(project):
    call(project, "apply")
    text = (project.folder / "penstock.yaml").read_text()
    project.write("penstock.yaml", text.replace('"${env:SANDBOX_KEY}"', '"a-literal-key"'))
    done = run_penstock(project, "run", "it", "--json")
    assert done.returncode == 2
    assert "a-literal-key" not in done.stdout + done.stderr
    assert [error["path"] for error in json.loads(done.stdout)["errors"]] == ["credentials.sandbox.api_key"]
