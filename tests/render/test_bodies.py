"""Bodies are what a server reads as the payloads."""

import json
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.record import Grouping, Shape
from penstock.model.spec import XmlSpec
from penstock.render.batches import encode_bodies, preview_headers
from penstock.render.bodies import (
    Unencodable,
    encode_body,
    encode_value,
    form_pairs,
    item_of,
    xml_element,
    xml_name_problem,
    xml_refusal,
)
from support.kernel.manual_request import batch_of, chunk_of, compiled, sent

XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
SINGLE, ARRAY = Grouping(), Grouping("array")
BATCH = Grouping("property", "batch", {"origin": "penstock", "tags": ["a", "b"]})
JOBS = Grouping("property", "jobs", prefix=b'{"type":"people","payload":', suffix=b"}")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=5)


def body(content_format, records, grouping=ARRAY, **settings):
    shape = Shape("POST", "https://x/", content_format=content_format, grouping=grouping, **settings)
    return encode_body(shape, [json.dumps(record, ensure_ascii=False).encode() for record in records])


# ── JSON ──────────────────────────────────────────────────────────────────────


@given(RECORDS)
def test_json_bodies_parse_back_to_the_payloads_in_order(records):
    assert repr(json.loads(body("json", records))) == repr(records)
    assert json.loads(body("json", records, BATCH)) == {"batch": records, "origin": "penstock", "tags": ["a", "b"]}
    assert json.loads(body("json", records, JOBS)) == {"jobs": [{"type": "people", "payload": r} for r in records]}
    assert json.loads(body("json", records[:1], SINGLE)) == records[0]


def test_json_bodies_are_the_payloads_own_bytes():
    texts = [b'{"n":1180591620717411303424}', b'{"n":1.50}']
    assert encode_body(Shape("POST", "u", grouping=ARRAY), texts) == b'[{"n":1180591620717411303424},{"n":1.50}]'


@pytest.mark.parametrize(("grouping", "count"), [(SINGLE, 0), (SINGLE, 2), (Grouping("code"), 1)])
def test_a_body_of_impossible_records_raises_value_error(grouping, count):
    with pytest.raises(ValueError):
        body("json", [{}] * count, grouping)


# ── XML ───────────────────────────────────────────────────────────────────────


def test_one_record_is_the_root_of_xml_and_a_batch_is_in_a_root():
    assert body("xml", [{"id": "a"}], SINGLE) == b'<?xml version="1.0" encoding="UTF-8"?>\n<record><id>a</id></record>'
    assert body("xml", [{"id": "a"}, {}]) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<records><record><id>a</id></record><record></record></records>'
    )
    assert body("xml", [{"id": "a"}], xml=XmlSpec("people", "person")).endswith(
        b"<people><person><id>a</id></person></people>"
    )


def test_property_grouping_wraps_the_records_and_puts_the_others_beside_them():
    assert body("xml", [{"id": "a"}], BATCH).endswith(
        b"<records><batch><record><id>a</id></record></batch>"
        b"<origin>penstock</origin><tags>a</tags><tags>b</tags></records>"
    )


def test_xml_represents_each_kind_of_value():
    record = {
        "amp": "<a & 'b' \"c\">",
        "lines": "a\r\nb\tc",
        "zero": 0,
        "no": False,
        "big": 2**70,
        "none": None,
        "empty": "",
        "nested": {"city": "Zürich 😀"},
        "tags": ["a", "b"],
        "gone": [],
        "grid": [[1, 2], [3]],
    }
    root = ET.fromstring(body("xml", [record], SINGLE))
    texts = {child.tag: child.text for child in root}
    assert (texts["amp"], texts["lines"]) == ("<a & 'b' \"c\">", "a\r\nb\tc")
    assert (texts["zero"], texts["no"], texts["big"]) == ("0", "false", str(2**70))
    assert (root.find("none").get(XSI_NIL), root.find("empty").get(XSI_NIL)) == ("true", None)
    assert root.find("nested/city").text == "Zürich 😀"
    assert [child.text for child in root.findall("tags")] == ["a", "b"]
    assert root.find("gone") is None
    assert [[item.text for item in row] for row in root.findall("grid")] == [["1", "2"], ["3"]]


