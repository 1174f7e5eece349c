"""A POST with an Idempotency-Key is executed once."""

import pytest

from support.service.security_service import PASSWORD, running

KEY = "9f0e8d7c-once"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("once")) as made:
        for role in ("admin", "editor"):
            made.add(role, role)
        yield made


def create(client, name, key):
    value = {"source": "file", "key": "id"}
    body = {"name": name, "value": value}
    return client.post("/api/v1/datasets", json=body, headers={"Idempotency-Key": key})


def test_a_repeated_request_gets_the_stored_response_and_changes_nothing(service):
    client = service.signed_in("editor")
    before = client.get("/api/v1/project").json()["version"]
    first, again = create(client, "one", KEY), create(client, "one", KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["etag"]) == (first.json(), first.headers["etag"])
    assert again.headers["idempotency-replayed"] == "true"
    assert client.get("/api/v1/project").json()["version"] == before + 1
    entries = service.signed_in("admin").get("/api/v1/audit", params={"action": "POST /{kind}"}).json()["items"]
    assert [entry["what"] for entry in entries].count("kind=datasets name=one") == 1
    assert create(client, "one", "another-key").status_code == 409, "without its name it is another request"


def test_a_key_is_valid_for_one_request_of_one_user(service):
    client, other = service.signed_in("editor"), service.signed_in("admin")
    assert create(client, "two", "k-two").status_code == 201
    reused = create(client, "three", "k-two")
    assert (reused.status_code, reused.json()["errors"][0]["code"]) == (409, "key-reused")
    assert create(other, "three", "k-two").status_code == 201


def test_a_refused_request_can_be_sent_again_with_its_key(service):
    client = service.signed_in("editor")
    bad = client.post("/api/v1/datasets", json={"name": "four", "value": {}}, headers={"Idempotency-Key": "k-four"})
    assert bad.status_code == 400
    assert create(client, "four", "k-four").status_code == 201
    assert create(client, "five", "not a key").json()["errors"][0]["path"] == "Idempotency-Key"


def test_a_key_expires_after_a_day(service):
    client = service.signed_in("editor")
    assert create(client, "six", "k-six").status_code == 201
    assert create(client, "seven", "k-seven").status_code == 201
    service.clock.later_s += 24 * 3600 + 1
    try:
        assert create(client, "six", "k-six").json()["errors"][0]["code"] == "name-taken"
        assert service.app.care.tick().removed["answers"] > 0
    finally:
        service.clock.later_s = 0.0


def test_the_stored_response_with_a_secret_is_sealed(service):
    client = service.signed_in("editor")
    body = {"name": "mine", "role": "viewer"}
    asked = [client.post("/api/v1/tokens", json=body, headers={"Idempotency-Key": "k-tok"}) for _ in range(2)]
    token = asked[0].json()["token"]
    assert asked[1].json()["token"] == token
    assert len(client.get("/api/v1/tokens").json()["items"]) == 1
    assert all(token.encode() not in file.read_bytes() for file in service.folder.glob("state.db*") if file.is_file())


def test_a_sign_in_has_no_idempotency_key(service):
    client = service.client()
    body, headers = {"name": "editor", "password": PASSWORD}, {"Idempotency-Key": "k-in"}
    for _ in range(2):
        reply = client.post("/api/v1/session", json=body, headers=headers)
        assert "idempotency-replayed" not in reply.headers
        assert "set-cookie" in reply.headers
