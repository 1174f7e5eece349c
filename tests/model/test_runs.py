"""What a run counts is declared once: its report and its JSON have every total, and a flow's run adds them up."""

from dataclasses import fields, replace

from penstock.model.delivery import Delivery, Lost, Reply, Settled
from penstock.model.errors import Problem
from penstock.model.outcome import Counts, Outcome
from penstock.model.record import Payload, Request
from penstock.model.runs import (
    KEPT_BODY,
    TOTALS,
    DeliveryReport,
    RunPartJson,
    RunReport,
    RunTotals,
    dated_delivery_json,
    delivery_json,
    reply_document,
    request_document,
    response_record,
    run_json,
    sum_totals,
    totals_of,
    worst_status,
)


def test_every_total_is_in_the_report_and_in_its_json():
    assert set(TOTALS) <= {item.name for item in fields(RunReport)}
    assert set(TOTALS) <= RunPartJson.__annotations__.keys()
    numbers = {name: index + 0.5 for index, name in enumerate(TOTALS)}
    shown = run_json(RunReport("r-1", "succeeded", Counts(), destination="it", **numbers))
    assert {name: shown[name] for name in TOTALS} == numbers


def test_the_totals_of_several_runs_are_sums():
    runs = [RunTotals(requests=2, duration_s=0.5), RunTotals(requests=3, retries=1, duration_s=1.25)]
    assert sum_totals(runs) == {**dict.fromkeys(TOTALS, 0), "requests": 5, "retries": 1, "duration_s": 1.75}


def test_the_worst_status_counts_for_several_runs():
    assert worst_status(["succeeded", "partial", "failed"]) == "failed"
    assert worst_status(["partial", "succeeded"]) == "partial"
    assert worst_status(["failed", "cancelled"]) == "cancelled"
    assert worst_status([]) == "succeeded"


def test_the_totals_of_one_run_by_name():
    assert totals_of(RunTotals(requests=2)) == {**dict.fromkeys(TOTALS, 0), "requests": 2}


PROBLEM = Problem("it", "wrong", "wrong-value")
PART = RunReport(
    "r-2",
    "failed",
    Counts(read=1, unsent=1),
    destination="it",
    reason="wrong",
    errors=(PROBLEM,),
    started_at="then",
    finished_at="now",
)


def test_a_run_as_json_has_what_it_has():
    shown = run_json(PART)
    assert (shown["destination"], shown["reason"], shown["records"]["unsent"]) == ("it", "wrong", 1)
    assert [error["path"] for error in shown["errors"]] == ["it"]
    assert "started_at" not in shown
    quiet = run_json(RunReport("r-3", "succeeded", Counts(), destination="it"), times=True)
    assert not {"reason", "errors", "flow", "destinations", "skipped"} & set(quiet)
    assert {"started_at", "finished_at"} <= set(quiet)


def test_a_run_of_a_flow_has_its_parts_and_the_lists_leave_errors_out():
    flow = RunReport("r-1", "failed", Counts(), flow="nightly", destinations=(PART,), skipped={"other": "paused"})
    shown = run_json(flow, times=True, errors=False)
    assert (shown["flow"], shown["skipped"]) == ("nightly", {"other": "paused"})
    assert "destination" not in shown
    [part] = shown["destinations"]
    assert (part["run"], part["started_at"], part["reason"]) == ("r-2", "then", "wrong")
    assert "errors" not in part


REQUEST = Request("POST", "/people", (("X", "1"),), "Straße".encode())
REPORT = DeliveryReport("r-1-1", "POST", "/people", None, 2, 1.5, ("u-1", None), Outcome.UNKNOWN, None, "now")


def test_a_delivery_as_json_says_when_it_was_a_test():
    shown = delivery_json(REPORT)
    assert (shown["status"], shown["records"], shown["outcome"]) == (None, ["u-1", None], "unknown")
    assert not {"at", "test"} & set(shown)
    assert delivery_json(replace(REPORT, test=True))["test"] is True
    assert dated_delivery_json(REPORT) == {**shown, "at": "now"}


def test_a_request_is_stored_whole_up_to_a_bound():
    assert request_document(REQUEST) == {"method": "POST", "url": "/people", "headers": {"X": "1"}, "body": "Straße"}
    assert request_document(replace(REQUEST, body=None))["body"] is None
    assert request_document(replace(REQUEST, body=b""))["body"] == ""
    long = request_document(replace(REQUEST, body="ß".encode() * (KEPT_BODY + 1)))["body"]
    assert long == "ß" * KEPT_BODY


def test_a_reply_is_stored_or_why_there_is_none():
    reply = Reply(200, {"etag": "1"}, b"ok", 1.0)
    assert reply_document(reply) == {"status": 200, "headers": {"etag": "1"}, "body": "ok"}
    assert reply_document(Lost("timeout", False, "no answer", 1.0)) == {"error": "no answer"}
    assert reply_document(None) is None


def test_a_reply_as_a_record_of_its_source():
    payload = Payload(0, ("a", "b"), b"{}", 0)
    settled = (Settled(payload, Outcome.DELIVERED),)
    sent = Delivery(REQUEST, 1, 1, 1.5, "now", Outcome.DELIVERED, "200", settled, Reply(200, {}, b"ok", 1.0))
    record = response_record(sent, run="r-1", number=3)
    assert (record["delivery"], record["records"], record["error"]) == ("r-1-3", [["a", "b"]], None)
    assert record["response"] == {"status": 200, "headers": {}, "body": "ok"}
    lost = replace(sent, outcome=Outcome.UNKNOWN, reason="no answer", answer=Lost("timeout", False, "no answer", 1.0))
    record = response_record(lost, run="r-1", number=3)
    assert (record["response"], record["error"]) == (None, "no answer")
