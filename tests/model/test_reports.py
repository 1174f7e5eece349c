"""Reports as JSON: what is always there, and what only where there is something."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from penstock.model.outcome import Note
from penstock.model.reports import (
    CheckReport,
    PlanReport,
    PreviewedRequest,
    QuarantineDetail,
    QuarantineEntry,
    RefusedRecord,
    TestReport,
    as_json,
    check_json,
    plan_json,
    quarantine_json,
    quarantined_json,
    test_json,
)

PLAN = PlanReport(3, 1, 0, 0, 2, 1, 0.25, destination="it", base_url="https://x")
ENTRY = QuarantineEntry(
    "q-1", "it", ("a", "b"), "quarantined", "email: required", "is missing", "email", "now", None, "required", None
)
TEST = TestReport(PreviewedRequest("POST", "/people", {}, "{}", ("a",)), {"status": 201, "body": ""}, None, 1.0)


def test_parts_of_reports_become_plain_values():
    assert as_json({"a": (1, None), 2: frozenset({"b", "a"}), "c": MappingProxyType({})}) == {
        "a": [1, None],
        "2": ["a", "b"],
        "c": {},
    }
    note = {"field": "f", "action": "derived", "reason": "r", "count": 0}
    assert as_json([Note("f", "derived", "r")]) == [note]
    assert as_json(Note) is Note
    assert [as_json(value) for value in (0, False, "", None)] == [0, False, "", None]


def test_the_plan_of_a_destination_has_its_base_and_that_of_a_flow_its_parts():
    refused = RefusedRecord(None, "email", "required", "is missing")
    shown = plan_json(replace(PLAN, first_errors=(refused,), eta_s=0.26))
    assert (shown["destination"], shown["base_url"], shown["eta_s"]) == ("it", "https://x", 0.3)
    assert shown["first_errors"][0]["key"] is None
    assert not {"flow", "destinations", "skipped"} & set(shown)
    flow = plan_json(replace(PLAN, destination=None, flow="all", destinations=(PLAN,), skipped={"b": "paused"}))
    assert (flow["flow"], flow["skipped"], [part["destination"] for part in flow["destinations"]]) == (
        "all",
        {"b": "paused"},
        ["it"],
    )
    assert not {"destination", "base_url"} & set(flow)


@pytest.mark.parametrize(("response", "succeeded"), [(None, False), ({"status": 299}, True), ({"status": 404}, False)])
def test_a_test_has_succeeded_when_the_reply_says_so(response, succeeded):
    assert replace(TEST, response=response).succeeded is succeeded


def test_earlier_requests_of_a_test_are_shown_where_there_are_some():
    assert "earlier" not in test_json(TEST)
    [earlier] = test_json(replace(TEST, earlier=(TEST,)))["earlier"]
    assert earlier == test_json(TEST)


def test_a_record_in_quarantine_in_a_list_and_whole():
    listed = quarantine_json(ENTRY)
    assert (listed["key"], listed["run"], listed["values"]) == (["a", "b"], None, None)
    whole = quarantined_json(QuarantineDetail(ENTRY, {"id": 0}))
    assert whole == {**listed, "record": {"id": 0}, "value": None, "accepted": None, "request": None, "reply": None}


def test_a_check_says_what_each_base_answered():
    tried = ({"base_url": "https://x", "result": "401"},)
    shown = check_json(CheckReport("acme", False, None, None, tried, None, "refused"))
    assert (shown["ok"], shown["tried"]) == (False, [dict(tried[0])])
