"""NDJSON and JSON lists: numbers exact, absent told from null, bad lines named."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.sources.exact_json import parse
from read_rows import rows_of, types_of


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


def test_a_number_beyond_all_numbers_holds_only_its_record(opened):
    samples = opened("a.ndjson", '{"id":1,"v":1.5}\n{"id":2,"v":1e999}\n{"id":3,"v":{"x":-1e999}}\n').detect().samples
    assert set(samples.misfits) == {1, 2}
    assert samples.misfits[1].value == "1e999"
    assert "larger than a number can be" in samples.misfits[1].reason


def test_half_a_character_holds_only_its_record(opened):
    samples = opened("a.ndjson", '{"id":1,"v":"\\ud83d"}\n{"id":2,"v":"\\ud83d\\ude00"}\n').detect().samples
    assert set(samples.misfits) == {0}
    assert samples.records.to_pylist()[1]["v"] == "😀"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.ndjson", '{"id":1}\n{"id":\n', "line 2: a JSON value is missing at character 8"),
        ("a.ndjson", '{"id":1}\n{"id":1,"id":2}\n', 'line 2: the name "id" stands twice in one object'),
        ("a.ndjson", '{"id":1}\n\n{"id":NaN}\n', "line 3: NaN is not JSON"),
        ("a.ndjson", '{"id":1}\n[1]\n', "line 2: a list, where a record is an object"),
        ("a.ndjson", '{"id":1} {"id":2}\n', "line 1: something follows the JSON value at character 10"),
        ("a.json", '[{"id":1},\n {"id":2}\n {"id":3}]', "line 3: a comma or the end of the list is missing here"),
        ("a.json", '[{"id":1},\n {"id":2', "line 2: Expecting ',' delimiter"),
        ("a.json", '[{"id":1},\n {"id":2},\n', "line 3: the list breaks off here"),
        ("a.json", '[{"id":1},\n 7]', "line 2: a number, where a record is an object"),
        ("a.json", '[{"id":1}]\n[]', "line 2: something follows the end of the list"),
        ("a.json", '{\n"data": [{"id":1}]}', "line 1: "),
    ],
)
def test_a_bad_file_is_named_with_its_line(opened, name, body, said):
    with pytest.raises(InputError, match=re.escape(f"{name}, {said}")):
        opened(name, body).detect()


def test_one_object_in_a_json_file_is_told_what_to_write(opened):
    with pytest.raises(InputError) as caught:
        opened("a.json", '{"data": [{"id":1}]}', format="json").detect()
    assert caught.value.problems[0].hint == "write one list of objects; for one object a line write format: ndjson"


@pytest.mark.parametrize("as_list", [True, False])
def test_long_files_are_read_piece_by_piece(opened, as_list):
    records = [{"id": number, "text": "é" * (number % 3000)} for number in range(3000)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    body = "[" + " ,\n".join(lines) + "]\n" if as_list else "\n".join(lines)
    dataset = opened("a.json.gz", gzip.compress(body.encode()))
    assert rows_of(dataset.read(dataset.detect().schema)) == records


def test_an_empty_list_has_no_records_and_an_empty_file_is_refused(opened):
    assert opened("a.json", "[]").detect().schema.records == 0
    with pytest.raises(InputError, match=r"b\.ndjson is empty"):
        opened("b.ndjson", "")


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
