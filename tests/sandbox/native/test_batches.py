"""Native batches: custify-api section 2.3."""

import json

import pytest


def body(*jobs, **options):
    return json.dumps({"jobs": [{"type": kind, "payload": payload} for kind, payload in jobs], **options})


PERSON = ("people", {"user_id": "u1"})


def test_jobs_are_executed_later_and_read_by_id(sandbox):
    sandbox.settings(job_delay=60)
    got = sandbox.call("POST /batch", body(PERSON, returnJobId=True))
    assert (got.status, got.json()["status"], got.json()["results"]) == (202, "pending", [])
    line = f"GET /batch/{got.json()['id']}"
    assert sandbox.call(line).json() == got.json()
    assert sandbox.state()["people"] == []
    sandbox.advance(61)
    (person,) = sandbox.state()["people"]
    assert sandbox.call(line).json() == {
        "id": got.json()["id"],
        "status": "completed",
        "results": [{"index": 0, "type": "people", "status": "success", "statusCode": 200, "id": person["id"]}],
    }


def test_without_returnjobid_the_reply_is_empty(sandbox):
    got = sandbox.call("POST /batch", body(PERSON))
    assert (got.status, got.json()) == (202, {})
    assert len(sandbox.state()["people"]) == 1


def test_a_text_as_returnjobid_is_the_id(sandbox):
    name = "35757461-0000-4000-8000-000000000000"
    assert sandbox.call("POST /batch", body(PERSON, returnJobId=name)).json()["id"] == name
    assert sandbox.call(f"GET /batch/{name}").json()["status"] == "completed"


def test_mixed_types_are_executed_in_order(sandbox):
    got = sandbox.call(
        "POST /batch",
        body(
            ("company", {"company_id": "c1"}),
            ("people", {"user_id": "u1", "companies": [{"company_id": "c1"}]}),
            ("event", {"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}),
            (
                "custom-data",
                {"entityModel": "Company", "company_id": "c1", "data_type": "a", "data_id": "1", "data": {}},
            ),
            ("custom-data", {"entityModel": "Customer", "user_id": "u1", "data_type": "a", "data_id": "2", "data": {}}),
            returnJobId=True,
        ),
    )
    results = sandbox.call(f"GET /batch/{got.json()['id']}").json()["results"]
    assert [(r["index"], r["type"], r["status"], r["statusCode"]) for r in results] == [
        (0, "company", "success", 200),
        (1, "people", "success", 200),
        (2, "event", "success", 202),
        (3, "custom-data", "success", 200),
        (4, "custom-data", "success", 200),
    ]
    state = sandbox.state()
    assert state["people"][0]["companies"] == [state["companies"][0]["id"]]
    assert [d["entityModel"] for d in state["custom_data"]] == ["Company", "Customer"]


@pytest.mark.parametrize(
    ("kind", "payload", "status", "message"),
    [
        ("people", {"name": "x"}, 400, "At least one of [id, user_id, email] is required"),
        ("people", {"user_id": "u1", "plan": "x"}, 400, '"plan" is not allowed'),
        ("company", {"company_id": "c1", "size": "5"}, 400, '"size" must be an integer'),
        ("event", {"name": "a", "created_at": "2026-01-01T00:00:00Z", "user_id": "none"}, 404, "People not found"),
        ("custom-data", {"company_id": "none", "data_type": "a", "data_id": "1", "data": {}}, 404, "Company not found"),
        ("custom-data", {"data_type": "a", "data_id": "1", "data": {}}, 400, "[entity, company_id, user_id]"),
    ],
)
def test_a_failed_job_does_not_stop_the_others(sandbox, kind, payload, status, message):
    good = ("people", {"user_id": "good"})
    got = sandbox.call("POST /batch", body((kind, payload), good, returnJobId=True)).json()
    bad, fine = sandbox.call(f"GET /batch/{got['id']}").json()["results"]
    assert (bad["status"], bad["statusCode"], message in bad["error"], "id" in bad) == ("error", status, True, False)
    assert fine["status"] == "success"
    assert [person["user_id"] for person in sandbox.state()["people"]] == ["good"]


def test_a_batch_fails_if_every_job_fails(sandbox):
    got = sandbox.call("POST /batch", body(("people", {}), returnJobId=True)).json()
    assert sandbox.call(f"GET /batch/{got['id']}").json()["status"] == "failed"


@pytest.mark.parametrize(
    ("count", "options", "status"),
    [(100, {}, 202), (101, {}, 400), (3, {"synchronous": True}, 202), (4, {"synchronous": True}, 400), (0, {}, 400)],
)
def test_100_jobs_later_3_at_once(sandbox, count, options, status):
    jobs = [("people", {"user_id": f"u{n}"}) for n in range(count)]
    assert sandbox.call("POST /batch", body(*jobs, **options)).status == status
    assert len(sandbox.state()["people"]) == (count if status == 202 else 0)


def test_synchronous_jobs_return_their_results_at_once(sandbox):
    sandbox.settings(job_delay=60)
    got = sandbox.call("POST /batch", body(PERSON, ("people", {}), synchronous=True)).json()
    assert (got["status"], [result["status"] for result in got["results"]]) == ("completed", ["success", "error"])


@pytest.mark.parametrize(
    "raw",
    [
        "{}",
        '{"jobs": {}}',
        '{"jobs": [1]}',
        '{"jobs": [{"payload": {"user_id": "u1"}}]}',
        '{"jobs": [{"type": "task", "payload": {"name": "x"}}]}',
        '{"jobs": [{"type": "note", "payload": {}}]}',
        '{"jobs": [{"type": "deal", "payload": {}}]}',
        '{"jobs": [{"type": "people", "payload": {"user_id": "u1"}, "id": 1}]}',
        '{"jobs": [{"type": "people", "payload": [1]}]}',
        '{"batch": [{"user_id": "u1"}]}',
        '{"jobs": [{"type": "people", "payload": {"user_id": "u1"}}], "origin": "x"}',
        '{"jobs": [{"type": "people", "payload": {"user_id": "u1"}}], "synchronous": "yes"}',
    ],
)
def test_invalid_batches_are_refused(sandbox, raw):
    assert sandbox.call("POST /batch", raw).status == 400
    assert sandbox.state()["people"] == []


def test_results_are_kept_for_six_hours_after_the_end(sandbox):
    sandbox.settings(job_delay=1000)
    got = sandbox.call("POST /batch", body(PERSON, returnJobId=True)).json()
    sandbox.advance(1001)
    line = f"GET /batch/{got['id']}"
    assert sandbox.call(line).json()["status"] == "completed"
    sandbox.advance(6 * 3600 - 60)
    assert sandbox.call(line).status == 200
    sandbox.advance(120)
    assert sandbox.call(line).status == 404


def test_an_unknown_batch_is_404(sandbox):
    assert sandbox.call("GET /batch/6b054f0991941777f3ffffff").status == 404
