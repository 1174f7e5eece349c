"""Invoices, subscriptions and deals whose replies are lost in every attempt: read back by their id, and there once."""

import pytest

from support.cli.settling_project import FINANCIAL, commits, outcomes

LOST = {"reply lost": {"cut": "after"}, "cut before commit": {"cut": "before"}}
MOMENTS = ("end of the run", "beginning of the next run", "settle")

each_kind = pytest.mark.parametrize("kind", FINANCIAL.values(), ids=FINANCIAL)
each_fault = pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
each_moment = pytest.mark.parametrize("moment", MOMENTS)


@each_moment
@each_fault
@each_kind
def test_each_object_is_there_once(make, kind, fault, moment):
    is_there_once(make, kind, fault, moment)


@each_moment
@each_kind
def test_each_object_is_there_once_with_the_state_in_postgresql(make, postgres, monkeypatch, kind, moment):
    monkeypatch.setenv("PENSTOCK_DATABASE_URL", postgres)
    is_there_once(make, kind, LOST["reply lost"], moment)


def is_there_once(make, kind, fault, moment):
    """What a read finds with the values that were sent is not sent again; what is not there is, once."""
    its = make(kind, on_unknown="hold" if moment == "settle" else "settle")
    its.fault(fault, after=1)
    again = 0 if commits(fault) else 2
    if moment == "beginning of the next run":
        its.fail_reads()
    report = its.run(code=0 if moment == "end of the run" else 1)
    if moment == "end of the run":
        assert outcomes(report) == {"delivered": 4}
    else:
        assert outcomes(report) == {"delivered": 2, "unknown": 2}
    its.sandbox.clear_faults()
    if moment == "beginning of the next run":
        settled = outcomes(its.run())
        assert (settled["unchanged"], settled.get("delivered", 0)) == (4 - again, again)
    elif moment == "settle":
        assert its.settle()[0] == {"delivered": 2 - again, "sent_again": again, "undecided": 0}
    its.assert_settled(report)
    assert its.requests("POST") == 2 + 2 * its.attempts(fault) + again


@each_kind
def test_an_object_that_another_program_changed_since_is_sent_again(make, sandbox, kind):
    """Its values are not those that were sent, so it is not known whether the request arrived: an upsert repairs it."""
    its = make(kind, on_unknown="hold")
    its.fault(LOST["reply lost"], after=1, records=1)
    assert outcomes(its.run(code=1)) == {"delivered": 3, "unknown": 1}
    name = {"invoice": '"total": 1', "subscription": '"mrr": 1', "deal": '"value": 1'}[kind.stored.removesuffix("s")]
    changed = sandbox.call(f"POST {kind.path}", f'{{"externalId": "k2", "company_id": "acme", {name}}}')
    assert changed.status == 200
    assert its.settle()[0] == {"delivered": 0, "sent_again": 1, "undecided": 0}
    assert its.arrived() == kind.expected
