"""Custom data, native: custify-api sections 2 and 3."""

import pytest


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "usage", "data_id": "1", "data": {"n": 1}}', 200),
        ("POST /custom_data/companies/COMPANY", '{"data_type": "usage", "data_id": 1, "data": {"deep": {"a": [1]}}}', 200),
        ("POST /custom_data/people?user_id=u1", '{"data_type": "usage", "data_id": "1", "data": {}}', 200),
        ("POST /custom_data/people/PERSON", '[{"data_type": "a", "data_id": "1", "data": {}}]', 200),
        ("POST /custom_data/companies?company_id=none", '{"data_type": "a", "data_id": "1", "data": {}}', 404),
        ("POST /custom_data/people?user_id=none", '{"data_type": "a", "data_id": "1", "data": {}}', 404),
        ("POST /custom_data/companies", '{"data_type": "a", "data_id": "1", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_id": "1", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data": {}}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1"}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1", "data": {}, "n": 1}', 400),
        ("POST /custom_data/companies?company_id=c1", '{"data_type": "a", "data_id": "1", "data": [1]}', 400),
        ("POST /custom_data/companies?company_id=c1", '[{"data_type": "a", "data_id": "1", "data": {}}, {}]', 400),
    ],
)  # fmt: skip
def test_custom_data_bodies(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body)
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


def test_custom_data_is_unique_on_type_and_id(sandbox, post):
    line = "POST /custom_data/companies?company_id=c1"
    post(line, '{"data_type": "usage", "data_id": "1", "data": {"n": 1, "m": 1}}')
    post(line, '{"data_type": "usage", "data_id": "1", "data": {"n": 2}}')
    post(
        line, '[{"data_type": "usage", "data_id": "2", "data": {}}, {"data_type": "other", "data_id": "1", "data": {}}]'
    )
    kept = [(d["data_type"], d["data_id"], d["data"]) for d in sandbox.state()["custom_data"]]
    assert kept == [("usage", "1", {"n": 2}), ("usage", "2", {}), ("other", "1", {})]
    got = post("GET /custom_data/companies?company_id=c1").json()
    assert {kind: len(listed) for kind, listed in got.items()} == {"usage": 2, "other": 1}
    one = post("GET /custom_data/companies/COMPANY?data_type=usage&data_id=2").json()
    assert [d["data_id"] for d in one["usage"]] == ["2"]
    assert post("DELETE /custom_data/companies?company_id=c1&data_type=usage").json() == {"deleted": 2}
    assert list(post("GET /custom_data/companies/COMPANY").json()) == ["other"]
