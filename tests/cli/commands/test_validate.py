"""`validate` reports the same problems, in the same words, as `preview`, `plan` and `run`."""

import json
import sqlite3
from contextlib import closing

import pytest

from support.cli.project import Project, run_penstock

HEAD = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources: {{s: {{type: file, path: rows.csv}}}}
datasets: {{d: {{source: s, key: id}}}}
destinations:
"""


def problems_of(project: Project, *words: str) -> tuple[int, list]:
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
def test_validate_reports_the_problems_of_preview_plan_and_run(tmp_path, sandbox, line):
    project = project_of(tmp_path, sandbox, line)
    code, problems = problems_of(project, "validate")
    assert code == 2
    assert problems
    assert all(problem["line"] == 6 and problem["path"].startswith("destinations.x") for problem in problems)
    for command in ("preview", "plan", "run"):
        assert problems_of(project, command, "x") == (2, problems)
    assert sandbox.requests() == []


def test_every_destination_is_checked_without_connections(tmp_path, sandbox):
    project = project_of(tmp_path, sandbox, WRONG["no match key"], WRONG["required fields"].replace("x:", "y:"))
    (tmp_path / "rows.csv").unlink()
    code, problems = problems_of(project, "validate")
    assert code == 2
    paths = [problem["path"] for problem in problems]
    assert paths == ["destinations.x.fields", "destinations.y.fields.name", "destinations.y.fields.created_at"]
    assert not (tmp_path / ".penstock").exists()


@pytest.mark.parametrize(
    "line",
    [
        "x: {dataset: d, credential: acme, template: upsert_person}",  # its columns are mapped by name
        "x: {dataset: d, credential: acme, template: upsert_person, fields: {user_id: id}}",
        'x: {dataset: d, credential: acme, request: {method: POST, url: "/people/{record.name}"}}',
    ],
)
def test_columns_that_cannot_be_known_are_no_problem(tmp_path, sandbox, line):
    project = project_of(tmp_path, sandbox, line)
    (tmp_path / "rows.csv").unlink()
    assert problems_of(project, "validate") == (0, [])


def test_columns_that_are_mapped_by_name_are_checked_as_by_plan(tmp_path, sandbox):
    """id, name and plan have no user_id, email or id of Custify, so no record could be matched."""
    project = project_of(tmp_path, sandbox, "x: {dataset: d, credential: acme, template: upsert_person}")
    code, problems = problems_of(project, "validate")
    assert (code, [each["path"] for each in problems]) == (2, ["destinations.x.fields"])
    assert problems_of(project, "plan", "x") == (2, problems)


DATA = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources:
  s: {{type: file, path: "{path}"}}
  db: {{type: sql, url: "sqlite:///{database}", query: select * from people}}
datasets:
  d: {{source: s, key: id, sql: "{sql}"}}
  e: {{source: db, key: id, sql: "{query}"}}
  plain: {{source: s, key: {key}}}
destinations:
  x: {{dataset: d, credential: acme, template: upsert_person, fields: {{user_id: id, email: mail}}}}
  y: {{dataset: e, credential: acme, template: upsert_person, fields: {{user_id: id}}}}
  z: {{dataset: plain, credential: acme, template: upsert_person{z}}}
"""
GOOD = {
    "path": "people.csv",
    "database": "people.db",
    "sql": "select id, email as mail, plan from source",
    "query": "select id, email from source",
    "key": "id",
    "z": ", fields: {user_id: id}",
}
FILES = {
    "people.csv": "id,email,plan\n1,a@x.example,gold\n",
    "people.json": '[{"id": "1", "email": "a@x.example", "plan": "gold"}]',
    "people.ndjson": '{"id": "1", "email": "a@x.example", "plan": "gold"}\n',
}


def data_project(tmp_path, sandbox, **settings: str) -> Project:
    project = Project(tmp_path, sandbox)
    for name, text in FILES.items():
        project.write(name, text)
    with closing(sqlite3.connect(tmp_path / "people.db")) as people:
        people.execute("create table if not exists people (id text, email text)")
        people.commit()
    project.write("penstock.yaml", DATA.format(url=sandbox.url, **GOOD | settings))
    return project


