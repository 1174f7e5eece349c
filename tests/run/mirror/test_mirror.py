"""A mirror deletes what it delivered and what a complete read of its dataset no longer has, and nothing else."""

import pytest

DELETE = "on_delete: delete, mirror_max_share: 1"
PERSON = "template: upsert_person, fields: {user_id: id, name: name}"
COMPANY = "template: upsert_company, fields: {company_id: id, name: name}"
DEAL = "template: upsert_deal, fields: {company_id: company, name: name}, attributes: none"
SUBSCRIPTION = "template: upsert_subscription, fields: {company_id: company, plan: name}, attributes: none"
INVOICE = "template: upsert_invoice, fields: {company_id: company, status: name}, attributes: none"
OBJECT = "template: upsert_custom_object, fields: {type: {value: asset}, company_id: company}, attributes: [name]"


def rows(*keys, **more):
    return [{"id": key, "name": f"N {key}", **more} for key in keys]


def outcomes(report):
    records = dict(report["records"])
    assert records.pop("read") == sum(records.values())
    return {name: number for name, number in records.items() if number}


@pytest.mark.parametrize(
    ("how", "kind", "by"),
    [
        (PERSON, "people", "user_id"),
        (PERSON.replace("user_id: id", "email: id"), "people", "email"),
        (COMPANY, "companies", "company_id"),
        (DEAL, "deals", "externalId"),
        (SUBSCRIPTION, "subscriptions", "externalId"),
        (INVOICE, "invoices", "externalId"),
        (OBJECT, "custom_data", "data_id"),
        (OBJECT + ", batch: off", "custom_data", "data_id"),
        ("template: send_batch, object: person, fields: {user_id: id, name: name}", "people", "user_id"),
    ],
    ids=["person", "e-mail", "company", "deal", "subscription", "invoice", "custom object", "single", "batch"],
)
def test_what_left_is_deleted_and_the_rest_stays(its, sandbox, how, kind, by):
    sandbox.call("POST /company", '{"company_id": "acme"}')
    sandbox.call("POST /people", '{"user_id": "other", "email": "other@x.org"}')
    keys = ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]
    others = its.has(kind, by)
    its.add("it", how, rows(*keys, company="acme"), more=DELETE)
    assert outcomes(its.run()) == {"delivered": 4}
    assert its.has(kind, by) == sorted([*others, *keys])
    its.rows("it", rows("b@x.org", "d@x.org", "e@x.org", company="acme"))
    plan = its.plan()
    assert (plan["deletes"], plan["delete_keys"]) == (2, ["a@x.org", "c@x.org"])
    assert plan["deletes_hash"]
    report = its.run()
    assert (outcomes(report), report["deleted"], report["status"]) == ({"delivered": 1, "unchanged": 2}, 2, "succeeded")
    assert its.deleted_in(report["run"]) == plan["delete_keys"]
    assert report["requests"] == plan["requests"]
    assert its.has(kind, by) == sorted([*others, "b@x.org", "d@x.org", "e@x.org"])
    again = its.run()
    assert (outcomes(again), again["deleted"], again["requests"]) == ({"unchanged": 3}, 0, 0)
    its.rows("it", rows(*keys, "e@x.org", company="acme"))
    assert outcomes(its.run()) == {"delivered": 2, "unchanged": 3}
    assert its.has(kind, by) == sorted([*others, *keys, "e@x.org"])
    assert its.plan()["deletes"] == 0
