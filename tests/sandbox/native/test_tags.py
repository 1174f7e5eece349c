# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Tags, native: custify-api sections 2 and 3."""

import pytest


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /tag", '{"name": "vip", "category": "people"}', 200),
        ("POST /tag", '{"name": "vip", "category": "persons"}', 400),
        ("POST /people/tag", '{"ids": ["PERSON"], "tag": "vip", "type": "add"}', 200),
        ("POST /people/tag", '{"ids": ["u1"], "tag": "vip", "type": "add"}', 400),
    ],
)  # fmt: skip
def test_tag_bodies(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body)
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


def test_tags(sandbox, post):
    tag = post("POST /tag", '{"name": "vip", "category": "people"}').json()["id"]
    assert post(f"POST /tag/{tag}", '{"name": "VIP"}').json()["name"] == "VIP"
    assert post(f"GET /tag/{tag}").json()["total"] == 1
    assert post(f"DELETE /tag/{tag}").json() == {"deleted": 1}
    for how, tags in (("add", ["vip"]), ("add", ["vip"]), ("remove", [])):
        post("POST /people/tag", '{"ids": ["PERSON"], "tag": "vip", "type": "%s"}' % how)
        assert sandbox.state()["people"][0]["tags"] == tags
