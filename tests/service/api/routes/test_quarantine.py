"""The quarantine over HTTP: groups, edits, previews, resends, discards of few and of many, settling."""

import json

import pytest

from penstock.model.outcome import Refusal
from penstock.model.reports import QuarantineFilter
from penstock.model.spec import Binding, DestinationSpec
from penstock.run.preparation.prepare import explained
from penstock.service.app import ServiceApp
from penstock.service.model import MANY
from penstock.store import quarantine
from support.deadline import until
from support.kernel.quarantine_rows import hold_many

BAD = [{"id": "1", "email": "ada@x.example"}, {"id": "2", "email": "no-mail"}, {"id": "3", "email": "nor-this"}]


def in_quarantine(service, destination):
    return service.ask(f"GET /quarantine?destination={destination}")["items"]


def sent_again(service, body):
    """The runs of a resend, when they have ended."""
    asked = service.ask("POST /quarantine/resend", body, 202)
    return [service.ended(run["run"]) for run in asked["items"]]


def test_groups_have_cause_and_number_of_records(service):
    service.people("grouped", BAD)
    service.sandbox.fault(status=422, path="/people")
    assert service.run("grouped")["status"] == "partial"
    ours = [group for group in service.ask("GET /quarantine/groups")["items"] if group["destination"] == "grouped"]
    assert [(group["count"], group["outcome"]) for group in ours] == [(2, "quarantined"), (1, "quarantined")]
    assert (ours[0]["field"], ours[1]["field"]) == ("email", None)
    assert ours[0]["cause"] != ours[1]["cause"]
    assert all(group["reason"] and group["first_at"] <= group["last_at"] for group in ours)
    cause = ours[0]["cause"]
    found = service.ask(f"GET /quarantine?destination=grouped&cause={cause}")["items"]
    assert {entry["key"] for entry in found} == {"2", "3"}


def test_a_record_keeps_every_digit_when_read_and_edited(service):
    service.people("exact", [{"id": "1", "email": "no-mail", "n": 12345678901234567890123, "x": 0.30}])
    service.run("exact")
    (entry,) = in_quarantine(service, "exact")
    text = service.ask(f"GET /quarantine/{entry['id']}")["record_text"]
    assert "12345678901234567890123" in text
    for wrong, code in (("{", "not-json"), ("[]", "not-an-object")):
        assert service.refused(f"PATCH /quarantine/{entry['id']}", {"record_text": wrong}, 400)["code"] == code
    new = text.replace("no-mail", "a@x.example").replace("0123,", "0124,")
    edited = service.ask(f"PATCH /quarantine/{entry['id']}", {"record_text": new})
    assert edited["record_text"] == new
    (run,) = sent_again(service, {"ids": [entry["id"]]})
    assert run["records"]["delivered"] == 1


def test_an_edited_record_is_previewed_and_delivered(service):
    service.people("fixed", BAD)
    service.run("fixed")
    first, second = in_quarantine(service, "fixed")
    whole = service.ask(f"GET /quarantine/{first['id']}")
    assert (whole["record"], whole["field"], whole["value"]) == ({"id": 2, "email": "no-mail"}, "email", "no-mail")

    preview = service.ask(f"POST /quarantine/{first['id']}/preview")
    assert preview["requests"] == []
    assert preview["refused"][0]["field"] == "email"
    edited = service.ask(f"PATCH /quarantine/{first['id']}", {"changes": {"email": "grace@x.example"}})
    assert edited["record"]["email"] == "grace@x.example"
    service.ask(f"PATCH /quarantine/{second['id']}", {"record": {"id": 3, "email": "joan@x.example"}})
    (request,) = service.ask(f"POST /quarantine/{first['id']}/preview")["requests"]
    before = len(service.sandbox.requests())

    (run,) = sent_again(service, {"ids": [first["id"]]})
    assert (run["status"], run["records"]["delivered"]) == ("succeeded", 1)
    assert run["trigger"].startswith("person:")
    (arrived,) = service.sandbox.requests()[before:]
    assert arrived["body"] == request["body"] == '{"user_id":"2","email":"grace@x.example"}'
    assert [entry["id"] for entry in in_quarantine(service, "fixed")] == [second["id"]]
    service.ask(f"GET /quarantine/{first['id']}", status=404)

    (run,) = sent_again(service, {"destination": "fixed"})
    assert run["records"]["delivered"] == 1
    assert service.arrived().keys() == {"1", "2", "3"}
    assert in_quarantine(service, "fixed") == []


