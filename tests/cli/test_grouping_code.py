"""With grouping code that makes several requests per batch, `plan` counts and `test` sends the requests of a run."""

import json

import pytest

from support.cli.shell import Shell

PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{url}"}}
sources:
  file: {{type: file, path: people.csv}}
datasets:
  people: {{source: file, key: user_id}}
destinations:
  people:
    dataset: people
    credential: sandbox
    request:
      method: POST
      url: /people
      batch:
        size: 3
        grouping:
          algorithm: code
          code: |
{code}
    active: true
"""
ONE_EACH = """\
def batch(records):
    if any(record["name"] == "bad" for record in records):
        return [records[0]["nothing"]]
    return [record for record in records if record["name"] != "quiet"] or [records[0]]
"""
TWICE = """\
def batch(records):
    return [{"user_id": records[0]["user_id"]}, records[0], {"user_id": records[0]["user_id"], "name": "last"}]
"""


def shell_with(code, rows, tmp_path, sandbox, monkeypatch, capsys) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    (tmp_path / "people.csv").write_text("user_id,name\n" + rows, encoding="utf-8")
    indented = "".join(f"            {line}\n" for line in code.splitlines())
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(url=sandbox.flat_url, code=indented), encoding="utf-8")
    return Shell(tmp_path, monkeypatch, capsys)


def test_plan_counts_the_requests_that_the_code_makes(tmp_path, sandbox, monkeypatch, capsys):
    rows = "u1,a\nu2,quiet\nu3,c\n" + "u4,d\nu5,bad\nu6,f\n" + "u7,g\n"
    shell = shell_with(ONE_EACH, rows, tmp_path, sandbox, monkeypatch, capsys)
    planned = shell.json("plan people")
    assert (planned["records"], planned["creates_or_updates"], planned["invalid"]) == (7, 4, 3)
    assert (planned["requests"], planned["asking"]) == (2 + 0 + 1, 0)
    assert [error["key"] for error in planned["first_errors"]] == ["u4", "u5", "u6"]
    assert sandbox.stats()["requests"] == 0
    done = shell.json("run people", code=1)
    assert (done["requests"], done["records"]["delivered"], done["records"]["quarantined"]) == (3, 4, 3)


def test_a_test_sends_every_request_of_the_record(tmp_path, sandbox, monkeypatch, capsys):
    shell = shell_with(TWICE, "u1,Ada\n", tmp_path, sandbox, monkeypatch, capsys)
    report = shell.json("test people")
    sent = [entry["body"] for entry in sandbox.requests() if entry["method"] == "POST"]
    assert [json.loads(body).get("name") for body in sent] == [None, "Ada", "last"]
    assert [part["request"]["body"] for part in (*report["earlier"], report)] == sent
    assert report["response"]["status"] == 200
    shown = shell.text("test people")
    assert shown.count("POST") == 3

    sandbox.fault(status=422, path="/people", after=1, times=1)
    report = shell.json("test people", code=1)
    assert [part["response"]["status"] for part in (*report["earlier"], report)] == [200, 422]


def test_an_edited_body_is_sent_as_one_request(tmp_path, sandbox, monkeypatch, capsys):
    shell = shell_with(TWICE, "u1,Ada\n", tmp_path, sandbox, monkeypatch, capsys)
    report = shell.json("test people --body -", stdin='{"user_id": "u9"}')
    assert report["request"]["body"] == '{"user_id": "u9"}'
    assert "earlier" not in report


@pytest.mark.parametrize("command", ["test people", "plan people"])
def test_code_that_fails_on_the_sample_is_reported(command, tmp_path, sandbox, monkeypatch, capsys):
    shell = shell_with(ONE_EACH, "u1,bad\n", tmp_path, sandbox, monkeypatch, capsys)
    if command.startswith("plan"):
        assert "KeyError" in shell.json(command)["first_errors"][0]["reason"]
    else:
        problem = shell.json(command, code=2)["errors"][0]
        assert problem["path"] == "destinations.people"
        assert "KeyError" in problem["message"]
