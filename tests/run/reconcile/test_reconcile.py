"""`penstock reconcile`: what Custify has against what was sent, for each kind of object, and its fix."""

import pytest

PERSON = (
    "template: upsert_person, fields: {user_id: id, email: email, company_id: company}, attributes: [seats, joined_at]"
)


def person(key, seats="5", company="acme"):
    email = f"{key}@example.com"
    return {"id": key, "email": email, "company": company, "seats": seats, "joined_at": "2026-01-31"}


@pytest.fixture
def people(its):
    """Three people that were delivered."""
    for name in ("acme", "globex"):
        its.call("POST /company", {"company_id": name})
    its.write(PERSON, person("u1"), person("u2"), person("u3"))
    assert its.run()["records"]["delivered"] == 3
    return its


def test_what_was_sent_is_the_same_in_the_types_that_custify_gave_it(people):
    assert people.reconcile() == {"same": 3}


def test_people_that_were_changed_removed_or_added_in_custify_are_reported_and_fixed(people):
    people.call("POST /people", {"user_id": "u1", "custom_attributes": {"seats": 7, "mood": "good"}})
    links = [{"company_id": "acme", "remove": True}, {"company_id": "globex"}]
    people.call("POST /people", {"user_id": "u2", "companies": links})
    people.call("DELETE /people?user_id=u3")
    people.call("POST /people", {"user_id": "other"})
    people.call("POST /people", {"email": "mail@example.com"})
    drift = {
        "differs": [
            {"key": "u1", "field": "custom_attributes.seats", "ours": 5, "theirs": 7},
            {"key": "u2", "field": "companies", "ours": ["acme"], "theirs": ["globex"]},
        ],
        "missing": ["u3"],
        "extra": ["mail@example.com", "other"],
    }

    def found(report):
        return report | {"extra": sorted(report["extra"])}

    assert found(people.reconcile(1)) == drift
    assert found(people.fix()) == drift, "as found before it"
    assert found(people.reconcile()) == {"same": 3, "extra": drift["extra"]}
    assert people.stored("people", "user_id")["u1"]["custom_attributes"]["mood"] == "good"
    report = people.run()
    assert (report["records"]["unchanged"], report["requests"]) == (3, 0), "the memory is as it was"
    last = people.shell.json("runs")[1:3]
    assert [(each["status"], each["records"]["delivered"]) for each in last] == [("succeeded", 0), ("succeeded", 3)]
    assert all(each["requests"] for each in last)


def test_a_record_that_was_not_sent_yet_is_pending_and_stays_so_after_a_fix(people):
    people.write_rows(person("u1", seats="9"), person("u2"), person("u4"))
    expected = {"same": 1, "pending": ["u1", "u4"], "extra": ["u3"]}
    assert people.reconcile() == people.fix() == expected
    assert people.stored("people", "user_id")["u1"]["custom_attributes"]["seats"] == 5


def test_a_record_in_quarantine_is_pending_and_is_not_sent_by_a_fix(people, sandbox):
    people.write_rows(person("u1", seats="9"), person("u2"), person("u3"))
    sandbox.fault(status=422, method="POST", path="/batch", times=1)
    people.run(1)
    sandbox.clear_faults()
    people.call("POST /people", {"user_id": "u2", "custom_attributes": {"seats": 1}})
    assert people.fix()["pending"] == ["u1"]
    assert {n: each["custom_attributes"]["seats"] for n, each in people.stored("people", "user_id").items()} == {
        "u1": 5,
        "u2": 5,
        "u3": 5,
    }
    assert [each["key"] for each in people.shell.json("quarantine list")] == ["u1"]


OWNED = {"id": "k1", "company": "acme"}
KINDS = {
    "company": (
        "template: upsert_company, fields: {company_id: id, plan: plan}, attributes: none",
        {"id": "k1", "plan": "pro"},
        ("POST /company", {"company_id": "k1", "plan": "free"}),
        ("plan", "pro", "free"),
        "companies",
        "DELETE /company?company_id=k1",
    ),
    "subscription": (
        "template: upsert_subscription, fields: {company_id: company, status: status}, attributes: none",
        {**OWNED, "status": "active"},
        ("POST /financial/subscription", {"externalId": "k1", "metadata": {"status": "paused"}}),
        ("metadata.status", "active", "paused"),
        "subscriptions",
        "DELETE /financial/subscription?externalId=k1",
    ),
    "invoice": (
        "template: upsert_invoice, fields: {company_id: company, amount: amount}, attributes: none",
        {**OWNED, "amount": "12.5"},
        ("POST /financial/invoice", {"externalId": "k1", "total": 13}),
        ("total", 12.5, 13),
        "invoices",
        "DELETE /financial/invoice?externalId=k1",
    ),
    "deal": (
        "template: upsert_deal, fields: {company_id: company, name: name, value: value}, attributes: none",
        {**OWNED, "name": "Deal", "value": "5"},
        ("POST /financial/deal", {"externalId": "k1", "value": 6}),
        ("value", 5, 6),
        "deals",
        "DELETE /financial/deal?externalId=k1",
    ),
    "custom object": (
        "template: upsert_custom_object, fields: {type: {value: site}, company_id: company}, attributes: [city]",
        {**OWNED, "city": "Bonn"},
        (
            "POST /custom_data/companies?company_id=acme",
            {"data_type": "site", "data_id": "k1", "data": {"city": "Köln"}},
        ),
        ("data.city", "Bonn", "Köln"),
        "custom_data",
        "DELETE /custom_data/companies?company_id=acme&data_type=site&data_id=k1",
    ),
}


