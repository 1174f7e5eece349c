"""The requests of a mirror: what names an object, its DELETE, its mark, and the nulls that take a mark back."""

import json

import pytest

from penstock.model.record import Payload
from penstock.model.spec import DestinationSpec, OnDelete
from penstock.render.deletion import deletion_of, identity_renderer, problems
from penstock.templates.catalogue import load_catalogue
from support.kernel.compiled_destination import chunk_of, compiled

BASE = "https://api.custify.com/"
TEMPLATES = load_catalogue()


def deletion(template, on_delete=None, dialect="native", path=None):
    how = OnDelete(on_delete)
    assert list(problems(how, TEMPLATES[template], dialect)) == []
    spec = DestinationSpec(name="d", dataset="d", credential="c", template=template, on_delete=how)
    return deletion_of(spec, TEMPLATES[template], dialect, BASE, path)


def sent(body, url=None):
    return Payload(0, "k", json.dumps(body).encode(), 1, url=url)


@pytest.mark.parametrize(
    ("template", "payload", "url"),
    [
        ("upsert_person", sent({"user_id": "u 1", "email": "a@x.org"}), "people?user_id=u+1"),
        ("upsert_person", sent({"user_id": None, "email": "a+b@x.org"}), "people?email=a%2Bb%40x.org"),
        ("upsert_company", sent({"company_id": 7, "name": "x"}), "company?company_id=7"),
        ("upsert_subscription", sent({"externalId": "s&1"}), "financial/subscription?externalId=s%261"),
        ("upsert_invoice", sent({"externalId": "é"}), "financial/invoice?externalId=%C3%A9"),
        ("upsert_deal", sent({"externalId": "0"}), "financial/deal?externalId=0"),
        (
            "upsert_custom_object",
            sent({"data_type": "t", "data_id": "d", "data": {}}, f"{BASE}custom_data/companies?company_id=c%2F1"),
            "custom_data/companies?company_id=c%2F1&data_type=t&data_id=d",
        ),
        (
            "upsert_custom_object",
            sent({"entityModel": "Company", "company_id": "c", "data_type": "t", "data_id": "d", "data": {}}),
            "custom_data/companies?company_id=c&data_type=t&data_id=d",
        ),
    ],
)
def test_a_delete_names_the_object_as_its_upsert_did(template, payload, url):
    its = deletion(template)
    [identity, *_] = its.identities(payload)
    made = its.payload(3, "k", identity)
    assert (its.shape.method, its.shape.carries_body, made.url) == ("DELETE", False, BASE + url)
    assert (made.ordinal, made.key, json.loads(made.text)) == (3, "k", identity)
    assert its.shape.absent_is_done


@pytest.mark.parametrize("body", [{"id": "5f" * 12}, {"user_id": "", "email": None}, {"type": "people", "payload": {}}])
def test_a_payload_without_the_members_has_no_identity(body):
    assert deletion("upsert_person").identities(sent(body)) == []


def test_a_person_has_every_identity_that_the_payload_has():
    both = {"user_id": "u", "email": "a@x.org"}
    assert deletion("upsert_person").identities(sent(both)) == [{"user_id": "u"}, {"email": "a@x.org"}]


def test_the_place_of_an_object_is_its_account_and_kind():
    assert json.loads(deletion("upsert_company").place) == ["c", BASE, "native", "company"]


def test_only_a_person_takes_something_along():
    assert deletion("upsert_person").deletes_too == "all events of the person"
    assert deletion("upsert_company").deletes_too is None


@pytest.mark.parametrize(
    ("template", "dialect", "values", "body"),
    [
        ("upsert_company", "native", {"churned": True, "mine": 1}, {"churned": True, "custom_attributes": {"mine": 1}}),
        ("upsert_company", "flat", {"churned": True, "mine": 1}, {"churned": True, "mine": 1}),
        ("upsert_company", "native", {"mrr": 0, "plan": None}, {"monthly_revenue": 0, "plan": None}),
        ("upsert_company", "flat", {"mrr": 0}, {"mrr": 0}),
        (
            "upsert_person",
            "native",
            {"churned": True, "plan": "x"},
            {"custom_attributes": {"churned": True, "plan": "x"}},
        ),
        ("upsert_deal", "native", {"stage": "gone"}, {"status": "gone"}),
        ("upsert_subscription", "native", {"mine": "x"}, {"metadata": {"mine": "x"}}),
    ],
)
def test_a_mark_is_an_upsert_of_these_values_alone(template, dialect, values, body):
    its = deletion(template, values, dialect)
    identity = {"user_id": "u"} if template == "upsert_person" else {"company_id": "c"}
    made = its.payload(0, "k", identity)
    assert json.loads(made.text) == {**identity, **body}
    assert (its.shape.method, its.shape.url) == ("POST", BASE + TEMPLATES[template].path[dialect].lstrip("/"))
    assert (its.shape.carries_body, its.shape.absent_is_done, made.url) == (True, False, None)


