"""`--json` prints exactly one document with exactly the documented members."""

import json

import pytest

from penstock.main import execute
from support.cli.fake_app import FLOW, GOOD, PARTIAL, FakeApp, ended

RUN_KEYS = {"run", "destination", "status", "records", "deleted", "requests", "retries", "duration_s", "notes"}
COUNTS = ["read", "delivered", "accepted", "unchanged", "quarantined", "unknown", "waiting", "unsent"]
ENTRY_KEYS = {"id", "destination", "key", "outcome", "cause", "reason", "field", "at", "run"}


def answered(capsys, *arguments: str, **answers):
    code = execute([*arguments, "--json"], FakeApp(answers).opener)
    return code, json.loads(capsys.readouterr().out)


def test_preview_is_a_list_of_requests_with_the_notes(capsys):
    code = execute(["preview", "people", "--json"], FakeApp().opener)
    out, err = capsys.readouterr()
    [request] = json.loads(out)
    assert code == 0
    assert request["body"] == '{"user_id":"u-1","name":"Zoë 🚀"}'
    assert request["records"] == ["u-1"]
    assert request["unresolved"] == ["entity_id"]
    assert set(request) == {"method", "url", "headers", "body", "records", "unresolved", "notes"}
    assert request["notes"] == [
        {"field": "due_date", "action": "not sent", "reason": "the native API has no place for it", "count": 3}
    ]
    assert "u-2: is no e-mail address" in err
    assert "assumed until checked" in err


def test_a_run_has_the_documented_members(capsys):
    code, document = answered(capsys, "run", "people")
    assert code == 0
    assert set(document) == RUN_KEYS
    assert list(document["records"]) == COUNTS
    assert document["records"]["read"] == sum(document["records"][name] for name in COUNTS[1:]) == 3


def test_a_flow_adds_its_destinations(capsys):
    code, document = answered(capsys, "run", "nightly", run=FLOW)
    assert code == 1
    assert document["flow"] == "nightly"
    assert "destination" not in document
    assert [part["destination"] for part in document["destinations"]] == ["people", "people"]
    assert document["skipped"] == {"notes": "it is a draft"}


def test_runs_add_their_times(capsys):
    _, document = answered(capsys, "runs")
    assert [run["run"] for run in document] == ["r-3", "r-1"]
    assert document[0]["started_at"] == "2026-01-31T12:00:00.000Z"
    assert RUN_KEYS | {"started_at", "finished_at"} == set(document[1])


def test_a_plan_has_the_documented_members(capsys):
    for arguments in (["plan", "people"], ["run", "people", "--dry-run"]):
        code, document = answered(capsys, *arguments)
        promised = {"records", "creates_or_updates", "unchanged", "deletes", "invalid", "requests", "eta_s"}
        assert code == 0
        assert promised | {"first_errors", "notes"} <= set(document)
        assert document["first_errors"][0]["key"] == "u-2"


def test_a_test_has_the_documented_members(capsys):
    code, document = answered(capsys, "test", "people")
    assert code == 0
    assert set(document) == {"request", "response", "error", "duration_ms"}
    assert document["response"] == {"status": 201, "headers": {"server": "x"}, "body": '{"id":"1"}'}
    assert document["request"]["method"] == "POST"


def test_a_check_has_the_documented_members(capsys):
    code, document = answered(capsys, "check", "acme")
    assert code == 0
    assert set(document) == {"credential", "ok", "base_url", "dialect", "tried", "allowance", "reason", "batch_cost"}
    assert document["allowance"] == {"limit": 100, "remaining": 99}


def test_deliveries_have_the_documented_members(capsys):
    _, document = answered(capsys, "deliveries", "r-1")
    promised = {"delivery", "method", "url", "status", "attempts", "duration_ms", "records", "outcome", "reason"}
    assert set(document[0]) == promised
    assert document[0]["records"] == ["u-1", ["a", "b"]]
    assert document[1]["status"] is None


def test_the_quarantine_has_the_documented_members(capsys):
    _, document = answered(capsys, "quarantine", "list")
    assert len(document) == 3
    assert set(document[0]) == ENTRY_KEYS
    _, document = answered(capsys, "quarantine", "show", "q-1")
    assert set(document) >= ENTRY_KEYS | {"record", "request", "reply"}
    assert document["record"]["n"] == 12345678901234567890


def test_a_command_that_changes_something_prints_what(capsys):
    assert answered(capsys, "activate", "people") == (0, {"destination": "people", "state": "active"})
    assert answered(capsys, "pause", "people") == (0, {"destination": "people", "state": "paused"})
    assert answered(capsys, "quarantine", "discard", "q-1", "q-2") == (0, {"discarded": 2})
    assert answered(capsys, "quarantine", "settle", "q-3", "--delivered") == (0, {"id": "q-3", "settled": "delivered"})
    assert answered(capsys, "quarantine", "edit", "q-1", "--set", "a=b")[1]["record"] == {"id": "u-1"}


def test_a_discard_of_many_records_prints_its_progress_on_stderr(capsys):
    assert execute(["quarantine", "discard", "--all", "--json"], FakeApp().opener) == 0
    said = capsys.readouterr()
    assert json.loads(said.out).keys() == {"discarded"}
    assert said.err == "5,000 of 12,000 records discarded\n"


def test_a_dataset_has_the_documented_members(capsys):
    _, document = answered(capsys, "schema", "contacts")
    assert document["columns"] == [{"name": "id", "type": "text", "nullable": False, "examples": ["007", "[bold]"]}]
    assert document["dataset"] == "contacts"
    assert document["key"] == ["id"]


def test_a_resend_is_a_run(capsys):
    code, document = answered(capsys, "quarantine", "resend", "q-1", resend=[PARTIAL])
    assert code == 1
    assert set(document) == RUN_KEYS
    assert document["run"] == "r-2"


def test_a_resend_to_several_destinations_is_one_document_of_the_same_shape(capsys):
    code, document = answered(capsys, "quarantine", "resend", "--all", resend=[GOOD, ended("failed", "credential")])
    assert code == 3
    assert document["status"] == "failed"
    assert document["records"]["read"] == sum(document["records"][name] for name in COUNTS[1:]) == 5
    assert [part["run"] for part in document["destinations"]] == ["r-1", "r-9"]


def test_settling_has_exactly_the_documented_members(capsys):
    assert answered(capsys, "settle", "people") == (
        0,
        {"delivered": 2, "sent_again": 1, "undecided": 0, "requests": 7},
    )


def test_progress_goes_to_stderr(capsys):
    execute(["run", "people", "--json"], FakeApp().opener)
    assert capsys.readouterr().err == "people: 2 of 3 records · 2 delivered · 2 requests · 0.3 records/s · 3.0 s left\n"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_and_infinity_are_not_printed(capsys, number):
    code, document = answered(capsys, "plan", "people", plan=_plan(number))
    assert code == 3
    assert document["errors"][0]["code"] == "defect"


def _plan(eta: float):
    from dataclasses import replace

    from support.cli.fake_app import ANSWERS

    return replace(ANSWERS["plan"], eta_s=eta)
