"""A destination from the first sign-in to delivered records in the sandbox, with the API only."""

import json

import httpx
import pytest

from support.servers.sandbox import sandbox, shared_sandbox
from support.service.served_project import API, served_empty

__all__ = ["sandbox", "shared_sandbox"]
COMPANY = [{"id": "c1", "title": "Acme", "money": "120.5"}]
PEOPLE = [
    {"id": "u1", "mail": "ada@x.example", "title": "Ada", "firm": "c1", "seats": 3, "note": "secret"},
    {"id": "u2", "mail": "grace@x.example", "title": "Grace", "firm": "c1", "seats": 0, "note": "secret"},
    {"id": "u3", "mail": "joan@x.example", "title": "Joan", "firm": "c1", "seats": 7, "note": "secret"},
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory, shared_sandbox):
    bases = f"{shared_sandbox.flat_url},{shared_sandbox.url}"
    folder = tmp_path_factory.mktemp("walk")
    with served_empty(folder, shared_sandbox, without_sign_in=False, PENSTOCK_CUSTIFY_BASES=bases) as made:
        _first_sign_in(made)
        _credential(made)
        yield made


@pytest.fixture
def service(opened, sandbox):
    """The service, signed in, with a credential; the sandbox has one company and one person."""
    sandbox.call("POST /api/company", '{"company_id": "c1", "name": "Before"}')
    sandbox.call("POST /api/people", '{"user_id": "u0", "email": "u0@x.example", "company_id": "c1"}')
    return opened


def _first_sign_in(service):
    """Sign in with the one-time link, then with an API token as a program does."""
    assert service.ask("GET /session")["setup"] is True
    service.refused("GET /credentials", status=401)
    token = service.app.people.register.setup_link(only=True)
    signed_in = service.ask("POST /setup", {"token": token, "name": "ada", "password": "correct horse battery"})
    assert signed_in["person"] == {"name": "ada", "role": "admin"}
    service.client.headers["X-Penstock-CSRF"] = signed_in["csrf"]
    made = service.ask("POST /tokens", {"name": "walk", "role": "editor"}, 201)
    service.ask("DELETE /session", status=204)
    del service.client.headers["X-Penstock-CSRF"]
    service.client.cookies.clear()
    service.client.headers["Authorization"] = f"Bearer {made['token']}"


def _credential(service):
    """The key is sealed, and the check finds the base URL and its dialect."""
    value = {"connector": "custify", "base_url": "auto"}
    unsaved = service.ask("POST /credentials/check", {"name": "acme", "value": value, "secret": "wrong-key"})
    assert unsaved["ok"] is False
    service.ask("POST /credentials", {"name": "acme", "value": value}, 201)
    service.ask("PUT /credentials/acme/secret", {"secret": "wrong-key"}, 204)
    assert service.ask("POST /credentials/acme/check", {})["ok"] is False
    service.ask("PUT /credentials/acme/secret", {"secret": service.sandbox.api_key}, 204)
    found = service.ask("POST /credentials/acme/check", {"refresh": True})
    assert (found["ok"], found["base_url"].rstrip("/")) == (True, service.sandbox.flat_url.rstrip("/"))
    assert found["dialect"] == "flat"
    shown = service.ask("GET /credentials/acme")
    assert shown["state"]["has_key"] is True
    assert shown["state"]["check"]["ok"] is True
    assert service.sandbox.api_key not in json.dumps(shown)


