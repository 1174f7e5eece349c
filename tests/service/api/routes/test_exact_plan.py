"""`exact=true` at a plan over HTTP."""

import json

import pytest


@pytest.fixture
def native(service):
    value = {"connector": "custify", "base_url": service.sandbox.url, "rate_limit": {"requests": 1000, "per": "1s"}}
    service.ask("PUT /credentials/native", value)
    service.ask("PUT /credentials/native/secret", {"secret": service.sandbox.api_key}, 204)
    return "native"


def test_the_plan_says_what_would_be_created_and_what_updated(service, native):
    assert service.sandbox.call("POST /people", json.dumps({"user_id": "1"})).status == 200
    service.people(
        "exact", [{"id": "1", "email": "ada@example.com"}, {"id": "2", "email": "b@x.com"}], credential=native
    )
    plan = service.ask("GET /destinations/exact/plan")
    assert "creates" not in plan
    plan = service.ask("GET /destinations/exact/plan?exact=true")
    assert (plan["creates"], plan["updates"], plan["creates_or_updates"]) == (1, 1, 2)
    assert plan["read_requests"] == 1
    service.ask("PUT /flows/exactly", {"destinations": ["exact"]})
    plan = service.ask("GET /flows/exactly/plan?exact=true")
    assert (plan["creates"], plan["updates"]) == (1, 1)


def test_the_flat_api_cannot_be_read(service):
    service.people("page", [{"id": "1", "email": "ada@example.com"}])
    refused = service.refused("GET /destinations/page/plan?exact=true")
    assert (refused["code"], "native" in refused["hint"]) == ("no-reads", True)
