"""The notes of a run count each record once, however often it is sent."""

import json
from dataclasses import replace

import pytest

from support.cli.settling_project import FAULTS, notes, outcomes

WITH_MOMENT = notes(("one", "two", "three", "four"))
WITH_MOMENT = replace(
    WITH_MOMENT,
    how=WITH_MOMENT.how.replace("{text: text,", "{text: text, created_at: at,"),
    rows=tuple({**row, "at": "2026-01-31"} for row in WITH_MOMENT.rows),
)


def counted(report):
    return {note["field"]: note["count"] for note in report["notes"] if note["field"] in ("created_at", "id")}


@pytest.mark.parametrize("moment", ["end of the run", "settle"])
def test_a_record_that_is_sent_again_is_counted_once(make, moment):
    its = make(WITH_MOMENT, on_unknown="hold" if moment == "settle" else "settle")
    its.fault(FAULTS["cut before commit"], after=1)
    report = its.run(code=1 if moment == "settle" else 0)
    assert counted(report) == {"created_at": 4}
    if moment == "settle":
        its.settle()
        assert counted(its.shell.json("runs")[0]) == {"created_at": 2}, "of the two records that it sent"


def test_a_record_of_an_earlier_run_is_counted_by_the_run_that_sends_it(make, sandbox):
    its = make(WITH_MOMENT)
    its.fault(FAULTS["cut before commit"], after=1)
    its.fail_reads()
    assert counted(its.run(code=1)) == {"created_at": 4}
    sandbox.clear_faults()
    its.write_rows(WITH_MOMENT.rows[:2])  # k2 is sent from the input, k3 from the quarantine
    report = its.run()
    assert outcomes(report) == {"unchanged": 1, "delivered": 2}
    assert counted(report) == {"created_at": 2}


def test_a_part_that_is_sent_before_the_input_is_read_repeats_no_key_of_it(make, sandbox):
    how = "template: upsert_person\n    batch: off\n    attributes: none\n    fields: {user_id: id, name: name}"
    people = tuple({"id": key, "name": "Ada"} for key in ("k1", "k2"))
    its = make(replace(WITH_MOMENT, how=how, rows=people, path="/people", stored="people", identity="user_id"))
    project = its.shell.folder / "penstock.yaml"
    project.write_text(project.read_text().replace("rows.csv", "rows.ndjson"), encoding="utf-8")
    lines = "".join(f"{json.dumps(row)}\n" for row in people)
    (its.shell.folder / "rows.ndjson").write_text(lines, encoding="utf-8")
    sandbox.fault(cut="before", path="/people", method="POST", containing="k2")
    assert outcomes(its.run(code=1)) == {"delivered": 1, "unknown": 1}
    sandbox.clear_faults()
    report = its.run()
    assert counted(report) == {}
    assert outcomes(report) == {"unchanged": 2, "delivered": 1}, "it is read after it was sent"
