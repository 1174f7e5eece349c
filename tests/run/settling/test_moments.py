"""Whatever happened to a request, each record ends in Custify exactly once, and the counts say so.

Records 2 and 3 meet a fault. They are settled at the end of their run, at the beginning of the next one (the reads of the
first one fail), or by `settle DEST` (with `on_unknown: hold`).
"""

import json

import pytest

from support.cli.settling_project import FAULTS, KINDS, MANUAL, ONE_FORM, TASK, commits, notes, outcomes

MOMENTS = ("end of the run", "beginning of the next run", "settle")

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
in_one_form = pytest.mark.parametrize("kind", ONE_FORM.values(), ids=ONE_FORM)
each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
each_moment = pytest.mark.parametrize("moment", MOMENTS)


@each_moment
@each_fault
@in_one_form
def test_each_record_arrives_exactly_once(make, kind, fault, moment):
    arrives_exactly_once(make, kind, fault, moment)


@pytest.mark.parametrize(("fault", "moment"), list(zip(FAULTS, (*MOMENTS, MOMENTS[0]), strict=True)))
@pytest.mark.parametrize("form", ["text", "trimmed"])
def test_each_note_arrives_exactly_once_in_other_forms(make, form, fault, moment):
    """The form decides only whether a note that was read is the one that was sent: by the same code at each moment."""
    arrives_exactly_once(make, KINDS[f"note as {form}"], FAULTS[fault], moment)


@each_moment
@pytest.mark.parametrize("fault", ["reply lost", "cut before commit"])
def test_each_record_arrives_exactly_once_with_the_state_in_postgresql(make, postgres, monkeypatch, fault, moment):
    """The state has the same rows after a status 503 as after a cut: the record is unknown."""
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    arrives_exactly_once(make, TASK, FAULTS[fault], moment)


def arrives_exactly_once(make, kind, fault, moment):
    its = make(kind, on_unknown="hold" if moment == "settle" else "settle")
    every, sent = len(kind.rows), len(kind.rows) - 2 + 2 * its.attempts(fault)
    its.fault(fault, after=1)
    if its.is_retried(fault):
        report = its.run()
        assert outcomes(report) == {"delivered": every}
        assert its.settle()[0] == {"delivered": 0, "sent_again": 0, "undecided": 0}
        again = 2
    else:
        again = 0 if commits(fault) else 2
        report = SETTLED[moment](its, every, again)
    its.assert_settled(report)
    assert its.requests("POST") == sent + again, "a record that had arrived was sent again"


def at_the_end_of_the_run(its, every, _again):
    report = its.run()
    assert outcomes(report) == {"delivered": every}
    return report


def at_the_beginning_of_the_next_run(its, every, again):
    its.fail_reads()
    report = its.run(code=1)
    assert outcomes(report) == {"delivered": every - 2, "unknown": 2}
    its.sandbox.clear_faults()
    left = {"unchanged": every - again, "delivered": again}
    assert outcomes(its.run()) == {outcome: number for outcome, number in left.items() if number}
    return report


def by_the_command(its, every, again):
    report = its.run(code=1)
    assert outcomes(report) == {"delivered": every - 2, "unknown": 2}
    settled, requests = its.settle()
    assert settled == {"delivered": 2 - again, "sent_again": again, "undecided": 0}
    assert requests >= 1 + again
    return report


SETTLED = dict(zip(MOMENTS, (at_the_end_of_the_run, at_the_beginning_of_the_next_run, by_the_command), strict=True))


@each_kind
def test_an_object_that_is_visible_late_is_not_sent_again(make, sandbox, kind):
    its = make(kind, settle_after="1.5")
    sandbox.settings(visible_after="300ms")
    sandbox.advance(1)  # the company is visible
    its.fault(FAULTS["reply lost"], after=1)
    report = its.run()
    assert outcomes(report) == {"delivered": len(kind.rows)}
    its.assert_settled(report)


@each_fault
@in_one_form
def test_hold_reads_nothing_and_sends_nothing_again(make, kind, fault):
    its = make(kind, on_unknown="hold")
    its.fault(fault, after=1)
    if its.is_retried(fault):
        assert outcomes(its.run()) == {"delivered": len(kind.rows)}
    else:
        assert outcomes(its.run(code=1)) == {"delivered": len(kind.rows) - 2, "unknown": 2}
        sent = its.requests("POST")
        assert outcomes(its.run(code=1)) == {"unchanged": len(kind.rows) - 2, "unknown": 2}
        assert its.requests("POST") == sent
    assert its.requests("GET") == 0


