"""Bases, key, headers, error bodies: custify-api sections 1 and 2.4."""

import pytest

from support.servers.sandbox import running_sandbox

ABSENT = "6b054f0991941777f3ffffff"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST /people", 200),
        ("POST /customer", 200),
        ("POST /api/people", 200),
        ("POST /api/customer", 404),
        ("POST /v1/people", 404),
        ("POST /financial/deal/", 404),
        ("POST /api/financial/deal", 404),
        ("PATCH /people", 405),
        ("PUT /company", 405),
        ("POST /", 404),
    ],
)
def test_native_at_the_root_and_flat_below_api(sandbox, line, status):
    got = sandbox.call(line, '{"user_id": "u1"}')
    assert got.status == status
    if status >= 400:
        assert got.json()["statusCode"] == status


def test_both_dialects_share_one_store(sandbox):
    sandbox.call("POST /api/people", '{"user_id": "u1", "name": "Ann"}')
    sandbox.call("POST /people", '{"user_id": "u1", "phone": "1"}')
    (person,) = sandbox.state()["people"]
    assert (person["name"], person["phone"]) == ("Ann", "1")


@pytest.mark.parametrize(
    "authorization", ["", "sandbox-key", "Bearer wrong", "bearer sandbox-key", "Basic c2FuZGJveC1rZXk="]
)
def test_a_wrong_key_is_401_and_changes_nothing(sandbox, authorization):
    got = sandbox.call("POST /people", '{"user_id": "u1"}', Authorization=authorization)
    assert got.status == 401
    assert got.json() == {"error": "Unauthorized", "message": "Invalid API key", "statusCode": 401}
    assert sandbox.state()["people"] == []
    assert sandbox.stats()["refused_401"] == 1


def test_a_read_only_key_is_403_on_writes():
    with running_sandbox("--read-only-key", "reader") as own:
        assert own.call("GET /company/all?itemsPerPage=1&page=1", key="reader").status == 200
        for line in ("POST /people", "DELETE /people?user_id=u1", "PUT /task/" + ABSENT, "POST /api/batch"):
            assert own.call(line, '{"user_id": "u1"}', key="reader").status == 403
        assert own.call("POST /people", '{"user_id": "u1"}').status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "not valid JSON"),
        ('{"user_id": NaN}', "not valid JSON"),
        (b'{"user_id": "\xff"}', "not valid JSON"),
        ("", "must be a JSON object"),
        ("[]", "must be a JSON object"),
        ('"u1"', "must be a JSON object"),
        ("null", "must be a JSON object"),
    ],
)
def test_a_body_that_is_no_object_is_400(sandbox, body, message):
    got = sandbox.call("POST /people", body)
    assert (got.status, got.json()["error"]) == (400, "Bad Request")
    assert message in got.json()["message"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("text/xml", 400),
        ("application/x-www-form-urlencoded", 400),
    ],
)
def test_the_content_type_is_json(sandbox, content_type, status):
    assert sandbox.call("POST /people", '{"user_id": "u1"}', Content_Type=content_type).status == status


@pytest.mark.parametrize(
    "line",
    [
        "GET /company/all?itemsPerPage=1&page=1",
        "GET /segment?itemsPerPage=1&page=1",
        "GET /api/company/all?itemsPerPage=1&page=1",
    ],
)
def test_the_credential_check_reads(sandbox, line):
    assert sandbox.call(line).status == 200
    assert sandbox.call(line, key="wrong").status == 401


MALFORMED = [
    "GET /people/123",
    "GET /customer/123",
    "GET /company/acme",
    "GET /company/people/acme",
    "GET /task/x",
    "GET /note/x",
    "GET /tag/bad",
    "DELETE /people/x",
    "DELETE /company/x",
    "DELETE /financial/deal/x",
    "GET /custom_data/companies/x",
    "POST /note/x",
    "PUT /task/x",
]


@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_id_is_503(sandbox, line):
    assert sandbox.call(line, None if line.startswith(("GET", "DELETE")) else "{}").status == 503


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("GET /company?company_id=none", {"companies": [], "total": 0}),
        (f"GET /company/{ABSENT}", {"companies": [], "total": 0}),
        ("GET /people?user_id=none", [{"people": [], "total": 0}]),
        ("GET /people?email=none@example.com", [{"people": [], "total": 0}]),
        (f"GET /tag/{ABSENT}", {"tags": [], "total": 0}),
        (f"GET /task/{ABSENT}", {"tasks": [], "total": 0}),
        ("GET /task?externalId=none", {"tasks": [], "total": 0}),
        (f"GET /note/{ABSENT}", {"notes": [], "total": 0}),
        ("GET /financial/deal?externalId=none", {"deals": [], "total": 0}),
        ("GET /custom_data/companies?company_id=none", {}),
    ],
)
def test_an_absent_object_is_200_with_an_empty_list(sandbox, line, reply):
    got = sandbox.call(line)
    assert (got.status, got.json()) == (200, reply)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f"GET /people/{ABSENT}", 404),
        (f"DELETE /people/{ABSENT}", 404),
        ("DELETE /people?user_id=none", 404),
        ("DELETE /people", 400),
        ("DELETE /company?company_id=none", 404),
        ("DELETE /company", 400),
        ("DELETE /financial/invoice?externalId=none", 404),
        ("DELETE /financial/invoice", 400),
        ("GET /people", 400),
        ("GET /company", 400),
        ("DELETE /note/" + ABSENT, 405),
        ("DELETE /event", 405),
        ("DELETE /task/" + ABSENT, 405),
    ],
)
def test_deletes_and_reads_of_unknown_objects(sandbox, line, status):
    assert sandbox.call(line).status == status
