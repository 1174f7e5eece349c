import pytest

from penstock.model.spec import Mode
from penstock.render.cross_field_rules import COMBINATIONS
from penstock.render.fields import BY_TYPE
from penstock.templates.catalogue import load_catalogue

TEMPLATES = load_catalogue().values()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_template_is_described_in_full(template):
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


def test_what_cannot_be_taken_back_is_never_sent_twice():
    for template in TEMPLATES:
        appends = template.name in {"insert_event", "create_task", "create_note"}
        assert template.mode_default is (Mode.NEW if appends else Mode.CHANGED)
        assert (Mode.CHANGED in template.modes) is not appends


def test_the_batch_endpoint_takes_what_it_takes():
    limits = {template.name: (template.batch_limit("native"), template.batch_limit("flat")) for template in TEMPLATES}
    takes = {name: limit for name, limit in limits.items() if limit != (None, None)}
    assert takes == {
        "upsert_person": (100, 500),
        "upsert_company": (100, 500),
        "insert_event": (100, None),
        "upsert_custom_object": (100, None),
        "send_batch": (100, 500),
    }
