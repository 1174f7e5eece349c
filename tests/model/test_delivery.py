"""A request and its reply: as a delivery, as it is stored, and as JSON."""

from dataclasses import replace

from penstock.model.delivery import (
    KEPT_BODY,
    Delivery,
    DeliveryReport,
    Lost,
    Reply,
    Settled,
    cut_request_document,
    dated_delivery_json,
    delivery_json,
    reply_document,
    request_document,
    response_record,
)
from penstock.model.outcome import Outcome
from penstock.model.record import Payload, Request

REPLY = Reply(200, {}, b"Stra\xc3\x9fe \xff", 1.0)
DELIVERY = Delivery(Request("GET", "/", (), None), 1, 1, 1.0, "now", Outcome.DELIVERED, "", (), REPLY)


def test_the_text_of_a_reply_is_decoded_as_utf_8_with_replacement_characters():
    assert REPLY.text == "Straße \ufffd"


def test_a_delivery_has_the_status_of_its_reply_and_none_without_a_reply():
    assert DELIVERY.status == 200
    assert replace(DELIVERY, answer=Lost("timeout", False, "no answer", 1.0)).status is None
    assert replace(DELIVERY, answer=None).status is None


REQUEST = Request("POST", "/people", (("X", "1"),), "Straße".encode())
LISTED = DeliveryReport("r-1-1", "POST", "/people", None, 2, 1.5, ("u-1", None), Outcome.UNKNOWN, None, "now")


def test_the_json_of_a_delivery_has_the_key_test_only_for_a_test_send():
    shown = delivery_json(LISTED)
    assert (shown["status"], shown["records"], shown["outcome"]) == (None, ["u-1", None], "unknown")
    assert not {"at", "test"} & set(shown)
    assert delivery_json(replace(LISTED, test=True))["test"] is True
    assert dated_delivery_json(LISTED) == {**shown, "at": "now"}


def test_the_body_of_a_stored_request_is_cut_at_the_limit():
    assert request_document(REQUEST) == {"method": "POST", "url": "/people", "headers": {"X": "1"}, "body": "Straße"}
    assert request_document(replace(REQUEST, body=None))["body"] is None
    assert request_document(replace(REQUEST, body=b""))["body"] == ""
    long = request_document(replace(REQUEST, body="ß".encode() * (KEPT_BODY + 1)))["body"]
    assert long == "ß" * KEPT_BODY


def test_a_person_is_shown_the_beginning_of_the_body_of_a_stored_request():
    stored = request_document(replace(REQUEST, body=b"x" * (KEPT_BODY * 5)), whole=True)
    assert cut_request_document(stored) == {**stored, "body": "x" * KEPT_BODY}
    empty = request_document(replace(REQUEST, body=None), whole=True)
    assert cut_request_document(empty) == empty
    assert cut_request_document(None) is None


def test_a_stored_reply_has_its_body_or_the_reason_why_there_is_none():
    reply = Reply(200, {"etag": "1"}, b"ok", 1.0)
    assert reply_document(reply) == {"status": 200, "headers": {"etag": "1"}, "body": "ok"}
    assert reply_document(Lost("timeout", False, "no answer", 1.0)) == {"error": "no answer"}
    assert reply_document(None) is None


def test_a_reply_becomes_a_record_of_the_response_source():
    payload = Payload(0, ("a", "b"), b"{}", 0)
    settled = (Settled(payload, Outcome.DELIVERED),)
    sent = Delivery(REQUEST, 1, 1, 1.5, "now", Outcome.DELIVERED, "200", settled, Reply(200, {}, b"ok", 1.0))
    record = response_record(sent, run="r-1", number=3)
    assert (record["delivery"], record["records"], record["error"]) == ("r-1-3", [["a", "b"]], None)
    assert record["response"] == {"status": 200, "headers": {}, "body": "ok"}
    lost = replace(sent, outcome=Outcome.UNKNOWN, reason="no answer", answer=Lost("timeout", False, "no answer", 1.0))
    record = response_record(lost, run="r-1", number=3)
    assert (record["response"], record["error"]) == (None, "no answer")
