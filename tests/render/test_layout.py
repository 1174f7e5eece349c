"""Where the values of fields and of other columns are in the payload, and what cannot be sent."""

import json

import pytest

from penstock.model.errors import InputError
from penstock.model.record import Column, Schema
from penstock.model.spec import BatchSpec, Binding, DestinationSpec
from penstock.render.compile import compile_template
from penstock.templates.catalogue import load_catalogue
from support.kernel.compiled_destination import chunk_of, compiled, with_json


def made(record, template="upsert_person", dialect="native", *, nested=None, **settings):
    """The compiled destination and the rendering of one record; `nested` are columns of JSON."""
    chunk = with_json(chunk_of([record]), **{name: [text] for name, text in (nested or {}).items()})
    work = compiled(template, dialect, chunk, "id", **settings)
    return work, work.renderer.render(chunk)


def body(record, *arguments, **settings):
    _, found = made(record, *arguments, **settings)
    return json.loads(found.payloads[0].text)


def problems(record, *arguments, **settings):
    with pytest.raises(InputError) as caught:
        made(record, *arguments, **settings)
    return [(each.path.removeprefix("destinations.d."), each.code, each.found) for each in caught.value.problems]


def notes(work):
    return [(note.field, note.action, note.reason) for note in work.notes]


PERSON = {"fields": {"user_id": "id"}}
COMPANY = {"fields": {"company_id": "id"}}


# ── columns that are not mapped ──────────────────────────────────────────────


def test_other_columns_are_custom_attributes_in_native_and_beside_the_fields_in_flat():
    record = {"id": "1", "b": 2, "a": "x"}
    sent = body(record, **PERSON)
    assert sent == {"user_id": "1", "custom_attributes": {"a": "x", "b": 2}}
    assert list(sent["custom_attributes"]) == ["a", "b"]
    assert body(record, dialect="flat", **PERSON) == {"user_id": "1", "a": "x", "b": 2}


def test_a_column_that_the_api_has_no_place_for_is_counted_where_it_has_a_value():
    _, found = made({"id": "1", "more": "x"}, "upsert_invoice", **COMPANY)
    assert "more" not in json.loads(found.payloads[0].text)
    assert found.notes["more", "not sent", "Custify's API has no place for other columns of this object"] == 1
    _, found = made({"id": "1", "more": "x"}, "create_task", "flat", fields={"name": "id"})
    assert found.notes["more", "not sent", "the flat API names no other fields for this object"] == 1


def test_a_column_that_an_id_is_made_of_is_not_reported_as_not_sent():
    _, found = made({"id": "1", "number": "7"}, "upsert_invoice", external_id="number", **COMPANY)
    assert found.notes == {}


def test_nested_parts_may_be_left_out_of_an_attribute():
    sent = body({"id": "1"}, dialect="flat", nested={"data": '{"a": 1, "b": 2}'}, exclude=("data.a",), **PERSON)
    assert sent["data"] == {"b": 2}


@pytest.mark.parametrize("name", ["a.b", "$x", "42"])
def test_a_column_whose_name_custify_refuses_is_a_problem(name):
    assert problems({"id": "1", name: 1}, **PERSON) == [("attributes", "attribute-name", name)]


def test_a_column_that_would_take_the_place_of_a_field_is_a_problem():
    given = {"fields": {"user_id": "id", "email": "mail"}}
    assert problems({"id": "1", "mail": "a@b.c", "email": "x"}, dialect="flat", **given) == [
        ("attributes", "attribute-clash", "email")
    ]


@pytest.mark.parametrize(
    ("name", "reason"), [("$x", "the column starts with $, which Custify refuses"), ("plan", "the field plan")]
)
def test_where_records_bring_columns_only_those_records_are_refused(name, reason):
    names = ["id", "tariff", name]
    schema = Schema(tuple(Column(each, "text", nullable=True) for each in names), 1, grows=True)
    fields = {"user_id": Binding("id"), "plan": Binding("tariff")}
    spec = DestinationSpec("d", "data", "acme", template="upsert_person", fields=fields)
    work = compile_template(spec, ("id",), schema, load_catalogue()["upsert_person"], "native", "https://x.example.com")
    found = work.renderer.render(chunk_of([{"id": "1", "tariff": "t", name: "x"}, {"id": "2", "tariff": "t"}]))
    assert [payload.key for payload in found.payloads] == ["2"]
    [refused] = found.refused
    assert (refused.key, refused.refusal.rule, refused.refusal.field) == ("1", "attribute name", name)
    assert reason.split()[-1] in refused.refusal.reason
    assert f"exclude: [{name}]" in refused.refusal.accepted


def test_a_derived_id_that_is_too_long_for_an_attribute_is_left_out_of_them():
    event = {"user_id": {"value": "u"}, "name": {"value": "n"}, "created_at": {"value": "2026-01-01"}}
    _, found = made({"id": "x" * 101}, "insert_event", fields=event)
    assert "metadata" not in json.loads(found.payloads[0].text)
    assert found.notes["id", "left out", "more than 100 characters; an id is made from it"] == 1


