"""The totals, the status and the JSON of runs and plans."""

from dataclasses import fields, replace

from penstock.model.errors import Problem
from penstock.model.outcome import Counts
from penstock.model.record import RefusedRecord
from penstock.model.reports import SettleReport
from penstock.model.runs import (
    TOTALS,
    PlanReport,
    RunPartJson,
    RunReport,
    RunTotals,
    plan_json,
    run_json,
    settled,
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


def test_the_status_of_several_runs_is_the_worst_of_theirs():
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


def test_the_json_of_a_run_leaves_out_keys_without_a_value():
    shown = run_json(PART)
    assert (shown["destination"], shown["reason"], shown["records"]["unsent"]) == ("it", "wrong", 1)
    assert [error["path"] for error in shown["errors"]] == ["it"]
    assert "started_at" not in shown
    quiet = run_json(RunReport("r-3", "succeeded", Counts(), destination="it"), times=True)
    assert not {"reason", "errors", "flow", "destinations", "skipped", "deletes_hash"} & set(quiet)
    assert {"started_at", "finished_at"} <= set(quiet)
    withheld = run_json(RunReport("r-4", "partial", Counts(), destination="it", deletes_hash="0f"))
    assert withheld["deletes_hash"] == "0f"


def test_the_json_of_a_flows_run_has_its_parts_and_lists_leave_out_errors():
    flow = RunReport("r-1", "failed", Counts(), flow="nightly", destinations=(PART,), skipped={"other": "paused"})
    shown = run_json(flow, times=True, errors=False)
    assert (shown["flow"], shown["skipped"]) == ("nightly", {"other": "paused"})
    assert "destination" not in shown
    [part] = shown["destinations"]
    assert (part["run"], part["started_at"], part["reason"]) == ("r-2", "then", "wrong")
    assert "errors" not in part


PLAN = PlanReport(3, 1, 0, 0, 2, 1, 0.25, destination="it", base_url="https://x")


def test_the_plan_of_a_destination_has_a_base_url_and_the_plan_of_a_flow_has_parts():
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


def test_a_settlement_counts_what_was_found_sent_again_and_is_undecided():
    counts = Counts(read=15, unchanged=1, delivered=2, accepted=4, unknown=8)
    assert settled(RunReport("r", "partial", counts, requests=9)) == SettleReport("r", 1, 6, 8, 9)
