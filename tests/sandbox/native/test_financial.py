# ruff: noqa: UP031 - with %s the braces of JSON stay as they are on the wire
"""Subscriptions, invoices and deals, native: custify-api sections 2 and 3."""

import pytest

OTHER = "6b054f0991941777f3ffffff"


@pytest.mark.parametrize(
    ("line", "body", "status"),
    [
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "plan": "pro", "mrr": 99.5}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "user_id": "u1", "startedAt": "2026-01-01T00:00:00Z"}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "metadata": {"status": "trialing"}}', 200),
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "status": "active"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "company_id": "c1", "start_date": "2026-01-01"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "nextBillingAt": "01/02/2026"}', 400),
        ("POST /financial/subscription", '{"company_id": "c1", "plan": "pro"}', 400),
        ("POST /financial/subscription", '{"externalId": "s1", "mrr": "99"}', 400),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "total": 12.5, "status": "paid"}', 200),
        ("POST /financial/invoice", '{"externalId": "i1", "company": "COMPANY", "paidAt": "2026-01-01T00:00:00Z"}', 200),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "amount": 12.5}', 400),
        ("POST /financial/invoice", '{"externalId": "i1", "company_id": "c1", "due_date": "2026-01-01"}', 400),
        ("POST /financial/invoice", '{"total": 5}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "company_id": "c1", "name": "D", "value": 5, "status": "won"}', 200),
        ("POST /financial/deal", '{"externalId": "d1", "value": 5.5}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "value": 2147483648}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "stage": "won"}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "close_date": "2026-01-01"}', 400),
        ("POST /financial/deal", '{"externalId": "d1", "user_id": "none"}', 404),
        ("POST /financial/deal", '{"externalId": null}', 400),
        ("POST /financial/deal/%s" % OTHER, '{"value": 5}', 404),
    ],
)  # fmt: skip
def test_financial_bodies(sandbox, post, line, body, status):
    before = sandbox.stats()["objects"]
    got = post(line, body)
    assert got.status == status, got.body
    if status >= 400:
        assert sandbox.stats()["objects"] == before
        assert got.json()["statusCode"] == status


@pytest.mark.parametrize("kind", ["subscription", "invoice", "deal"])
def test_money_is_upserted_by_external_id(sandbox, post, kind):
    first = post(f"POST /financial/{kind}", '{"externalId": "x1", "company_id": "c1"}').json()
    second = post(f"POST /financial/{kind}", '{"externalId": "x1", "user_id": "u1"}').json()
    assert first["id"] == second["id"]
    assert second["externalIds"] == {"custify": "x1"}
    assert "externalId" not in second
    (stored,) = sandbox.state()[f"{kind}s"]
    assert (stored["externalId"], stored["company_id"], stored["user_id"]) == ("x1", "c1", "u1")
    by_id = post(f"POST /financial/{kind}/{first['id']}", '{"company_id": null}').json()
    assert ("company_id" in by_id, by_id["externalIds"]) == (False, {"custify": "x1"})


@pytest.mark.parametrize("kind", ["subscription", "invoice", "deal"])
def test_exactly_one_financial_match_is_the_bare_object(post, kind):
    line = f"GET /financial/{kind}"
    assert post(line).json() == {f"{kind}s": [], "total": 0}
    post(f"POST /financial/{kind}", '{"externalId": "x1", "company_id": "c1"}')
    assert post(line).json()["externalIds"] == {"custify": "x1"}
    post(f"POST /financial/{kind}", '{"externalId": "x2"}')
    got = post(line).json()
    assert (got["total"], len(got[f"{kind}s"])) == (2, 2)
    assert post(f"{line}?externalId=x2").json()["externalIds"] == {"custify": "x2"}
    assert post(f"DELETE /financial/{kind}?externalId=x1").json() == {"deleted": 1}
    assert post(line).json()["externalIds"] == {"custify": "x2"}


def test_reads_by_the_id_of_the_object_or_of_its_owner(sandbox, post):
    first = post("POST /financial/deal", '{"externalId": "d1", "company_id": "c1", "value": 5}').json()
    by_id = f"GET /financial/deal/{first['id']}"
    assert post(by_id).json() == first == post("GET /financial/deal/COMPANY").json()
    second = post("POST /financial/deal", '{"externalId": "d2", "company_id": "c1", "user_id": "u1"}').json()
    assert post(by_id).json() == first
    assert post("GET /financial/deal/COMPANY").json() == {"deals": [first, second], "total": 2}
    assert (
        post("GET /financial/deal/COMPANY?externalId=d2").json() == second == post("GET /financial/deal/PERSON").json()
    )
    assert post(f"GET /financial/deal/{OTHER}").json() == {"deals": [], "total": 0}
    assert post("GET /financial/deal/d1").status == 503
