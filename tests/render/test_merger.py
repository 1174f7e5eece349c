"""Several versions of one record become one payload that leaves Custify as the versions one after the other would."""

import json

import pytest

from penstock.model.outcome import Refusal
from penstock.model.record import Lookup, Payload, Refused, Rendered
from penstock.render.merger import Merger, one_of_each, replaced
from penstock.templates.catalogue import MergeRules, load_catalogue

PERSON = load_catalogue()["upsert_person"].versions["native"]
DATA = MergeRules(("data_id",), whole=True)


def merger(rules=PERSON, *, refuses=(), max_bytes=None):
    """One that takes a merged payload for too large when it has a member of `refuses`."""
    too_large = Refusal("count", "too much")
    return Merger(rules, lambda body: too_large if set(refuses) & set(body) else None, max_bytes)


def versions(*bodies, **settings):
    return [Payload(number, "k", json.dumps(body).encode(), 1, **settings) for number, body in enumerate(bodies)]


def merged(*bodies, **settings):
    """The bodies that are left, in order."""
    return [json.loads(payload.text) for payload in merger(**settings).merge(versions(*bodies))]


def test_the_newest_value_of_each_member_is_sent_and_older_records_share_the_payload():
    made = merger().merge(versions({"user_id": "u", "name": "A", "phone": "1"}, {"user_id": "u", "name": "B"}))
    [payload] = made
    assert json.loads(payload.text) == {"user_id": "u", "name": "B", "phone": "1"}
    assert payload.ordinals == (0, 1)
    assert payload.content != 1


def test_a_single_version_is_sent_as_it_is():
    [one] = versions({"user_id": "u"})
    assert merger().merge([one]) == [one]


def test_attributes_are_merged_by_name_and_links_by_company():
    older = {"user_id": "u", "custom_attributes": {"a": 1, "b": 1}, "companies": [{"company_id": "c1"}, {"id": "x"}]}
    newer = {
        "user_id": "u",
        "custom_attributes": {"b": 2},
        "companies": [{"company_id": "c1", "remove": True}, "as text"],
    }
    assert merged(older, newer) == [
        {
            "user_id": "u",
            "custom_attributes": {"a": 1, "b": 2},
            "companies": [{"id": "x"}, {"company_id": "c1", "remove": True}, "as text"],
        }
    ]
    assert merged({"user_id": "u", "companies": None}, older) == [older]


def test_every_digit_of_a_number_is_kept():
    texts = [b'{"user_id":"u","n":12345678901234567890123}', b'{"user_id":"u","x":0.1000}']
    [payload] = merger().merge([Payload(number, "k", text, 1) for number, text in enumerate(texts)])
    assert payload.text == b'{"user_id":"u","n":12345678901234567890123,"x":0.1000}'


@pytest.mark.parametrize(
    ("older", "newer", "sent"),
    [
        ({"phone": "1"}, {"$unset": ["phone"]}, {"$unset": ["phone"]}),
        ({"$unset": ["phone"]}, {"phone": "2"}, {"phone": "2"}),
        ({"$unset": ["phone"]}, {"$unset": ["phone"]}, {"$unset": ["phone"]}),
        (
            {"custom_attributes": {"a": 1, "b": 1}},
            {"$unset": ["custom_attributes.a"]},
            {"custom_attributes": {"b": 1}, "$unset": ["custom_attributes.a"]},
        ),
        ({"custom_attributes": {"a": 1}}, {"$unset": ["custom_attributes.a"]}, {"$unset": ["custom_attributes.a"]}),
        ({}, {"$unset": ["custom_attributes.a"]}, {"$unset": ["custom_attributes.a"]}),
        ({"$unset": ["custom_attributes.a"]}, {"custom_attributes": {"a": 1}}, {"custom_attributes": {"a": 1}}),
        (
            {"$unset": ["custom_attributes.a"]},
            {"custom_attributes": {"b": 1}},
            {"custom_attributes": {"b": 1}, "$unset": ["custom_attributes.a"]},
        ),
    ],
)
def test_of_setting_and_clearing_a_field_the_newer_counts(older, newer, sent):
    assert merged({"user_id": "u"} | older, {"user_id": "u"} | newer) == [{"user_id": "u"} | sent]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"name": "A"}, {"name": "B"}),  # no member names the object
        ({"user_id": "u"}, {"email": "a@b.c"}),  # each is found by another member
        (
            {"user_id": "u", "email": "a@b.c"},
            {"user_id": "u", "email": "d@e.f"},
        ),  # the e-mail addresses can belong to two people
        ({"user_id": "u"}, {"user_id": "u", "email": "a@b.c"}),
    ],
)
def test_versions_that_may_mean_two_people_are_sent_apart(older, newer):
    assert merged(older, newer) == [older, newer]