def test_a_record_that_is_refused_again_stays_in_quarantine(service):
    service.people("stubborn", BAD)
    service.run("stubborn")
    before = in_quarantine(service, "stubborn")
    (run,) = sent_again(service, {"cause": before[0]["cause"], "destination": "stubborn"})
    assert (run["status"], run["records"]["quarantined"]) == ("partial", 2)
    assert [entry["id"] for entry in in_quarantine(service, "stubborn")] == [entry["id"] for entry in before]


def test_a_resend_of_all_makes_one_run_per_destination(service):
    for entry in service.ask("GET /quarantine")["items"]:  # of other tests
        service.ask(f"POST /quarantine/{entry['id']}/discard", {})
    for name in ("first", "second"):
        service.people(name, [{"id": f"{name}1", "email": "nothing"}, {"id": f"{name}2", "email": "nothing"}])
        service.run(name)
    for entry in service.ask("GET /quarantine")["items"]:
        service.ask(f"PATCH /quarantine/{entry['id']}", {"changes": {"email": f"{entry['key']}@x.example"}})
    runs = sent_again(service, {"all": True})
    assert {run["destination"] for run in runs} == {"first", "second"}
    assert [run["records"]["delivered"] for run in runs] == [2, 2]
    assert service.arrived().keys() == {"first1", "first2", "second1", "second2"}


def test_a_discarded_record_is_not_quarantined_again(service):
    service.people("given_up", BAD)
    service.run("given_up")
    first, second = in_quarantine(service, "given_up")
    assert service.ask(f"POST /quarantine/{first['id']}/discard", {"reason": "left us"}) == {"discarded": 1}
    assert service.ask("POST /quarantine/discard", {"ids": [second["id"]], "reason": "too"}) == {"discarded": 1}
    again = service.run("given_up")
    assert (again["status"], again["records"]["unchanged"], again["records"]["quarantined"]) == ("succeeded", 3, 0)
    assert service.refused("POST /quarantine/discard", {"destination": "given_up"})["code"] == "nothing-held"


def test_a_person_settles_an_unknown_record_as_delivered(service):
    service.dataset("tasks", [{"id": "t1", "name": "Call Ada"}])
    value = {"dataset": "tasks", "credential": "acme", "template": "create_task", "attributes": "none"}
    service.ask("PUT /destinations/tasks", {**value, "fields": {"name": "name"}, "active": True})
    service.sandbox.fault(cut="after", path="/task", times=1)
    assert service.run("tasks")["records"]["unknown"] == 1
    (entry,) = in_quarantine(service, "tasks")
    assert entry["outcome"] == "unknown"
    assert service.ask(f"GET /quarantine/{entry['id']}")["request"]["body"]
    service.ask(f"POST /quarantine/{entry['id']}/settle", status=204)
    assert in_quarantine(service, "tasks") == []
    assert service.run("tasks")["records"]["unchanged"] == 1
    assert len(service.sandbox.state()["tasks"]) == 1


@pytest.mark.parametrize(
    ("line", "body", "status", "code"),
    [
        ("GET /quarantine/999999", None, 404, "unknown-id"),
        ("PATCH /quarantine/nothing", {"changes": {}}, 404, "unknown-id"),
        ("POST /quarantine/nothing/preview", None, 404, "unknown-id"),
        ("POST /quarantine/nothing/discard", {}, 404, "unknown-id"),
        ("POST /quarantine/nothing/settle", None, 404, "unknown-id"),
        ("POST /quarantine/resend", {}, 400, "which"),
        ("POST /quarantine/discard", {"all": False}, 400, "which"),
        ("POST /quarantine/resend", {"destination": "nobody"}, 400, "nothing-held"),
        ("POST /quarantine/resend", {"ids": ["999999"]}, 404, "unknown-id"),
    ],
)
def test_invalid_requests_are_refused_with_a_code(service, line, body, status, code):
    assert service.refused(line, body, status)["code"] == code


