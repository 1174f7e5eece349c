"""The law of the quick ways: what a vectorised test accepts for a whole column, the rule accepts for each value."""

from datetime import UTC

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from penstock.render import steps
from penstock.render.fields import rule_of
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
