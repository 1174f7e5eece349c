"""Faults: custify-api section 7, items 2 and 7."""

import gzip
import http.client
import json
import time
from email.utils import parsedate_to_datetime

import pytest

from support.servers.sandbox import running_sandbox

BODY = '{"user_id": "u1"}'
LOST = (http.client.RemoteDisconnected, ConnectionError)


def people(sandbox):
    return len(sandbox.state()["people"])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 422, 429, 500, 502, 503, 504])
def test_a_status_replaces_the_reply_and_nothing_is_changed(sandbox, status):
    sandbox.fault(status=status)
    got = sandbox.call("POST /people", BODY)
    assert (got.status, got.json()["statusCode"], people(sandbox)) == (status, status, 0)


def test_a_status_after_the_change(sandbox):
    sandbox.fault(status=503, commit=True)
    assert (sandbox.call("POST /people", BODY).status, people(sandbox)) == (503, 1)
    (entry,) = sandbox.requests()
    assert (entry["status"], entry["committed"], entry["fault"]) == (503, True, "status=503")


def test_a_reply_without_the_change(sandbox):
    sandbox.fault(commit=False)
    assert (sandbox.call("POST /people", BODY).status, people(sandbox)) == (200, 0)


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ({"status": 429}, "1"),
        ({"status": 429, "retry_after": 7}, "7"),
        ({"status": 503, "retry_after": 2.5}, "2.5"),
        ({"status": 429, "retry_after": "3"}, "3"),
        ({"status": 429, "retry_after": "none"}, None),
        ({"status": 429, "retry_after": "soon"}, "soon"),
        ({"status": 503}, None),
    ],
)
def test_retry_after(sandbox, fault, retry_after):
    sandbox.fault(**fault)
    assert sandbox.call("GET /segment").headers.get("retry-after") == retry_after


@pytest.mark.parametrize("ahead", [5, -60])
def test_retry_after_as_a_date(sandbox, ahead):
    sandbox.fault(status=429, retry_after=f"date:{ahead}")
    wait = parsedate_to_datetime(sandbox.call("GET /segment").headers["retry-after"]).timestamp() - time.time()
    assert ahead - 3 < wait <= ahead


@pytest.mark.parametrize(
    ("requests", "changed"), [("every:3", [3, 6]), ("0.5", [2, 4, 6]), ("at:0+4", [1, 5]), ("at:5", [6])]
)
def test_requests_are_selected_by_number_or_share(sandbox, requests, changed):
    sandbox.call("GET /segment")
    sandbox.fault(status=503, requests=requests, after=1)
    statuses = [sandbox.call("GET /segment").status for _ in range(7)]
    assert [number for number, status in enumerate(statuses) if status == 503] == changed


@pytest.mark.parametrize(("cut", "changed"), [("before", 0), ("after", 1)])
def test_a_request_with_a_cut_connection_is_logged(sandbox, cut, changed):
    sandbox.fault(cut=cut, times=1)
    with pytest.raises(LOST):
        sandbox.call("POST /people", BODY)
    assert people(sandbox) == changed
    (entry,) = sandbox.requests()
    assert (entry["status"], entry["committed"], entry["fault"]) == (None, cut == "after", f"cut={cut}")
    assert entry["body"] == BODY
    assert sandbox.call("POST /people", BODY).status == 200


@pytest.mark.parametrize(
    ("body", "kind", "starts", "changed"),
    [
        ("html", "text/html", b"<!DOCTYPE html>", 0),
        ("empty", "application/json", b"", 1),
        ("broken-json", "application/json", b'{"id": "', 1),
        ("huge", "application/json", b'{"padding": "xxx', 1),
        ("text", "text/plain", b"upstream", 1),
    ],
)
def test_a_body_replaced_by_a_fault(sandbox, body, kind, starts, changed):
    sandbox.fault(body=body)
    got = sandbox.call("POST /people", BODY)
    assert (got.status, people(sandbox)) == (200, changed)
    assert got.headers["content-type"].startswith(kind)
    assert got.body.startswith(starts)
    if body == "broken-json":
        with pytest.raises(json.JSONDecodeError):
            got.json()
    assert (len(got.body) > 1_000_000) == (body == "huge")


def test_a_compressed_reply(sandbox):
    sandbox.fault(gzip=True)
    got = sandbox.call("POST /people", BODY)
    assert (got.headers["content-encoding"], json.loads(gzip.decompress(got.body))["user_id"]) == ("gzip", "u1")


def test_a_slow_reply_comes_after_its_change(sandbox):
    sandbox.fault(slow="150ms")
    start = time.monotonic()
    assert sandbox.call("POST /people", BODY).status == 200
    assert time.monotonic() - start >= 0.15


def test_latency_is_on_every_reply(sandbox):
    sandbox.settings(latency=60)
    start = time.monotonic()
    sandbox.call("GET /segment")
    assert time.monotonic() - start >= 0.06


@pytest.mark.parametrize(
    ("fault", "line", "met"),
    [
        ({"path": "/people"}, "POST /people", True),
        ({"path": "/people"}, "POST /api/people", True),
        ({"path": "/people"}, "POST /people/tag", True),
        ({"path": "/people"}, "POST /peoples", False),
        ({"path": "/api/people"}, "POST /people", False),
        ({"path": "/api"}, "POST /api/people", True),
        ({"path": "/fin*/deal"}, "POST /financial/deal", True),
        ({"path": "*"}, "POST /batch", True),
        ({"method": "post"}, "POST /people", True),
        ({"method": "GET"}, "POST /people", False),
        ({"method": "GET", "path": "/company"}, "GET /company/all?page=1", True),
    ],
)
def test_a_fault_applies_to_the_selected_requests(sandbox, fault, line, met):
    sandbox.fault(status=418, **fault)
    assert (sandbox.call(line, None if line.startswith("GET") else "{}").status == 418) == met


