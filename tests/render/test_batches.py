"""Batches: no record is lost or repeated, the records of a key stay in order, and the limits are respected."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.record import Grouping, Lookup, Payload, Shape
from penstock.render.batches import (
    MAX_OPEN,
    Batcher,
    encode_bodies,
    filled,
    preview_headers,
    records_of,
    requests_for,
)
from penstock.render.bodies import Unencodable, encode_body

SHAPES = [
    Grouping(algorithm="array"),
    Grouping(algorithm="property", property="batch", other={"origin": "penstock"}),
    Grouping(algorithm="property", property="jobs", prefix=b'{"type":"people","payload":', suffix=b"}"),
]


def payload(ordinal, key="k", size=5, url=None, headers=None):
    return Payload(ordinal, key, orjson.dumps({"a": "x" * size}), 0, url, headers)


@st.composite
def inputs(draw):
    keys, urls = st.sampled_from("abcdefgh"), st.sampled_from([None, "/1", "/2", "/3"])
    rows = draw(st.lists(st.tuples(keys, urls, st.integers(0, 60)), max_size=60))
    return [payload(place, key, size, url) for place, (key, url, size) in enumerate(rows)]


@given(
    inputs(),
    st.sampled_from(SHAPES),
    st.sampled_from(["json", "xml", "form"]),
    st.tuples(st.integers(1, 7), st.none() | st.integers(120, 300)),
    st.booleans(),
    st.lists(st.integers(0, 60)),
)
def test_every_record_comes_out_once_in_order_and_within_the_limits(
    payloads, grouping, content_format, limits, repeats, cuts
):
    size, limit = limits
    shape = Shape("POST", "https://x/", grouping=grouping, content_format=content_format, size=size, max_bytes=limit)
    batcher = Batcher(shape, repeats=repeats)
    out, start = [], 0
    for cut in [*sorted(cuts), len(payloads)]:
        out += batcher.add(payloads[start:cut])
        start = max(start, cut)
    out += batcher.flush()

    came_out = [each for batch in out for each in batch.payloads]
    assert sorted([*(p.ordinal for p in came_out), *(r.ordinal for r in batcher.oversized)]) == [
        p.ordinal for p in payloads
    ]
    assert [batch.number for batch in out] == list(range(len(out)))
    for key in "abcdefgh":
        ordinals = [each.ordinal for each in came_out if each.key == key]
        assert ordinals == sorted(ordinals)
    for batch in out:
        assert len(batch.payloads) <= size
        assert len({(each.url, each.headers) for each in batch.payloads}) == 1
        assert repeats or len(set(batch.keys())) == len(batch.payloads)
        if limit is not None:
            assert len(encode_body(shape, [each.text for each in batch.payloads])) <= limit

    whole = Batcher(shape, repeats=repeats)
    assert [*whole.add(payloads), *whole.flush()] == out, "composition must not depend on how the input was cut"


def test_batches_are_full_and_the_last_may_be_smaller():
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[0], size=3))
    out = [*batcher.add(payload(n, f"k{n}") for n in range(8)), *batcher.flush()]
    assert [len(batch.payloads) for batch in out] == [3, 3, 2]


def test_an_empty_dataset_makes_no_batch():
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[0], size=3))
    assert [*batcher.add([]), *batcher.flush()] == []


def test_a_body_may_reach_the_byte_limit_exactly():
    rows = [payload(n, f"k{n}") for n in range(4)]
    shape = Shape("POST", "u", grouping=SHAPES[1], size=100)
    exact = len(encode_body(shape, [row.text for row in rows[:3]]))
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[1], size=100, max_bytes=exact))
    assert [len(batch.payloads) for batch in [*batcher.add(rows), *batcher.flush()]] == [3, 1]


def test_a_record_over_the_byte_limit_is_refused_with_the_limit_and_the_others_are_sent():
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[0], size=10, max_bytes=100))
    out = [*batcher.add([payload(0, "a"), payload(1, "b", 200), payload(2, "c")]), *batcher.flush()]
    assert [each.key for batch in out for each in batch.payloads] == ["a", "c"]
    (refused,) = batcher.oversized
    assert (refused.key, refused.refusal.rule) == ("b", "max_bytes")
    assert "100" in refused.refusal.reason


def test_open_batches_stay_bounded_when_every_record_has_its_own_url():
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[0], size=10))
    out = [*batcher.add(payload(n, f"k{n}", url=f"/{n}") for n in range(MAX_OPEN + 10))]
    assert [batch.payloads[0].url for batch in out] == [f"/{n}" for n in range(10)]
    assert len([*batcher.flush()]) == MAX_OPEN


@pytest.mark.parametrize("repeats", [False, True])
def test_versions_of_one_key_are_sent_in_order_also_across_urls(repeats):
    batcher = Batcher(Shape("POST", "u", grouping=SHAPES[0], size=10), repeats=repeats)
    rows = [payload(0, "a", url="/1"), payload(1, "b", url="/2"), payload(2, "a", url="/2"), payload(3, "a", url="/2")]
    out = [*batcher.add(rows), *batcher.flush()]
    sent = [[each.ordinal for each in batch.payloads] for batch in out]
    assert sent == ([[0], [1, 2, 3]] if repeats else [[0], [1, 2], [3]])


SHAPE = Shape("POST", "https://x/people", headers=(("X", "1"),), grouping=SHAPES[0])


def test_a_batch_is_one_request_with_the_url_and_headers_of_its_payloads():
    [request] = requests_for(SHAPE, [payload(0), payload(1)])
    assert (request.method, request.url) == ("POST", "https://x/people")
    assert request.body == b'[{"a":"xxxxx"},{"a":"xxxxx"}]'
    assert dict(request.headers) == {"Accept": "application/json", "Content-Type": "application/json", "X": "1"}
    [own] = requests_for(SHAPE, [payload(0, url="https://x/people/k", headers=(("accept", "*/*"),))])
    assert own.url == "https://x/people/k"
    assert own.headers == (("Content-Type", "application/json"), ("accept", "*/*"))


def test_grouping_code_may_make_several_requests_of_one_batch():
    assert [request.body for request in requests_for(SHAPE, [payload(0)], [b"1", b"2"])] == [b"1", b"2"]
    assert requests_for(SHAPE, [payload(0)], []) == ()


def test_a_request_without_a_body_has_no_content_type():
    [request] = requests_for(replace(SHAPE, method="DELETE", carries_body=False), [payload(0)])
    assert request.body is None
    assert request.headers == (("Accept", "application/json"), ("X", "1"))
    assert preview_headers(replace(SHAPE, carries_body=False)) == request.headers


def test_grouping_code_gets_records_and_what_it_returns_is_encoded_within_the_bound():
    exact = Payload(0, "k", b'{"n":1180591620717411303424}', 0)
    assert records_of([exact, payload(1, size=0)]) == [{"n": 2**70}, {"a": ""}]
    assert encode_bodies(SHAPE, [{"n": 0}, []]) == [b'{"n":0}', b"[]"]
    assert encode_bodies(replace(SHAPE, max_bytes=1), []) == []
    with pytest.raises(Unencodable) as caught:
        encode_bodies(replace(SHAPE, max_bytes=6), [{"n": 0}])
    assert caught.value.refusal.rule == "max_bytes"
    assert "7 bytes" in caught.value.refusal.reason


def test_ids_that_were_looked_up_are_filled_in():
    company = Lookup("company.id", "company", "company_id", "acme")
    person = Lookup("user", "person", "email", "a@b.c")
    value = {"text": "x", "company": {"id": "(company acme)", "more": 0}, "user": "(person)"}
    waiting = Payload(0, "k", b"{}", 0, lookups=(company, person), value=value)
    found = filled(waiting, {company: "5f", person: "6f"})
    assert orjson.loads(found.text) == {"text": "x", "company": {"id": "5f", "more": 0}, "user": "6f"}
    assert (found.lookups, found.value) == ((), None)
    assert value["company"]["id"] == "(company acme)", "the payload that waits is not changed"
    assert filled(found, {}) is found
