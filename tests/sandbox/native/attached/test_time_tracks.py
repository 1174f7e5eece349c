"""Tracked time: custify-api section 2."""

import json

import pytest

ABSENT = "6b054f0991941777f3ffffff"
TRACK = {"duration": 900, "name": "Call", "startedDate": "2026-01-01T10:00:00Z"}


@pytest.fixture
def create(sandbox, ids):
    def create(query="?user=ada@example.com", **fields):
        return sandbox.call(f"POST /time-track{query}", json.dumps(TRACK | fields))

    return create


@pytest.mark.parametrize(
    ("query", "fields", "status", "message"),
    [
        ("?user=ada@example.com", {}, 200, None),
        ("?user=5f0000000000000000000001", {"company": "c1", "people": "u1", "tags": ["x"]}, 200, None),
        ("", {}, 400, '"user" is required'),
        ("?user=ada@example.com", {"duration": None}, 400, '"duration" is required'),
        ("?user=ada@example.com", {"duration": "900"}, 400, '"duration" must be an integer'),
        ("?user=ada@example.com", {"startedDate": "2026-01-01"}, 400, '"startedDate" must be a date and time'),
        ("?user=ada@example.com", {"name": ""}, 400, '"name" is not allowed to be empty'),
        ("?user=ada@example.com", {"company": "c9"}, 404, "Company not found"),
        ("?user=ada@example.com", {"people": "u9"}, 404, "People not found"),
        ("?user=ada@example.com", {"note": "x"}, 400, '"note" is not allowed'),
    ],
)
def test_tracked_time_is_checked(sandbox, create, query, fields, status, message):
    got = create(query, **fields)
    assert got.status == status, got.body
    assert len(sandbox.state()["time_tracks"]) == (1 if status == 200 else 0)
    if status != 200:
        assert message in got.json()["message"]


def test_entities_and_users_are_named_by_either_id(sandbox, ids, create):
    by_own = create("?user=ada@example.com", company="c1", people="u1").json()
    by_custifys = create("?user=5f0000000000000000000001", company=ids["COMPANY"], people=ids["PERSON"]).json()
    for track in (by_own, by_custifys):
        assert (track["user"], track["company"], track["people"]) == (
            "5f0000000000000000000001",
            ids["COMPANY"],
            ids["PERSON"],
        )


@pytest.mark.parametrize("path", ["/time-track", "/time_track"])
def test_changed_and_deleted_by_an_id_in_path_query_or_body(sandbox, create, path):
    first, second = create(company="c1").json(), create(name="Mail").json()
    changed = sandbox.call(f"PUT {path}/{first['id']}", '{"duration": 60}').json()
    assert changed == first | {"duration": 60, "updated_at": changed["updated_at"]}
    body = json.dumps({"id": second["id"], "tags": ["x"]})
    assert sandbox.call(f"PUT {path}?user=grace@example.com", body).json()["user"] == "5f0000000000000000000002"
    assert sandbox.call(f"PUT {path}/{first['id']}", '{"name": null}').status == 400
    assert sandbox.call(f"PUT {path}", '{"duration": 60}').status == 400
    assert sandbox.call(f"PUT {path}/{ABSENT}", '{"duration": 60}').status == 404
    assert sandbox.call(f"DELETE {path}/{first['id']}").json() == {"deleted": 1}
    assert sandbox.call(f"DELETE {path}?id={second['id']}").json() == {"deleted": 1}
    assert sandbox.call(f"DELETE {path}/{first['id']}").status == 404
    assert sandbox.call(f"GET {path}").json() == {"time_tracks": [], "total": 0}


def test_reads_are_filtered_and_paged(sandbox, ids, create):
    first = create(company="c1", tags=["x", "y"]).json()
    second = create("?user=grace@example.com", people="u1").json()
    assert sandbox.call("GET /time-track").json() == {"time_tracks": [first, second], "total": 2}
    assert sandbox.call("GET /time-track?itemsPerPage=1&page=2").json() == {"time_tracks": [second], "total": 2}
    for query, wanted in (
        (f"company={ids['COMPANY']}", first),
        (f"people={ids['PERSON']}", second),
        ("user=5f0000000000000000000002", second),
        ("tags=y", first),
    ):
        assert sandbox.call(f"GET /time-track?{query}").json() == {"time_tracks": [wanted], "total": 1}