@pytest.mark.parametrize("of_kind", KINDS.values(), ids=KINDS)
def test_an_object_of_each_kind_is_compared_and_fixed(its, of_kind):
    how, row, change, difference, kind, delete = of_kind
    its.call("POST /company", {"company_id": "acme"})
    its.write(how, row)
    its.run()
    others = {"extra": ["acme"]} if kind == "companies" else {}
    assert its.reconcile() == {"same": 1, **others}
    its.call(*change)
    field, ours, theirs = difference
    drift = {"differs": [{"key": "k1", "field": field, "ours": ours, "theirs": theirs}], **others}
    assert (its.reconcile(1), its.fix(), its.reconcile()) == (drift, drift, {"same": 1, **others})
    its.call(delete)
    gone = {"missing": ["k1"], **others}
    assert (its.reconcile(1), its.fix(), its.reconcile()) == (gone, gone, {"same": 1, **others})
    assert len(its.sandbox.state()[kind]) == 1 + len(others)


TASK = "template: create_task, fields: {name: name, assignee_email: who}, attributes: none"


def test_a_task_is_changed_in_place_and_one_that_is_missing_is_created(its, sandbox):
    who = sandbox.state()["users"][0]["email"] if "users" in sandbox.state() else "ann@example.com"
    its.write(TASK, *({"id": key, "name": f"Call {key}", "who": who} for key in ("k1", "k2")))
    its.run()
    assert its.reconcile() == {"same": 2}
    task = its.stored("tasks", "externalId")["k1"]
    its.call(f"PUT /task/{task['id']}", {"status": "done"})
    its.call("POST /task", {"name": "by a person", "priority": "low", "status": "open"})
    (other,) = [each["id"] for each in sandbox.state()["tasks"] if each["name"] == "by a person"]
    drift = {
        "same": 1,
        "differs": [{"key": "k1", "field": "status", "ours": "open", "theirs": "done"}],
        "extra": [other],
    }
    assert (its.reconcile(1), its.fix(), its.reconcile()) == (drift, drift, {"same": 2, "extra": [other]})
    assert len(sandbox.state()["tasks"]) == 3, "no task twice"
    (sent,) = [each for each in sandbox.requests() if each["method"] == "PUT"][1:]
    assert sent["path"] == f"/task/{task['id']}"
    assert its.run()["records"]["unchanged"] == 2


def test_a_change_of_a_task_without_an_answer_never_makes_a_second_task(its, sandbox):
    its.write(TASK, {"id": "k1", "name": "Call", "who": ""})
    its.run()
    task = its.stored("tasks", "externalId")["k1"]
    its.call(f"PUT /task/{task['id']}", {"status": "done"})
    sandbox.fault(cut="before", path="/task", method="PUT", times=100)
    its.reconcile(1, "--fix")
    (entry,) = its.shell.json("quarantine list")
    assert entry["outcome"] == "unknown"
    sandbox.clear_faults()
    assert its.shell.json("settle it", 1)["undecided"] == 1
    its.run(1)
    assert len(sandbox.state()["tasks"]) == 1
    assert "compare with Custify again" in its.shell.json(f"quarantine show {entry['id']}")["finding"]


def test_only_a_flat_credential_and_what_has_no_list_are_errors_and_a_draft_is_compared(its, sandbox):
    its.write(PERSON, person("u1"), base=sandbox.flat_url)
    assert its.shell.json("reconcile it", 2)["errors"][0]["code"] == "no-reads"
    its.write("template: create_note, fields: {text: email, company_id: company}", person("u1"))
    assert its.shell.json("reconcile it", 2)["errors"][0]["code"] == "not-readable"
    its.write(PERSON.replace("template", "mode: all, template"), person("u1"))
    for options in ("", " --fix"):
        (problem,) = its.shell.json(f"reconcile it{options}", 2)["errors"]
        assert (problem["code"], problem["path"]) == ("not-readable", "destinations.it.mode")
        assert "mode: changed" in problem["hint"]
    its.write(PERSON.replace("template", "active: false, template"), person("u1"))
    text = (its.shell.folder / "penstock.yaml").read_text().replace("active: true, ", "")
    (its.shell.folder / "penstock.yaml").write_text(text)
    assert its.reconcile() == {"pending": ["u1"]}
    assert its.shell.json("reconcile it --fix", 2)["errors"][0]["code"] == "not-active"


def test_a_list_that_changes_while_it_is_read_shows_nothing_as_missing_or_of_no_record(people, monkeypatch):
    from penstock.delivery.reader import ObjectReader

    pages = ObjectReader.pages

    async def with_gap(self, before):
        async for page in pages(self, before):
            listed = tuple(each for each in page.objects if each.get("company_id") != "acme")
            yield page._replace(objects=listed, state=page.state._replace(gap="changed"))

    people.call("DELETE /people?user_id=u3")
    people.call("POST /people", {"user_id": "u1", "custom_attributes": {"seats": 7}})
    people.call("POST /people", {"user_id": "other"})
    monkeypatch.setattr(ObjectReader, "pages", with_gap)
    difference = {"key": "u1", "field": "custom_attributes.seats", "ours": 5, "theirs": 7}
    assert people.reconcile(1) == {"same": 1, "differs": [difference], "incomplete": True}


def test_the_text_names_each_field_with_both_values(people):
    people.call("POST /people", {"user_id": "u1", "custom_attributes": {"seats": 7}})
    people.call("DELETE /people?user_id=u3")
    text = people.shell.text("reconcile it", 1)
    for part in (
        "1 as sent",
        "custom_attributes.seats: 1 difference",
        "u1: sent 5, Custify has 7",
        "1 missing",
        ": u3",
    ):
        assert part in text
    assert "--fix" in text
    [run] = people.shell.json("runs --limit 1")
    assert run["reason"] == "2 records are not in Custify as they were sent"
    assert "sent again: succeeded, 2 delivered" in people.shell.text("reconcile it --fix")
