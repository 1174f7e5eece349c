from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render.values import rules
from penstock.render.values.numbers import Digits
from support.kernel.json_values import JSON_VALUES


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("007", "007"),
        (7, "7"),
        (366.0, "366"),
        (1234567890123456.0, "1234567890123456"),
        (-9007199254740991.0, "-9007199254740991"),
        (1.5, "1.5"),
        (True, "true"),
        (Decimal("1.10"), "1.1"),
        ("", ""),
        (2**70, str(2**70)),
    ],
)
def test_text_is_the_shortest_form(value, meant):
    assert rules.text(value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [("true", True), ("No", False), (" YES ", True), (1, True), (0.0, False), ("0", False), ("", None)],
)
def test_booleans(value, meant):
    assert rules.boolean(value) is meant


@pytest.mark.parametrize("value", ["t", "on", "2", 2, 0.5, [], "wahr"])
def test_values_that_are_no_booleans_are_refused(value):
    assert rules.boolean(value).rule == "boolean"


@pytest.mark.parametrize("value", ["a@b@c", "a b@c.d", "@b", "a@", "ab", 5, "a\u00a0b@c.d"])
def test_values_that_are_no_email_addresses_are_refused(value):
    assert rules.email(value).rule == "email"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" a@b.c", "a@b.c"),
        ("a@b.c\n", "a@b.c"),
        ("a@b.c\u200b", "a@b.c"),
        ("\ufeff\u00a0a\u00ad@b.c\u3000", "a@b.c"),
        ("\u202ea@b.c\u202c", "a@b.c"),
        ("a\u200d@b.c", "a@b.c"),  # a joiner beside ASCII has no effect
        ("می\u200cروم@b.c", "می\u200cروم@b.c"),  # here it is part of the word
    ],
)
def test_invisible_characters_are_removed_from_keys_and_addresses(written, meant):
    assert rules.email(written) == rules.key(written) == rules.email_or_id(written) == meant
    assert rules.link(None)(written) == [{"company_id": meant}]
    assert rules.object_id(f"{OBJECT_ID}\u200b ") == OBJECT_ID


def test_a_blank_value_identifies_nothing():
    assert rules.key("  ") is None
    assert rules.key("\u200b\u00a0\ufeff") is None
    assert rules.email("") is None
    assert rules.object_id(" ") is None


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("366", [{"company_id": "366"}]),
        (366, [{"company_id": "366"}]),
        ('["366", 7]', [{"company_id": "366"}, {"company_id": "7"}]),
        ([{"company_id": 366, "remove": True}], [{"company_id": "366", "remove": True}]),
        ([{"id": "5f5b3c1d2e4a6b7c8d9e0f1a"}], [{"id": "5f5b3c1d2e4a6b7c8d9e0f1a"}]),
        ([], []),
    ],
)
def test_links_to_companies(value, meant):
    assert rules.companies(value) == meant


@pytest.mark.parametrize(
    "value", [[None], [{}], [{"company_id": ""}], [{"company_id": "a", "id": "b"}], [[1]], [{"name": "x"}]]
)
def test_values_that_are_no_links_to_companies_are_refused(value):
    assert isinstance(rules.companies(value), Refusal)


def test_attributes_are_scalars_within_their_limits():
    rule = rules.attribute(5, bounded=True)
    assert [rule(value) for value in ("abcde", 5, 0, False, "", 2.5, 3.0)] == ["abcde", 5, 0, False, "", 2.5, 3]
    assert rule({"value": 12.5, "currency": "EUR"}) == {"value": 12.5, "currency": "EUR"}
    refused = [
        rule(value).rule
        for value in ("abcdef", 2**31, {"a": 1}, [1], [], Digits("1" * 20), {"value": "1", "currency": "EUR"})
    ]
    assert refused == ["length", "int32", "scalar", "scalar", "scalar", "int32", "scalar"]


@pytest.mark.parametrize("name", ["", "a.b", "$a", "42", "x" * 191])
def test_forbidden_names_of_attributes(name):
    assert rules.attribute_name(name)


