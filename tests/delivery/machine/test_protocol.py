"""A machine that runs inside another one."""

from datetime import UTC, datetime

import pytest

from penstock.delivery.machine.protocol import Moment, Reserve, Reserved, SettleRecords, TimePassed, Wait, until_settled
from penstock.model.delivery import Delivery
from penstock.model.outcome import Outcome
from penstock.model.record import Request

REQUEST = Request("POST", "https://api.custify.com/people", (), b"{}")
DELIVERY = Delivery(REQUEST, 1, 1, 1.0, "", Outcome.DELIVERED, "200 OK", (), None)
LATER = TimePassed(Moment(datetime(2026, 1, 1, tzinfo=UTC), 1.0, 0.5))


def test_commands_and_events_are_passed_on_up_to_each_delivery():
    seen = []

    def inner():
        seen.append((yield Reserve(REQUEST, "live", 1)))
        seen.append((yield SettleRecords(DELIVERY)))
        seen.append((yield Wait(1.0, "because")))

    def outer():
        steps = inner()
        return [(yield from until_settled(steps)), (yield from until_settled(steps))]

    machine = outer()
    assert machine.send(None) == Reserve(REQUEST, "live", 1)
    assert machine.send(Reserved()) == Wait(1.0, "because")
    with pytest.raises(StopIteration) as end:
        machine.send(LATER)
    assert end.value.value == [DELIVERY, None]
    assert seen == [Reserved(), None, LATER]