def test_the_destinations_own_path_is_used_for_marks():
    assert deletion("upsert_company", {"churned": True}, path="/own").shape.url == f"{BASE}own"


def test_a_record_that_returns_has_its_own_values_and_null_for_the_others():
    its = deletion("upsert_company", {"churned": True, "plan": "none", "gone": True, "size": 0})
    payload = sent({"company_id": "c", "plan": "pro", "custom_attributes": {"gone": False, "own": 1.10}})
    made = its.returned(payload)
    wanted = {"company_id": "c", "plan": "pro", "custom_attributes": {"gone": False, "own": 1.1}}
    assert json.loads(made.text) == {**wanted, "churned": None, "size": None}
    assert made.content == payload.content
    bare = its.returned(sent({"company_id": "c"}))
    nulls = {"churned": None, "plan": None, "size": None, "custom_attributes": {"gone": None}}
    assert json.loads(bare.text) == {"company_id": "c", **nulls}


def test_what_was_set_under_other_settings_is_taken_back():
    before = {"plan": "none", "custom_attributes": {"gone": True}}
    made = deletion("upsert_company", {"churned": True}).returned(sent({"company_id": "c"}), before)
    assert json.loads(made.text) == {"company_id": "c", "plan": None, "custom_attributes": {"gone": None}}


def test_an_object_may_have_what_each_deletion_has_set():
    before = {"plan": "none", "custom_attributes": {"gone": True}}
    now = deletion("upsert_company", {"churned": True, "left": 1})
    assert now.marks(before) == {"plan": "none", "churned": True, "custom_attributes": {"gone": True, "left": 1}}
    assert now.marks(None) == now.mark
    assert deletion("upsert_company", None).marks(before) is before


def test_a_record_that_returns_with_every_value_stays_as_it_is():
    payload = sent({"company_id": "c", "churned": False, "custom_attributes": "odd"})
    assert deletion("upsert_company", {"churned": True}).returned(payload) is payload


@pytest.mark.parametrize(
    ("template", "dialect", "on_delete", "keys"),
    [
        ("upsert_person", "flat", None, ["on_delete"]),
        ("upsert_deal", "flat", {"stage": "x"}, ["on_delete"]),
        ("upsert_custom_object", "native", {"x": 1}, ["on_delete"]),
        ("upsert_company", "native", {}, ["on_delete.set"]),
        ("upsert_company", "native", {"company_id": "x", "parent_companies": []}, 2),
        ("upsert_company", "native", {"churned": "often"}, ["on_delete.set.churned"]),
        ("upsert_company", "native", {"a.b": 1}, ["on_delete.set.a.b"]),
        ("upsert_company", "native", {"own": [1]}, ["on_delete.set.own"]),
        ("upsert_invoice", "native", {"due_date": "2026-01-01", "other": 1}, 2),
        ("upsert_deal", "native", {"close_date": "2026-01-01"}, ["on_delete.set.close_date"]),
    ],
)
def test_what_cannot_be_carried_out_is_named(template, dialect, on_delete, keys):
    found = list(problems(OnDelete(on_delete), TEMPLATES[template], dialect))
    if isinstance(keys, list):
        assert [problem.path for problem in found] == keys
    else:
        assert len(found) == keys
    assert all(problem.message and problem.hint and problem.found for problem in found)


def test_what_identifies_an_object_is_rendered_whatever_else_is_wrong_with_its_record():
    chunk = chunk_of([{"k": "1", "user": "u1", "mail": "no address", "name": "x" * 300}])
    fields = {"user_id": "user", "email": "mail", "name": "name"}
    made = compiled("upsert_person", "native", chunk, "k", fields=fields)
    texts = [
        [payload.text for payload in identity_renderer(made.renderer, names).render(chunk).payloads]
        for names in (["user_id"], ["email"])
    ]
    assert texts == [[b'{"user_id":"u1"}'], []]


def test_an_id_that_is_made_from_the_key_is_rendered_too():
    chunk = chunk_of([{"k": "1", "company": "c1", "name": "N"}])
    made = compiled("upsert_deal", "native", chunk, "k", fields={"company_id": "company", "name": "name"})
    [payload] = identity_renderer(made.renderer, ["externalId"]).render(chunk).payloads
    assert payload.text == b'{"externalId":"1"}'