# Each template: the record, from which columns its fields come, and what arrives where.
TEMPLATES = {
    "upsert_company": (
        {"id": "c1", "title": "Acme", "money": "120.5", "tier": "gold"},
        {"company_id": "id", "name": "title", "mrr": "money"},
        ("companies", {"company_id": "c1", "name": "Acme", "monthly_revenue": 120.5}),
        {"tier": "gold"},
    ),
    "upsert_person": (
        {"id": "u1", "mail": "ada@x.example", "title": "Ada", "firm": "c1", "seats": 3},
        {"user_id": "id", "email": "mail", "name": "title", "company_id": "firm"},
        ("people", {"user_id": "u1", "email": "ada@x.example", "name": "Ada"}),
        {"seats": 3},
    ),
    "upsert_subscription": (
        {"id": "s1", "firm": "c1", "tier": "gold", "money": "99", "since": "2026-01-02", "state": "active"},
        {"company_id": "firm", "plan": "tier", "mrr": "money", "start_date": "since", "status": "state"},
        ("subscriptions", {"company_id": "c1", "plan": "gold", "mrr": 99}),
        None,
    ),
    "upsert_invoice": (
        {"id": "i1", "firm": "c1", "sum": "12.5", "due": "2026-03-01", "state": "paid"},
        {"company_id": "firm", "amount": "sum", "due_date": "due", "status": "state"},
        ("invoices", {"company_id": "c1", "total": 12.5, "status": "paid"}),
        None,
    ),
    "upsert_deal": (
        {"id": "d1", "firm": "c1", "title": "More seats", "step": "won", "sum": "5000", "day": "2026-04-01"},
        {"company_id": "firm", "name": "title", "stage": "step", "value": "sum", "close_date": "day"},
        ("deals", {"company_id": "c1", "name": "More seats", "status": "won", "value": 5000}),
        None,
    ),
    "insert_event": (
        {"id": "e1", "who": "u0", "firm": "c1", "what": "login", "when": "2026-05-01T10:00:00Z", "device": "phone"},
        {"user_id": "who", "company_id": "firm", "name": "what", "created_at": "when"},
        ("events", {"user_id": "u0", "company_id": "c1", "name": "login"}),
        None,
    ),
    "create_task": (
        {"id": "t1", "title": "Call Ada", "due": "2026-06-01", "who": "csm@x.example", "firm": "c1"},
        {"name": "title", "due_date": "due", "assignee_email": "who", "company_id": "firm"},
        ("tasks", {"name": "Call Ada", "company_id": "c1"}),
        None,
    ),
    "create_note": (
        {"id": "n1", "words": "They are happy.", "firm": "c1"},
        {"text": "words", "company_id": "firm"},
        ("notes", {"text": "They are happy."}),
        None,
    ),
    "upsert_custom_object": (
        {"id": "o1", "kind": "usage", "firm": "c1", "minutes": 12},
        {"type": "kind", "company_id": "firm"},
        ("custom_data", {"data_type": "usage"}),
        None,
    ),
    "send_batch": (
        {"id": "u9", "mail": "many@x.example", "title": "Many"},
        {"user_id": "id", "email": "mail", "name": "title"},
        ("people", {"user_id": "u9", "email": "many@x.example", "name": "Many"}),
        None,
    ),
}


def test_the_catalogue_describes_each_of_these_templates(service):
    catalogue = {each["name"]: each for each in service.ask("GET /templates")["items"]}
    assert catalogue.keys() == TEMPLATES.keys()
    for name, (_, fields, _, _) in TEMPLATES.items():
        assert set(fields) <= {field["name"] for field in catalogue[name]["fields"]} or name == "send_batch"


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_sends_what_it_showed(service, template):
    row, fields, (kind, wanted), attributes = TEMPLATES[template]
    service.dataset(template, [row])
    value = {"dataset": template, "credential": "acme", "template": template, "fields": fields}
    assert service.ask("POST /destinations/validate", {"name": template, "value": value}) == {"errors": []}
    shown = service.ask("POST /destinations/preview", {"name": template, "value": value})
    assert (shown["errors"], len(shown["requests"])) == ([], 1)
    findings = service.ask("POST /destinations/findings", {"name": template, "value": value})
    assert (findings["checked"], findings["refused"], findings["errors"]) == (1, [], [])

    made = service.ask("POST /destinations", {"name": template, "value": value}, 201)
    assert made["state"]["state"] == "draft"
    assert service.refused("POST /runs", {"target": template})["code"] == "not-active"
    before = service.sandbox.requests()
    service.ask(f"POST /destinations/{template}/activate", status=204)
    run = service.run(template)
    assert run["status"] == "succeeded", run
    assert run["records"]["delivered"] + run["records"]["accepted"] == run["records"]["read"] == 1
    sent = service.sandbox.requests(before[-1]["seq"])
    assert [(each["method"], each["body"]) for each in sent] == [
        (each["method"], each["body"]) for each in shown["requests"]
    ]
    objects = service.sandbox.state()[kind]
    found = [each for each in objects if {name: each.get(name) for name in wanted} == wanted]
    assert len(found) == 1, objects
    if attributes is not None:
        assert found[0]["custom_attributes"] == attributes


CODE = """
def batch(records):
    return {"batch": [dict(record, name=record["name"].upper()) for record in records]}
"""
# Manual requests, each way to group: its settings, and the bodies that arrive for three people, two at most in each.
SHAPED = "select id as user_id, mail as email, title as name, note from source"
MEMBERS = [{"user_id": each["id"], "email": each["mail"], "name": each["title"]} for each in PEOPLE]
BY_HAND = {
    "property": (
        {"algorithm": "property", "property": "batch", "other_props": {"origin": "walk"}},
        [{"origin": "walk", "batch": MEMBERS[:2]}, {"origin": "walk", "batch": MEMBERS[2:]}],
    ),
    "code": (
        {"algorithm": "code", "code": CODE},
        [{"batch": [{**each, "name": each["name"].upper()} for each in some]} for some in (MEMBERS[:2], MEMBERS[2:])],
    ),
}


