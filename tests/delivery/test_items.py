"""Batch replies, read tolerantly: never the wrong record, never a success that nobody said."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.replies import job_id, job_state, read_items

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
def test_what_an_item_says(value, good, name):
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
def test_which_record_an_item_belongs_to(data, records, expected):
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
def test_whether_a_job_has_ended(data, expected):
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
