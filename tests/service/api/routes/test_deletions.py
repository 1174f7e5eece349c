"""Deletions of a mirror over HTTP: the plan lists the keys, an editor approves them, the audit log has the hash."""

import pytest

PERSON = {"template": "upsert_person", "fields": {"user_id": "id", "name": "name"}, "mode": "mirror", "active": True}


@pytest.fixture
def mirror(service):
    """A destination that has delivered three people, of whom two have left."""
    secret = {"secret": service.sandbox.api_key}
    value = {"connector": "custify", "base_url": service.sandbox.url, "rate_limit": {"requests": 1000, "per": "1s"}}
    service.ask("PUT /credentials/native", value)
    service.ask("PUT /credentials/native/secret", secret, 204)

    def make(name):
        people = [{"id": f"{name}-{number}", "name": "Ada"} for number in range(3)]
        service.dataset(name, people)
        value = {**PERSON, "dataset": name, "credential": "native", "on_delete": "delete"}
        service.ask(f"PUT /destinations/{name}", value)
        assert service.run(name)["records"]["delivered"] == 3
        service.dataset(name, people[:1])
        return [person["id"] for person in people[1:]]

    return make


def test_exactly_what_a_plan_lists_is_deleted_once(service, mirror):
    gone = mirror("gone")
    plan = service.ask("GET /destinations/gone/plan")
    assert (plan["deletes"], plan["delete_keys"]) == (2, gone)
    withheld = service.run("gone")
    assert (withheld["status"], withheld["deleted"]) == ("partial", 0)
    assert withheld["deletes_hash"] == plan["deletes_hash"]
    wrong = {"target": "gone", "allow_deletes": "0" * 16}
    assert service.refused("POST /runs", wrong)["code"] == "wrong-hash"
    run = service.ask("POST /runs", {"target": "gone", "allow_deletes": plan["deletes_hash"]}, 202)
    ended = service.ended(run["run"])
    assert (ended["status"], ended["deleted"]) == ("succeeded", 2)
    sent = service.ask(f"GET /runs/{run['run']}/deliveries")["items"]
    assert sorted(each["records"][0] for each in sent if each["method"] == "DELETE") == gone
    again = {"target": "gone", "allow_deletes": plan["deletes_hash"]}
    assert service.refused("POST /runs", again)["code"] == "used-hash"
    entries = service.ask("GET /audit")["items"]
    assert any(plan["deletes_hash"] in entry["what"] and entry["result"] == "ok" for entry in entries)