def test_times_and_after(sandbox):
    sandbox.fault(status=503, after=1, times=2)
    assert [sandbox.call("GET /segment").status for _ in range(5)] == [200, 503, 503, 200, 200]
    (fault,) = sandbox.faults()
    assert (fault["seen"], fault["fired"]) == (3, 2)


def test_the_first_fault_that_has_not_run_out_is_applied(sandbox):
    sandbox.fault(status=503, times=1)
    sandbox.fault(status=500, times=1)
    assert [sandbox.call("GET /segment").status for _ in range(3)] == [503, 500, 200]


def test_no_fault_is_applied_to_a_refused_key_or_over_the_limit(sandbox):
    sandbox.settings(rate="1/10s")
    sandbox.fault(status=503, times=1)
    assert sandbox.call("GET /segment", key="wrong").status == 401
    assert [sandbox.call("GET /segment").status for _ in range(2)] == [503, 429]
    assert sandbox.stats()["refused_429"] == 1


@pytest.mark.parametrize(
    ("partial", "failed"),
    [
        (0.3, [3, 6, 9]),
        (0.5, [1, 3, 5, 7, 9]),
        ("every:4", [3, 7]),
        ("at:0+9", [0, 9]),
        ([2], [2]),
        (1, list(range(10))),
    ],
)
@pytest.mark.parametrize("dialect", ["flat", "native"])
def test_a_partly_failed_batch(sandbox, dialect, partial, failed):
    sandbox.fault(partial=partial, path="/batch", method="POST")
    items = [{"user_id": f"u{n}"} for n in range(10)]
    if dialect == "flat":
        results = sandbox.call("POST /api/batch", json.dumps({"batch": items})).json()["results"]
    else:
        jobs = [{"type": "people", "payload": item} for item in items]
        got = sandbox.call("POST /batch", json.dumps({"jobs": jobs, "returnJobId": True})).json()
        results = sandbox.call(f"GET /batch/{got['id']}").json()["results"]
    assert [result["index"] for result in results if result["status"] == "error"] == failed
    arrived = {person["user_id"] for person in sandbox.state()["people"]}
    assert arrived == {f"u{n}" for n in range(10) if n not in failed}


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        ({"cut": "after"}, ["n0", "n1", "n2"]),
        ({"cut": "before"}, ["n2"]),
        ({"status": 503, "commit": True}, ["n0", "n1", "n2"]),
        ({"status": 503}, ["n2"]),
    ],
)
def test_the_next_posts_of_a_path_lose_their_replies(sandbox, fault, stored):
    """The next two: other paths and methods keep their replies, and so does the third."""
    company = sandbox.call("POST /company", '{"company_id": "c1"}').json()["id"]
    sandbox.fault(method="POST", path="/note", times=2, **fault)
    arrived = []
    for n in range(3):
        body = json.dumps({"text": f"n{n}", "entity": company, "entityModel": "Company"})
        try:
            arrived.append(sandbox.call("POST /note", body).status)
        except LOST:
            arrived.append(None)
        assert sandbox.call("GET /note").status == 200
        assert sandbox.call("POST /people", BODY).status == 200
    assert arrived == [fault.get("status"), fault.get("status"), 200]
    assert [note["text"] for note in sandbox.state()["notes"]] == stored
    assert [
        entry["committed"] for entry in sandbox.requests() if (entry["method"], entry["path"]) == ("POST", "/note")
    ] == [f"n{n}" in stored for n in range(3)]


def test_clearing_ends_all_faults(sandbox):
    sandbox.fault(status=503)
    sandbox.clear_faults()
    assert (sandbox.faults(), sandbox.call("GET /segment").status) == ([], 200)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 99},
        {"status": "x"},
        {"cut": "middle"},
        {"slow": "2 parsecs"},
        {"body": "xml"},
        {"partial": 1.5},
        {"partial": "every:0"},
        {"partial": "some"},
        {"requests": "some", "cut": "after"},
        {"requests": "every:2"},
        {"status": 429, "retry_after": "date:99999999999"},
        {"status": 429, "retry_after": "a\nb"},
        {"status": 503, "paths": "/people"},
        {"status": 503, "times": -1},
        {"status": 503, "commit": "perhaps"},
        {"path": "/people"},
        {},
    ],
)
def test_an_invalid_fault_is_refused(sandbox, fault):
    with pytest.raises(AssertionError, match="400"):
        sandbox.fault(**fault)
    assert sandbox.faults() == []


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("status=503,path=/people,times=2", {"status": 503, "path": "/people", "times": 2}),
        ("cut=after,method=post", {"cut": "after", "method": "POST"}),
        ("slow=2s,html", {"slow": 2.0, "body": "html"}),
        ("broken-json, after=3", {"body": "broken-json", "after": 3}),
        ("gzip", {"gzip": True}),
        ("partial=0.3", {"partial": "0.3"}),
        ("partial=at:0+4", {"partial": "at:0+4"}),
        ("status=429,retry_after=2", {"status": 429, "retry_after": 2.0}),
        ("status=503,commit=yes", {"status": 503, "commit": True}),
    ],
)
def test_the_text_of_a_fault(sandbox, text, meant):
    got = sandbox.call("POST /_admin/faults", json.dumps([text]))
    (fault,) = got.json()
    assert {name: fault[name] for name in meant} == meant


def test_faults_from_the_command_line():
    with running_sandbox("--fault", "status=503,times=1", "--fault", "status=500,times=1") as own:
        assert [own.call("GET /segment").status for _ in range(3)] == [503, 500, 200]