@pytest.mark.parametrize("grouping", BY_HAND)
def test_a_manual_request_groups_records_as_the_preview_shows(service, grouping):
    settings, bodies = BY_HAND[grouping]
    name = f"hand_{grouping}"
    service.dataset(name, PEOPLE, key="user_id", sql=SHAPED)
    request = {
        "method": "POST",
        "url": "batch",
        "content_format": "json",
        "headers": "X-Origin:walk,X-Two:2",
        "batch": {"size": 2, "grouping": settings},
    }
    value = {"dataset": name, "credential": "acme", "exclude": ["note"], "concurrency": 1, "request": request}
    shown = service.ask("POST /destinations/preview", {"name": name, "value": value})
    assert [json.loads(each["body"]) for each in shown["requests"]] == bodies
    assert "note" not in json.dumps(shown["requests"])

    service.ask("POST /destinations", {"name": name, "value": {**value, "active": True}}, 201)
    seen = service.sandbox.requests()[-1]["seq"]
    assert service.run(name)["records"]["delivered"] == 3
    sent = service.sandbox.requests(seen)
    assert [json.loads(each["body"]) for each in sent] == bodies
    assert all((each["headers"]["X-Origin"], each["headers"]["X-Two"]) == ("walk", "2") for each in sent)
    assert service.arrived().keys() >= {"u1", "u2", "u3"}


def test_a_manual_request_with_a_plain_array_is_delivered(service):
    rows = [
        {"data_type": "usage", "data_id": f"m{number}", "data": json.dumps({"minutes": number})} for number in (1, 2)
    ]
    service.dataset("hand_array", rows, key="data_id", types={"data": "json"})
    url = f"{service.sandbox.url}/custom_data/companies?company_id=c1"
    refused = service.refused(
        "POST /destinations/validate",
        {
            "name": "x",
            "value": {"dataset": "hand_array", "credential": "acme", "request": {"method": "POST", "url": url}},
        },
        200,
    )
    assert refused["code"] == "foreign-host"
    more = {"allowed_hosts": [url.split("/")[2]]}
    assert service.refused("PATCH /credentials/acme", more)["code"] == "key-needed", "a sealed key stays where it is"
    service.ask("PATCH /credentials/acme", {**more, "api_key": service.sandbox.api_key})
    request = {"method": "POST", "url": url, "batch": {"size": 10, "grouping": {"algorithm": "array"}}}
    value = {"dataset": "hand_array", "credential": "acme", "request": request, "active": True}
    service.ask("POST /destinations", {"name": "hand_array", "value": value}, 201)
    assert service.run("hand_array")["records"]["delivered"] == 2
    assert json.loads(service.sandbox.requests()[-1]["body"]) == [
        {"data_type": "usage", "data_id": "m1", "data": {"minutes": 1}},
        {"data_type": "usage", "data_id": "m2", "data": {"minutes": 2}},
    ]
    assert {each["data_id"] for each in service.sandbox.state()["custom_data"]} == {"m1", "m2"}


