"""The law of the quick tests: what a vectorised test accepts for a whole column, the rule accepts for each value."""

from datetime import UTC

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.render import steps
from penstock.render.steps import has_flat_links, is_date_time, rule_of
from penstock.render.values.columns import decode
from penstock.templates.catalogue import load_catalogue

SPACES = "".join(chr(n) for n in range(0x3100) if chr(n).isspace()) + "\u200b\ufeff"
TEXTS = (
    st.text(max_size=6)
    | st.text(alphabet=SPACES + "@a.", max_size=6)
    | st.sampled_from(["x" * 100, "ä" * 255, "🎉" * 256])
)
VALUES = [
    (pa.string(), TEXTS),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5)),
    (pa.float64(), st.floats() | st.floats(-1e6, 1e6).map(round).map(float)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), st.dates()),
    (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
    (pa.decimal128(38, 4), st.decimals(min_value=-(10**20), max_value=10**20, places=4)),
]
ARRAYS = st.one_of(
    [
        st.lists(st.none() | values, min_size=1, max_size=5).map(lambda v, k=kind: pa.array(v, k))
        for kind, values in VALUES
    ]
)
DOCS = {
    (doc.type, doc.max_length, doc.whole, doc.or_id, doc.target == "companies[].company_id"): doc
    for t in load_catalogue().values()
    for doc in t.fields
}
RULED = [rule_of(doc, dialect) for doc in DOCS.values() for dialect in ("native", "flat")]
RULED += [steps.plain_attribute()] + [
    steps.native_attribute(limit, bounded=bounded) for limit in (None, 100, 255) for bounded in (True, False)
]


@given(ARRAYS)
def test_quick_ways_agree_with_the_rules(array):
    cells = decode(array, pa.field("x", array.type))
    for rule, quick in RULED:
        found = None if quick is None or cells.flawed else quick(cells)
        if found is not None:
            one_by_one = [None if value is None else rule(value) for value in cells.values]
            assert found == one_by_one
            assert [type(value) for value in found] == [type(value) for value in one_by_one]


@given(
    st.lists(st.none() | st.datetimes(), max_size=4),
    st.sampled_from(["s", "ms", "us"]),
    st.sampled_from([None, "UTC", "Asia/Kolkata"]),
)
def test_moments_are_decoded_to_what_the_rule_would_write(moments, unit, zone):
    if unit != "us":
        moments = [m and m.replace(microsecond=0) for m in moments]
    found = decode(pa.array(moments, pa.timestamp(unit, zone)), pa.field("x", pa.int8())).values
    rule = rule_of(load_catalogue()["insert_event"].doc("created_at"), "flat")[0]
    assert found == [None if m is None else rule(m) for m in moments]


CATALOGUE = load_catalogue()


def made(template, field, value, dialect="native", **settings):
    found = rule_of(CATALOGUE[template].doc(field), dialect, **settings)[0](value)
    return found.rule if isinstance(found, Refusal) else found


def test_the_same_field_in_both_dialects():
    assert made("upsert_company", "size", 70.5) == "integer"
    assert made("upsert_company", "size", 2**31) == "int32"
    assert made("upsert_company", "size", 2**31, "flat") == 2**31
    assert made("upsert_company", "size", "70.5", "flat") == "integer"
    assert made("upsert_person", "company_id", "acme") == [{"company_id": "acme"}]
    assert made("upsert_person", "company_id", "acme", "flat") == "acme"


@pytest.mark.parametrize("dialect", ["native", "flat"])
def test_keys_as_release_0_1_0_wrote_them_keep_what_cannot_be_seen(dialect):
    assert made("upsert_person", "user_id", "u\u200b ", dialect) == "u"
    assert made("upsert_person", "user_id", "u\u200b ", dialect, former=True) == "u\u200b "


def test_links_as_release_0_1_0_wrote_them_keep_what_cannot_be_seen():
    assert made("upsert_person", "company_id", "c\u200b", former=True) == [{"company_id": "c\u200b"}]


def test_a_number_is_read_by_the_sign_of_its_column():
    assert made("upsert_company", "size", "1.299") == "ambiguous"
    assert made("upsert_company", "size", "1.299", sign=",") == 1299
    assert made("upsert_company", "size", "1.299", "flat", sign=",") == 1299


def test_whole_amounts_are_bound_to_32_bits_where_custify_says_so():
    whole = [
        (name, doc.name) for name, each in CATALOGUE.items() for doc in each.fields if doc.type == "money" and doc.whole
    ]
    assert whole
    for template, field in whole:
        assert made(template, field, "$7") == 7
        assert made(template, field, "$0.50") == "integer"
        assert made(template, field, "$0.50", "flat") == 0.5


def test_an_object_of_attributes_is_checked_in_native_and_sent_as_it_is_in_flat():
    objects = [(name, doc.name) for name, each in CATALOGUE.items() for doc in each.fields if doc.type == "object"]
    assert objects
    for template, field in objects:
        assert made(template, field, {"a": [1]}) == "scalar"
        assert made(template, field, {"a": [1], "b": None}, "flat") == {"a": [1], "b": None}
        assert made(template, field, "[1]", "flat") == "type"


def test_dates_in_custifys_own_fields_are_moments_and_links_are_listed_in_native_only():
    event, person = CATALOGUE["insert_event"], CATALOGUE["upsert_person"]
    assert is_date_time(event.doc("created_at"), "native")
    assert not is_date_time(event.doc("created_at"), "flat")
    assert made("insert_event", "created_at", "2026-01-31") == "2026-01-31T00:00:00Z"
    assert made("insert_event", "created_at", "2026-01-31", former=True) == "2026-01-31"
    assert made("insert_event", "created_at", "2026-01-31", "flat") == "2026-01-31"
    assert has_flat_links(person.doc("companies"), "flat")
    assert not has_flat_links(person.doc("companies"), "native")


def test_ids_of_custify_as_release_0_1_0_wrote_them():
    ids = [(name, doc.name) for name, each in CATALOGUE.items() for doc in each.fields if doc.type == "id"]
    assert ids
    for template, field in ids:
        assert made(template, field, "x") == "id"
        assert made(template, field, "x\u200b", "flat") == "x"
        assert made(template, field, "x\u200b", "flat", former=True) == "x\u200b"
