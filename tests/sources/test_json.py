"""NDJSON and JSON lists: numbers exact, absent differs from null, errors name the line."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.sources.typing.exact_json import parse
from support.kernel.source_rows import rows_of, types_of


def test_every_member_arrives_exactly_and_absent_is_not_null(opened):
    dataset = opened(
        "a.ndjson",
        '{"id":1,"z":"007","n":70,"big":123456789012345678901,"deep":{"x":[12345678901234567890123,0.1]}}\n'
        '\n{"id":2,"n":29.85,"z":null,"mixed":"a","fine":0.1234567890123456789}\n'
        '{"id":3,"mixed":[1],"ok":false,"late":9223372036854775807}\n',
    )
    detected = dataset.detect()
    assert types_of(detected) == {
        "id": "integer", "z": "text", "n": "number", "big": "json", "deep": "json", "mixed": "json", "fine": "json",
        "ok": "boolean", "late": "integer",
    }  # fmt: skip
    first, second, third = rows_of(dataset.read(detected.schema))
    assert first["z"] == "007"
    assert first["big"] == "123456789012345678901"
    assert first["deep"] == '{"x":[12345678901234567890123,0.1]}'
    assert (second["n"], second["mixed"], second["fine"]) == (29.85, '"a"', "0.1234567890123456789")
    assert (third["mixed"], third["ok"], third["late"]) == ("[1]", False, 2**63 - 1)
    absent = detected.samples.absent
    assert absent["z"] == {2}  # in row 1 it is null
    assert absent["deep"] == {1, 2}
    assert "id" not in absent


def test_a_number_that_no_float_holds_quarantines_only_its_record(opened):
    samples = opened("a.ndjson", '{"id":1,"v":1.5}\n{"id":2,"v":1e999}\n{"id":3,"v":{"x":-1e999}}\n').detect().samples
    assert set(samples.misfits) == {1, 2}
    assert samples.misfits[1].value == "1e999"
    assert "larger than a number can be" in samples.misfits[1].reason


def test_half_of_a_surrogate_pair_quarantines_only_its_record(opened):
    samples = opened("a.ndjson", '{"id":1,"v":"\\ud83d"}\n{"id":2,"v":"\\ud83d\\ude00"}\n').detect().samples
    assert set(samples.misfits) == {0}
    assert samples.records.to_pylist()[1]["v"] == "😀"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.ndjson", '{"id":1}\n{"id":\n', "line 2: a JSON value is missing at character 8"),
        ("a.ndjson", '{"id":1}\n[1]\n', "line 2: a list, where a record is an object"),
        ("a.ndjson", '{"id":1} {"id":2}\n', "line 1: something follows the JSON value at character 10"),
        ("a.json", '[{"id":1},\n {"id":2}\n {"id":3}]', "line 3: a comma or the end of the list is missing here"),
        ("a.json", '[{"id":1},\n {"id":2', "line 2: Expecting ',' delimiter"),
        ("a.json", '[{"id":1},\n {"id":2},\n', "line 3: the list breaks off here"),
        ("a.json", '[{"id":1},\n 7]', "line 2: a number, where a record is an object"),
        ("a.json", '[{"id":1}]\n[]', "line 2: something follows the end of the list"),
        ("a.json", '{\n"data": 1}', "line 1: "),
    ],
)
def test_a_bad_file_is_named_with_its_line(opened, name, body, said):
    with pytest.raises(InputError, match=re.escape(f"{name}, {said}")):
        opened(name, body).detect()


def test_the_error_of_one_object_in_a_json_file_names_what_to_write(opened):
    with pytest.raises(InputError) as caught:
        opened("a.json", '{"data": [{"id":1}]}', format="json").detect()
    assert caught.value.problems[0].hint == "write records_path: data at sources.crm"
    with pytest.raises(InputError) as caught:
        opened("a.json", '{"data": [1]}', format="json").detect()
    assert caught.value.problems[0].hint == "write one list of objects; for one object a line write format: ndjson"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("data", '{"total": 2, "more": [[1], {"a": []}], "data": [{"id": 1}, {"id": 2}], "next": {"page": null}}'),
        ("result.items", '{"result": {"items":\n[{"id": 1},\n{"id": 2}]}, "ok": true}'),
        ("result.items", '{"result.items": [{"id": 1}, {"id": 2}]}'),
        ("a.b.c", '{"a": 1, "b": {"c": 3}, "a": {"b": {"x": [], "c": [{"id": 1}, {"id": 2}]}}}'),
    ],
)
def test_a_list_within_an_object_is_read_by_its_path(opened, path, body):
    dataset = opened("a.json", body, records_path=path)
    assert rows_of(dataset.read(dataset.detect().schema)) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("body", ['{"data": []}', '{"data": null, "total": 0}', "", " \n"])
def test_a_list_within_an_object_may_be_empty(opened, body):
    assert opened("a.json", body, records_path="data").detect().schema.records == 0


@pytest.mark.parametrize(
    ("body", "said", "hint"),
    [
        ('{"items": [{"id": 1}], "n": 1}', "line 1: there is no member data", "the lists here: items"),
        ('{"data": {"id": 1}}', "line 1: the member data is no list", "name a member that holds a list of objects"),
        ('{"data": [{"id": 1}],\n', "line 2: the object breaks off here", ""),
        ('{"data": [{"id": 1},\n{"id"', "line 2: ", ""),
        ('{"data": [{"id": 1}]}\n{}', "line 2: something follows the end of the object", ""),
        ('[{"id": 1}]', "line 1: an object with the member data must begin here", ""),
    ],
)
def test_a_path_that_leads_to_no_list_is_named(opened, body, said, hint):
    with pytest.raises(InputError, match=re.escape(f"a.json, {said}")) as caught:
        opened("a.json", body, records_path="data").detect()
    assert caught.value.problems[0].hint == hint


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ('{"data": [{"id": "c1"}], "total": 1}', "records_path: data"),
        ('{"meta": {"n": 1}, "result": {"rows": [{"id": "c1"}]}}\n', "records_path: result.rows"),
        ('{\n "meta": {},\n "result": {"rows": [{"id": "c1"}]}\n}', "records_path: result.rows"),
    ],
)
def test_one_object_with_a_list_in_it_names_the_path(opened, body, way):
    with pytest.raises(InputError) as caught:
        dataset = opened("a.json", body)
        raise InputError(*dataset.check_columns(dataset.detect().schema, ["id"]))
    assert f"write {way} at sources.crm" in caught.value.problems[0].hint


@pytest.mark.parametrize("as_list", [True, False])
def test_long_files_are_read_piece_by_piece(opened, as_list):
    records = [{"id": number, "text": "é" * (number % 3000)} for number in range(3000)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    body = "[" + " ,\n".join(lines) + "]\n" if as_list else "\n".join(lines)
    dataset = opened("a.json.gz", gzip.compress(body.encode()))
    assert rows_of(dataset.read(dataset.detect().schema)) == records


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.json", "[]"),
        ("a.json", ""),
        ("a.json", "\n\n"),
        ("a.ndjson", ""),
        ("a.ndjson", "\n  \n\n"),
        ("a.jsonl", "\ufeff"),
    ],
)
def test_an_empty_file_has_no_records_and_a_note(opened, name, body):
    dataset = opened(name, body)
    assert dataset.detect().schema.records == 0
    assert [(note.field, note.action) for note in dataset.notes()] == [(name, "empty")]


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
def test_a_value_with_bytes_that_are_not_utf8_quarantines_its_record_alone(opened, name):
    lines = [
        b'{"id":1,"n":"Z\xc3\xbcrich"}',
        b'{"id":2,"n":"caf\xe9"}',
        b'{"id":3,"n":{"deep":["\xff"]}}',
        b'{"id":4,"n":"\xc3\xa9t\xc3\xa9"}',
    ]
    body = b"[" + b",\n".join(lines) + b"]" if name == "a.json" else b"\n".join(lines)
    dataset = opened(name, body)
    (chunk,) = dataset.read(dataset.detect().schema)
    assert [row["n"] for row in chunk.records.to_pylist()] == ["Zürich", None, None, "été"]
    assert {row: (found.field, found.value) for row, found in chunk.misfits.items()} == {
        1: ("n", "caf\\xe9"),
        2: ("n", '{"deep":["\\xff"]}'),
    }
    assert {found.reason for found in chunk.misfits.values()} == {"n: bytes in it are not UTF-8"}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(
    max_examples=3 * settings.default.max_examples // 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(column=st.lists(values, min_size=1, max_size=6))
def test_any_json_value_comes_back_as_it_was(opened, column):
    lines = [json.dumps({"id": row, "v": value}) for row, value in enumerate(column)]
    dataset = opened("a.ndjson", "\n".join(lines))
    detected = dataset.detect()
    found = [row["v"] for row in rows_of(dataset.read(detected.schema))]
    if types_of(detected)["v"] == "json":
        found = [None if text is None else parse(text) for text in found]
    assert found == column
    assert [type(value) is bool for value in found] == [type(value) is bool for value in column]
