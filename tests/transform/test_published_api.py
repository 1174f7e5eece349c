"""Requests keep to Custify's published API: what it would refuse is refused before, or written as it wants it."""

import json

import pytest

from transform_building import chunk_of, compiled, with_json


def rendered(template, record, nested=None, **settings):
    chunk = chunk_of([{"k": "k1", **record}])
    chunk = with_json(chunk, **{name: [json.dumps(value)] for name, value in (nested or {}).items()})
    fields = {**{name: name for name in record}, **{name: name for name in nested or {}}}
    made = compiled(template, "native", chunk, "k", fields=fields, attributes="none", **settings).renderer.render(chunk)
    if made.payloads:
        return json.loads(made.payloads[0].text)
    return made.refused[0].refusal


SUBSCRIPTION = {"company_id": "c1", "plan": "basic"}
TASK = {"name": "Call"}
ITEM = {"name": "Call", "completed": False, "dueDate": "2026-01-31", "assignedTo": "a@b.example"}


def test_a_custom_object_without_data_has_empty_data():
    found = rendered("upsert_custom_object", {"type": "machine", "company_id": "c1"})
    assert (found["data_type"], found["data"]) == ("machine", {})


@pytest.mark.parametrize("name", ["dueInvoicesTotal", "paidInvoicesTotal"])
def test_totals_of_invoices_are_whole(name):
    assert rendered("upsert_subscription", {**SUBSCRIPTION, name: 12.0})[name] == 12
    assert rendered("upsert_subscription", {**SUBSCRIPTION, name: 12.5}).field == name


@pytest.mark.parametrize(("given", "sent"), [("yes", True), (False, False), (1, True)])
def test_whether_a_customer_is_assigned_is_true_or_false(given, sent):
    assert rendered("create_task", {**TASK, "assignedToCustomer": given})["assignedToCustomer"] is sent


def test_who_is_assigned_is_no_truth():
    assert rendered("create_task", {**TASK, "assignedToCustomer": "ada"}).rule == "boolean"


@pytest.mark.parametrize("wrong", [{"title": "x"}, "x", {**ITEM, "completed": "perhaps"}, {**ITEM, "dueDate": "soon"}])
def test_a_checklist_is_a_list_of_its_items(wrong):
    assert rendered("create_task", TASK, {"checklist": [ITEM]})["checklist"] == [ITEM]
    assert rendered("create_task", TASK, {"checklist": [ITEM, wrong]}).field == "checklist"


@pytest.mark.parametrize("nulls", ["omit", "send"])
def test_a_note_whose_entity_model_is_blank_is_about_a_company(nulls):
    entity = {"text": "x", "entity": "5f5b3c1d2e4a6b7c8d9e0f1a", "entityModel": ""}
    assert rendered("create_note", entity, nulls=nulls)["entityModel"] == "Company"


@pytest.mark.parametrize("blank", ["", None])
@pytest.mark.parametrize(
    ("template", "record", "name", "target"),
    [
        ("upsert_subscription", SUBSCRIPTION, "external_id", "externalId"),
        ("create_task", TASK, "external_id", "externalId"),
        ("upsert_custom_object", {"type": "machine", "company_id": "c1"}, "data_id", "data_id"),
        ("insert_event", {"name": "n", "created_at": "2026-01-31", "user_id": "u"}, "deduplication_id", "deduplication_id"),
    ],
)  # fmt: skip
def test_a_mapped_id_that_is_blank_is_made_from_the_key(template, record, name, target, blank):
    assert rendered(template, {**record, name: blank})[target] == "k1"
    assert rendered(template, {**record, name: "own"})[target] == "own"
