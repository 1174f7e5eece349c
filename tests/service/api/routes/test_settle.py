"""Unknown records over HTTP: a run reads them back; its numbers, its rights, what is found about each record."""

import pytest

TASK = {"template": "create_task", "attributes": "none", "fields": {"name": "name"}, "active": True, "concurrency": 1}
LOST = {"method": "POST", "path": "/task", "times": 1}


@pytest.fixture
def unknown(service):
    """Makes a destination with unknown records: one for each way (`after` or `before` it arrived) to lose a reply."""
    secret = {"secret": service.sandbox.api_key}
    value = {"connector": "custify", "base_url": service.sandbox.url, "rate_limit": {"requests": 1000, "per": "1s"}}
    service.ask("PUT /credentials/native", value)
    service.ask("PUT /credentials/native/secret", secret, 204)

    def make(name, *ways, credential="native", **more):
        service.dataset(name, [{"id": f"{name}-{number}", "name": "Call"} for number in range(len(ways) or 1)])
        value = {**TASK, "dataset": name, "credential": credential, "on_unknown": "hold", "settle_after": "0s", **more}
        service.ask(f"PUT /destinations/{name}", value)
        for way in ways:
            service.sandbox.fault(cut=way, **LOST)
        assert service.run(name)["records"]["unknown"] == len(ways)

    return make


def test_a_run_finds_out_what_arrived_and_sends_the_rest_again(service, unknown):
    unknown("calls", "after", "before", "after")
    state = service.ask("GET /destinations/calls")["state"]
    assert (state["held"], state["unknown"], state["read_back"]) == (3, 3, "possible")
    key = {"Idempotency-Key": "settle-calls-once"}
    run = service.ask("POST /destinations/calls/settle", status=202, headers=key)
    assert (run["kind"], run["destination"], run["trigger"]) == ("settle", "calls", "person:local")
    assert "settled" not in run
    assert service.ask("POST /destinations/calls/settle", status=202, headers=key)["run"] == run["run"]
    ended = service.ended(run["run"])
    assert ended["status"] == "succeeded"
    assert ended["settled"] == {"delivered": 2, "sent_again": 1, "undecided": 0, "requests": ended["requests"]}
    assert len(service.arrived("tasks", "externalId")) == len(service.sandbox.state()["tasks"]) == 3
    assert service.ask("GET /destinations/calls")["state"]["unknown"] == 0
    assert run["run"] in {each["run"] for each in service.ask("GET /runs?target=calls")["items"]}


def test_what_cannot_be_decided_stays_with_the_finding(service, unknown):
    unknown("edited", "after", "after")
    entry, _ = service.ask("GET /quarantine?destination=edited&outcome=unknown")["items"]
    assert entry["finding"] is None
    service.ask(f"PATCH /quarantine/{entry['id']}", {"changes": {"name": "Call again"}})
    settled = service.ended(service.ask("POST /destinations/edited/settle", status=202)["run"])["settled"]
    assert (settled["delivered"], settled["sent_again"], settled["undecided"]) == (1, 0, 1)
    (left,) = service.ask("GET /quarantine?destination=edited")["items"]
    assert left["id"] == entry["id"]
    assert "edited" in left["finding"]
    assert service.ask(f"GET /quarantine/{entry['id']}")["finding"] == left["finding"]


def test_without_unknown_records_nothing_is_requested(service, unknown):
    unknown("quiet")
    before = len(service.sandbox.requests())
    ended = service.ended(service.ask("POST /destinations/quiet/settle", status=202)["run"])
    assert ended["settled"] == {"delivered": 0, "sent_again": 0, "undecided": 0, "requests": 0}
    assert len(service.sandbox.requests()) == before


def test_where_nothing_can_be_read_back_the_reason_is_given(service, unknown):
    unknown("page", "after", credential="acme")
    assert service.ask("GET /destinations/page")["state"]["read_back"] == "flat"
    refused = service.refused("POST /destinations/page/settle")
    assert (refused["code"], "native" in refused["hint"]) == ("no-reads", True)
    service.ask("POST /destinations/page/pause", status=204)
    assert service.ask("GET /destinations/page")["state"]["read_back"] == "inactive"
    request = {"method": "POST", "url": "/task", "body": True}
    value = {"dataset": "page", "credential": "native", "request": request, "active": True}
    service.ask("PUT /destinations/manual", value)
    assert service.ask("GET /destinations/manual")["state"]["read_back"] == "no-recipe"
    recipe = {"url": "/task?externalId={record.id}", "found": "$.tasks[*]"}
    service.ask("PUT /destinations/manual", {**value, "request": {**request, "settle": recipe}})
    assert service.ask("GET /destinations/manual")["state"]["read_back"] == "possible"
    service.ask("POST /destinations/manual/pause", status=204)
    assert service.refused("POST /destinations/manual/settle")["code"] == "not-active"
    assert service.refused("POST /destinations/nobody/settle", status=404)["code"] == "unknown-destination"
