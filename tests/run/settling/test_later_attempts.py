"""A request that is lost in a later attempt is read back when that attempt may show, not when the first one might."""

from dataclasses import replace

import pytest

from support.cli.settling_project import CREATED_ONCE, FAULTS, outcomes

each_kind = pytest.mark.parametrize("kind", CREATED_ONCE.values(), ids=CREATED_ONCE)


def made_with(make, sandbox, kind):
    """The first attempt of the one record is refused for 2 s; what the API creates shows after 1 s."""
    its = make(replace(kind, rows=kind.rows[:1]), settle_after="1.5")
    sandbox.settings(visible_after="1s")
    sandbox.advance(2)  # the company is visible
    sandbox.fault(status=429, retry_after=2, method="POST", path=kind.path, times=1)
    return its


@each_kind
def test_a_reply_that_is_lost_after_a_429(make, sandbox, kind):
    its = made_with(make, sandbox, kind)
    its.fault(FAULTS["reply lost"], records=1)
    report = its.run()
    assert outcomes(report) == {"delivered": 1}
    its.assert_settled(report)


@pytest.mark.parametrize("kind", [CREATED_ONCE["task"]], ids=["task"])
def test_a_process_that_is_killed_after_a_429(make, sandbox, kind):
    its = made_with(make, sandbox, kind)
    its.kill("run it", {"method": "POST", "commit": True})
    its.assert_settled(its.run())
