"""Tickets, native: custify-api sections 2 and 3."""

import pytest


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /ticket", '{"externalId": "k1", "title": "Broken", "company": "c1", "replies": [{"body": "x"}]}', 200),
        ("POST /ticket", '{"externalId": "k1", "replies": [{"type": "sms"}]}', 400),
        ("PUT /ticket/none", '{"title": "x"}', 404),
    ],
)  # fmt: skip
def test_ticket_bodies(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body)
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


def test_tickets(post):
    post("POST /ticket", '{"externalId": "k1", "title": "a", "company": "c1", "replies": [{"body": "1"}]}')
    post("POST /ticket", '{"externalId": "k1", "title": "b"}')
    post("POST /ticket/k1/reply", '{"body": "2", "type": "outgoing"}')
    (ticket,) = post("GET /ticket/c1").json()["tickets"]
    assert (ticket["title"], [reply["body"] for reply in ticket["replies"]]) == ("b", ["1", "2"])
    assert post("PUT /ticket/k1", '{"replies": []}').json()["replies"] == []
    assert post("DELETE /ticket/k1").json() == {"deleted": 1}
