import pytest

from penstock.model.spec import Mode
from penstock.render.cross_field_rules import COMBINATIONS
from penstock.render.steps import BY_TYPE
from penstock.templates.catalogue import batch_endpoint, load_catalogue

TEMPLATES = load_catalogue().values()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_template_has_a_complete_description(template):
    assert template.title
    assert template.description.endswith(".")
    names = [name for doc in template.fields for name in doc.names]
    assert len(names) == len(set(names))
    known = {doc.name for doc in template.fields}
    assert all(set(names) <= known for names in template.match.values())
    assert template.external is None or template.external.field in known
    assert set(template.parents) <= known
    assert set(template.combine) <= {*COMBINATIONS, "custom_data_company"}
    for doc in template.fields:
        assert doc.label
        assert doc.description
        assert doc.type in BY_TYPE
        assert doc.target is not None or doc.why


def test_templates_that_append_objects_send_each_key_once():
    for template in TEMPLATES:
        appends = template.name in {"insert_event", "create_task", "create_note"}
        assert template.mode_default is (Mode.NEW if appends else Mode.CHANGED)
        assert (Mode.CHANGED in template.modes) is not appends


def test_the_batch_endpoint_has_the_documented_objects():
    limits = {template.name: (template.batch_limit("native"), template.batch_limit("flat")) for template in TEMPLATES}
    takes = {name: limit for name, limit in limits.items() if limit != (None, None)}
    assert takes == {
        "upsert_person": (100, 500),
        "upsert_company": (100, 500),
        "insert_event": (100, None),
        "upsert_custom_object": (100, None),
        "send_batch": (100, 500),
    }


def test_a_field_is_found_by_the_name_of_the_page_and_by_its_native_one():
    person = load_catalogue()["upsert_person"]
    for doc in person.fields:
        assert person.doc(doc.name) is doc
        assert person.doc(doc.names[-1]) is doc
    assert person.doc("e_mail") is None


def test_links_to_companies_are_removed_only_from_people():
    assert {template.name for template in TEMPLATES if template.lists_companies} == {"upsert_person", "send_batch"}


def test_whole_numbers_are_limited_to_32_bits():
    fields = {(template.name, doc.name): doc for template in TEMPLATES for doc in template.fields}
    assert fields["upsert_company", "size"].int32
    assert not fields["upsert_company", "name"].int32


def test_two_fields_of_a_template_never_take_one_place_but_as_two_forms_of_the_same():
    person = load_catalogue()["upsert_person"]
    assert person.doc("company_id").places & person.doc("companies").places == {"companies"}
    assert person.doc("email").places == {"email"}
    assert person.doc("custom_attributes") is None or not person.doc("custom_attributes").places


def test_the_object_of_a_batch_is_named_or_found_by_its_fields():
    batch = batch_endpoint()
    assert batch.name == "send_batch"
    first = next(iter(batch.items))
    assert batch.item("event", ["user_id"]) == "event"
    assert batch.item(None, []) == first
    for kind, names in batch.recognized_by.items():
        assert batch.item(None, [names[0]]) == kind
