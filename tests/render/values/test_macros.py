"""Macros in URLs and headers are parsed once, and never in data."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.errors import InputError
from penstock.model.outcome import Refusal
from penstock.model.record import Request
from penstock.render.values.macros import RequestAddress, column_of, finish, parse_macros, shown

NOW = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)


def request(url="https://x/", headers=()):
    return Request("POST", url, tuple(headers), b"{}")


def sent_header(text, **values):
    expanded = parse_macros(text, "header").expand_record(values)
    assert isinstance(expanded, str), expanded
    return finish(request(headers=[("X", expanded)]), run="r1", now=NOW).headers[0][1]


def sent_url(text, **values):
    expanded = parse_macros(text).expand_record(values)
    assert isinstance(expanded, str), expanded
    return finish(request(expanded), run="r1", now=NOW).url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{run.id}", "r1"),
        ("{now}", "2026-03-04T05:06:07.089Z"),
        ("{now:%Y-%m-%d}/{now:%H:%M}", "2026-03-04/05:06"),
        ("{record.a}-{record.b.c}", "1-2.5"),
        ("{record.dotted.name}", "exact"),
        ("{record.yes}", "true"),
        ('{{"run":"{run.id}"}}', '{"run":"r1"}'),
        ("plain", "plain"),
        ("Zürich {record.a}", "Zürich 1"),
    ],
)
def test_headers_expand(text, expected):
    values = {"a": 1, "b": {"c": 2.5}, "dotted": {"name": "nested"}, "dotted.name": "exact", "yes": True}
    assert sent_header(text, **values) == expected


def test_url_values_are_percent_encoded_and_the_text_of_the_file_is_kept():
    assert sent_url("https://x/p/{record.id}?q={record.q}&d={now:%H:%M}", id="a/b ?#é", q="1&2=3") == (
        "https://x/p/a%2Fb%20%3F%23%C3%A9?q=1%262%3D3&d=05%3A06"
    )
    assert sent_url("https://x/a b/ü%20c") == "https://x/a%20b/%C3%BC%20c"


def test_now_is_written_in_utc():
    moment = datetime.fromisoformat("2026-01-01T01:00:00+02:00")
    assert finish(request("/{now:%Y}"), run="r", now=moment).url == "/2025"


@given(st.text().filter(lambda text: text not in {"", ".", ".."}))
def test_a_value_is_never_read_as_a_macro_in_a_url(value):
    assert unquote(sent_url("https://x/{record.v}", v=value).removeprefix("https://x/")) == value


@given(
    st.text(alphabet=st.sampled_from("{}runidow.:%Y\t~"), max_size=20), st.sampled_from(["{run.id}", "{now:%Y}", ""])
)
def test_a_value_is_never_read_as_a_macro_in_a_header(value, macro):
    value += macro
    assert sent_header("{record.v}", v=value) == value
    assert sent_header("{{run{record.v}|{run.id}", v=value) == "{run" + value + "|r1"


def test_a_preview_shows_what_is_sent_except_run_and_now():
    expanded = parse_macros("{record.v} {{}} {run.id} {now}", "header").expand_record({"v": "{run.id}"})
    assert shown(request(headers=[("X", expanded)])).headers == (("X", "{run.id} {} {run.id} {now}"),)


@pytest.mark.parametrize("values", [{}, {"a": None}, {"a": {"b": None}}, {"a": {}}, {"a": "text"}])
def test_an_absent_or_null_attribute_refuses_the_record(values):
    refusal = parse_macros("/{record.a.b}").expand_record(values)
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, refusal.field) == ("macro", "a.b")
    assert "absent or null" in refusal.reason


@pytest.mark.parametrize("value", ["", 0, False])
def test_empty_text_zero_and_false_are_values(value):
    assert sent_header("<{record.v}>", v=value) == {"": "<>", 0: "<0>"}[value] if value is not False else "<false>"


@pytest.mark.parametrize("value", [[1], {"x": 1}, float("nan"), float("inf")])
def test_a_value_without_a_one_line_form_refuses_the_record(value):
    assert parse_macros("/{record.v}").expand_record({"v": value}).rule == "macro"


@pytest.mark.parametrize("value", ["a\r\nX-Admin: 1", "a\n", "a\r", "\0", "\x1b"])
def test_a_header_value_cannot_forge_a_header(value):
    refusal = parse_macros("{record.v}", "header").expand_record({"v": value})
    assert isinstance(refusal, Refusal)
    assert "control characters" in refusal.reason


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_cannot_lead_the_url_to_another_endpoint(value):
    assert isinstance(parse_macros("https://x/people/{record.id}?a={record.id}").expand_record({"id": value}), Refusal)
    assert sent_url("https://x/people?user_id={record.id}", id=value) == f"https://x/people?user_id={value}"
    assert sent_url("https://x/p-{record.id}", id=value) == f"https://x/p-{value}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{recrd.x}", "no macro"),
        ("{record.}", "no macro"),
        ("{}", "no macro"),
        ("{run}", "no macro"),
        ("{today}", "no macro"),
        ("{now:}", "directive"),
        ("{now:%Q}", "%Q"),
        ("{now:%s}", "%s"),
        ("a{b", "single '{'"),
        ("a}b", "single '}'"),
        ("{{record.x}}", "one pair of braces"),
    ],
)
def test_a_bad_macro_is_an_input_error_that_names_the_allowed_macros(text, says):
    with pytest.raises(InputError) as caught:
        parse_macros(text, path="destinations.d.request.url")
    problem = caught.value.problems[0]
    assert says in problem.message
    assert (problem.code, problem.path) == ("bad-macro", "destinations.d.request.url")
    assert str(problem.found) in text
    assert "{record.COLUMN}" in problem.hint


def test_all_bad_macros_are_reported_at_once():
    with pytest.raises(InputError) as caught:
        parse_macros("{a}/{b}")
    assert len(caught.value.problems) == 2


def test_the_columns_that_macros_need_are_known():
    macros = parse_macros("{record.a}{record.b.c}{record.a}{now}")
    assert (macros.fields, macros.volatile) == (("a", "b.c"), True)
    assert (parse_macros("x").fields, parse_macros("x").volatile) == ((), False)
    assert [column_of(path, ["a", "b", "b.c"]) for path in ("a", "b.c", "b.x.y", "z.a")] == ["a", "b.c", "b", None]


def test_a_number_without_an_exact_text_is_refused_in_a_url():
    for value in (float("nan"), 2.0**60, Decimal("Infinity"), [1]):
        assert not isinstance(parse_macros("/{record.v}").expand_record({"v": value}), str)
    assert parse_macros("/{record.v}").expand_record({"v": Decimal("1.50")}) == "/1.50"


def header(text):
    return parse_macros(text, "header")


def test_the_address_of_a_record_has_its_idempotency_header_beside_the_others():
    once = ("X-Once", header("{record.id}"))
    same = RequestAddress(columns=("id",), idempotency=once, same=(("X-A", "1"),))
    assert same.expand_record({"id": "a"}) == (None, (("X-A", "1"), ("X-Once", "a")), b"")
    differing = RequestAddress(parse_macros("/{record.id}"), (("X-A", header("{record.n}")),), ("id", "n"))
    assert differing.expand_record({"id": "a", "n": 1})[:2] == ("/a", (("X-A", "1"),))
    both = replace(differing, idempotency=once, same=(("X-A", "{record.n}"),))
    assert both.expand_record({"id": "a", "n": 1})[:2] == ("/a", (("X-A", "1"), ("X-Once", "a")))
    assert both.expand_record({"id": "a", "n": 1})[2] == differing.expand_record({"id": "a", "n": 1})[2] != b""


@pytest.mark.parametrize("values", [{}, {"id": "a"}, {"id": "a", "n": 1}, {"id": "a", "n": 1, "once": " "}], ids=repr)
def test_an_address_that_lacks_a_part_refuses_the_record(values):
    address = RequestAddress(
        parse_macros("/{record.id}"),
        (("X-A", header("{record.n}")),),
        ("id", "n", "once"),
        ("X-Once", header("{record.once}")),
    )
    refusal = address.expand_record(values)
    assert isinstance(refusal, Refusal)
    assert refusal.field == next(each for each in ("id", "n", "once") if values.get(each, " ") == " ")
