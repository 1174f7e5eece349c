"""Steps give one value per row; what a vectorised test accepts for a whole column, the rule accepts for each value."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk
from penstock.render import steps
from penstock.render.steps import Columns, Step, constant, has_flat_links, is_date_time, rule_of
from penstock.render.values.columns import decode
from penstock.render.values.json_values import ABSENT
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
def test_checks_of_whole_columns_agree_with_the_rules_for_values(array):
    cells = decode(array, pa.field("x", array.type))
    for rule, quick in RULED:
        found = None if quick is None or cells.has_refusals else quick(cells)
        if found is not None:
            one_by_one = [None if value is None else rule(value) for value in cells.values]
            assert found == one_by_one
            assert [type(value) for value in found] == [type(value) for value in one_by_one]


@given(
    st.lists(st.none() | st.datetimes(), max_size=4),
    st.sampled_from(["s", "ms", "us"]),
    st.sampled_from([None, "UTC", "Asia/Kolkata"]),
)
def test_times_are_decoded_to_the_text_of_the_rule(moments, unit, zone):
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
def test_keys_of_release_0_1_0_have_their_invisible_characters(dialect):
    assert made("upsert_person", "user_id", "u\u200b ", dialect) == "u"
    assert made("upsert_person", "user_id", "u\u200b ", dialect, former=True) == "u\u200b "


def test_links_of_release_0_1_0_have_their_invisible_characters():
    assert made("upsert_person", "company_id", "c\u200b", former=True) == [{"company_id": "c\u200b"}]


def test_a_number_is_read_by_the_sign_of_its_column():
    assert made("upsert_company", "size", "1.299") == "ambiguous"
    assert made("upsert_company", "size", "1.299", sign=",") == 1299
    assert made("upsert_company", "size", "1.299", "flat", sign=",") == 1299


def test_whole_amounts_have_the_32_bits_that_custify_documents():
    whole = [
        (name, doc.name) for name, each in CATALOGUE.items() for doc in each.fields if doc.type == "money" and doc.whole
    ]
    assert whole
    for template, field in whole:
        assert made(template, field, "$7") == 7
        assert made(template, field, "$0.50") == "integer"
        assert made(template, field, "$0.50", "flat") == 0.5


def test_an_object_of_attributes_is_checked_in_native_and_sent_unchanged_in_flat():
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


# ── steps and the rows of a chunk ────────────────────────────────────────────


def columns(rows=None, *, absent=None, misfits=None, **values):
    return Columns(Chunk(pa.RecordBatch.from_pydict(values), 0, absent or {}, misfits or {}), rows)


def upper(value):
    """Text in capitals; the text `no` is refused."""
    return Refusal("no", "is refused") if value == "no" else str(value).upper()


def values(step, of):
    refused = {}
    return step.values(of, refused), {row: refusal.field for row, refusal in refused.items()}


def test_each_value_goes_through_the_rule_and_a_refused_one_is_not_sent():
    of = columns(a=["x", "no", None, "x", "no"])
    assert values(Step("f", upper, column="a"), of) == (["X", ABSENT, ABSENT, "X", ABSENT], {1: "f", 4: "f"})


def test_the_first_reason_to_refuse_a_row_stays():
    refused = {0: Refusal("key", "first")}
    Step("f", upper, column="a").values(columns(a=["no"]), refused)
    assert refused[0].rule == "key"


def test_a_clean_column_is_taken_as_it_is():
    step = Step("f", upper, lambda cells: cells.values, column="a")
    assert values(step, columns(a=["x"])) == (["x"], {})
    assert values(Step("f", upper, lambda _: None, column="a"), columns(a=["x"])) == (["X"], {})


@pytest.mark.parametrize(
    ("settings", "null", "absent"),
    [({}, ABSENT, ABSENT), ({"sends_null": True}, None, ABSENT), ({"default": ("d",)}, "d", "d")],
)
def test_null_and_absent_members(settings, null, absent):
    of = columns(a=["x", None, None], absent={"a": frozenset({2})})
    assert values(Step("f", upper, column="a", **settings), of)[0] == ["X", null, absent]
    assert values(Step("f", upper, column="gone", **settings), of)[0] == [absent] * 3
    assert values(Step("f", upper, constant=(None,), **settings), of)[0] == [null] * 3


def test_a_constant_is_the_value_of_every_row():
    assert values(Step("f", upper, constant=("x",)), columns(a=[1, 2])) == (["x", "x"], {})
    assert (constant(None, upper), constant("x", upper)) == (None, "X")
    assert constant("no", upper).rule == "no"


def test_chosen_rows_are_counted_among_themselves():
    of = columns([3, 1], a=list("abcd"), absent={"a": frozenset({1, 2})}, misfits={1: Refusal("type", "x"), 0: None})
    assert (len(of), of.cells("a").values, of.absent("a"), of.absent("gone")) == (2, ["d", "b"], [1], [0, 1])
    assert list(of.misfits()) == [1]
    assert of.cells("a") is of.cells("a")


def test_misfits_of_all_rows_keep_their_numbers():
    assert list(columns(a=[1, 2], misfits={1: Refusal("type", "x")}).misfits()) == [1]


def test_excluded_parts_are_left_out_before_the_rule():
    field, array = (
        pa.field("a", pa.string(), metadata={b"penstock": b"json"}),
        pa.array(['{"b": 1, "c": {"d": 2}}', "{"]),
    )
    of = Columns(Chunk(pa.RecordBatch.from_arrays([array], schema=pa.schema([field])), 0), None)
    step = Step("f", lambda value: value, lambda cells: cells.values, column="a", cuts=(("b",), ("c", "d")))
    assert values(step, of) == ([{"c": {}}, ABSENT], {1: "f"})


# ── columns as they are in files ─────────────────────────────────────────────


def quickly(quick, array):
    """What the vectorised test says of a column; None: each value goes through the rule."""
    found = decode(array, pa.field("x", array.type))
    return quick(found)


def test_whole_numbers_identify_as_text_where_the_limit_has_room_for_any():
    numbers = pa.array([7, None, -(2**63)])
    assert quickly(steps.quick_key(None), numbers) == quickly(steps.quick_key(20), numbers)
    assert quickly(steps.quick_key(20), numbers) == ["7", None, str(-(2**63))]
    assert quickly(steps.quick_key(19), numbers) is None


def test_numbers_are_whole_where_they_can_be_and_never_infinite():
    assert quickly(steps.quick_number, pa.array([1.0, 1.5, None, 1e300])) == [1, 1.5, None, 1e300]
    assert quickly(steps.quick_number, pa.array([1.0, float("inf")])) is None
    assert quickly(steps.quick_number, pa.array([2**62])) == [2**62]
    assert quickly(steps.quick_number, pa.array(["1"])) is None


def test_attributes_of_native_have_32_bits_and_a_length():
    _, quick = steps.native_attribute(3, bounded=True)
    assert quickly(quick, pa.array([2**31 - 1])) == [2**31 - 1]
    assert quickly(quick, pa.array([2**31])) is None
    assert quickly(quick, pa.array([2.0**31])) is None
    assert quickly(quick, pa.array([2.0])) == [2]
    assert quickly(quick, pa.array(["abcd"])) is None
    assert quickly(quick, pa.array([True])) == [True]
    assert quickly(quick, pa.array([[1]])) is None
    assert quickly(steps.plain_attribute()[1], pa.array([2**31])) == [2**31]


def test_dates_of_files_are_sent_as_text_and_as_moments_where_the_api_wants_these():
    day, moment = (
        pa.array([date(2026, 1, 31), None]),
        pa.array([datetime(2026, 1, 31, 12, tzinfo=UTC)], pa.timestamp("s")),
    )
    assert quickly(steps.quick_date, day) == ["2026-01-31", None]
    assert quickly(steps.quick_date_time, day) == ["2026-01-31T00:00:00Z", None]
    assert quickly(steps.quick_date_time, moment) == quickly(steps.quick_date, moment) == ["2026-01-31T12:00:00Z"]
    assert quickly(steps.quick_date_time, pa.array(["2026-01-31"])) is None
