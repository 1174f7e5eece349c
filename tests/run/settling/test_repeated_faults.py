"""Faults that meet a record again when it is sent again, and faults among many records in flight."""

from dataclasses import replace

import pytest

from support.cli.settling_project import CREATED_ONCE, FAULTS, FORMS, TASK, notes, outcomes

EACH = 6  # records that meet each of the faults
MANY_NOTES = tuple(f"text {number % 20}" for number in range(60))
MANY = {
    "task": replace(TASK, rows=tuple({"id": f"k{number}", "name": "Call"} for number in range(60))),
    **{f"note as {form}": notes(MANY_NOTES, form) for form in FORMS},
}


@pytest.mark.parametrize("second", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("kind", CREATED_ONCE.values(), ids=CREATED_ONCE)
def test_a_record_that_is_lost_again_when_it_is_sent_again(make, kind, second):
    its = make(kind)
    its.fault(FAULTS["cut before commit"], after=1)
    its.fault(second, after=2, records=1)  # 1 and 4 meet none before
    report = its.run()
    assert outcomes(report) == {"delivered": len(kind.rows)}
    its.assert_settled(report)


@pytest.mark.parametrize("moment", ["end of the run", "settle"])
@pytest.mark.parametrize("kind", MANY.values(), ids=MANY)
def test_many_records_in_flight_meet_every_fault(make, kind, moment):
    its = make(kind, concurrency=10, on_unknown="hold" if moment == "settle" else "settle")
    for fault in FAULTS.values():
        its.fault(fault, after=5, records=EACH)
    if moment == "settle":
        report = its.run(code=1)
        assert outcomes(report) == {"delivered": len(kind.rows) - 4 * EACH, "unknown": 4 * EACH}
        assert its.settle()[0] == {"delivered": 2 * EACH, "sent_again": 2 * EACH, "undecided": 0}
    else:
        report = its.run()
        assert outcomes(report) == {"delivered": len(kind.rows)}
    its.assert_settled(report)
    assert its.requests("POST") == len(kind.rows) + 2 * EACH
