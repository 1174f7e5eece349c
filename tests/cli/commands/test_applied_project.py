"""Commands for versions, flows, runs and the retention."""

import pytest

from support.cli.shell import Shell

PROJECT = """\
credentials:
  acme: {{connector: custify, api_key: "${{env:KEY}}", base_url: "http://127.0.0.1:9"}}
sources:
  crm: {{type: file, path: people.csv}}
datasets:
  people: {{source: crm, key: id}}
destinations:
  it: {{dataset: people, credential: acme, template: upsert_person, concurrency: {concurrency}, active: true}}
flows:
  nightly: {{schedule: "0 2 * * *", destinations: [it]}}
"""


@pytest.fixture
def shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("user_id,email,id\n1,ada@x.example,1\n")
    made = Shell(tmp_path, monkeypatch, capsys)
    for concurrency in (3, 4):
        (tmp_path / "penstock.yaml").write_text(PROJECT.format(concurrency=concurrency))
        made.text("apply")
    return made


def test_versions_are_listed_and_an_old_one_is_restored(shell):
    listed = shell.json("versions")
    assert [version["version"] for version in listed] == [2, 1]
    assert listed[0]["changes"][0]["path"] == "destinations.it.concurrency"
    back = shell.json("roll-back 1 --only destinations.it")
    assert (back["version"], back["changes"][0]["after"]) == (3, "3")
    assert "concurrency: 3" in shell.json("export")["project"]
    assert shell.json("plan it", code=2)["errors"][0]["code"] == "differs", "now the file is behind"
    assert shell.json("roll-back 9", code=2)["errors"][0]["code"] == "unknown-version"
    assert "penstock roll-back" in {entry["action"] for entry in shell.json("audit")}


def test_a_flow_is_paused_and_resumed(shell):
    assert shell.json("flow pause nightly")["paused"] is True
    resumed = shell.json("flow resume nightly")
    assert resumed["paused"] is False
    assert resumed["next_at"] is not None
    assert shell.json("flow pause daily", code=2)["errors"][0]["code"] == "unknown-flow"


def test_an_unknown_run_cannot_be_cancelled(shell):
    assert shell.json("cancel nothing", code=2)["errors"][0]["code"] == "unknown-run"


def test_the_retention_is_shown_and_changed(shell):
    assert shell.json("retention")["runs"] == 90
    assert shell.json("retention runs=30 audit=0")["runs"] == 30
    found = shell.json("retention")
    assert (found["runs"], found["audit"], found["responses"]) == (30, 0, 30)
    assert "for ever" in shell.text("retention")
    assert shell.json("retention rums=3", code=2)["errors"][0]["hint"] == "did you mean runs?"
    assert shell.json("retention runs=x", code=2)["errors"][0]["code"] == "usage"


def test_commands_that_change_only_the_state_are_in_the_audit_log(shell):
    shell.json("schema people")
    shell.json("schema people --refresh")
    shell.json("compact")
    changes = [(entry["action"], entry["what"]) for entry in shell.json("audit")]
    assert changes[:2] == [("penstock compact", ""), ("penstock schema --refresh", "people")]
    assert changes[2][0] == "penstock apply"