# ── limits of the container ──────────────────────────────────────────────────

EVENT = {"fields": {"user_id": "id", "name": {"value": "n"}, "created_at": {"value": "2026-01-01"}}}


def test_the_number_of_attributes_is_bounded_where_so_many_may_come():
    few, many = ({"id": "1"} | {f"c{n}": n for n in range(number)} for number in (5, 51))
    assert made(few, "insert_event", **EVENT)[0].renderer.limits is None
    assert made(many, "insert_event", dialect="flat", **EVENT)[0].renderer.limits is None
    _, found = made(many, "insert_event", **EVENT)
    assert [(each.refusal.rule, each.refusal.field) for each in found.refused] == [("count", "metadata")]


def test_an_object_of_attributes_may_bring_any_number():
    nested = {"metadata": json.dumps({f"c{n}": n for n in range(51)})}
    given = {"fields": EVENT["fields"] | {"metadata": "metadata"}}
    _, found = made({"id": "1"}, "insert_event", nested=nested, **given)
    assert [(each.refusal.rule, each.refusal.field) for each in found.refused] == [("count", "metadata")]


def test_the_characters_of_attributes_are_bounded_where_they_may_be_too_many():
    wide = {"id": "1"} | {f"c{n}": "\x01" * 100 for n in range(20)}
    _, found = made(wide, "insert_event", **EVENT)
    assert [(each.refusal.rule, each.refusal.field) for each in found.refused] == [("length", "metadata")]


# ── mapped fields ────────────────────────────────────────────────────────────


def test_a_field_that_custify_names_otherwise_is_noted():
    work, found = made({"id": "1", "mrr": 7}, "upsert_company", fields={"company_id": "id", "mrr": "mrr"})
    assert json.loads(found.payloads[0].text) == {"company_id": "1", "monthly_revenue": 7}
    assert notes(work) == [("mrr", "renamed", "sent as monthly_revenue in Custify's API")]
    work, found = made(
        {"id": "1", "m": 7}, "upsert_company", "flat", fields={"company_id": "id", "monthly_revenue": "m"}
    )
    assert json.loads(found.payloads[0].text) == {"company_id": "1", "mrr": 7}
    assert notes(work) == [("monthly_revenue", "renamed", "sent as mrr in the flat API")]


def test_a_field_is_in_its_container():
    assert body({"id": "1"}, fields={"user_id": "id", "plan": {"value": "gold"}})["custom_attributes"] == {
        "plan": "gold"
    }


def test_the_company_of_a_person_is_a_link_in_native():
    assert body({"id": "1"}, fields={"user_id": "id", "company_id": {"value": "c"}})["companies"] == [
        {"company_id": "c"}
    ]


def test_the_company_of_custom_data_is_in_the_address():
    fields = {"company_id": "id", "type": {"value": "t"}}
    work, found = made({"id": "a/b"}, "upsert_custom_object", fields=fields, attributes="none", batch=BatchSpec("off"))
    assert ("company_id", "renamed", "sent in the URL") in notes(work)
    [payload] = found.payloads
    assert payload.url is not None
    assert payload.url.endswith("?company_id=a%2Fb")
    assert "company_id" not in json.loads(payload.text)


def test_a_field_without_a_place_refuses_no_record_and_is_counted():
    given = {"fields": {"company_id": "id", "due_date": "due"}}
    _, found = made({"id": "1", "due": "never"}, "upsert_invoice", **given)
    assert len(found.payloads) == 1
    _, found = made({"id": "1", "due": "2026-01-31"}, "upsert_invoice", **given)
    assert b"2026" not in found.payloads[0].text
    [[name, action, _]] = found.notes
    assert (name, action) == ("due_date", "not sent")
    _, found = made({"id": "1"}, "create_task", "flat", fields={"name": "id", "tags": {"value": ["a"]}})
    assert found.notes["tags", "not sent", "the flat API names no such field for this object"] == 1


@pytest.mark.parametrize("dialect", ["native", "flat"])
def test_an_object_of_attributes_is_laid_among_them(dialect):
    fields = {"user_id": "id", "custom_attributes": "data"}
    sent = body({"id": "1", "a": 1}, dialect=dialect, nested={"data": '{"b": 2, "c": null}'}, fields=fields)
    assert (sent if dialect == "flat" else sent["custom_attributes"]).items() >= {"a": 1, "b": 2}.items()
    assert b"null" not in json.dumps(sent).encode()


def test_nulls_of_an_object_are_sent_where_nulls_are():
    fields = {"user_id": "id", "custom_attributes": "data"}
    sent = body({"id": "1"}, nested={"data": '{"c": null}'}, fields=fields, nulls="send")
    assert sent["custom_attributes"] == {"c": None}


