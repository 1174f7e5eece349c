"""Acts at the command line that change something in Custify or in the state are in the audit log, each once."""

import pytest

from support.cli.shell import Shell
from support.servers.sandbox import sandbox, shared_sandbox

__all__ = ["sandbox", "shared_sandbox"]
PROJECT = """\
credentials:
  sandbox: {{connector: custify, api_key: "${{env:SANDBOX_KEY}}", base_url: "{base}", dialect: native}}
sources:
  file: {{type: file, path: rows.csv}}
datasets:
  rows: {{source: file, key: id}}
destinations:
  it:
    dataset: rows
    credential: sandbox
    template: upsert_company
    fields: {{company_id: id, name: name}}
    mode: mirror
    on_delete: delete
    active: true
"""


@pytest.fixture
def shell(tmp_path, sandbox, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBOX_KEY", sandbox.api_key)
    monkeypatch.delenv("PENSTOCK_DATABASE_URL", raising=False)
    (tmp_path / "penstock.yaml").write_text(PROJECT.format(base=sandbox.url), encoding="utf-8")
    (tmp_path / "rows.csv").write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    made = Shell(tmp_path, monkeypatch, capsys)
    made.json("run it")
    return made


def entries(shell):
    return [(entry["action"], entry["what"], entry["result"]) for entry in shell.json("audit")]


@pytest.mark.parametrize(
    ("line", "action", "what"),
    [
        ("settle it", "penstock settle", "it"),
        ("reconcile it --fix", "penstock reconcile --fix", "it"),
        ("erase 2 --yes", "penstock erase", None),
    ],
)
def test_an_act_has_one_entry(shell, line, action, what):
    before = entries(shell)
    shell.json(line)
    added = [entry for entry in entries(shell) if entry not in before]
    assert [(each[0], each[2]) for each in added] == [(action, "ok")]
    assert what is None or added[0][1] == what


@pytest.mark.parametrize("line", ["plan it", "plan it --exact", "reconcile it", "preview it"])
def test_what_only_reads_has_none(shell, line):
    before = entries(shell)
    shell.json(line)
    assert entries(shell) == before


def test_the_approval_of_deletions_is_logged_with_its_hash(shell, tmp_path):
    (tmp_path / "rows.csv").write_text("id,name\n1,one\n", encoding="utf-8")
    plan = shell.json("plan it")
    assert shell.json(f"run it --allow-deletes {plan['deletes_hash']}")["deleted"] == 1
    assert ("penstock run", f"it --allow-deletes {plan['deletes_hash']}", "ok") in entries(shell)


def test_a_run_past_a_canary_is_logged_with_the_run_that_it_stopped(shell, sandbox, tmp_path):
    text = PROJECT.format(base=sandbox.url).replace(
        "mode: mirror\n    on_delete: delete", 'canary: 1\n    batch: "off"'
    )
    (tmp_path / "penstock.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("id,name\n3,three\n4,four\n5,five\n", encoding="utf-8")
    sandbox.fault(status=400, path="/company", times=1)
    stopped = shell.json("run it", 1)["run"]
    shell.json("run it", 1)  # the first record is in quarantine
    sandbox.clear_faults()
    shell.json("run it", 1)
    found = [what for action, what, _ in entries(shell) if action == "penstock run"][:3]  # newest first
    assert found == ["it", f"it past the canary of {stopped}", "it"]
