"""Events: custify-api section 2."""

import pytest


@pytest.fixture
def peopled(sandbox):
    sandbox.call("POST /company", '{"company_id": "c1"}')
    sandbox.call("POST /people", '{"user_id": "u1", "email": "ann@example.com"}')
    sandbox.call("POST /people", '{"email": "bob@example.com"}')
    return sandbox


@pytest.mark.parametrize(
    ("body", "status", "person"),
    [
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}', 202, 0),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "email": "bob@example.com"}', 202, 1),
        (
            '{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1", "email": "bob@example.com"}',
            202,
            0,
        ),
        (
            '{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "none", "email": "bob@example.com"}',
            202,
            1,
        ),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1", "company_id": "c1"}', 202, 0),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1", "company_id": "unknown"}', 202, 0),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "company_id": "c1"}', 202, None),
        (
            '{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1", "metadata": {"page": "/", "n": 0}}',
            202,
            0,
        ),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "none"}', 404, None),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "user_id": "none", "company_id": "c1"}', 404, None),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z", "company_id": "none"}', 404, None),
        ('{"name": "login", "created_at": "2026-01-01T00:00:00Z"}', 400, None),
        ('{"name": "login", "user_id": "u1"}', 400, None),
        ('{"created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}', 400, None),
        ('{"name": "", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}', 400, None),
        ('{"name": "login", "created_at": null, "user_id": "u1"}', 400, None),
    ],
)
def test_an_event(peopled, body, status, person):
    got = peopled.call("POST /event", body)
    assert got.status == status
    state = peopled.state()
    if status == 202:
        assert got.json() == {}
        (event,) = state["events"]
        assert event["person"] == (None if person is None else state["people"][person]["id"])
    else:
        assert state["events"] == []


def test_an_unknown_person_is_refused_with_custifys_text(peopled):
    got = peopled.call("POST /event", '{"name": "a", "created_at": "2026-01-01T00:00:00Z", "user_id": "none"}')
    assert got.json() == {"error": "Not Found", "message": "People not found", "statusCode": 404}


def test_a_repeated_deduplication_id_is_ignored_without_an_error(peopled):
    for name in ("first", "second"):
        body = '{"name": "%s", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1", "deduplication_id": "d1"}' % name  # noqa: UP031
        got = peopled.call("POST /event", body)
        assert (got.status, got.json()) == (202, {})
    assert [event["name"] for event in peopled.state()["events"]] == ["first"]
    assert [event["name"] for event in peopled.state()["duplicate_events"]] == ["second"]
    assert peopled.stats()["duplicate_events"] == 1


def test_without_a_deduplication_id_equal_events_are_two(peopled):
    for _ in range(2):
        peopled.call("POST /event", '{"name": "a", "created_at": "2026-01-01T00:00:00Z", "user_id": "u1"}')
    assert len(peopled.state()["events"]) == 2