def test_an_edit_that_is_no_record_is_refused(service):
    service.people("kept", BAD[:2])
    service.run("kept")
    (entry,) = in_quarantine(service, "kept")
    path = f"/quarantine/{entry['id']}"
    for wrong in ({"record": []}, {"changes": {"email.x": 1}}, {"record": {"id": 2}, "more": 1}):
        service.refused(f"PATCH {path}", wrong)
    assert service.ask(f"GET {path}")["record"]["email"] == "no-mail"
    assert service.refused(f"POST {path}/settle", status=400)["code"] == "not-unknown"
    assert json.dumps(service.ask(f"GET {path}")).count(service.sandbox.api_key) == 0


def test_a_refusal_has_its_rule_and_named_values_beside_the_command_lines_text(service):
    service.ask("PUT /credentials/native", {"connector": "custify", "base_url": service.sandbox.url})
    service.ask("PUT /credentials/native/secret", {"secret": service.sandbox.api_key}, 204)
    rows = [{"id": "1", "email": "no-mail", "plan": ""}, {"id": "2", "email": "a@x.example", "plan": "x" * 300}]
    service.people("named", rows, credential="native", attributes="all")
    run = service.run("named")
    entries = {entry["key"]: entry for entry in in_quarantine(service, "named")}
    assert entries["1"]["rule"] == "email"
    accepted = "an address such as ada@example.com"
    assert entries["1"]["values"] == {
        "field": "email",
        "column": "email",
        "value": "no-mail",
        "accepted": accepted,
        "finding": "is not an e-mail address",
        "mapped": True,
    }
    assert entries["1"]["reason"] == f"email: 'no-mail' is not an e-mail address; accepted: {accepted}"
    long = entries["2"]["values"]
    assert (long["column"], long["limit"], len(long["value"])) == ("plan", 255, 80)
    assert "mapped" not in long
    assert "left(plan, 255) in the sql of datasets." in entries["2"]["reason"]
    assert "datasets." not in json.dumps(long)

    records = {record["key"]: record for record in service.ask(f"GET /runs/{run['run']}/records")["items"]}
    assert (records["1"]["rule"], records["1"]["values"]) == ("email", entries["1"]["values"])
    assert records["2"]["reason"] == entries["2"]["reason"]
    again = service.run("named")
    records = {record["key"]: record for record in service.ask(f"GET /runs/{again['run']}/records")["items"]}
    assert (records["1"]["held"], records["1"]["values"]) == (True, entries["1"]["values"])
    assert records["1"]["reason"] == f"still in quarantine: {entries['1']['reason']}"
    (group, _) = [one for one in service.ask("GET /quarantine/groups")["items"] if one["destination"] == "named"]
    assert group["values"] in (entries["1"]["values"], long)


def test_a_refusal_by_the_api_has_its_words_as_a_value(service):
    service.people("by-api", [{"id": "1", "email": "a@x.example"}])
    service.sandbox.fault(status=422, path="/people")
    run = service.run("by-api")
    (entry,) = in_quarantine(service, "by-api")
    assert (entry["rule"], entry["values"]["sentence"]) == ("422", entry["reason"])
    (record,) = service.ask(f"GET /runs/{run['run']}/records")["items"]
    assert (record["rule"], record["values"]) == ("422", entry["values"])


def test_a_value_of_another_type_names_since_when_the_column_has_its_type(service):
    service.people("typed", [{"id": "1", "email": "a@x.example", "age": 3}])
    service.run("typed")
    service.people("typed", [{"id": "1", "email": "a@x.example", "age": "old"}])
    service.run("typed")
    (entry,) = in_quarantine(service, "typed")
    values = entry["values"]
    assert (entry["rule"], values["column"], values["type"], values["value"]) == ("type", "age", "integer", "old")
    assert values["since"].startswith("20")
    assert "penstock schema" in entry["reason"]
    assert "penstock" not in json.dumps(values)


def database_of(service):
    return service.app._ctx.database


def hold(service, destination, count):
    """A new destination with this many records in quarantine, as after a run."""
    service.people(destination, [{"id": "1", "email": "ada@x.example"}])
    hold_many(database_of(service), destination, count)


def number_of(service, destination):
    groups = service.ask("GET /quarantine/groups")["items"]
    return sum(group["count"] for group in groups if group["destination"] == destination)


