"""The properties of rendering: every row comes out once, and the payload has the values of the row."""

import json
from datetime import UTC

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.outcome import Refusal
from penstock.model.record import Chunk
from penstock.model.spec import BatchSpec, Binding, DestinationSpec
from penstock.render.compile import compile_template
from penstock.render.renderer import OPTIONS, Renderer, as_digits
from penstock.render.values.numbers import Digits
from penstock.templates.catalogue import load_catalogue
from support.kernel import manual_request
from support.kernel.compiled_destination import BASES, chunk_of, compiled, schema_of, with_json

NASTY = st.text(max_size=8) | st.sampled_from(
    [
        "",
        " ",
        "007",
        "1e999",
        "NaN",
        '"',
        "\\",
        "\x00",
        "\x7f",
        "\u2028",
        "🎉",
        "O'Brien",
        "{record.x}",
        "x" * 300,
        "null",
    ]
)
COLUMNS = {
    "text": (pa.string(), NASTY),
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float": (pa.float64(), st.floats()),
    "decimal": (pa.decimal128(38, 6), st.decimals(min_value=-(10**25), max_value=10**25, places=6)),
    "truth": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates()),
    "moment": (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
}
JSON_TEXT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
).map(json.dumps) | st.sampled_from(['"\\ud800"', "{", "1e999", "null"])
TEMPLATES = {
    "upsert_person": {"user_id": "text", "email": {"value": "a@b.c"}},
    "upsert_company": {"company_id": "text", "mrr": "float", "size": "whole", "signed_up_at": "moment"},
    "upsert_subscription": {
        "company_id": "text",
        "mrr": "decimal",
        "start_date": "day",
        "status": {"value": "canceled"},
    },
    "upsert_invoice": {"company_id": "text", "amount": "float", "due_date": "day"},
    "upsert_deal": {"company_id": "text", "stage": "text", "value": "whole", "close_date": "day"},
    "insert_event": {"user_id": "text", "name": "text", "created_at": "moment"},
    "create_task": {"name": "text", "person_id": "text"},
    "create_note": {"text": "text", "person_id": "text"},
    "upsert_custom_object": {"type": "text", "company_id": "text"},
    "send_batch": {"company_id": "text", "size": "whole"},
}


def strictly(text):
    """The value of a JSON text. Fails if it has NaN or a repeated name."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    def once(pairs):
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=once)


def flattened(body):
    """The values of the payload and of its containers of attributes; deeper values are the record's own."""
    inner = [part for name in ("custom_attributes", "metadata", "data") if isinstance(part := body.get(name), dict)]
    return [value for part in (body, *inner) for value in part.values()]


@st.composite
def chunks(draw):
    count = draw(st.integers(1, 4))
    made = {"key": pa.array([f"k{n}" if draw(st.integers(0, 9)) else None for n in range(count)], pa.string())}
    for name, (kind, values) in COLUMNS.items():
        made[name] = pa.array([draw(st.none() | values) for _ in range(count)], kind)
    chunk = Chunk(pa.RecordBatch.from_pydict(made), 10)
    return with_json(chunk, nested=[draw(st.none() | JSON_TEXT) for _ in range(count)])


@pytest.mark.parametrize("dialect", ["native", "flat"])
@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=settings.default.max_examples // 3)
@given(chunk=chunks(), nulls=st.sampled_from(["omit", "send"]))
def test_every_row_is_rendered_or_refused_once_and_every_payload_is_json(template, dialect, chunk, nulls):
    work = compiled(template, dialect, chunk, "key", fields=TEMPLATES[template], nulls=nulls)
    rendered = work.renderer.render(chunk)
    ordinals = [payload.ordinal for payload in rendered.payloads] + [refused.ordinal for refused in rendered.refused]
    assert sorted(ordinals) == list(range(10, 10 + chunk.records.num_rows))
    for payload in rendered.payloads:
        body = strictly(payload.text)
        assert nulls == "send" or None not in flattened(body)
        assert payload.content != 0
        assert bool(payload.lookups) == (payload.value is not None)
        if payload.value is not None:
            assert orjson.dumps(payload.value) == payload.text
    for refused in rendered.refused:
        assert refused.refusal.reason
        assert (refused.key is None) == (refused.refusal.rule == "key")


