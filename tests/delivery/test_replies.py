"""Replies of the API: results per record, and error texts quoted without secrets."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.replies import (
    LONGEST,
    ErrorQuoter,
    error_text,
    identifier_text,
    job_id,
    job_state,
    parse,
    quoter_of,
    read_items,
)
from penstock.model.delivery import Connection, Reply

GOOD = [{"status": word} for word in ("success", "succeeded", "ok", "OK", "done", "completed")]
GOOD += [{"status": 200}, {"statusCode": 201}, {"code": "204"}, {"success": True}, "success", 200, True]
BAD = [{"status": word} for word in ("error", "failed", "FAILED")]
BAD += [{"status": 422}, {"statusCode": 404}, {"error": "no"}, {"status": "success", "error": "no"}, {"success": False}]
BAD += [{"status": "success", "statusCode": 500}, "failed", 400, False]
UNCLEAR = [
    {},
    {"id": "x"},
    {"status": "pending"},
    {"status": "queued"},
    None,
    "later",
    7,
    {"status": None},
    {"error": None},
]


@pytest.mark.parametrize(
    ("value", "good"), [*((v, True) for v in GOOD), *((v, False) for v in BAD), *((v, None) for v in UNCLEAR)]
)
@pytest.mark.parametrize("name", ["results", "jobs", "items"])
def test_the_result_of_an_item(value, good, name):
    assert read_items({name: [value]}, 1).items[0].good is good


def verdicts(data, records):
    found = read_items(data, records, lambda: {"ann": 0, "bob": 1})
    return None if found is None else ([item.good for item in found.items], len(found.unassigned))


OK, NO = {"status": "ok"}, {"status": "error"}


@pytest.mark.parametrize(
    ("data", "records", "expected"),
    [
        ({"results": [OK, NO]}, 2, ([True, False], 0)),
        ([OK, NO], 2, ([True, False], 0)),
        ({"data": {"results": [OK, NO]}}, 2, ([True, False], 0)),
        ({"results": {"0": OK, "1": NO}}, 2, ([True, False], 0)),
        ({"results": {"a": OK, "b": NO}}, 2, ([True, False], 0)),
        ({"results": [{"index": 1, **OK}, {"index": 0, **NO}]}, 2, ([False, True], 0)),
        ({"results": [{"index": "1", **OK}]}, 2, ([None, True], 0)),
        ({"results": [{"index": 1, **OK}, {"index": 2, **NO}]}, 2, ([True, False], 0)),  # counted from 1
        ({"results": [{"index": 1, **OK}, {"index": 2, **NO}]}, 3, ([None, True, False], 0)),
        ({"results": [{"index": 0, **OK}, {"index": 0, **NO}]}, 1, ([False], 0)),  # the graver one
        ({"results": [{"index": 0, **NO}, {"index": 0, **OK}]}, 1, ([False], 0)),
        ({"results": [OK, NO, OK]}, 2, ([None, None], 3)),  # which two are ours is not said
        ({"results": [{"user_id": "bob", **NO}, {"email": "ann", **OK}]}, 2, ([True, False], 0)),
        ({"results": [{"payload": {"user_id": "bob"}, **NO}]}, 2, ([None, False], 0)),
        ({"results": {"bob": OK, "ann": NO}}, 2, ([False, True], 0)),
        ({"results": [{"id": "bob", **OK}, NO]}, 2, ([True, False], 0)),  # an `id` is usually Custify's own
        ({"results": [{"id": "bob", **OK}]}, 2, ([None, True], 0)),
        ({"results": [{"user_id": "ann", "email": "bob", **OK}]}, 2, ([None, None], 1)),
        ({"results": [{"index": 5, **OK}]}, 1, ([None], 1)),
        ({"results": [{"index": -1, **OK}]}, 1, ([None], 1)),
        ({"results": [NO]}, 2, ([None, None], 1)),  # whose failure is not said
        ({"results": [{"index": 0, **OK}, NO]}, 2, ([True, None], 1)),
        ({"results": []}, 2, ([None, None], 0)),
        ({"message": "success"}, 2, None),
        ({}, 2, None),
        (None, 2, None),
        ("done", 2, None),
        ([], 2, None),
        ([OK], 2, ([None, None], 1)),
        ([{}], 2, None),
    ],
)
def test_the_record_of_an_item(data, records, expected):
    assert verdicts(data, records) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": "a"}, "a"),
        ({"jobId": 17}, "17"),
        ({"job": {"_id": "a"}}, "a"),
        ({"id": ""}, None),
        ({"id": None}, None),
        ({"id": True}, None),
        ({"id": {"x": 1}}, None),
        ({"status": "ok"}, None),
        ([{"id": "a"}], None),
        (None, None),
    ],
)
def test_the_id_of_a_job(data, expected):
    assert job_id(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"status": "pending"}, "pending"),
        ({"status": "processing"}, "pending"),
        ({"status": "completed"}, "ended"),
        ({"job": {"state": "Done"}}, "ended"),
        ({"status": "failed"}, "failed"),
        ({"status": 200}, "pending"),
        ({}, "pending"),
        (None, "pending"),
    ],
)
def test_the_state_of_a_job(data, expected):
    assert job_state(data) == expected


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=5)
    | st.sampled_from(["results", "ok", "error"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["results", "jobs", "items", "index", "status", "error", "id", "batch", "0", "1"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(1, 5))
def test_any_json_can_be_read(data, records):
    job_id(data)
    job_state(data)
    found = read_items(data, records)
    assert found is None or len(found.items) == records
    if found is not None and any(item.good for item in found.items):
        assert b"ok" in orjson.dumps(str(data).lower()) or "true" in str(data).lower() or "2" in str(data)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (7, "7"), ("", None), (True, None), (None, None), (1.5, None), ({}, None)]
)
def test_values_that_can_be_an_identifier(value, text):
    assert identifier_text(value) == text


def test_a_number_can_be_an_identifier():
    data = {"results": [{"user_id": 7, "status": "ok"}]}
    assert [item.good for item in read_items(data, 2, lambda: {"7": 1}).items] == [None, True]


@pytest.mark.parametrize(("results", "clear"), [([{"status": "ok"}], True), ([{}], False)])
def test_results_are_clear_if_each_is_good_or_bad(results, clear):
    assert read_items({"results": results}, 1).clear is clear


# ── error texts ──────────────────────────────────────────────────────────────

KEY = "key+with/odd=signs"
QUOTER = quoter_of(Connection("acme", "https://x.invalid", KEY, headers={"X-Token": "second secret"}))


def quoted(body, content_type="application/json", status=422):
    return QUOTER.quote(status, error_text(Reply(status, {"content-type": content_type}, body, 1.0)))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": {"message": "no e-mail"}, "message": "outer"}', "no e-mail"),
        (b'{"error": "Bad Request", "message": "email is not valid", "statusCode": 422}', "email is not valid"),
        (b'{"message": "email is not valid"}', "email is not valid"),
        (b'{"error": "User: x not found"}', "User: x not found"),
        (b'{"msg": "gone", "code": "Success", "params": null}', "gone"),
        (b'{"errors": [{"message": "a"}, {"message": "b"}]}', "a; b"),
        (b'{"message": ["a", "b"]}', "a; b"),
        (b'"just text"', "just text"),
        (b"email is not valid\r\n", "email is not valid"),
        (b'{"what": 1}', '{"what": 1}'),
        (b"a\x00b\x1b[31mc\xe2\x80\xaed", "a b [31mc d"),
        (b"\xff\xfe", "��"),
    ],
)
def test_the_error_text_is_found_in_the_body(body, words):
    assert quoted(body) == f"422: {words} (Custify)"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"  "])
def test_without_an_error_text_the_name_of_the_status_is_quoted(body):
    assert quoted(body) in {"422 Unprocessable Entity", "422 Unprocessable Content"}
    assert quoted(body, status=599) == "599"


def test_an_html_page_is_quoted_by_its_title():
    page = b"<html><head><title>\n502 Bad  Gateway</title></head><body>nginx</body></html>"
    assert quoted(page, "text/html", 502) == "502: 502 Bad Gateway (an HTML page) (Custify)"


def test_a_long_error_text_is_cut():
    assert len(quoted(b"x" * 100_000)) == len("422: ") + LONGEST + len(" (Custify)")


@pytest.mark.parametrize("secret", [KEY, "key%2Bwith%2Fodd%3Dsigns", "second secret"])
@pytest.mark.parametrize("shift", [0, 270, 290, 299, 1190, 3000])
def test_secrets_are_masked_at_any_place(secret, shift):
    for body in (orjson.dumps({"message": "y" * shift + secret}), (" " * shift + secret).encode()):
        words = quoted(body)
        assert secret not in words
        assert secret[:12] not in words


def test_the_name_of_the_api_is_in_the_quote():
    assert ErrorQuoter("the API").quote(400, "no") == "400: no (the API)"


@given(st.binary(max_size=200))
def test_any_body_can_be_quoted(body):
    words = quoted(body)
    assert words.isprintable()
    assert len(words) < LONGEST + 30
    parse(body)


def test_an_error_without_status_or_text():
    assert QUOTER.quote(None, "") == "refused without a reason (Custify)"
    assert QUOTER.clean(f" {KEY}\n") == "•••"