@given(
    st.dictionaries(st.from_regex(r"\A[a-z_][a-z0-9_.-]{0,5}\Z"), st.text() | st.integers() | st.booleans(), max_size=4)
)
def test_any_text_comes_back_from_xml_or_is_refused(record):
    refusal = xml_refusal(record)
    if refusal is not None:
        assert "XML 1.0 has no way to write the character U+" in refusal.reason
        with pytest.raises(ET.ParseError):
            ET.fromstring(xml_element("r", record))
        return
    root = ET.fromstring(xml_element("r", record))
    expected = {
        name: {True: "true", False: "false"}[v] if isinstance(v, bool) else str(v) for name, v in record.items()
    }
    assert {child.tag: child.text or "" for child in root} == expected


# XML 1.0, fifth edition, production 4 (without the colon) and what 4a adds, as the specification writes them.
STARTS = (
    "[A-Z] | _ | [a-z] | [#xC0-#xD6] | [#xD8-#xF6] | [#xF8-#x2FF] | [#x370-#x37D] | [#x37F-#x1FFF] | [#x200C-#x200D]"
    " | [#x2070-#x218F] | [#x2C00-#x2FEF] | [#x3001-#xD7FF] | [#xF900-#xFDCF] | [#xFDF0-#xFFFD] | [#x10000-#xEFFFF]"
)
OTHERS = "- | . | [0-9] | #xB7 | [#x300-#x36F] | [#x203F-#x2040]"


def signs(production):
    """The characters of a production."""
    found = set()
    for part in production.split(" | "):
        first, _, last = part.strip("[]").partition("-") if len(part) > 1 else (part, "", "")
        start, end = (int(f"0{end[1:]}", 0) if end.startswith("#x") else ord(end) for end in (first, last or first))
        found.update(range(start, end + 1))
    return found


def test_the_rule_on_names_is_that_of_the_specification():
    starts = signs(STARTS)
    within = starts | signs(OTHERS)
    for point in (*range(0xD800), *range(0xE000, 0x20000), *range(0xEFFF0, 0xF0010)):
        sign = chr(point)
        assert (xml_name_problem(sign) is None) == (point in starts), hex(point)
        assert (xml_name_problem(f"a{sign}") is None) == (point in within), hex(point)


def parses(name):
    try:
        return ET.fromstring(f"<{name}></{name}>".encode()).tag == name
    except (ET.ParseError, UnicodeEncodeError):
        return False


@given(st.text(max_size=4))
def test_a_parser_reads_no_name_that_the_rule_forbids(name):
    """Only in this direction: expat has the letters of the fourth edition, which lacks U+0218 and others."""
    if parses(name):
        assert xml_name_problem(name) is None or ":" in name


def test_a_parser_reads_names_of_every_letter_up_to_latin_1():
    for point in signs(STARTS) & set(range(0x100)):
        assert parses(chr(point)), hex(point)


def test_a_record_that_xml_cannot_represent_is_refused_and_the_others_are_sent():
    rows = chunk_of({"id": ["a", "b", "c"], "j": ['{"ok":1}', '{"1st":1}', '["\\u0001"]']}, as_json=("j",))
    requests, refused = sent(rows, content_format="xml", batch=batch_of())
    assert requests[0].body.endswith(b"<records><record><id>a</id><j><ok>1</ok></j></record></records>")
    assert [(each.key, each.refusal.rule, each.refusal.field) for each in refused] == [
        ("b", "xml", "j.1st"),
        ("c", "xml", "j"),
    ]
    assert [each.refusal.reason for each in refused] == [
        "XML forbids '1' at the start of a name",
        "XML 1.0 has no way to write the character U+0001",
    ]


def test_a_column_that_xml_cannot_name_is_a_configuration_error():
    rows = chunk_of({"id": ["a"], "first name": ["x"], "2nd": ["y"]})
    with pytest.raises(InputError) as caught:
        compiled(rows, content_format="xml")
    assert [(each.code, each.found) for each in caught.value.problems] == [
        ("bad-xml-name", "first name"),
        ("bad-xml-name", "2nd"),
    ]
    assert "XML forbids ' ' in a name" in caught.value.problems[0].message
    assert sent(rows, content_format="xml", exclude=("first name", "2nd"))[1] == []


# ── forms ─────────────────────────────────────────────────────────────────────


