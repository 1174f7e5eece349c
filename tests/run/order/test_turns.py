"""Whose turn it is: several runs beside a backfill, ^C and kill -9 of those that wait or have begun, and the fuse."""

import signal

import pytest

from penstock.store import leases
from support.cli.order_project import NOTES, SINGLE, outcomes, superseded

on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def test_two_waiting_runs_get_their_turns_one_after_the_other(make, sandbox):
    its = make(120)
    backfill = its.start("run", "it")
    its.wait_for_sent(10)
    sandbox.settings(latency=1500)  # the backfill ends these requests before it gives way
    its.write(its.keys[-20:])
    first = its.start("run", "it")
    its.wait(lambda: f"process {first.pid} " in (its.holder(leases.of_next("it")) or ""))
    second = its.start("run", "it", "--wait")
    third = its.start("run", "it")
    assert its.ended(third, code=3)["errors"][0]["code"] == "held"
    sandbox.settings(latency=40)
    its.wait(lambda: any(version == 2 for _, version in its.sent()))
    its.write(its.keys[-10:])
    assert outcomes(its.ended(first)) == {"delivered": 20}
    assert outcomes(its.ended(second)) == {"delivered": 10}
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": 100, "unchanged": 20}
    its.assert_in_order()


@on_sqlite
def test_a_backfill_that_has_given_way_is_cancelled_and_continued_later(make, sandbox):
    its = make(100)
    backfill = its.start("run", "it")
    its.wait_for_sent(10)
    sandbox.settings(latency=60)
    its.write(its.keys[-20:])
    live = its.start("run", "it")
    its.wait(lambda: sum(version == 2 for _, version in its.sent()) >= 2)
    backfill.send_signal(signal.SIGINT)
    cancelled = its.ended(backfill, code=130)
    assert live.poll() is None
    assert cancelled["status"] == "cancelled"
    assert 10 <= outcomes(cancelled)["delivered"] < 80
    assert outcomes(its.ended(live)) == {"delivered": 20}
    report = its.shell.json("run it")
    assert report["run"] == cancelled["run"]
    assert outcomes(report) == {"delivered": 80, "unchanged": 20}
    assert superseded(report) == 20
    its.assert_in_order()


@pytest.mark.parametrize("how", [SINGLE, NOTES], ids=["companies", "notes"])
def test_both_are_killed_and_continued(make, how):
    its = make(80, how)
    if how == NOTES:
        its.create_companies()
    backfill = its.start("run", "it")
    its.wait(lambda: len(its.executed()) >= 10)
    its.write(its.keys[-30:])
    live = its.start("run", "it")
    its.wait(lambda: sum(version == 2 for _, version in its.executed()) >= 4)
    its.kill(backfill)
    its.kill(live)
    reports = [its.shell.json("run it") for _ in range(2)]
    assert [sum(outcomes(report).values()) for report in reports] == [30, 80]
    assert all(set(outcomes(report)) <= {"delivered", "unchanged"} for report in reports)
    assert superseded(reports[1]) == 30
    assert its.shell.json("run it")["records"]["read"] == 0
    if how == NOTES:
        assert its.stored("notes") == sorted(its.newest.items())
    else:
        its.assert_in_order()


@on_sqlite
def test_the_fuse_counts_what_its_own_run_was_refused_before_and_after_it_gave_way(make, sandbox):
    its = make(200, SINGLE + "\n    fuse: {ratio: 1, after: 1000, in_a_row: 70}", latency=40)
    sandbox.fault(status=422, method="POST")
    backfill = its.start("run", "it")
    its.wait_for_sent(20)
    its.write(its.keys[-30:])
    live = its.shell.json("run it", code=1)
    assert backfill.poll() is None
    assert outcomes(live) == {"quarantined": 30}
    report = its.ended(backfill, code=1)
    assert (report["status"], report["records"]["unsent"] > 0) == ("failed", True)
    assert 70 <= report["records"]["quarantined"] <= 72  # two requests at once