def test_null_clears_a_field_and_takes_no_link_away():
    fields = {"user_id": "id", "name": "none", "company_id": "none"}
    record = {"id": "1", "none": None}
    assert body(record, fields=fields, nulls="send", attributes="none") == {"user_id": "1", "name": None}


def test_an_insert_names_its_object_or_says_nothing_of_it():
    fields = EVENT["fields"] | {"company_id": "none", "email": "none"}
    sent = body({"id": "1", "none": None}, "insert_event", fields=fields, nulls="send", attributes="none")
    assert not {"company_id", "email"} & set(sent)


def test_a_constant_and_a_default_pass_the_rule_of_the_field():
    fields = {"company_id": "id", "size": {"value": "7"}, "name": {"column": "name", "default": 5}}
    assert body({"id": "1", "name": None}, "upsert_company", fields=fields) == {
        "company_id": "1",
        "size": 7,
        "name": "5",
    }
    wrong = {"company_id": "id", "size": {"value": 0.5}, "name": {"column": "name", "default": "x" * 256}}
    assert [each[:2] for each in problems({"id": "1", "name": None}, "upsert_company", fields=wrong)] == [
        ("fields.name", "length"),
        ("fields.size", "integer"),
    ]


def test_a_default_of_null_is_none():
    fields = {"user_id": "id", "name": {"column": "name", "default": None}}
    assert body({"id": "1", "name": None}, fields=fields) == {"user_id": "1"}


def test_text_is_cut_where_the_mapping_says_so():
    fields = {"user_id": Binding("id"), "name": Binding("name", truncate=True)}
    spec = DestinationSpec("d", "data", "acme", template="upsert_person", fields=fields)
    schema = Schema((Column("id", "text", nullable=True), Column("name", "text", nullable=True)), 1)
    work = compile_template(spec, ("id",), schema, load_catalogue()["upsert_person"], "native", "https://x.example.com")
    found = work.renderer.render(chunk_of([{"id": "1", "name": "x" * 300}]))
    assert json.loads(found.payloads[0].text)["name"] == "x" * 255
    assert found.notes["name", "truncated", "cut to 255 characters"] == 1


# ── several columns for one place, and none for a needed one ─────────────────


def test_a_column_that_is_nearly_a_field_is_noted():
    work, _ = made({"id": "1", "User Id": "u"})
    reason = "from the column 'User Id', which is nearly its name; map the field to change that"
    assert notes(work) == [("user_id", "mapped", reason)]


def test_of_columns_for_one_place_the_first_field_is_mapped_by_name_and_two_are_refused_when_given():
    record = {"id": "1", "name": "n", "person_id": "p", "user_id": "u"}
    work, _ = made(record, "create_task", fields=None)
    assert ("user_id", "not mapped", "person_id is written to the same place; map this column to change that") in notes(
        work
    )
    fields = {name: name for name in ("name", "person_id", "user_id")}
    assert problems(record, "create_task", fields=fields) == [("fields.user_id", "field-twice", "user_id")]


def test_a_note_may_have_a_person_and_a_company():
    fields = {"text": "id", "person_id": "p", "company_id": "c"}
    assert body({"id": "1", "p": None, "c": "acme"}, "create_note", fields=fields)["entityModel"] == "Company"


def test_required_fields_and_one_that_custify_matches_by_must_be_mapped():
    assert problems({"id": "1"}, "insert_event", fields={"user_id": "id", "name": "id"}) == [
        ("fields.created_at", "missing-field", None)
    ]
    assert problems({"id": "1"}, fields={"name": "id"}) == [("fields", "missing-field", None)]


def test_the_links_of_a_flat_person_are_its_company():
    fields = {"user_id": "id", "companies": "links"}
    work, found = made({"id": "1"}, dialect="flat", nested={"links": '["c"]'}, fields=fields)
    assert json.loads(found.payloads[0].text) == {"user_id": "1", "company_id": "c"}
    assert notes(work) == [("companies", "renamed", "sent as company_id: the flat API has one company for a person")]


# ── what the API requires and the schema does not say ─────────────────────


def test_what_the_api_wants_has_a_default_in_native():
    work, found = made({"id": "1"}, "create_task", fields={"name": "id"})
    sent = json.loads(found.payloads[0].text)
    assert (sent["priority"], sent["status"]) == ("medium", "open")
    assert ("priority", "defaulted", "medium, because Custify's API wants it") in notes(work)
    assert "priority" not in body({"id": "1"}, "create_task", "flat", fields={"name": "id"})


def test_a_null_of_what_the_api_wants_is_the_default_unless_the_mapping_has_one():
    fields = {"name": "id", "priority": "p", "status": {"column": "p", "default": "done"}}
    _, found = made({"id": "1", "p": None}, "create_task", fields=fields)
    sent = json.loads(found.payloads[0].text)
    assert (sent["priority"], sent["status"]) == ("medium", "done")
    assert found.notes["priority", "defaulted", "medium where it is null, because Custify's API wants it"] == 1
