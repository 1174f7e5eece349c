"""Notes and events of a backfill and of other runs beside it: each key is sent once, whatever dies."""

import pytest

from penstock.usecases.operations import Operations
from support.cli.order_project import EVENTS, NOTES, outcomes, superseded


@pytest.mark.parametrize(
    ("url", "how", "kind", "number"),
    [("sqlite", NOTES, "notes", 60), ("postgres", EVENTS, "events", 300)],
    ids=["notes", "events"],
    indirect=["url"],
)
def test_a_key_is_sent_by_the_backfill_or_by_a_live_run(make, how, kind, number):
    its = make(number, how, latency=20 if how == NOTES else 40)
    its.create_companies()
    backfill = its.start("run", "it")
    its.wait(lambda: len(its.stored(kind)) >= 5)
    its.write([*its.keys[:1], *its.keys[-10:]])
    live = its.shell.json("run it", code=1)
    assert backfill.poll() is None
    assert outcomes(live) == {"delivered": 10, "quarantined": 1}
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": number - 10, "unchanged": 10}
    assert superseded(report) == 10
    expected = [*((key, 1) for key in its.keys[:-10]), *((key, 2) for key in its.keys[-10:])]
    assert its.stored(kind) == expected
    [entry] = its.shell.json("quarantine list")
    assert (entry["key"], entry["reason"].split(";")[0]) == ("c0000", "key already sent with other content")
    assert its.shell.json("run it")["records"]["read"] == 0
    assert its.stored(kind) == expected


def test_a_live_run_settles_the_records_that_the_backfill_has_no_answer_to(make, sandbox):
    its = make(60, NOTES)
    its.create_companies()
    sandbox.fault(cut="after", method="POST", path="/note", after=2, times=2)
    sandbox.fault(cut="before", method="POST", path="/note", times=2)
    backfill = its.start("run", "it")
    its.wait(lambda: len(its.stored("notes")) >= 6)
    its.write(its.keys[:8])
    live = its.shell.json("run it", code=1)
    assert outcomes(live)["quarantined"] + outcomes(live).get("delivered", 0) == 8
    report = its.ended(backfill)
    assert sum(outcomes(report).values()) == 60
    assert set(outcomes(report)) == {"delivered", "unchanged"}
    assert [key for key, _ in its.stored("notes")] == its.keys


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_settle_during_a_backfill_settles_what_it_has_no_answer_to_and_nothing_else(make, sandbox):
    its = make(60, NOTES)
    its.create_companies()
    sandbox.fault(cut="after", method="POST", path="/note", after=2, times=2)
    sandbox.fault(cut="before", method="POST", path="/note", times=2)
    backfill = its.start("run", "it")
    its.wait(lambda: len(its.stored("notes")) >= 6)
    settled = its.shell.json("settle it")
    assert (settled["delivered"], settled["sent_again"], settled["undecided"]) == (2, 2, 0)
    assert backfill.poll() is None
    assert outcomes(its.ended(backfill)) == {"delivered": 56, "unchanged": 4}
    assert its.stored("notes") == [(key, 1) for key in its.keys]


@pytest.mark.parametrize("commit", [True, False], ids=["executed", "not executed"])
def test_what_a_killed_backfill_was_sending_is_not_sent_again_by_the_run_beside_it(make, sandbox, monkeypatch, commit):
    """The run was requested in a service while the backfill was executed: it does not continue that one."""
    its = make(40, NOTES)
    its.create_companies()
    sandbox.fault(slow="60s", commit=commit, method="POST", path="/note", after=5, times=1)
    backfill = its.start("run", "it")
    its.wait(lambda: sandbox.faults()[-1]["fired"])
    its.kill(backfill)
    sandbox.clear_faults()
    arrived = its.stored("notes")
    its.write(its.keys[:20])
    with monkeypatch.context() as patch:
        patch.setattr(Operations, "_orchestrator", _requested(Operations._orchestrator))
        live = its.shell.json("run it", code=1)
    assert outcomes(live) == {"quarantined": len(arrived), "delivered": 20 - len(arrived)}
    report = its.shell.json("run it")
    assert sum(outcomes(report).values()) == 40
    assert set(outcomes(report)) == {"delivered", "unchanged"}
    expected = [(key, 2 if key in its.keys[:20] and (key, 1) not in arrived else 1) for key in its.keys]
    assert its.stored("notes") == expected


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_killed_backfill_with_a_limit_counts_what_it_was_sending_after_a_run_beside_it(make, sandbox, monkeypatch):
    its = make(20, NOTES)
    its.create_companies()
    sandbox.fault(slow="60s", commit=True, method="POST", path="/note", after=3, times=2)
    backfill = its.start("run", "it", "--limit", "8")
    its.wait(lambda: sandbox.faults()[-1]["fired"] == 2)
    its.kill(backfill)
    sandbox.clear_faults()
    its.write(its.keys[-2:])
    with monkeypatch.context() as patch:
        patch.setattr(Operations, "_orchestrator", _requested(Operations._orchestrator))
        its.shell.json("run it")
    its.shell.json("run it --limit 8")
    assert [key for key, version in its.stored("notes") if version == 1] == its.keys[:8]


def _requested(orchestrator):
    """The orchestrator of a run with an id of its own."""
    return lambda app, listener, **how: orchestrator(app, listener, **how, queued="r-20261201-000000-xxxxxx")