@pytest.mark.parametrize("moment", ["run", "settle"])
@in_one_form
def test_a_read_that_fails_leaves_records_undecided(make, sandbox, kind, moment):
    its = make(kind, on_unknown="settle" if moment == "run" else "hold")
    its.fault(FAULTS["cut before commit"], after=1)
    its.fail_reads()
    report = its.run(code=1)
    assert (report["status"], outcomes(report)) == ("partial", {"delivered": len(kind.rows) - 2, "unknown": 2})
    sent = its.requests("POST")
    if moment == "run":
        assert outcomes(its.run(code=1))["unknown"] == 2
    else:
        settled, requests = its.settle(code=1)
        assert settled == {"delivered": 0, "sent_again": 0, "undecided": 2}
        assert requests >= 1
    assert its.requests("POST") == sent
    assert [entry["outcome"] for entry in its.shell.json("quarantine list")] == ["unknown", "unknown"]
    sandbox.clear_faults()
    assert its.settle()[0] == {"delivered": 0, "sent_again": 2, "undecided": 0}
    its.assert_settled(report)


@each_fault
@pytest.mark.parametrize("name", ["task", "custom object"])
def test_an_api_that_ignores_filters_lets_no_record_seem_to_have_arrived(make, sandbox, name, fault):
    its = make(KINDS[name])
    sandbox.settings(ignore_filters=True)
    its.fault(fault, after=1)
    report = its.run()
    assert outcomes(report) == {"delivered": len(KINDS[name].rows)}
    its.assert_settled(report)


@pytest.mark.parametrize("fault", ["reply lost", "cut before commit"])
@pytest.mark.parametrize("ignored", [False, True], ids=["filtered", "unfiltered"])
def test_tasks_behind_several_pages_of_older_ones(make, sandbox, fault, ignored):
    its = make(TASK)
    for number in range(120):
        task = {"name": "Call k2", "priority": "medium", "status": "open", "externalId": f"older {number}"}
        sandbox.call("POST /task", json.dumps(task))
    sandbox.settings(ignore_filters=ignored)
    its.fault(FAULTS[fault], after=1)
    assert outcomes(its.run()) == {"delivered": len(TASK.rows)}
    arrived = [key for key in its.arrived() if not key.startswith("older")]
    assert arrived == TASK.expected


@pytest.mark.parametrize("fault", ["reply lost", "cut before commit"])
def test_notes_among_several_pages_of_other_ones(make, sandbox, fault):
    """220 older notes have a text of ours: they are not the note that was sent."""
    kind = notes(("same", "other", "third"))
    its = make(kind)
    for _ in range(220):
        older = {"text": "other", "company_id": "acme", "created_at": "2026-01-31T12:00:00Z"}
        sandbox.call("POST /api/note", json.dumps(older))
    its.fault(FAULTS[fault], after=1)
    its.run()
    assert sorted(its.arrived()) == sorted([*kind.expected, *["other"] * 220])


@each_fault
@pytest.mark.parametrize("name", ["task", "note as html"])
def test_a_row_that_changes_before_its_record_is_settled_makes_no_second_object(make, sandbox, name, fault):
    """The new row is sent where the old one did not arrive; else its key was already sent with other content."""
    kind = KINDS[name]
    its = make(kind)
    its.fault(fault, after=1)
    its.fail_reads()
    its.run(code=1)
    sandbox.clear_faults()
    column = "name" if name == "task" else "text"
    its.write_rows(
        tuple({**row, column: f"new {row['id']}"} if row["id"] in ("k2", "k3") else row for row in kind.rows)
    )
    report = its.run(code=1 if commits(fault) else 0)
    assert len(its.arrived()) == len(kind.rows)
    assert outcomes(report)["unchanged"] == 2
    assert outcomes(report)["quarantined" if commits(fault) else "delivered"] == 2
    its.counts()


def test_a_manual_request_without_a_recipe_stays_unknown(make):
    how = MANUAL.how[: MANUAL.how.index(", settle: ")] + "}"
    kind = type(MANUAL)(how, MANUAL.rows, MANUAL.path, MANUAL.stored, MANUAL.identity)
    its = make(kind)
    its.fault(FAULTS["cut before commit"], after=1)
    assert outcomes(its.run(code=1)) == {"delivered": 2, "unknown": 2}
    assert its.settle(code=1) == ({"delivered": 0, "sent_again": 0, "undecided": 2}, 0)
    assert outcomes(its.run(code=1)) == {"unchanged": 2, "unknown": 2}
    assert (its.requests("POST"), its.requests("GET")) == (4, 0)
