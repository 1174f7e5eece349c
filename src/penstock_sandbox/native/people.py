"""People, native: POST /people (alias /customer), its deletes, reads and tag. Source: Custify's OpenAPI 1.5.7."""

from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.native.attached import scores
from penstock_sandbox.payloads import checks, field_rules, upserts
from penstock_sandbox.payloads.references import path_id
from penstock_sandbox.payloads.upserts import Change, CompanyLink

_LINK = {"company_id": field_rules.company_key(), "id": field_rules.object_id, "remove": field_rules.boolean}

PERSON = {
    "id": field_rules.object_id,
    "user_id": field_rules.key(),
    "email": field_rules.key(),
    "name": field_rules.text(field_rules.LONG),
    "phone": field_rules.text(field_rules.LONG),
    "signed_up_at": field_rules.date_time,
    "session_count": field_rules.integer,
    "unsubscribed_from_emails": field_rules.boolean,
    "unsubscribed_from_calls": field_rules.boolean,
    "companies": field_rules.listing(field_rules.mapping),
    "custom_attributes": field_rules.mapping,
    "$unset": field_rules.anything,
}
_BLANK = dict.fromkeys(name for name in PERSON if name not in {"id", "companies", "custom_attributes", "$unset"})


def write(account: Account, call: Call) -> Reply:
    return Reply(200, upsert(account, call.body))


def upsert(account: Account, body: Any) -> JsonObject:
    """Upsert a person from a native payload. Raises ApiError 400 or 404."""
    body = checks.must_be_object(body)
    checks.require_any(body, "id", "user_id", "email")
    fields = checks.valid_fields(account, body, PERSON)
    unset = upserts.check_unset("customer", fields.pop("$unset", None), body)
    links = read_links(account, fields.pop("companies", None), "companies")
    attributes = checks.valid_attributes(account, "customer", fields.pop("custom_attributes", None))
    return upserts.upsert_person(account, Change(fields, attributes, links, unset))


def read_links(account: Account, listed: list[JsonObject] | None, label: str) -> tuple[CompanyLink, ...]:
    links: list[CompanyLink] = []
    for entry in listed if listed is not None else ():
        known = checks.valid_fields(account, entry, _LINK)
        if known.get("company_id") is None and known.get("id") is None:
            raise ApiError(400, f'"{label}" contains an item without "company_id" or "id"')
        links.append(CompanyLink(known.get("company_id"), known.get("id"), known.get("remove") is True))
    return tuple(links)


def delete(account: Account, call: Call) -> Reply:
    """Delete by the id in the path, `?user_id=` or `?email=`. The form of the reply is from a third-party client."""
    if call.params:
        person, named = account.store.people.get(path_id(call.params[0])), call.params[0]
    else:
        named = call.query.get("user_id", call.query.get("email", ""))
        if named == "":
            raise ApiError(400, 'At least one of ["user_id", "email"] is required')
        person = account.store.person_of(call.query.get("user_id"), call.query.get("email"))
    if person is None:
        raise ApiError(404, f"User: {named} not found")
    account.store.remove_person(person)
    return Reply(200, {"deleted": 1})


def shown(account: Account, person: JsonObject) -> JsonObject:
    """A person as a reply to a read, with `metrics` if they have a score."""
    metrics = scores.metrics_of_person(account, person["id"])
    return _BLANK | person | ({"metrics": metrics} if metrics else {})


def read_one(account: Account, call: Call) -> Reply:
    """By Custify's id: the bare object (Custify's own MCP server)."""
    person = account.store.people.get(path_id(call.params[0]))
    if person is None:
        raise ApiError(404, "People not found")
    return Reply(200, shown(account, person))


def read(account: Account, call: Call) -> Reply:
    """By `user_id` or `email`: `[{"people": […], "total"}]`, an empty list when absent (third-party client)."""
    if "user_id" in call.query:
        person = account.store.by_user_id.get(call.query["user_id"])
        found = [] if person is None else [person]
    elif "email" in call.query:
        found = account.store.by_email.get(call.query["email"], [])
    else:
        raise ApiError(400, 'At least one of ["user_id", "email"] is required')
    found = account.visible(found)
    return Reply(200, [{"people": [shown(account, person) for person in found], "total": len(found)}])


def read_all(account: Account, call: Call) -> Reply:
    found = pages.filtered(account, account.store.people.values(), call.query)
    found = pages.sorted_by(found, call.query)
    page = pages.page_of(account, found, call.query)
    return Reply(200, [{"people": [shown(account, person) for person in page], "total": len(found)}])


def tag(account: Account, call: Call) -> Reply:
    """POST /people/tag `{ids, tag, type: add|remove}`; tags are stored by name."""
    rules = {
        "ids": field_rules.listing(field_rules.object_id),
        "tag": field_rules.text(field_rules.LONG),
        "type": field_rules.one_of("add", "remove"),
    }
    body = checks.valid_fields(account, checks.must_be_object(call.body), rules)
    checks.require(body, "ids", "tag", "type")
    found = [account.store.people[i] for i in body["ids"] if i in account.store.people]
    for person in found:
        others = [name for name in person.get("tags", []) if name != body["tag"]]
        person["tags"] = [*others, body["tag"]] if body["type"] == "add" else others
    return Reply(200, {"updated": len(found)})