@settings(max_examples=settings.default.max_examples // 2)
@given(chunk=chunks())
def test_attributes_of_the_flat_dialect_equal_their_columns(chunk):
    fields = {"user_id": "key"}
    rendered = compiled("upsert_person", "flat", chunk, "key", fields=fields).renderer.render(chunk)
    rows = chunk.records.to_pylist()
    for payload in rendered.payloads:
        body, row = strictly(payload.text), rows[payload.ordinal - 10]
        for name in ("text", "whole", "truth"):
            assert body.get(name) == row[name]
            assert type(body.get(name)) is type(row[name])
        assert row["float"] == body.get("float")
        assert ("decimal" in body) == (row["decimal"] is not None)
        if row["decimal"] is not None:
            assert float(row["decimal"]) == float(body["decimal"])
        assert body.get("day") == (None if row["day"] is None else row["day"].isoformat())
        meant = None if row["nested"] is None else json.loads(row["nested"])
        assert body.get("nested") == meant


@settings(max_examples=settings.default.max_examples // 3)
@given(chunk=chunks(), order=st.permutations(range(9)), data=st.data())
def test_content_depends_on_nothing_but_the_record(chunk, order, data):
    fields = {"company_id": "key"}
    there = compiled("upsert_company", "native", chunk, "key", fields=fields)
    names = [chunk.records.schema.names[number] for number in order]
    shuffled = Chunk(chunk.records.select(names), chunk.first)
    again = compiled("upsert_company", "native", shuffled, "key", BatchSpec("off"), fields=fields)
    rows = sorted(data.draw(st.sets(st.integers(0, chunk.records.num_rows - 1))))
    every = {payload.ordinal: payload for payload in there.renderer.render(chunk).payloads}
    some = again.renderer.render(shuffled, rows).payloads
    assert some == [every[10 + row] for row in rows if 10 + row in every]


def test_a_custom_object_has_the_same_content_in_a_batch_and_alone():
    chunk = chunk_of([{"id": "x", "type": "sensor", "company_id": "a/b", "on": True}])
    batch, single = (compiled("upsert_custom_object", "native", chunk, "id", BatchSpec(mode)) for mode in ("on", "off"))
    one, other = batch.renderer.render(chunk).payloads[0], single.renderer.render(chunk).payloads[0]
    assert one.content == other.content
    assert one.text != other.text
    elsewhere = chunk_of([{"id": "x", "type": "sensor", "company_id": "c", "on": True}])
    assert single.renderer.render(elsewhere).payloads[0].content != other.content


def test_null_and_absent_differ_only_when_nulls_are_sent():
    records = [{"id": "1", "name": None, "note": None}, {"id": "2", "name": None, "note": None}]
    chunk = chunk_of(records, absent={"name": frozenset({1}), "note": frozenset({1})})
    fields = {"company_id": "id", "name": "name"}
    sends = compiled("upsert_company", "native", chunk, "id", fields=fields, nulls="send").renderer.render(chunk)
    assert [payload.text for payload in sends.payloads] == [
        b'{"company_id":"1","name":null,"custom_attributes":{"note":null}}',
        b'{"company_id":"2"}',
    ]
    omits = compiled("upsert_company", "native", chunk, "id", fields=fields).renderer.render(chunk)
    assert [payload.text for payload in omits.payloads] == [b'{"company_id":"1"}', b'{"company_id":"2"}']
    last = compiled("upsert_company", "native", chunk, "id", fields=fields, nulls="send").renderer.render(chunk, [1])
    assert [(payload.ordinal, payload.text) for payload in last.payloads] == [(1, b'{"company_id":"2"}')]


def test_falsy_values_are_values():
    chunk = chunk_of([{"id": "1", "zero": 0, "no": False, "empty": "", "naught": 0.0}])
    rendered = compiled("upsert_company", "flat", chunk, "id", fields={"company_id": "id"}).renderer.render(chunk)
    assert rendered.payloads[0].text == b'{"company_id":"1","empty":"","naught":0,"no":false,"zero":0}'


def test_a_constant_and_a_default():
    chunk = chunk_of([{"id": "1", "tier": None}, {"id": "2", "tier": "gold"}])
    fields = {"company_id": "id", "plan": {"column": "tier", "default": "free"}, "size": {"value": 7}}
    rendered = compiled("upsert_company", "native", chunk, "id", fields=fields).renderer.render(chunk)
    assert [strictly(payload.text) for payload in rendered.payloads] == [
        {"company_id": "1", "plan": "free", "size": 7},
        {"company_id": "2", "plan": "gold", "size": 7},
    ]


def test_nested_values_are_quarantined_in_native_and_sent_unchanged_in_flat():
    chunk = with_json(chunk_of([{"id": "1"}]), address=['{"street": "x", "city": {"zip": 1}}'])
    native = compiled("upsert_company", "native", chunk, "id", fields={"company_id": "id"}).renderer.render(chunk)
    assert [(refused.refusal.field, refused.refusal.rule) for refused in native.refused] == [("address", "scalar")]
    flat = compiled("upsert_company", "flat", chunk, "id", fields={"company_id": "id"}, exclude=("address.city.zip",))
    assert strictly(flat.renderer.render(chunk).payloads[0].text)["address"] == {"street": "x", "city": {}}
    without = compiled("upsert_company", "native", chunk, "id", fields={"company_id": "id"}, exclude=("address",))
    assert without.renderer.render(chunk).payloads[0].text == b'{"company_id":"1"}'


def test_a_column_of_that_exact_name_is_excluded_before_a_path():
    chunk = with_json(chunk_of([{"id": "1", "a.b": 1}]), a=['{"b": 2}'])
    work = compiled("upsert_company", "flat", chunk, "id", fields={"company_id": "id"}, exclude=("a.b",))
    assert strictly(work.renderer.render(chunk).payloads[0].text) == {"company_id": "1", "a": {"b": 2}}


def test_an_excluded_key_still_identifies():
    chunk = chunk_of([{"id": "1", "company_id": "c"}])
    rendered = compiled("upsert_company", "native", chunk, "id", exclude=("id",)).renderer.render(chunk)
    assert [(payload.key, payload.text) for payload in rendered.payloads] == [("1", b'{"company_id":"c"}')]


def test_keys_are_text_and_a_blank_key_is_refused():
    chunk = chunk_of([{"a": 7.0, "b": "x"}, {"a": 7.5, "b": " "}, {"a": None, "b": "x"}])
    rendered = compiled("upsert_company", "flat", chunk, ("a", "b"), fields={"company_id": "b"}).renderer.render(chunk)
    assert [payload.key for payload in rendered.payloads] == [("7", "x")]
    assert [(refused.ordinal, refused.key, refused.refusal.rule) for refused in rendered.refused] == [
        (1, None, "key"),
        (2, None, "key"),
    ]


def test_a_misfit_is_refused_with_its_own_reason():
    chunk = chunk_of([{"id": "1", "n": 1}, {"id": "2", "n": None}])
    chunk = Chunk(chunk.records, 0, {}, {1: Refusal("type", "n: 'x' is no integer", field="n")})
    rendered = compiled("upsert_company", "flat", chunk, "id", fields={"company_id": "id"}).renderer.render(chunk)
    assert [(refused.key, refused.refusal.field) for refused in rendered.refused] == [("2", "n")]
    assert [payload.key for payload in rendered.payloads] == ["1"]


def test_event_metadata_is_bounded():
    many = {f"c{number}": number for number in range(51)}
    chunk = chunk_of([{"id": "1", "user_id": "u", "name": "n", "created_at": "2026-01-01", **many}])
    native = compiled("insert_event", "native", chunk, "id", exclude=("id",)).renderer.render(chunk)
    assert [refused.refusal.rule for refused in native.refused] == ["count"]
    event = {"user_id": "u", "name": "n", "created_at": "2026-01-01"}
    long, short = ({f"c{number}": "\x01" * length for number in range(20)} for length in (100, 1))
    chunk = chunk_of([{"id": "1", **event, **long}, {"id": "2", **event, **short}])
    native = compiled("insert_event", "native", chunk, "id", exclude=("id",)).renderer.render(chunk)
    assert [(refused.key, refused.refusal.rule) for refused in native.refused] == [("1", "length")]
    assert compiled("insert_event", "flat", chunk, "id").renderer.render(chunk).refused == []


def test_members_of_the_custom_attributes_object_become_attributes():
    chunk = with_json(
        chunk_of([{"id": str(n), "tier": "gold"} for n in range(4)]),
        custom_attributes=['{"seats": 3.0, "note": null}', '{"a": [1]}', '{"a.b": 1}', '{"tier": "x"}'],
    )
    fields = {"company_id": "id", "custom_attributes": "custom_attributes"}
    rendered = compiled("upsert_company", "native", chunk, "id", fields=fields).renderer.render(chunk)
    assert strictly(rendered.payloads[0].text)["custom_attributes"] == {"tier": "gold", "seats": 3}
    assert [refused.refusal.rule for refused in rendered.refused] == ["scalar", "name", "clash"]


def test_the_data_of_an_object_may_come_from_a_column_alone():
    chunk = with_json(chunk_of([{"id": "1"}, {"id": "2"}]), data=['{"a": 1}', None])
    fields = {"company_id": "id", "type": {"value": "t"}, "data": "data"}
    work = compiled("upsert_custom_object", "native", chunk, "id", fields=fields, attributes="none")
    assert [strictly(payload.text)["data"] for payload in work.renderer.render(chunk).payloads] == [{"a": 1}, {}]


def test_a_required_field_that_no_column_is_mapped_to_is_missing_in_every_record():
    found = Renderer(("id",), (), required=("name",)).render(chunk_of([{"id": "1"}, {"id": "2"}]))
    assert [(each.key, each.refusal.field) for each in found.refused] == [("1", "name"), ("2", "name")]


def test_an_empty_chunk_renders_to_nothing():
    chunk = chunk_of([{"id": "1"}])
    work = compiled("upsert_company", "native", chunk, "id", fields={"company_id": "id"})
    rendered = work.renderer.render(Chunk(chunk.records.slice(0, 0), 0))
    assert (rendered.payloads, rendered.refused) == ([], [])
    assert work.renderer.render(chunk, []).payloads == []


def test_configuration_errors_are_input_errors():
    with pytest.raises(InputError):
        compiled("upsert_company", "native", chunk_of([{"id": "1"}]), "id")


def test_the_two_penstock_columns_of_sql_are_never_sent():
    chunk = chunk_of([{"id": "p", "penstock_no_record": None, "penstock_left_out": "a", "plan": "x"}])
    for dialect in ("native", "flat"):
        work = compiled("upsert_person", dialect, chunk, "id", fields={"user_id": "id"})
        assert b"penstock_" not in work.renderer.render(chunk).payloads[0].text
        assert "penstock_left_out" not in work.columns


def test_a_default_in_place_of_null_is_noted_where_the_api_wants_one():
    chunk = chunk_of([{"id": "1", "priority": None}, {"id": "2", "priority": "high"}])
    rendered = compiled("create_task", "native", chunk, "id", fields={"name": "id", "priority": "priority"})
    [(note, count)] = [each for each in rendered.renderer.render(chunk).notes.items() if each[0][1] == "defaulted"]
    assert (note[0], count) == ("priority", 1)
    assert not rendered.renderer.render(chunk, [1]).notes


def test_what_cannot_be_seen_of_a_key_is_not_sent_and_noted():
    chunk = chunk_of([{"id": "1 ", "email": "a@b.c\u200b"}, {"id": "2", "email": "d@e.f"}])
    rendered = compiled("upsert_person", "flat", chunk, "id", fields={"email": "email"}, attributes="none")
    found = rendered.renderer.render(chunk)
    assert [(payload.key, strictly(payload.text)) for payload in found.payloads] == [
        ("1", {"email": "a@b.c"}),
        ("2", {"email": "d@e.f"}),
    ]
    assert {(name, action): count for (name, action, _), count in found.notes.items()} == {
        ("email", "stripped"): 1,
        ("id", "stripped"): 1,
    }


def test_a_record_without_any_field_that_custify_matches_by_is_refused():
    people = [("u", None), (None, "a@b.c"), ("v", "d@e.f"), (None, None)]
    chunk = chunk_of([{"id": str(n), "user_id": user, "email": mail} for n, (user, mail) in enumerate(people)])
    found = compiled("upsert_person", "flat", chunk, "id", attributes="none").renderer.render(chunk)
    assert [payload.key for payload in found.payloads] == ["0", "1", "2"]
    assert [(each.key, each.refusal.reason) for each in found.refused] == [
        ("3", "user_id or email is needed, and missing")
    ]


def test_text_past_the_limit_is_cut_where_the_mapping_says_so_and_else_refused():
    chunk = with_json(chunk_of([{"id": "1"}, {"id": " "}, {"id": "2"}]), name=['"%s"' % ("x" * 300)] * 2 + ["[1]"])
    cut = {"user_id": Binding("id"), "name": Binding("name", truncate=True)}
    spec = DestinationSpec("d", "data", "acme", template="upsert_person", fields=cut)
    template = load_catalogue()["upsert_person"]
    work = compile_template(spec, ("id",), schema_of(chunk), template, "native", BASES["native"])
    found = work.renderer.render(chunk)
    assert [strictly(payload.text)["name"] for payload in found.payloads] == ["x" * 255]
    assert found.notes["name", "truncated", "cut to 255 characters"] == 1
    assert [each.refusal.rule for each in found.refused] == ["key", "type"]
    whole = compiled("upsert_person", "native", chunk, "id", fields={"user_id": "id", "name": "name"})
    assert [each.refusal.rule for each in whole.renderer.render(chunk).refused] == ["length", "key", "type"]


def test_a_column_that_an_id_is_made_of_is_left_out_where_it_is_too_long():
    record = {"user_id": "u", "name": "n", "created_at": "2026-01-01"}
    chunk = chunk_of([{"id": "k" * 101, **record}])
    found = compiled("insert_event", "native", chunk, "id").renderer.render(chunk)
    assert "metadata" not in strictly(found.payloads[0].text)
    assert found.notes["id", "left out", "more than 100 characters; an id is made from it"] == 1


def test_a_payload_of_release_0_1_0_that_waits_for_an_id_keeps_every_digit():
    chunk = with_json(chunk_of([{"id": "n", "person": "a@b.c"}]), checklist=['[{"n": 12345678901234567890123}]'])
    fields = {"name": "id", "person_id": "person", "checklist": "checklist"}
    former = compiled("create_task", "native", chunk, "id", fields=fields).former
    assert former is not None
    [payload] = former.renderer.render(chunk).payloads
    assert payload.lookups
    assert orjson.dumps(payload.value) == payload.text
    assert b"12345678901234567890123" in payload.text


def test_a_value_without_a_json_form_is_a_defect():
    assert orjson.dumps({"n": Digits("1.50")}, as_digits, OPTIONS) == b'{"n":1.50}'
    with pytest.raises(TypeError, match="a set has no JSON form"):
        as_digits(set())


def addressed(records, **settings):
    chunk = chunk_of(records)
    return manual_request.compiled(chunk, **settings).renderer.render(chunk)


def test_the_address_of_a_record_is_part_of_its_content():
    records = [{"id": "1", "to": "a/b"}, {"id": "2", "to": None}]
    found = addressed(records, url="/x/{record.to}", attributes=("id",))
    [payload] = found.payloads
    assert payload.url is not None
    assert payload.url.endswith("/x/a%2Fb")
    assert payload.headers is None
    assert [(each.key, each.refusal.rule) for each in found.refused] == [("2", "macro")]
    [other] = addressed([{"id": "1", "to": "c"}], url="/x/{record.to}", attributes=("id",)).payloads
    assert (payload.text, payload.content == other.content) == (other.text, False)


def test_headers_of_a_record():
    records = [{"id": "1", "to": "a"}, {"id": "2", "to": "a\nb"}]
    found = addressed(records, headers=(("X-To", "to {record.to}"),))
    [payload] = found.payloads
    assert (payload.url, payload.headers) == (None, (("X-To", "to a"),))
    assert [(each.key, each.refusal.rule) for each in found.refused] == [("2", "macro")]


def test_a_record_without_a_key_has_no_address():
    assert [each.key for each in addressed([{"id": None, "to": "a"}], url="/x/{record.to}").refused] == [None]


def test_a_record_that_xml_cannot_hold_is_refused():
    found = addressed([{"id": "1", "a": "x"}, {"id": "2", "a": "\x01"}], content_format="xml")
    assert [payload.key for payload in found.payloads] == ["1"]
    assert [each.key for each in found.refused] == ["2"]
