"""Requests follow Custify's published API: values that it refuses are converted, or refused before they are sent."""

import json
from datetime import date

import pytest

from support.kernel.compiled_destination import chunk_of, compiled, with_json


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
DAY = "2026-01-31"
ITEM = {"name": "Call", "completed": False, "dueDate": DAY, "assignedTo": "a@b.example"}
ITEM_SENT = {**ITEM, "dueDate": f"{DAY}T00:00:00Z"}


def test_a_custom_object_without_data_has_empty_data():
    found = rendered("upsert_custom_object", {"type": "machine", "company_id": "c1"})
    assert (found["data_type"], found["data"]) == ("machine", {})


@pytest.mark.parametrize("name", ["dueInvoicesTotal", "paidInvoicesTotal"])
def test_totals_of_invoices_are_whole_numbers(name):
    assert rendered("upsert_subscription", {**SUBSCRIPTION, name: 12.0})[name] == 12
    assert rendered("upsert_subscription", {**SUBSCRIPTION, name: 12.5}).field == name


@pytest.mark.parametrize(("given", "sent"), [("yes", True), (False, False), (1, True)])
def test_assigned_to_customer_is_true_or_false(given, sent):
    assert rendered("create_task", {**TASK, "assignedToCustomer": given})["assignedToCustomer"] is sent


def test_a_name_as_assigned_to_customer_is_refused():
    assert rendered("create_task", {**TASK, "assignedToCustomer": "ada"}).rule == "boolean"


@pytest.mark.parametrize("wrong", [{"title": "x"}, "x", {**ITEM, "completed": "perhaps"}, {**ITEM, "dueDate": "soon"}])
def test_a_checklist_is_a_list_of_its_items(wrong):
    assert rendered("create_task", TASK, {"checklist": [ITEM]})["checklist"] == [ITEM_SENT]
    assert rendered("create_task", TASK, {"checklist": [ITEM, wrong]}).field == "checklist"


@pytest.mark.parametrize("nulls", ["omit", "send"])
def test_a_note_with_a_blank_entity_model_is_about_a_company(nulls):
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


@pytest.mark.parametrize(
    ("template", "record", "nested", "former", "sent"),
    [
        ("create_task", TASK, {"checklist": [ITEM]}, {"checklist": [ITEM]}, {"checklist": [ITEM_SENT]}),
        (
            "create_task",
            {**TASK, "assignedToCustomer": "yes"},
            {},
            {"assignedToCustomer": "yes"},
            {"assignedToCustomer": True},
        ),
        ("create_task", {**TASK, "due_date": date(2026, 1, 31)}, {}, {"dueDate": DAY}, {"dueDate": f"{DAY}T00:00:00Z"}),
        ("upsert_custom_object", {"type": "machine", "company_id": "c1"}, {}, {}, {"data": {}}),
    ],
)
def test_records_that_an_earlier_release_sent_in_another_form_are_recognized(template, record, nested, former, sent):
    """Memory compares with the bytes that release 0.1.0 sent, so that an upgrade sends nothing again."""
    chunk = chunk_of([{"k": "k1", **record}])
    chunk = with_json(chunk, **{name: [json.dumps(value)] for name, value in nested.items()})
    fields = {name: name for name in (*record, *nested)}
    work = compiled(template, "native", chunk, "k", fields=fields, attributes="none")
    assert work.former is not None
    before, now = (json.loads(each.render(chunk).payloads[0].text) for each in (work.former.renderer, work.renderer))
    assert {name: value for name, value in now.items() if before.get(name, ...) != value} == sent
    assert {name: value for name, value in before.items() if now.get(name, ...) != value} == former