@pytest.mark.parametrize("path", FILES)
def test_a_misspelt_column_in_sql_over_a_file_names_the_nearest_one(tmp_path, sandbox, path):
    wrong = (
        "select id, source.emial as mail from source"
        if path == "people.ndjson"
        else "select id, emial as mail from source"
    )
    project = data_project(tmp_path, sandbox, path=path, sql=wrong)
    code, [problem] = problems_of(project, "validate")
    assert (code, problem["path"], problem["line"], problem["code"]) == (2, "datasets.d.sql", 7, "sql-error")
    assert "emial" in problem["message"]
    assert problem["hint"].startswith("did you mean email?")
    assert not (tmp_path / ".penstock").exists()
    assert problems_of(project, "plan", "x") == (2, [problem])


def test_sql_over_a_database_is_checked_with_the_stored_columns(tmp_path, sandbox):
    project = data_project(tmp_path, sandbox, query="select id, emial from source")
    assert problems_of(project, "validate") == (0, [])  # its columns are not known, and no connection is opened
    data_project(tmp_path, sandbox)
    with closing(sqlite3.connect(tmp_path / "people.db")) as people:
        people.execute("insert into people values ('1', 'a@x.example')")
        people.commit()
    assert run_penstock(project, "plan", "y", "--json").returncode == 0
    data_project(tmp_path, sandbox, query="select id, emial from source")
    (tmp_path / "people.db").rename(tmp_path / "gone.db")
    code, [problem] = problems_of(project, "validate")
    assert (code, problem["path"], problem["code"]) == (2, "datasets.e.sql", "sql-error")
    assert problem["hint"].startswith("did you mean email?")


@pytest.mark.parametrize(
    ("settings", "path", "code", "hint"),
    [
        ({"key": "ids"}, "datasets.plain.key", "unknown-column", "did you mean id?"),
        ({"z": ", fields: {user_id: id, name: plann}"}, "destinations.z.fields.name", "unknown-column", "did you mean plan?"),
        ({"z": ""}, None, None, None),  # its columns are mapped by name, email among them
        ({"z": ", exclude: [plna]"}, "destinations.z.exclude", "unknown-column", "did you mean plan?"),
        ({"path": "nothing.csv", "z": ""}, "destinations.z.fields", "missing-field", "map user_id or email or id to a column"),
        ({"sql": "select id, plan from source"}, "destinations.x.fields.email", "unknown-column", None),
    ],
)  # fmt: skip
def test_destinations_are_checked_with_the_columns_of_files(tmp_path, sandbox, settings, path, code, hint):
    project = Project(tmp_path, sandbox)
    project.write("nothing.csv", "id,plan,email_address,mail\n1,a,b,c\n")
    data_project(tmp_path, sandbox, **{"sql": "select id, id as mail from source"} | settings)
    exit_code, problems = problems_of(project, "validate")
    if path is None:
        assert (exit_code, problems) == (0, [])
        return
    assert [(each["path"], each["code"]) for each in problems] == [(path, code)]
    assert hint is None or problems[0]["hint"] == hint
    name = path.split(".")[1]
    command = ("plan", {"plain": "z"}.get(name, name))
    assert problems_of(project, *command) == (2, problems)


def test_a_source_that_cannot_be_read_is_a_note(tmp_path, sandbox):
    project = data_project(tmp_path, sandbox)
    (tmp_path / "people.csv").unlink()
    done = run_penstock(project, "validate", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"errors": []})
    assert "note: " in done.stderr
    assert "people.csv" in done.stderr


def test_the_state_and_the_keys_are_never_read_as_data(tmp_path, sandbox):
    project = data_project(tmp_path, sandbox)
    assert run_penstock(project, "plan", "z", "--json").returncode == 0
    key = next((tmp_path / ".penstock").glob("secret.key*"), None)
    if key is None:
        key = tmp_path / ".penstock" / "secret.key"
        key.write_text("a-very-secret-key\n1\n")
    secret = key.read_text().split()[0]
    data_project(tmp_path, sandbox, path=".penstock/secret.key", sql="select emial from source")
    done = run_penstock(project, "validate", "--json")
    assert secret not in done.stdout + done.stderr
    assert "never read" in done.stderr
