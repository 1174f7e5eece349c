"""kill -9 while a request of a run, a read-back, or the sending of a record once more is under way."""

import pytest

from support.cli.settling_project import CREATED_ONCE, FAULTS, ONE_FORM, TASK, outcomes

executed = pytest.mark.parametrize("commit", [True, False], ids=["after commit", "before commit"])
each_kind = pytest.mark.parametrize("kind", ONE_FORM.values(), ids=ONE_FORM)
each_created_once = pytest.mark.parametrize("kind", CREATED_ONCE.values(), ids=CREATED_ONCE)


@pytest.mark.parametrize("moment", ["beginning of the next run", "settle"])
@executed
@each_kind
def test_each_record_of_a_killed_run_arrives_exactly_once(make, kind, commit, moment):
    arrives_exactly_once(make, kind, commit, moment)


@pytest.mark.parametrize("moment", ["beginning of the next run", "settle"])
@executed
def test_each_record_of_a_killed_run_arrives_exactly_once_with_the_state_in_postgresql(
    make, postgres, monkeypatch, commit, moment
):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    arrives_exactly_once(make, TASK, commit, moment)


def arrives_exactly_once(make, kind, commit, moment):
    """An upsert is sent again by the next run. Of others, the next one may be written down as sent too, but was not."""
    every = len(kind.rows)
    its = make(kind, on_unknown="hold" if moment == "settle" else "settle")
    its.kill("run it", {"method": "POST", "commit": commit})
    stays_unknown = moment == "settle" and not kind.repeatable
    report = its.run(code=1 if stays_unknown else 0)
    counted = outcomes(report)
    unknown = counted.get("unknown", 0)
    assert (sum(counted.values()), unknown > 0) == (every, stays_unknown)
    if moment == "settle":
        found = 1 if commit and unknown else 0
        settled, requests = its.settle()
        assert settled == {"delivered": found, "sent_again": unknown - found, "undecided": 0}
        assert requests >= unknown - found + (1 if unknown else 0)
    its.assert_settled(report)
    assert its.requests("POST") == every + (0 if commit and not kind.repeatable else 1)


@executed
@each_kind
def test_settling_between_a_killed_run_and_its_continuation_doubles_nothing(make, kind, commit):
    its = make(kind)
    its.kill("run it", {"method": "POST", "commit": commit})
    process = its.shell.start("settle", "it", "--json")
    printed = process.communicate()
    assert process.returncode in (0, 1), printed
    its.assert_settled(its.run())


@pytest.mark.parametrize("fault", ["reply lost", "cut before commit"])
@each_created_once
def test_settling_that_is_killed_while_it_reads_is_repeated(make, kind, fault):
    its = make(kind, on_unknown="hold")
    its.fault(FAULTS[fault], after=1)
    report = its.run(code=1)
    its.kill("settle it", {"method": "GET"})
    found, again = (2, 0) if fault == "reply lost" else (0, 2)
    assert its.settle()[0] == {"delivered": found, "sent_again": again, "undecided": 0}
    its.assert_settled(report)
    assert its.requests("POST") == len(kind.rows) + again


@executed
@each_created_once
def test_settling_that_is_killed_while_it_sends_again_doubles_nothing(make, kind, commit):
    its = make(kind, on_unknown="hold")
    its.fault(FAULTS["cut before commit"], after=1)
    report = its.run(code=1)
    its.kill("settle it", {"method": "POST", "commit": commit})
    its.settle()
    its.assert_settled(report)
    assert its.requests("POST") == len(kind.rows) + (2 if commit else 3)


continued = pytest.mark.parametrize("between", ["", "settle it"], ids=["continued", "settled, then continued"])


@continued
@executed
@each_created_once
def test_a_run_that_is_killed_while_it_sends_again_doubles_nothing(make, sandbox, kind, commit, between):
    """The records were left by the run before."""
    its = make(kind)
    its.fault(FAULTS["cut before commit"], after=1)
    its.fail_reads()
    its.run(code=1)
    sandbox.clear_faults()
    its.kill("run it", {"method": "POST", "commit": commit})
    is_continued(its, commit, between)


@continued
@executed
@each_created_once
def test_a_run_that_is_killed_while_it_sends_its_own_again_doubles_nothing(make, kind, commit, between):
    its = make(kind)
    its.fault(FAULTS["cut before commit"], after=1)
    its.kill("run it", {"method": "POST", "commit": commit, "after": 2})
    assert its.requests("POST") == len(kind.rows) + 1
    is_continued(its, commit, between)


def is_continued(its, commit, between):
    if between:
        process = its.shell.start(*between.split(), "--json")
        printed = process.communicate()
        assert process.returncode in (0, 1), printed
    report = its.run()
    assert sum(outcomes(report).values()) == len(its.kind.rows)
    its.assert_settled(report)
    assert its.requests("POST") == len(its.kind.rows) + (2 if commit else 3)
