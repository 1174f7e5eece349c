"""Comparisons with Custify over HTTP: runs, the last report, rights, how often, the metric."""

import json

import pytest

from support.deadline import until

PERSON = {
    "template": "upsert_person",
    "attributes": "none",
    "fields": {"user_id": "id", "name": "name"},
    "active": True,
}


@pytest.fixture
def people(service):
    """Makes a destination whose two people were delivered."""
    secret = {"secret": service.sandbox.api_key}
    value = {"connector": "custify", "base_url": service.sandbox.url, "rate_limit": {"requests": 1000, "per": "1s"}}
    service.ask("PUT /credentials/native", value)
    service.ask("PUT /credentials/native/secret", secret, 204)

    def make(name, credential="native"):
        service.dataset(name, [{"id": f"{name}-{number}", "name": "N"} for number in range(2)])
        service.ask(f"PUT /destinations/{name}", {**PERSON, "dataset": name, "credential": credential})
        assert service.run(name)["records"]["delivered"] == 2

    return make


def compared(service, name, body=None):
    return service.ended(service.ask(f"POST /destinations/{name}/reconcile", body, status=202)["run"])


def drift_of(service, name):
    lines = service.client.get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith(f'penstock_drift_records{{destination="{name}"')]


def test_drift_is_found_and_fixed_and_the_last_report_stays(service, people):
    people("drift")
    never = {"at": None, "run": None, "drifted": 0, "every_hours": None, "report": None, "counts": None}
    never |= {"cut": False, "flows": []}
    assert service.ask("GET /destinations/drift/reconcile") == never
    service.sandbox.call("POST /people", json.dumps({"user_id": "drift-0", "name": "changed"}))
    run = compared(service, "drift")
    assert (run["kind"], run["status"], run["trigger"]) == ("reconcile", "partial", "person:local")
    last = service.ask("GET /destinations/drift/reconcile")
    difference = {"key": "drift-0", "field": "name", "ours": "N", "theirs": "changed"}
    assert (last["run"], last["drifted"], last["report"]["differs"]) == (run["run"], 1, [difference])
    until(lambda: drift_of(service, "drift")[-1:] == ['penstock_drift_records{destination="drift"} 1.0'])
    fixed = compared(service, "drift", {"fix": True})
    audited = [entry["what"] for entry in service.ask("GET /audit")["items"] if entry["action"].endswith("/reconcile")]
    assert audited == ["name=drift fix=true", "name=drift"], "a comparison sends nothing, a fix does"
    assert (fixed["status"], fixed["records"]["delivered"]) == ("succeeded", 1)
    last = service.ask("GET /destinations/drift/reconcile")
    assert (last["drifted"], last["report"]["differs"]) == (0, [difference]), "as found before the fix"
    assert {each["name"] for each in service.sandbox.state()["people"]} == {"N"}


def test_what_cannot_be_compared_is_refused_at_once(service, people):
    people("plain", credential="acme")
    refused = service.refused("POST /destinations/plain/reconcile")
    assert (refused["code"], "native" in refused["hint"]) == ("no-reads", True)
    assert service.refused("GET /destinations/nobody/reconcile", status=404)["code"] == "unknown-destination"
    people("paused")
    service.ask("POST /destinations/paused/pause", status=204)
    assert service.refused("POST /destinations/paused/reconcile", {"fix": True})["code"] == "not-active"
    assert compared(service, "paused")["status"] == "succeeded"


def test_a_destination_is_compared_every_so_many_hours(service, people):
    people("daily")
    service.ask("PUT /destinations/daily/reconcile/schedule", {"every_hours": 24}, 204)
    assert service.ask("GET /destinations/daily/reconcile")["every_hours"] == 24
    reconciliations = service.app.reconciliations
    reconciliations.tick()
    reconciliations.tick()
    runs = service.ask("GET /runs?target=daily")["items"]
    (run,) = [each for each in runs if each["kind"] == "reconcile"]
    assert run["trigger"] == "schedule"
    until(lambda: service.ask(f"GET /runs/{run['run']}")["status"] == "succeeded")
    service.ask("PUT /destinations/daily/reconcile/schedule", {"every_hours": None}, 204)
    assert service.ask("GET /destinations/daily/reconcile")["every_hours"] is None
    assert service.refused("PUT /destinations/daily/reconcile/schedule", {"every_hours": 0})


def test_a_comparison_that_fails_before_it_begins_is_not_requested_again_at_once(service, people):
    people("gone")
    (service.folder / "gone.csv").unlink()
    service.ask("PUT /destinations/gone/reconcile/schedule", {"every_hours": 24}, 204)
    for _ in range(3):
        service.app.reconciliations.tick()
        runs = [each for each in service.ask("GET /runs?target=gone")["items"] if each["kind"] == "reconcile"]
        assert [service.ended(each["run"])["status"] for each in runs] == ["failed"]
    service.ask("PUT /destinations/gone/reconcile/schedule", {"every_hours": None}, 204)


def test_a_large_report_is_stored_with_a_bound_and_its_numbers(service, people, monkeypatch):
    monkeypatch.setattr("penstock.model.reconciliation.STORED", 1)
    people("large")
    for number in range(2):
        service.sandbox.call("POST /people", json.dumps({"user_id": f"large-{number}", "name": "changed"}))
    compared(service, "large")
    last = service.ask("GET /destinations/large/reconcile")
    assert (len(last["report"]["differs"]), last["counts"]["differs"], last["cut"], last["drifted"]) == (1, 2, True, 2)


def test_a_flow_compares_its_destinations_that_can_be_compared(service, people):
    for name in ("hourly", "own"):
        people(name)
    people("flat", credential="acme")
    service.ask("PUT /destinations/own/reconcile/schedule", {"every_hours": 24}, 204)
    flow = {"destinations": ["hourly", "own", "flat"], "reconcile_every": "1h"}
    service.ask("PUT /flows/compared", flow)
    service.ask("POST /flows/compared/pause", status=204)
    service.app.reconciliations.tick()

    def number(name):
        runs = service.ask(f"GET /runs?target={name}")["items"]
        return sum(each["kind"] == "reconcile" for each in runs)

    assert [number(name) for name in flow["destinations"]] == [0, 1, 0]
    service.ask("POST /flows/compared/resume", status=204)
    for _ in range(2):
        service.app.reconciliations.tick()
    assert [number(name) for name in flow["destinations"]] == [1, 1, 0]
    flows = [service.ask(f"GET /destinations/{name}/reconcile")["flows"] for name in flow["destinations"]]
    assert flows == [["compared"], [], []]
    service.ask("DELETE /flows/compared", status=204)
    service.ask("PUT /destinations/own/reconcile/schedule", {"every_hours": None}, 204)
