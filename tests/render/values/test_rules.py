import copy
import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render.values import rules
from penstock.render.values.columns import cut
from penstock.render.values.json_values import plain, read_json
from penstock.render.values.numbers import Digits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e14, 1e14) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(value):
    def digits(found):
        assert isinstance(found, Digits)
        return orjson.Fragment(found.text)

    return json.loads(orjson.dumps(value, default=digits, option=orjson.OPT_PASSTHROUGH_DATACLASS))


@given(JSON)
def test_json_arrives_as_it_is(value):
    assert written(plain(read_json(json.dumps(value)))) == value
    assert written(plain(value)) == value


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "NaN", "[Infinity]", "-Infinity", "1" * 5000, "[" * 5000, '"\x01"', "nul", "01"]
)
def test_what_is_not_json_is_refused(text):
    assert isinstance(read_json(text), Refusal)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("-12345678901234567890", "-12345678901234567890"),
    ],
)
def test_long_numbers_in_json_keep_every_digit(text, meant):
    assert plain(read_json(text)) == Digits(meant)


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udfff": 1}, ["\ud83d"], float("nan"), {"a": [float("inf")]}, b"x", {1: object()}]
)
def test_what_json_cannot_say_is_refused(value):
    assert isinstance(plain(value), Refusal)


def test_endless_nesting_is_refused():
    value = []
    for _ in range(150):
        value = [value]
    assert plain(value).rule == "depth"


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
def test_no_booleans(value):
    assert rules.boolean(value).rule == "boolean"


@pytest.mark.parametrize("value", ["a@b@c", "a b@c.d", "@b", "a@", "ab", 5, "a\u00a0b@c.d"])
def test_no_email(value):
    assert rules.email(value).rule == "email"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (" a@b.c", "a@b.c"),
        ("a@b.c\n", "a@b.c"),
        ("a@b.c\u200b", "a@b.c"),
        ("\ufeff\u00a0a\u00ad@b.c\u3000", "a@b.c"),
        ("\u202ea@b.c\u202c", "a@b.c"),
        ("a\u200d@b.c", "a@b.c"),  # a joiner beside ASCII joins nothing
        ("می\u200cروم@b.c", "می\u200cروم@b.c"),  # here it is part of the word
    ],
)
def test_what_cannot_be_seen_is_taken_off_keys_and_addresses(written, meant):
    assert rules.email(written) == rules.key(written) == rules.email_or_id(written) == meant
    assert rules.link(None)(written) == [{"company_id": meant}]
    assert rules.object_id(f"{OBJECT_ID}\u200b ") == OBJECT_ID


def test_blank_identifies_nothing():
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
def test_no_links_to_companies(value):
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
def test_forbidden_names(name):
    assert rules.attribute_name(name)


def test_allowed_names():
    assert [rules.attribute_name(name) for name in ("a", "4a", "x" * 190, "ä b", "a-b")] == [None] * 5


@given(JSON)
def test_cutting_changes_nothing_that_was_given(value):
    before = copy.deepcopy(value)
    cut(value, ("a", "b"))
    assert value == before


def test_cutting_reaches_into_lists():
    value = {"items": [{"price": 1, "name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("items", "price")) == {"items": [{"name": "x"}, {"name": "y"}, 5], "price": 2}
    assert cut(value, ("price", "deep")) == value


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), JSON))
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
def test_what_a_rule_makes_of_what_fits(rule, good, meant):
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
def test_what_a_rule_says_of_what_does_not(rule, bad, broken):
    assert rule(bad).rule == broken
