"""A backfill gives way to other runs of its destination, and never sends what they have sent newer versions of.

Where each record counts, it keeps the destination for itself.
"""

import pytest

from penstock.store import leases
from support.cli.order_project import SINGLE, outcomes, superseded


def test_a_live_run_does_not_wait_for_the_backfill(make):
    its = make(300)
    backfill = its.start("run", "it")
    its.wait_for_sent(20)
    its.write([*its.keys[:5], *its.keys[-10:]])
    live = its.shell.json("run it")
    assert backfill.poll() is None
    assert outcomes(live) == {"delivered": 15}
    its.write(its.keys[-5:])
    again = its.shell.json("run it")
    assert outcomes(again) == {"delivered": 5}
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": 290, "unchanged": 10}
    assert superseded(report) == 10
    its.assert_in_order()
    assert len(its.sent()) == 310
    assert its.shell.json("run it")["records"]["read"] == 0


def test_a_live_run_that_is_killed_is_continued_and_the_backfill_goes_on(make):
    its = make(200)
    backfill = its.start("run", "it")
    its.wait_for_sent(10)
    its.write(its.keys[-60:])
    live = its.start("run", "it")
    its.wait(lambda: sum(version == 2 for _, version in its.sent()) >= 5)
    its.kill(live)
    report = its.ended(backfill)
    assert sum(outcomes(report).values()) == 200
    assert superseded(report) == 60
    again = its.shell.json("run it")
    assert outcomes(again) == {"delivered": 60 - outcomes(again).get("unchanged", 0), **_unchanged(again)}
    its.assert_in_order()


def test_a_backfill_that_is_killed_while_a_live_run_goes_on_is_continued(make):
    its = make(200)
    backfill = its.start("run", "it")
    its.wait_for_sent(10)
    its.write(its.keys[-60:])
    live = its.start("run", "it")
    its.wait(lambda: sum(version == 2 for _, version in its.sent()) >= 5)
    its.kill(backfill)
    assert outcomes(its.ended(live)) == {"delivered": 60}
    report = its.shell.json("run it")
    assert superseded(report) == 60
    assert outcomes(report)["unchanged"] >= 60
    assert sum(outcomes(report).values()) == 200
    its.assert_in_order()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_newest_of_two_refused_records_is_in_quarantine(make, sandbox):
    its = make(80, latency=50)
    sandbox.fault(status=422, method="POST", containing=its.keys[-1])
    backfill = its.start("run", "it")
    its.wait_for_sent(5)
    its.write(its.keys[-1:], name="x" * 300)
    assert outcomes(its.shell.json("run it", code=1)) == {"quarantined": 1}
    assert backfill.poll() is None
    assert outcomes(its.ended(backfill, code=1)) == {"delivered": 79, "quarantined": 1}
    [entry] = its.shell.json("quarantine list")
    assert its.shell.json(f"quarantine show {entry['id']}")["record"]["name"] == "x" * 300


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_older_record_that_is_resent_during_the_backfill_does_not_replace_the_newer_one(make, sandbox):
    its = make(40)
    both = its.keys[-2:]
    its.write(both, name="bad")
    sandbox.fault(status=422, method="POST", containing="bad")
    its.shell.json("run it", code=1)
    entries = its.shell.json("quarantine list")
    sandbox.fault(status=422, method="POST", containing=both[1])
    sandbox.settings(latency=60)
    its.write(its.keys[:30])
    its.write(both, name="good")
    number = len(sandbox.requests())
    backfill = its.start("run", "it", "--from", "start")
    its.wait(lambda: len(sandbox.requests()) > number + 2)
    its.shell.text(f"quarantine resend {entries[0]['id']} {entries[1]['id']}", code=1)
    assert backfill.poll() is None
    assert outcomes(its.ended(backfill, code=1)) == {"delivered": 31, "unchanged": 8, "quarantined": 1}
    [entry] = its.shell.json("quarantine list")
    assert (entry["key"], its.shell.json(f"quarantine show {entry['id']}")["record"]["name"]) == (both[1], "good")
    stored = {company["company_id"]: company["name"] for company in sandbox.state()["companies"]}
    assert stored[both[0]] == "good"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_backfill_of_which_each_record_counts_does_not_give_way(make):
    its = make(30, SINGLE + "\n    mode: all", latency=150)
    backfill = its.start("run", "it")
    its.wait_for_sent(2)
    its.write(its.keys[-10:])
    refused = its.start("run", "it")
    assert its.ended(refused, code=3)["errors"][0]["code"] == "held"
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": 30}
    assert superseded(report) == 0
    assert len(its.sent()) == len(set(its.sent())) == 30
    assert outcomes(its.shell.json("run it")) == {"delivered": 10}


def test_a_backfill_does_not_give_way_before_its_canary_is_judged(make):
    its = make(60, f"{SINGLE}\n    canary: 6", latency=1500)
    backfill = its.start("run", "it")
    its.wait_for_sent(1)
    its.write(its.keys[-3:])
    live = its.start("run", "it")
    its.wait(lambda: its.holder(leases.of_next("it")))
    assert len(its.sent()) < 6
    its.sandbox.settings(latency=20)
    assert outcomes(its.ended(live)) == {"delivered": 3}
    report = its.ended(backfill)
    assert outcomes(report) == {"delivered": 57, "unchanged": 3}
    versions = [version for _, version in its.sent()]
    assert 6 <= versions.index(2) < 57  # after the canary, and before the end of the backfill
    its.assert_in_order()


def _unchanged(report):
    return {name: number for name, number in outcomes(report).items() if name == "unchanged"}