def test_a_destination_is_created_activated_paused_and_deleted(service):
    """Edited test, activation, run, replies, quarantine, pause, copy, deletion, roll-back."""
    rows = [*PEOPLE, {**PEOPLE[0], "id": "u4", "mail": "not-an-address"}]
    service.rows("life", rows)
    looked = service.ask("POST /sources/check", {"name": "life", "value": {"type": "file", "path": "life.csv"}})
    assert ([column["name"] for column in looked["columns"]], looked["problems"]) == (list(rows[0]), [])
    service.ask("POST /sources", {"name": "life", "value": {"type": "file", "path": "life.csv"}}, 201)
    dataset = {"name": "life", "value": {"source": "life", "key": "id"}}
    assert [row["id"] for row in service.ask("POST /datasets/preview", dataset)["rows"]] == ["u1", "u2", "u3", "u4"]
    service.ask("POST /datasets", dataset, 201)
    value = {
        "dataset": "life",
        "credential": "acme",
        "template": "upsert_person",
        "fields": {"user_id": "id", "email": "mail", "name": "title"},
        "exclude": ["note"],
        "attributes": ["seats"],
        "responses": True,
    }
    draft = service.ask("POST /destinations", {"name": "life", "value": value}, 201)
    version = service.ask("GET /project")["version"]

    # a test, edited, while it is a draft
    sample = json.loads(service.ask("GET /destinations/life/preview")["requests"][0]["body"])
    edited = json.dumps({**sample, "user_id": "u-test", "email": "test@x.example"})
    tested = service.ask("POST /destinations/life/test", {"sample": 1, "body": edited})
    assert (tested["response"]["status"], tested["request"]["body"]) == (200, edited)
    assert service.arrived()["u-test"]["email"] == "test@x.example"
    assert "u1" not in service.arrived()

    # activation, and a run with the outcome of each record
    plan = service.ask("GET /destinations/life/plan")
    assert (plan["creates_or_updates"], plan["invalid"], plan["requests"], plan["asking"]) == (3, 1, 3, 0)
    service.ask("POST /destinations/life/activate", status=204)
    run = service.run("life")
    assert (run["status"], run["records"]["delivered"], run["records"]["quarantined"]) == ("partial", 3, 1)
    assert service.arrived().keys() == {"u0", "u-test", "u1", "u2", "u3"}
    assert service.arrived()["u2"]["custom_attributes"] == {"seats": 0}
    assert "secret" not in json.dumps(service.sandbox.state())

    # the replies are a dataset, which another destination sends
    replies = service.ask("GET /responses/life")["items"]
    assert {(each["run"], each["response"]["status"]) for each in replies if each["run"] == run["run"]} == {
        (run["run"], 200)
    }
    samples = service.ask("GET /datasets/life.responses/samples?limit=500")
    statuses = {row["delivery"]: row["response"]["status"] for row in samples["rows"] if row["outcome"] == "delivered"}
    assert set(statuses.values()) == {200}
    events = {
        "source": "life.responses",
        "key": "delivery",
        "sql": "select delivery, sent_at, outcome from source where run = '" + run["run"] + "'",
    }
    service.ask("POST /datasets", {"name": "life_events", "value": events}, 201)
    onward = {
        "dataset": "life_events",
        "credential": "acme",
        "template": "insert_event",
        "fields": {"company_id": {"value": "c1"}, "name": {"value": "sent"}, "created_at": "sent_at"},
        "active": True,
    }
    service.ask("POST /destinations", {"name": "life_onward", "value": onward}, 201)
    assert service.run("life_onward")["records"]["accepted"] == 3
    assert len([each for each in service.sandbox.state()["events"] if each["name"] == "sent"]) == 3

    # a record in quarantine is edited and resent
    (quarantined,) = service.ask("GET /quarantine?destination=life")["items"]
    assert (quarantined["key"], quarantined["field"]) == ("u4", "email")
    service.ask(f"PATCH /quarantine/{quarantined['id']}", {"changes": {"mail": "u4@x.example"}})
    (again,) = service.ask("POST /quarantine/resend", {"ids": [quarantined["id"]]}, 202)["items"]
    assert service.ended(again["run"])["records"]["delivered"] == 1
    assert service.arrived()["u4"]["email"] == "u4@x.example"

    # not deleted while it is active; paused, it sends nothing; a copy is a draft
    assert service.refused("DELETE /destinations/life", status=409)["code"] == "active"
    service.ask("POST /destinations/life/pause", status=204)
    assert service.refused("POST /runs", {"target": "life"})["code"] == "not-active"
    copied = service.ask("POST /destinations/life/copy", {"name": "life_two"}, 201)
    assert (copied["state"]["state"], copied["value"]["fields"]) == ("draft", value["fields"])
    assert service.refused("DELETE /destinations/life", status=409)["code"] == "in-use"
    for line in (
        "POST /destinations/life_onward/pause",
        "DELETE /destinations/life_onward",
        "DELETE /datasets/life_events",
    ):
        service.ask(line, status=204)
    service.ask("DELETE /destinations/life", status=204)
    service.ask("GET /destinations/life", status=404)

    # an old version restores it, but as a draft
    service.ask(f"POST /versions/{version}/roll-back", {"only": "destinations.life"})
    back = service.ask("GET /destinations/life")
    assert (back["value"], back["etag"]) == (draft["value"], draft["etag"])
    assert back["state"]["state"] != "active"
    actions = {entry["action"] for entry in _audit(service)}
    assert {"POST /destinations/{name}/test", "POST /destinations/{name}/activate", "DELETE /{kind}/{name}"} <= actions


def _audit(service):
    """The audit log, which only an admin may read."""
    assert service.client.get(f"{API}/audit").status_code == 403
    token = service.app.people.register.add_token("ada", "audit", "admin")[1]
    with httpx.Client(base_url=service.client.base_url, headers={"Authorization": f"Bearer {token}"}) as admin:
        return admin.get(f"{API}/audit?limit=500").json()["items"]