def test_forms_are_written_as_php_and_qs_write_them():
    record = {"a b": "x&y=ü+", "n": 2**70, "f": 1.5, "t": True, "no": False, "none": None, "e": ""}
    assert parse_qsl(body("form", [record], SINGLE).decode(), keep_blank_values=True) == [
        ("a b", "x&y=ü+"),
        ("n", str(2**70)),
        ("f", "1.5"),
        ("t", "true"),
        ("no", "false"),
        ("none", ""),
        ("e", ""),
    ]
    nested = {"address": {"city": {"name": "Bonn"}}, "tags": ["a", {"b": 1}], "empty": [], "void": {}}
    assert parse_qsl(form_pairs(nested).decode(), keep_blank_values=True) == [
        ("address[city][name]", "Bonn"),
        ("tags[0]", "a"),
        ("tags[1][b]", "1"),
        ("empty", ""),
        ("void", ""),
    ]


@pytest.mark.parametrize(
    ("grouping", "expected"),
    [
        (ARRAY, [("0[id]", "a"), ("1[id]", "b")]),
        (
            BATCH,
            [("batch[0][id]", "a"), ("batch[1][id]", "b"), ("origin", "penstock"), ("tags[0]", "a"), ("tags[1]", "b")],
        ),
    ],
)
def test_the_records_of_a_form_batch_are_numbered(grouping, expected):
    assert parse_qsl(body("form", [{"id": "a"}, {"id": "b"}], grouping).decode()) == expected


# ── what grouping code returned, and headers ──────────────────────────────────


@pytest.mark.parametrize(
    ("content_format", "value", "expected"),
    [
        ("json", {"n": 2**70, "é": "😀"}, '{"n":1180591620717411303424,"é":"😀"}'),
        ("json", "text", '"text"'),
        ("xml", {"a": [1, 2.5]}, '<?xml version="1.0" encoding="UTF-8"?>\n<records><a>1</a><a>2.5</a></records>'),
        ("xml", "<mine/>", "<mine/>"),
        ("form", {"a": [1, 2.5]}, "a%5B0%5D=1&a%5B1%5D=2.5"),
        ("form", "a=b", "a=b"),
    ],
)
def test_bodies_of_grouping_code_are_encoded_by_the_format(content_format, value, expected):
    shape = Shape("POST", "u", content_format=content_format, grouping=Grouping("code"))
    assert encode_value(shape, value).decode() == expected


@pytest.mark.parametrize(
    ("content_format", "value", "says"),
    [
        ("json", {"n": float("nan")}, "not a JSON value"),
        ("json", {"n": {1}}, "not a JSON value"),
        ("json", "\ud800", "surrogate"),
        ("xml", [1], "must be a dict or finished text"),
        ("xml", {"1": 2}, "XML forbids"),
        ("form", 5, "must be a dict or finished text"),
    ],
)
def test_a_value_that_the_format_cannot_represent_is_refused_with_the_reason(content_format, value, says):
    shape = Shape("POST", "u", content_format=content_format, grouping=Grouping("code"))
    with pytest.raises(Unencodable, match=says):
        encode_value(shape, value)


def test_a_body_of_grouping_code_keeps_the_byte_limit():
    shape = Shape("POST", "u", grouping=Grouping("code"), max_bytes=10)
    assert encode_bodies(shape, ["12345678"]) == [b'"12345678"']
    with pytest.raises(Unencodable, match="a body of 11 bytes; max_bytes is 10"):
        encode_bodies(shape, ["a", "123456789"])


def test_headers_get_the_defaults_that_the_user_did_not_give():
    xml = Shape("POST", "u", headers=(("content-type", "text/xml"), ("X", "1")), content_format="xml")
    assert preview_headers(xml) == (("Accept", "application/json"), ("content-type", "text/xml"), ("X", "1"))
    form = Shape("POST", "u", headers=(("ACCEPT", "*/*"),), content_format="form")
    assert preview_headers(form) == (("Content-Type", "application/x-www-form-urlencoded"), ("ACCEPT", "*/*"))
    assert preview_headers(Shape("GET", "u", carries_body=False)) == (("Accept", "application/json"),)


def test_a_payload_is_in_a_json_body_as_it_is():
    text = b'{"n":1.50,"a":"\xc3\xa4"}'
    assert item_of(Shape("POST", "u", grouping=ARRAY), text, 3) == text


def test_an_element_needs_a_name():
    assert xml_name_problem("") == "an XML element needs a name"
