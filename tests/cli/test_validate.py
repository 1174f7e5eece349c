"""`validate` finds what the file alone tells: the same problems, word for word, as preview, plan and run."""

import json

import pytest

from acceptance_project import Project, run_penstock

HEAD = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources: {{s: {{type: file, path: rows.csv}}}}
datasets: {{d: {{source: s, key: id}}}}
destinations:
"""


def told(project: Project, *words: str) -> tuple[int, list]:
    done = run_penstock(project, *words, "--json")
    document = json.loads(done.stdout)
    return done.returncode, document["errors"] if isinstance(document, dict) else document


def project_of(tmp_path, sandbox, *destinations: str) -> Project:
    project = Project(tmp_path, sandbox)
    project.write("rows.csv", "id,name,plan\n1,a,b\n")
    lines = "".join(f"  {line}\n" for line in destinations)
    project.write("penstock.yaml", HEAD.format(url=sandbox.url) + lines)
    return project


WRONG = {
    "no match key": "x: {dataset: d, credential: acme, template: upsert_person, fields: {name: id}, attributes: none, active: true}",
    "required fields": "x: {dataset: d, credential: acme, template: insert_event, fields: {user_id: id}, attributes: none, active: true}",
    "two for one place": "x: {dataset: d, credential: acme, template: upsert_person, active: true, attributes: none, "
    "fields: {user_id: id, company_id: name, companies: plan}}",
    "no batch endpoint": "x: {dataset: d, credential: acme, template: create_task, fields: {name: name}, batch: on, active: true}",
    "a wrong constant": "x: {dataset: d, credential: acme, template: upsert_person, active: true, attributes: none, "
    "fields: {user_id: id, session_count: {value: many}}}",
}


@pytest.mark.parametrize("line", WRONG.values(), ids=WRONG)
def test_validate_says_what_preview_plan_and_run_say(tmp_path, sandbox, line):
    project = project_of(tmp_path, sandbox, line)
    code, problems = told(project, "validate")
    assert code == 2
    assert problems
    assert all(problem["line"] == 6 and problem["path"].startswith("destinations.x") for problem in problems)
    for command in ("preview", "plan", "run"):
        assert told(project, command, "x") == (2, problems)
    assert sandbox.requests() == []


def test_every_destination_is_looked_at_and_nothing_is_read(tmp_path, sandbox):
    project = project_of(tmp_path, sandbox, WRONG["no match key"], WRONG["required fields"].replace("x:", "y:"))
    (tmp_path / "rows.csv").unlink()
    code, problems = told(project, "validate")
    assert code == 2
    paths = [problem["path"] for problem in problems]
    assert paths == ["destinations.x.fields", "destinations.y.fields.name", "destinations.y.fields.created_at"]
    assert not (tmp_path / ".penstock").exists()


@pytest.mark.parametrize(
    "line",
    [
        "x: {dataset: d, credential: acme, template: upsert_person}",  # its columns map themselves
        "x: {dataset: d, credential: acme, template: upsert_person, fields: {user_id: id}}",
        'x: {dataset: d, credential: acme, request: {method: POST, url: "/people/{record.name}"}}',
    ],
)
def test_what_the_file_does_not_tell_is_no_problem(tmp_path, sandbox, line):
    assert told(project_of(tmp_path, sandbox, line), "validate") == (0, [])
