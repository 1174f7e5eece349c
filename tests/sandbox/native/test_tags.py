# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Tags, native: custify-api sections 2 and 3."""

import pytest

OTHER = "6b054f0991941777f3ffffff"


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


def test_tags_of_entities_by_id(sandbox, post):
    tag = post("POST /tag", '{"name": "vip", "category": "company"}').json()["id"]
    body = '{"ids": ["COMPANY", "%s"], "type": "%s", "category": "company", "tag": "%s"}'
    for how, tags in (("add", [tag]), ("add", [tag]), ("remove", [])):
        assert post("PATCH /tag/entity", body % (OTHER, how, tag)).json() == {"updated": 1}
        assert sandbox.state()["companies"][0]["tags"] == tags


@pytest.mark.parametrize(
    "category", ["segment", "playbook", "lifecycle", "health_score", "survey", "calculated_metric"]
)
def test_tags_of_what_the_web_ui_creates(sandbox, category):
    kind = f"{category}s"
    entity = sandbox.call("GET /_admin/ui_objects").json()[kind][0]["id"]
    body = '{"ids": ["%s"], "type": "add", "category": "%s", "tag": "new"}' % (entity, category)
    assert sandbox.call("PATCH /tag/entity", body).json() == {"updated": 1}
    assert sandbox.call("GET /_admin/ui_objects").json()[kind][0]["tags"] == ["new"]


def test_tags_of_tasks_and_notes(sandbox, post):
    task = post("POST /task", '{"name": "t", "priority": "low", "status": "open"}').json()["id"]
    note = post("POST /note", '{"text": "n", "entity": "PERSON", "entityModel": "Customer", "tags": ["old"]}').json()[
        "id"
    ]
    for category, entity in (("task", task), ("note", note), ("people", "PERSON")):
        body = '{"ids": ["%s"], "type": "add", "category": "%s", "tag": "new"}' % (entity, category)
        assert post("PATCH /tag/entity", body).json() == {"updated": 1}
    state = sandbox.state()
    assert [state[kind][0]["tags"] for kind in ("tasks", "notes", "people")] == [["new"], ["old", "new"], ["new"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"ids": ["COMPANY"], "type": "set", "category": "company", "tag": "vip"}', 400),
        ('{"ids": ["c1"], "type": "add", "category": "company", "tag": "vip"}', 400),
        ('{"ids": ["COMPANY"], "type": "add", "category": "deal", "tag": "vip"}', 400),
        ('{"ids": ["COMPANY"], "type": "add", "category": "company"}', 400),
        ('{"ids": ["COMPANY"], "type": "add", "category": "company", "tag": "%s"}' % OTHER, 404),
        ('{"ids": ["COMPANY"], "type": "add", "category": "company", "tag": "TAG"}', 400),
    ],
)
def test_wrong_tags_of_entities(sandbox, post, ids, body, status):
    tag = post("POST /tag", '{"name": "vip", "category": "people"}').json()["id"]
    assert post("PATCH /tag/entity", body.replace("TAG", tag)).status == status
    assert "tags" not in sandbox.state()["companies"][0]


def test_tags_are_read_by_category(sandbox, post):
    for category in ("people", "company"):
        post("POST /tag", '{"name": "vip", "category": "%s"}' % category)
    assert [tag["category"] for tag in sandbox.call("GET /tag?category=company").json()["tags"]] == ["company"]
    assert sandbox.call("GET /tag").json()["total"] == 2
