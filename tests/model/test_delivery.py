"""The status and the text of a reply, and the time that something may take."""

from dataclasses import replace

from penstock.model.delivery import Delivery, Lost, Reply
from penstock.model.outcome import Outcome
from penstock.model.record import Request

REPLY = Reply(200, {}, b"Stra\xc3\x9fe \xff", 1.0)
DELIVERY = Delivery(Request("GET", "/", (), None), 1, 1, 1.0, "now", Outcome.DELIVERED, "", (), REPLY)


def test_a_reply_is_read_as_utf_8_whatever_it_is():
    assert REPLY.text == "Straße \ufffd"


def test_a_delivery_has_the_status_of_its_reply():
    assert DELIVERY.status == 200
    assert replace(DELIVERY, answer=Lost("timeout", False, "no answer", 1.0)).status is None
    assert replace(DELIVERY, answer=None).status is None