@pytest.mark.parametrize("count", [1, MANY])
def test_few_records_are_discarded_in_the_request(service, count):
    hold(service, f"few{count}", count)
    assert service.ask("POST /quarantine/discard", {"destination": f"few{count}"}) == {"discarded": count}
    assert number_of(service, f"few{count}") == 0


def test_many_records_are_discarded_in_the_background_with_progress(service):
    hold(service, "many", 3500)
    hold(service, "others", 2)
    asked = service.client.post("/api/v1/quarantine/discard", json={"destination": "many", "reason": "old"})
    assert asked.status_code == 202
    begun = asked.json()
    assert (begun["total"], begun["reason"], begun["ended_at"]) == (3500, "old", None)
    where = asked.headers["Location"].removeprefix("/api/v1")
    assert where == f"/quarantine/discards/{begun['id']}"
    ended = until(lambda: (found := service.ask(f"GET {where}"))["ended_at"] is not None and found)
    assert (ended["discarded"], ended["total"]) == (3500, 3500)
    assert service.ask("GET /quarantine/discards")["items"][0] == ended
    assert (number_of(service, "many"), number_of(service, "others")) == (0, 2)
    with database_of(service).read() as conn:
        assert len(set(quarantine.discarded_versions(conn, "many"))) == 3500
    assert service.refused("POST /quarantine/discard", {"destination": "many"})["code"] == "nothing-held"
    assert service.refused("GET /quarantine/discards/d-0", status=404)["code"] == "unknown-discard"


def test_many_ids_are_discarded_in_the_background(service):
    hold(service, "named", MANY + 500)
    with database_of(service).read() as conn:
        ids = quarantine.ids(conn, QuarantineFilter(destination="named"))
    unknown = service.refused("POST /quarantine/discard", {"ids": [*ids, "q-999999999"]}, 404)
    assert (unknown["code"], unknown["found"]) == ("unknown-id", "q-999999999")
    assert number_of(service, "named") == len(ids)
    begun = service.ask("POST /quarantine/discard", {"ids": ids[:-1]}, 202)
    until(lambda: service.ask(f"GET /quarantine/discards/{begun['id']}")["ended_at"])
    assert number_of(service, "named") == 1


def test_the_next_process_continues_the_discard_of_an_ended_one(service):
    hold(service, "left", 2500)
    url = f"sqlite:///{database_of(service).path}"
    with ServiceApp.open_applied(url, environ={}) as ending:
        ending.discards.close()  # it accepts the request, and ends before it discards anything
        which = QuarantineFilter(destination="left")
        begun = ending.discards.request(which, None, reason="", by="ada")
        assert ending.discards.request(which, None, reason="", by="ada") == begun, "a second request returns the same"
    hold(service, "left-later", 3)
    with ServiceApp.open_applied(url, environ={}) as another:
        another.discards.resume()
        until(lambda: another.discards.get(begun.id).ended_at)
        assert another.discards.get(begun.id).done == 2500
    assert (number_of(service, "left"), number_of(service, "left-later")) == (0, 3)


def test_a_resend_of_many_records_needs_few_statements(service):
    hold(service, "again", 2500)
    with database_of(service).read() as conn:
        ids = quarantine.ids(conn, QuarantineFilter(destination="again"))
        assert quarantine.by_destination(conn, [*ids, "q-999999999"]) == {"again": ids}
        assert [each.id for each in quarantine.get_all(conn, [ids[3], "q-999999999", ids[1]])] == [ids[3], ids[1]]
    (run,) = service.ask("POST /quarantine/resend", {"destination": "again"}, 202)["items"]
    assert run["destination"] == "again"
    service.ask(f"POST /runs/{run['run']}/cancel", status=202)
    service.ended(run["run"])


@pytest.mark.parametrize("fields", [None, {"email": Binding(column="email")}])
def test_exclude_is_not_offered_for_a_mapped_field(fields):
    destination = DestinationSpec("d", "people", "acme", template="upsert_person", fields=fields)
    refusal = Refusal("email", "email: 'x' is not an e-mail address", "email", "x")
    assert explained(refusal, destination, frozenset({"plan"})).mapped
    assert not explained(Refusal("text", "plan: no text", "plan", "x"), destination, frozenset({"plan"})).mapped
