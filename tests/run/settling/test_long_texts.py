"""Records whose request is longer than what is stored of other requests are settled like any other."""

import json
from dataclasses import replace

import pytest

from support.cli.settling_project import FAULTS, TASK, notes, outcomes

LONG = "Called about the renewal; the next step is theirs. " * 600  # 30,000 characters
BEGINNING = 20_000  # characters of a request's body that are shown
NOTES = notes((f"{LONG}one", f"{LONG}two", "short", f"{LONG}four"))
LONG_TASK = replace(
    TASK,
    how="template: create_task\n    attributes: none\n    fields: {name: name, description: description}",
    rows=tuple({**row, "description": LONG} for row in TASK.rows),
)
KINDS = {"note": NOTES, "task": LONG_TASK}

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@pytest.mark.parametrize("fault", ["reply lost", "cut before commit"])
@each_kind
def test_a_long_record_without_an_answer_is_settled(make, kind, fault):
    its = make(kind)
    its.fault(FAULTS[fault], after=1)
    report = its.run()
    assert outcomes(report) == {"delivered": len(kind.rows)}
    its.assert_settled(report)


@pytest.mark.parametrize("commit", [True, False], ids=["after commit", "before commit"])
@each_kind
def test_a_long_record_of_a_killed_run_is_settled(make, postgres, monkeypatch, kind, commit):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    its = make(kind)
    its.kill("run it", {"method": "POST", "commit": commit})
    its.assert_settled(its.run())


def test_the_beginning_of_a_long_request_is_shown(make):
    its = make(NOTES, on_unknown="hold")
    its.fault(FAULTS["reply lost"], records=1)
    its.run(code=1)
    (entry,) = its.shell.json("quarantine list")
    request = its.shell.json(f"quarantine show {entry['id']}")["request"]
    assert len(request["body"]) == BEGINNING
    assert its.query("select request from quarantine")[0][0].count(json.dumps(LONG)[1:-1]) == 1
