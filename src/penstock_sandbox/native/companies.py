"""Companies, native: POST /company, its deletes and reads. Source: Custify's OpenAPI 1.5.7."""

from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages, people
from penstock_sandbox.native.attached import scores
from penstock_sandbox.payloads import checks, field_rules, upserts
from penstock_sandbox.payloads.references import path_id
from penstock_sandbox.payloads.upserts import Change

COMPANY = {
    "id": field_rules.object_id,
    "company_id": field_rules.company_key(),
    "name": field_rules.text(field_rules.LONG),
    "website": field_rules.text(field_rules.LONG),
    "industry": field_rules.text(field_rules.LONG),
    "plan": field_rules.text(field_rules.LONG),
    "size": field_rules.integer,
    "monthly_revenue": field_rules.integer,
    "signed_up_at": field_rules.date_time,
    "churned": field_rules.boolean,
    "owners_csm": field_rules.text(field_rules.LONG),
    "owners_account": field_rules.text(field_rules.LONG),
    "parent_companies": field_rules.listing(field_rules.mapping),
    "custom_attributes": field_rules.mapping,
    "$unset": field_rules.anything,
}
_UNREAD = {"id", "company_id", "churned", "parent_companies", "custom_attributes", "$unset"}
_BLANK: JsonObject = dict.fromkeys(name for name in COMPANY if name not in _UNREAD) | {
    "status": None,
    "last_seen_at": None,
    "last_request_at": None,
    "tags": [],
}


def write(account: Account, call: Call) -> Reply:
    return Reply(200, upsert(account, call.body))


def upsert(account: Account, body: Any) -> JsonObject:
    """Upsert a company from a native payload. Raises ApiError 400 or 404."""
    body = checks.must_be_object(body)
    checks.require_any(body, "id", "company_id")
    fields = checks.valid_fields(account, body, COMPANY)
    if fields.get("company_id") is not None:
        fields["company_id"] = str(fields["company_id"])
    unset = upserts.check_unset("company", fields.pop("$unset", None), body)
    parents = people.read_links(account, fields.pop("parent_companies", None), "parent_companies")
    attributes = checks.valid_attributes(account, "company", fields.pop("custom_attributes", None))
    return upserts.upsert_company(account, Change(fields, attributes, parents, unset))


def shown(account: Account, company: JsonObject) -> JsonObject:
    """A company as a reply, with the number of its people and their scores."""
    metrics: JsonObject = {"people_count": len(account.store.members.get(company["id"], {})), "health_scores": {}}
    metrics |= scores.metrics_of_company(account, company["id"])
    return _BLANK | company | {"metrics": metrics}


def delete(account: Account, call: Call) -> Reply:
    if call.params:
        company, named = account.store.companies.get(path_id(call.params[0])), call.params[0]
    else:
        named = call.query.get("company_id", "")
        if named == "":
            raise ApiError(400, '"company_id" is required')
        company = account.store.by_company_id.get(named)
    if company is None:
        raise ApiError(404, f"Company: {named} not found")
    account.store.remove_company(company)
    return Reply(200, {"deleted": 1})


def read_one(account: Account, call: Call) -> Reply:
    """By Custify's id: also `{"companies": […], "total"}` (Custify's own MCP server)."""
    company = account.store.companies.get(path_id(call.params[0]))
    return _listed(account, [] if company is None else [company])


def read(account: Account, call: Call) -> Reply:
    """By the sender's `company_id`: an empty list if it does not exist (third-party client)."""
    if "company_id" not in call.query:
        raise ApiError(400, '"company_id" is required')
    company = account.store.by_company_id.get(call.query["company_id"])
    return _listed(account, account.visible([] if company is None else [company]))


def read_all(account: Account, call: Call) -> Reply:
    found = pages.filtered(account, account.store.companies.values(), call.query)
    found = pages.sorted_by(found, call.query)
    page = [shown(account, company) for company in pages.page_of(account, found, call.query)]
    return Reply(200, {"companies": page, "total": len(found)})


def read_people(account: Account, call: Call) -> Reply:
    """The people of a company, nested as Custify's own MCP server reads them."""
    named = account.store.members.get(path_id(call.params[0]), {})
    members = account.visible(account.store.people[internal] for internal in named)
    page = pages.page_of(account, members, call.query)
    listed = [
        {"id": p["id"], "details": p, "activity": {"last_seen_at": None, "session_count": p.get("session_count")}}
        for p in page
    ]
    return Reply(200, {"people": listed, "total": len(members)})


def _listed(account: Account, companies: list[JsonObject]) -> Reply:
    found = [shown(account, company) for company in companies]
    return Reply(200, {"companies": found, "total": len(found)})
