"""Batches whose reply, or the end of whose job, is lost.

A batch of upserts is sent again, since it does nothing the second time. A batch that may be sent only once has no id
without its reply: its records stay unknown. A batch whose job is known is polled.
"""

from dataclasses import replace

import pytest

from support.cli.settling_project import KEYS, Kind, outcomes

PERSON = Kind(
    "template: upsert_person\n    attributes: none\n    fields: {user_id: id, name: name}",
    tuple({"id": key, "name": f"Ada {key}"} for key in KEYS),
    "/batch",
    "people",
    "user_id",
)
ONCE = replace(
    PERSON,
    how="mode: changed\n    exclude: [id]\n    request: {method: POST, url: /batch, idempotent: false,"
    " batch: {size: 10, grouping: {algorithm: property, property: jobs}}}",
    rows=tuple({"id": key, "type": "people", "payload": f'{{"user_id": "{key}"}}'} for key in KEYS),
)
EVERY = len(KEYS)
LOST = {"reply lost": {"cut": "after"}, "cut before commit": {"cut": "before"}}

each_fault = pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
each_moment = pytest.mark.parametrize("moment", ["beginning of the next run", "settle"])


@each_fault
def test_a_batch_of_upserts_without_a_reply_is_sent_again_by_its_run(make, sandbox, fault):
    its = make(PERSON)
    sandbox.fault(**fault, method="POST", path="/batch", times=1)
    report = its.run()
    assert outcomes(report) == {"delivered": EVERY}
    assert its.requests("POST") == 2
    its.assert_settled(report)


def sent_again_later(make, sandbox, fault, moment):
    its = make(PERSON)
    sandbox.fault(**fault, method="POST", path="/batch")
    report = its.run(code=1)
    assert outcomes(report) == {"unknown": EVERY}
    sandbox.clear_faults()
    if moment == "settle":
        assert its.settle()[0] == {"delivered": 0, "sent_again": EVERY, "undecided": 0}
    else:
        assert outcomes(its.run()) == {"delivered": EVERY}
    its.assert_settled(report)


@each_moment
@each_fault
def test_a_batch_of_upserts_whose_every_reply_is_lost_is_sent_again_later(make, sandbox, fault, moment):
    sent_again_later(make, sandbox, fault, moment)


@each_moment
def test_a_batch_of_upserts_is_sent_again_later_with_the_state_in_postgresql(
    make, sandbox, postgres, monkeypatch, moment
):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    sent_again_later(make, sandbox, LOST["reply lost"], moment)


def polled_later(make, sandbox, kind):
    its = make(kind)
    sandbox.fault(status=401, method="GET", path="/batch")
    report = its.run(code=3)
    assert outcomes(report) == {"accepted": EVERY}
    sandbox.clear_faults()
    assert outcomes(its.run()) == {"unchanged": EVERY}
    assert (its.arrived(), its.requests("POST")) == (kind.expected, 1)
    assert its.counts()[report["run"]] == {"delivered": EVERY}, "the job of the earlier run has ended"


def test_a_batch_whose_job_cannot_be_polled_is_polled_by_the_next_run(make, sandbox):
    polled_later(make, sandbox, PERSON)


def test_a_batch_whose_job_cannot_be_polled_is_polled_with_the_state_in_postgresql(
    make, sandbox, postgres, monkeypatch
):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    polled_later(make, sandbox, PERSON)


def stays_unknown(make, sandbox, fault):
    """At the end of the run, in the next one, and by `settle`: nothing is read, and nothing is sent."""
    its = make(ONCE)
    project = its.shell.folder / "penstock.yaml"
    typed = project.read_text().replace("key: id}", "key: id, types: {payload: json}}")
    project.write_text(typed, encoding="utf-8")
    sandbox.fault(**fault, method="POST", path="/batch", times=1)
    assert outcomes(its.run(code=1)) == {"unknown": EVERY}
    arrived = its.arrived()
    assert arrived == (ONCE.expected if fault == LOST["reply lost"] else [])
    assert its.settle(code=1) == ({"delivered": 0, "sent_again": 0, "undecided": EVERY}, 0)
    assert outcomes(its.run(code=1)) == {"unknown": EVERY}
    assert (its.arrived(), its.requests("POST"), its.requests("GET")) == (arrived, 1, 0)


@each_fault
def test_a_batch_that_may_be_sent_only_once_stays_unknown_without_a_reply(make, sandbox, fault):
    stays_unknown(make, sandbox, fault)


def test_a_batch_that_may_be_sent_only_once_stays_unknown_with_the_state_in_postgresql(
    make, sandbox, postgres, monkeypatch
):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    stays_unknown(make, sandbox, LOST["reply lost"])