def test_what_may_not_differ_keeps_versions_apart():
    rules = load_catalogue()["upsert_person"].versions["flat"]
    assert rules.same == ("company_id",)
    c1, c2 = ({"user_id": "u", "company_id": company} for company in ("c1", "c2"))
    assert merged(c1, c2, rules=rules) == [c1, c2]
    assert merged(c1, c1, rules=rules) == [c1]


def test_payloads_that_one_request_cannot_carry_stay_apart():
    a, b = {"user_id": "u", "a": 1}, {"user_id": "u", "b": 2}
    assert merged(a, b, refuses=["b"]) == [a, b]
    assert merged(a, b, max_bytes=10) == [a, b]
    assert merged(a, b, max_bytes=1000) == [a | b]
    one, other = versions(a, b)
    assert len(merger().merge([one, other._replace(url="/x")])) == 2
    assert len(merger().merge([one._replace(lookups=(Lookup("people", "person", "email", "a@b.c"),)), other])) == 2


def test_an_object_that_custify_replaces_is_merged_only_into_one_with_all_of_its_members():
    whole, part = {"data_id": "d", "data": {"a": 1, "b": 1}}, {"data_id": "d", "data": {"a": 2}}
    assert merged(part, whole, rules=DATA) == [whole]
    assert merged(whole, part, rules=DATA) == [whole, part]
    assert merged(whole, {"data_id": "d"}, rules=DATA) == [whole, {"data_id": "d"}]


def test_records_of_a_group_are_sent_together_again_or_refused_as_one():
    u, v = {"user_id": "u"}, {"user_id": "v"}
    payloads = versions(u, u | {"name": "B"}, v, u, v)
    refusal = Refusal("email", "email: no e-mail")
    made = one_of_each(Rendered(payloads, [Refused(5, "k", refusal)]), [2, 1, 2, 1], merger())
    assert [(each.ordinal, json.loads(each.text)) for each in made.payloads] == [(0, u | {"name": "B"}), (1, v)]
    assert [(each.ordinal, each.refusal.rule) for each in made.refused] == [(2, "versions"), (3, "email")]


def test_links_that_were_sent_before_and_are_gone_are_removed():
    [payload] = versions({"user_id": "u", "companies": [{"company_id": "c1"}, {"company_id": "c3", "remove": True}]})
    before = ['["company_id", "c1"]', '["company_id", "c2"]', '["company_id", "c3"]', '["id", "5f"]']
    made = replaced(payload, before, partial=False)
    assert json.loads(made.text)["companies"] == [
        {"company_id": "c2", "remove": True},
        {"id": "5f", "remove": True},
        {"company_id": "c1"},
        {"company_id": "c3", "remove": True},
    ]
    assert (made.links, made.content) == (('["company_id", "c1"]',), payload.content)


def test_a_payload_whose_links_are_all_there_is_sent_as_it_is():
    [payload] = versions({"user_id": "u", "companies": [{"id": "5f"}]})
    assert replaced(payload, ['["id", "5f"]'], partial=False) == payload._replace(links=('["id", "5f"]',))


def test_a_record_without_companies_loses_its_links_unless_it_is_partial():
    [payload] = versions({"user_id": "u"})
    before = ['["company_id", "c1"]']
    assert replaced(payload, before, partial=True) is payload
    made = replaced(payload, before, partial=False)
    assert json.loads(made.text)["companies"] == [{"company_id": "c1", "remove": True}]
    assert made.links == ()
