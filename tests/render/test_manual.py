"""Manual requests: what is sent for a project file and records."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest

from penstock.model.errors import InputError
from penstock.model.record import Replies, RetryClass
from penstock.model.spec import Binding, DestinationSpec, IdempotencySpec, RequestSpec, SettleSpec
from penstock.render.batches import encode_bodies, records_of, requests_for
from penstock.render.manual import compile_manual
from penstock.templates.catalogue import load_catalogue
from support.kernel.manual_request import FLAT, NATIVE, batch_of, chunk_of, compiled, schema_of, sent

PEOPLE = chunk_of({"id": ["a", "b", "c"], "email": ["a@x.io", None, ""], "n": [1, 0, -7]})


def bodies(chunk, **settings):
    requests, refused = sent(chunk, **settings)
    assert refused == []
    return [request.body for request in requests]


def problems(chunk, **settings):
    with pytest.raises(InputError) as caught:
        compiled(chunk, **settings)
    return {
        (problem.code, problem.path.removeprefix("destinations.raw.")): problem for problem in caught.value.problems
    }


def test_without_a_batch_each_record_is_one_request_with_the_bare_record():
    requests, refused = sent(PEOPLE)
    assert refused == []
    assert [(each.method, each.url, each.body) for each in requests] == [
        ("POST", f"{FLAT}/x", b'{"id":"a","email":"a@x.io","n":1}'),
        ("POST", f"{FLAT}/x", b'{"id":"b","n":0}'),
        ("POST", f"{FLAT}/x", b'{"id":"c","email":"","n":-7}'),
    ]
    assert requests[0].headers == (("Accept", "application/json"), ("Content-Type", "application/json"))


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (batch_of(), b'[{"id":"a","email":"a@x.io","n":1},{"id":"b","n":0},{"id":"c","email":"","n":-7}]'),
        (
            batch_of("property", property="batch", other_props={"origin": "penstock", "n": 2**70}),
            (b'{"batch":[{"id":"a","email":"a@x.io","n":1},{"id":"b","n":0},{"id":"c","email":"","n":-7}],'
            b'"origin":"penstock","n":1180591620717411303424}'),
        ),
        (batch_of("property", property='"'), b'{"\\"":[{"id":"a","email":"a@x.io","n":1},{"id":"b","n":0},{"id":"c","email":"","n":-7}]}'),
    ],
)  # fmt: skip
def test_grouping_makes_one_body_of_a_batch(batch, expected):
    assert bodies(PEOPLE, batch=batch) == [expected]


def test_the_last_batch_may_be_smaller_and_an_empty_dataset_makes_no_request():
    assert [len(orjson.loads(body)) for body in bodies(PEOPLE, batch=batch_of(size=2))] == [2, 1]
    assert bodies(chunk_of({"id": pa.array([], pa.string())}), batch=batch_of()) == []
    assert compiled(PEOPLE, batch=batch_of()).shape.size == 100


def test_grouping_code_gets_the_payloads_and_decides_the_bodies():
    rows = chunk_of(
        {"id": ["a", "b"], "j": ["1180591620717411303424", '{"x":[1.5]}'], "secret": ["s", "s"]}, as_json=("j",)
    )
    ready = compiled(rows, batch=batch_of("code", code="def batch(records): return records"), exclude=("secret",))
    payloads = ready.renderer.render(rows).payloads
    records = records_of(payloads)
    assert records == [{"id": "a", "j": 2**70}, {"id": "b", "j": {"x": [1.5]}}]
    made = requests_for(ready.shape, payloads, encode_bodies(ready.shape, records))
    assert [request.body for request in made] == [
        b'{"id":"a","j":1180591620717411303424}',
        b'{"id":"b","j":{"x":[1.5]}}',
    ]


def test_nested_values_are_excluded_before_grouping():
    rows = chunk_of(
        {
            "id": ["a"],
            "address": ['{"street":"S","city":{"zip":"1","name":"N"}}'],
            "pets": ['[{"name":"Rex","age":3},{"age":4}]'],
            "dotted.name": ["exact"],
            "gone": ["x"],
        },
        as_json=("address", "pets"),
    )
    exclude = ("address.street", "address.city.zip", "pets.name", "gone", "dotted.name")
    assert bodies(rows, exclude=exclude, batch=batch_of()) == [
        b'[{"id":"a","address":{"city":{"name":"N"}},"pets":[{"age":3},{"age":4}]}]'
    ]
    assert bodies(rows, exclude=("address", "pets", "gone", "dotted.name", "id")) == [b"{}"], "the key may be excluded"


def test_values_are_sent_as_they_are():
    rows = chunk_of(
        {
            "id": ["007"],
            "empty": [""],
            "zero": [0],
            "no": [False],
            "big": pa.array([2**63 - 1]),
            "huge": pa.array([2**64 - 1], pa.uint64()),
            "money": pa.array([Decimal("12345678901234567.891")]),
            "float": [29.85],
            "whole": [70.0],
            "day": pa.array([date(2026, 1, 31)]),
            "when": pa.array([datetime(2026, 1, 31, 8, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "control": ['\u0001\u2028é😀"\\'],
        }
    )  # fmt: skip
    assert bodies(rows)[0].decode() == (
        '{"id":"007","empty":"","zero":0,"no":false,"big":9223372036854775807,"huge":18446744073709551615,'
        '"money":12345678901234567.891,"float":29.85,"whole":70,"day":"2026-01-31","when":"2026-01-31T08:30:00Z",'
        '"control":"\\u0001\u2028é😀\\"\\\\"}'
    )


@pytest.mark.parametrize(("nulls", "expected"), [("omit", [b'{"id":"a"}', b'{"id":"b"}']), ("send", [b'{"id":"a","x":null}', b'{"id":"b"}'])])  # fmt: skip
def test_null_is_omitted_or_sent_and_absent_is_never_sent(nulls, expected):
    rows = chunk_of({"id": ["a", "b"], "x": [None, None]}, absent={"x": frozenset({1})})
    assert bodies(rows, nulls=nulls) == expected


def test_fields_rename_and_attributes_select():
    fields = {"mail": Binding("email", default=("none",)), "kind": Binding(constant=("person",))}
    assert bodies(PEOPLE, fields=fields, attributes=("n",))[:2] == [
        b'{"mail":"a@x.io","kind":"person","n":1}',
        b'{"mail":"none","kind":"person","n":0}',
    ]
    assert bodies(PEOPLE, fields=fields, attributes="none")[0] == b'{"mail":"a@x.io","kind":"person"}'


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_get_and_delete_carry_no_body_unless_set(method):
    requests, _ = sent(PEOPLE, method=method, url="people/{record.id}")
    assert next((each.method, each.url, each.body) for each in requests) == (method, f"{FLAT}/people/a", None)
    assert [name for name, _ in requests[0].headers] == ["Accept"]
    assert bodies(PEOPLE, method=method, body=True)[1] == b'{"id":"b","n":0}'


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("people", FLAT, f"{FLAT}/people"),
        ("/people", FLAT + "/", f"{FLAT}/people"),
        ("https://eu.custify.com/people?x=1", FLAT, "https://eu.custify.com/people?x=1"),
        ("/go?to=http://a.b/ü x", FLAT, f"{FLAT}/go?to=http://a.b/%C3%BC%20x"),
    ],
)
def test_a_relative_url_is_appended_to_the_base(url, base, expected):
    assert compiled(PEOPLE, url=url, base=base).shape.url == expected


def test_macros_differ_per_record_and_split_batches():
    headers = (("X-Id", "{record.id}"), ("X-Run", '{{"run":"{run.id}"}}'))
    requests, refused = sent(PEOPLE, url="/p?mail={record.email}", headers=headers, batch=batch_of(), exclude=("id",))
    assert [(each.url, each.headers[2][1], each.body) for each in requests] == [
        (f"{FLAT}/p?mail=a%40x.io", "a", b'[{"email":"a@x.io","n":1}]'),
        (f"{FLAT}/p?mail=", "c", b'[{"email":"","n":-7}]'),
    ]
    (refusal,) = [each.refusal for each in refused]
    assert (refusal.rule, refusal.field) == ("macro", "email")


def test_records_with_the_same_url_share_a_batch():
    rows = chunk_of({"id": ["a", "b", "c"], "type": ["x", "y", "x"]})
    requests, _ = sent(rows, url="/t/{record.type}", batch=batch_of(), attributes=("id",))
    assert [(each.url[-1], each.body) for each in requests] == [
        ("x", b'[{"id":"a"},{"id":"c"}]'),
        ("y", b'[{"id":"b"}]'),
    ]


def test_a_record_that_cannot_be_rendered_does_not_delay_the_others():
    rows = chunk_of({"id": ["a", None, "c", "d"], "x": [float("nan"), 1.0, 2.5, float("inf")]})
    requests, refused = sent(rows, batch=batch_of())
    assert [each.body for each in requests] == [b'[{"id":"c","x":2.5}]']
    assert [(each.ordinal, each.key, each.refusal.rule) for each in refused] == [
        (0, "a", "type"),
        (1, None, "key"),
        (3, "d", "type"),
    ]


def test_every_error_is_reported_at_once():
    by_place = problems(
        PEOPLE,
        url="/{record.idd}/{x}",
        headers=(("X", "{record.nope}"),),
        exclude=("emial",),
        attributes=("n", "m"),
        fields={"a": Binding("nowhere"), "b": Binding(constant=(float("nan"),))},
    )
    assert set(by_place) == {
        ("bad-macro", "request.url"),
        ("unknown-column", "request.headers.X"),
        ("unknown-column", "exclude"),
        ("unknown-column", "attributes"),
        ("unknown-column", "fields.a"),
        ("type", "fields.b"),
    }
    assert by_place["unknown-column", "exclude"].hint == "did you mean email?"


def test_a_renamed_column_cannot_take_the_place_of_another():
    by_place = problems(PEOPLE, fields={"email": Binding("id")})
    assert by_place["attribute-clash", "fields.email"].hint == "exclude: [email]"


ENDPOINTS = [
    # method, url, base, dialect → retry class, replies
    ("POST", "/anything", NATIVE, "native", "once", "status"),
    ("PATCH", "/people", NATIVE, "native", "once", "status"),
    ("PUT", "/anything", NATIVE, "native", "idempotent", "status"),
    ("GET", "/anything", NATIVE, "native", "idempotent", "status"),
    ("DELETE", "/people/1", NATIVE, "native", "idempotent", "status"),
    ("POST", "people/", NATIVE, "native", "idempotent", "status"),
    ("POST", "/people/{record.id}", NATIVE, "native", "once", "status"),
    ("POST", "/note", NATIVE, "native", "once", "status"),
    ("POST", "/task", FLAT, "flat", "once", "status"),
    ("POST", "/financial/invoice", NATIVE, "native", "idempotent", "status"),
    ("POST", "/financial/invoice", FLAT, "flat", "once", "status"),
    ("POST", "/batch", NATIVE, "native", "idempotent", "jobs"),
    ("POST", "/batch", FLAT, "flat", "idempotent", "items"),
    ("POST", "https://app.custify.com/api/batch", FLAT, "flat", "idempotent", "items"),
    ("POST", "https://app.custify.com/api/batch", NATIVE, "native", "idempotent", "items"),
    ("POST", "http://127.0.0.1:8/api/people", "http://127.0.0.1:8", "native", "idempotent", "status"),
    ("POST", "https://hooks.example.com/people", NATIVE, "native", "once", "status"),
    ("POST", "/event", NATIVE, "native", "once", "status"),
]


@pytest.mark.parametrize(("method", "url", "base", "dialect", "retry", "replies"), ENDPOINTS)
def test_a_manual_request_to_the_path_of_a_template_is_retried_as_the_template(
    method, url, base, dialect, retry, replies
):
    shape = compiled(PEOPLE, method=method, url=url, base=base, dialect=dialect, body=True, batch=batch_of()).shape
    assert (shape.retry, shape.replies) == (RetryClass(retry), Replies(replies))


def test_an_event_may_be_repeated_when_every_record_has_its_deduplication_id():
    every = chunk_of({"id": ["a"], "deduplication_id": ["1"]})
    some = chunk_of({"id": ["a", "b"], "deduplication_id": ["1", None]})
    named = {"deduplication_id": Binding("id")}
    for chunk, fields, expected in ((every, None, "idempotent"), (some, None, "once"), (PEOPLE, named, "idempotent")):
        assert compiled(chunk, url="/event", base=NATIVE, dialect="native", fields=fields).shape.retry == expected
    assert (
        compiled(every, url="/event", base=NATIVE, dialect="native", exclude=("deduplication_id",)).shape.retry
        == "once"
    )


@pytest.mark.parametrize("idempotent", [True, False])
def test_the_setting_idempotent_takes_precedence(idempotent):
    for method, url in (("POST", "/people"), ("POST", "/x"), ("PUT", "/x")):
        shape = compiled(PEOPLE, method=method, url=url, idempotent=idempotent).shape
        assert (shape.retry is RetryClass.IDEMPOTENT) is idempotent


def test_an_idempotency_header_has_the_value_of_its_record_and_makes_the_request_idempotent():
    once = IdempotencySpec("{record.id}/{record.n}")
    ready = compiled(PEOPLE, headers=(("X-A", "1"),), idempotency=once)
    assert ready.shape.retry is RetryClass.IDEMPOTENT
    requests, _ = sent(PEOPLE, headers=(("X-A", "1"),), idempotency=once)
    assert [dict(each.headers)["Idempotency-Key"] for each in requests] == ["a/1", "b/0", "c/-7"]
    assert {dict(each.headers)["X-A"] for each in requests} == {"1"}
    assert compiled(PEOPLE, idempotency=once, idempotent=False).shape.retry is RetryClass.ONCE


def test_idempotency_and_settle_name_only_columns_of_the_dataset():
    found = problems(PEOPLE, idempotency=IdempotencySpec("{record.idd}"), settle=SettleSpec("/x/{record.nn}", "$.id"))
    assert found.keys() == {("unknown-column", "request.idempotency.value"), ("unknown-column", "request.settle.url")}


def test_how_a_request_is_settled_changes_no_version():
    ready = compiled(PEOPLE)
    settled = compiled(PEOPLE, settle=SettleSpec("/x/{record.email}", "$.id"), on_unknown="hold", settle_after=0.0)
    assert (settled.version, settled.columns) == (ready.version, ready.columns)


def test_an_idempotency_header_is_no_content_that_is_sent_again():
    def contents(**settings):
        return [payload.content for payload in compiled(PEOPLE, **settings).renderer.render(PEOPLE).payloads]

    for settings in ({}, {"url": "/x/{record.id}"}, {"headers": (("X-A", "{record.id}"),)}):
        assert contents(**settings, idempotency=IdempotencySpec("{record.n}")) == contents(**settings)


def test_an_api_that_is_not_custify_has_no_known_paths_and_no_limits():
    shape = compiled(
        PEOPLE, url="/batch", base="https://api.example.com", catalogue={}, batch=batch_of(size=5000)
    ).shape
    assert (shape.retry, shape.replies, shape.size) == ("once", "status", 5000)


@pytest.mark.parametrize(
    ("dialect", "base", "size", "fits"),
    [
        ("flat", FLAT, 500, True),
        ("flat", FLAT, 501, False),
        ("native", NATIVE, 100, True),
        ("native", NATIVE, 101, False),
    ],
)
def test_the_batch_endpoint_has_a_limit(dialect, base, size, fits):
    settings = {"url": "/batch", "base": base, "dialect": dialect, "batch": batch_of(size=size)}
    if fits:
        assert compiled(PEOPLE, **settings).shape.size == size
    else:
        problem = problems(PEOPLE, **settings)["batch-too-large", "request.batch.size"]
        assert problem.hint == f"size: {size - 1} or less"


def test_the_content_hash_follows_what_is_sent():
    def hashes(**settings):
        return [payload.content for payload in compiled(PEOPLE, **settings).renderer.render(PEOPLE).payloads]

    plain = hashes()
    assert plain == hashes()
    assert len(set(plain)) == 3
    assert plain != hashes(exclude=("n",))
    assert plain != hashes(headers=(("X", "{record.n}"),))


def test_columns_in_use_are_those_that_are_sent_named_or_the_key():
    ready = compiled(PEOPLE, url="/x/{record.n}", exclude=("n", "id"), attributes="none")
    assert ready.columns == ("id", "n")
    assert ready.template is None


def test_any_chunk_of_the_dataset_may_be_rendered_and_any_rows_of_it():
    spec = compiled(PEOPLE)
    assert [payload.ordinal for payload in spec.renderer.render(PEOPLE, [0, 2]).payloads] == [0, 2]


def test_names_that_xml_forbids_are_problems_where_every_record_has_them():
    chunk = chunk_of({"id": ["a"], "first name": ["x"]})
    found = problems(chunk, content_format="xml", fields={"2nd": Binding(column="id")})
    assert set(found) == {("bad-xml-name", "attributes"), ("bad-xml-name", "fields.2nd")}
    assert "exclude: [first name]" in found["bad-xml-name", "attributes"].hint
    assert found["bad-xml-name", "fields.2nd"].hint == "rename it"
    assert compiled(chunk, content_format="xml", exclude=("first name",))


def test_a_record_whose_later_column_has_the_name_of_a_mapped_field_is_refused():
    chunk = chunk_of({"id": ["a", "b"], "name": ["x", None], "title": ["Dr", "Dr"]})
    request = RequestSpec("POST", "/x")
    destination = DestinationSpec("raw", "d", "c", request=request, fields={"name": Binding(column="title")})
    schema = replace(schema_of(chunk), grows=True)
    ready = compile_manual(destination, ("id",), schema, FLAT, "flat", load_catalogue())
    rendered = ready.renderer.render(chunk)
    assert [orjson.loads(payload.text) for payload in rendered.payloads] == [{"name": "Dr", "id": "b"}]
    assert [(refused.key, refused.refusal.rule) for refused in rendered.refused] == [("a", "attribute name")]