def test_allowed_names_of_attributes():
    assert [rules.attribute_name(name) for name in ("a", "4a", "x" * 190, "ä b", "a-b")] == [None] * 5


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), JSON_VALUES))
def test_a_refusal_quotes_at_most_eighty_printable_characters(value):
    for rule in (rules.email, rules.boolean, rules.object_id, rules.choice("a"), rules.companies, rules.whole_object):
        found = rule(value) if value is not None else None
        if isinstance(found, Refusal):
            assert len(found.value) <= 80
            found.value.encode()
            assert found.accepted


OBJECT_ID = "5f5b3c1d2e4a6b7c8d9e0f1a"


@pytest.mark.parametrize(
    ("rule", "good", "meant"),
    [
        (rules.email_or_id, OBJECT_ID, OBJECT_ID),
        (rules.email_or_id, "ada@example.com", "ada@example.com"),
        (rules.object_id, OBJECT_ID, OBJECT_ID),
        (rules.texts, '["a", 7, true]', ["a", "7", "true"]),
        (rules.texts, "a", ["a"]),
        (rules.texts, "", None),
        (rules.whole_object, '{"seats": 5}', {"seats": 5}),
        (rules.whole_object, " ", None),
        (rules.members(rules.text), {"a": 1, "b": None}, {"a": "1", "b": None}),
        (rules.members(rules.text, names=True), {"a": 1}, {"a": "1"}),
        (rules.without_nulls(rules.members(rules.text)), {"a": 1, "b": None}, {"a": "1"}),
        (rules.link(5), "acme", [{"company_id": "acme"}]),
        (rules.link(None), "", None),
        (rules.choice("High", "Low"), " high ", "High"),
        (rules.choice("High", "Low"), " ", None),
    ],
)
def test_each_rule_converts_valid_values(rule, good, meant):
    assert rule(good) == meant


@pytest.mark.parametrize(
    ("rule", "bad", "broken"),
    [
        (rules.text, ["a"], "type"),
        (rules.text, {"a": 1}, "type"),
        (rules.email_or_id, OBJECT_ID[:-1], "email"),
        (rules.object_id, OBJECT_ID[:-1] + "g", "id"),
        (rules.texts, '["a", ["b"]]', "type"),
        (rules.whole_object, "[1]", "type"),
        (rules.members(rules.text), {"a": [1]}, "type"),
        (rules.members(rules.text, names=True), {"a.b": 1}, "name"),
        (rules.link(3), "acme", "length"),
        (rules.choice("High", "Low"), "middle", "choice"),
    ],
)
def test_each_rule_refuses_invalid_values_by_its_name(rule, bad, broken):
    assert rule(bad).rule == broken


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("a\u200b ", "a\u200b "),
        (" ", None),
        ("", None),
        (1e15, "1000000000000000.0"),
        (7.0, "7"),
        (7, "7"),
        (True, "true"),
    ],
)
def test_keys_as_release_0_1_0_wrote_them(value, meant):
    assert rules.former_key(value) == meant


@pytest.mark.parametrize("value", [float("nan"), [], {}])
def test_values_that_were_no_keys_in_0_1_0_are_refused(value):
    assert isinstance(rules.former_key(value), Refusal)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('[{"name": "Call", "completed": false}]', [{"name": "Call", "completed": False}]),
        ({"name": 7, "dueDate": "2026-01-31"}, [{"name": "7", "dueDate": "2026-01-31T00:00:00Z"}]),
        ({"name": "Call", "assignedTo": None}, [{"name": "Call"}]),
        ("", None),
        ([], []),
    ],
)
def test_the_checklist_of_a_task(value, meant):
    assert rules.checklist(value) == meant


@pytest.mark.parametrize(
    "value",
    ["{", [7], [{}], [{"name": " "}], [{"name": "Call", "done": True}], [{"name": "Call", "dueDate": "tomorrow"}]],
)
def test_values_that_are_no_checklist_are_refused(value):
    assert isinstance(rules.checklist(value), Refusal)


def test_an_object_whose_members_are_attributes_is_an_object():
    assert rules.members(rules.text)("[1]").rule == "type"
    assert rules.members(rules.text)(" ") is None
    assert rules.without_nulls(rules.members(rules.text))(" ") is None
