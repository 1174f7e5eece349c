"""People, native: POST /people (alias /customer), its deletes, reads and tag. Source: Custify's OpenAPI 1.5.7."""

from typing import Any

from . import checks, lists, matching, values
from .account import Account
from .links import path_id
from .matching import Change, Link
from .wire import Call, JsonObject, Refused, Reply

_LINK = {"company_id": values.company_key(), "id": values.object_id, "remove": values.boolean}

PERSON = {
    "id": values.object_id,
    "user_id": values.key(),
    "email": values.key(),
    "name": values.text(values.LONG),
    "phone": values.text(values.LONG),
    "signed_up_at": values.date_time,
    "session_count": values.integer,
    "unsubscribed_from_emails": values.boolean,
    "unsubscribed_from_calls": values.boolean,
    "companies": values.listing(values.mapping),
    "custom_attributes": values.mapping,
    "$unset": values.anything,
}
_BLANK = dict.fromkeys(name for name in PERSON if name not in {"id", "companies", "custom_attributes", "$unset"})


def write(account: Account, call: Call) -> Reply:
    return Reply(200, upsert(account, call.body))


def upsert(account: Account, body: Any) -> JsonObject:
    """One native person payload → the stored person. Raises Refused 400 or 404."""
    body = checks.must_be_object(body)
    checks.require_any(body, "id", "user_id", "email")
    fields = checks.screen(account, body, PERSON)
    unset = matching.check_unset("customer", fields.pop("$unset", None), body)
    links = read_links(account, fields.pop("companies", None), "companies")
    attributes = checks.screen_attributes(account, "customer", fields.pop("custom_attributes", None))
    return matching.upsert_person(account, Change(fields, attributes, links, unset))


def read_links(account: Account, listed: list[JsonObject] | None, label: str) -> tuple[Link, ...]:
    links: list[Link] = []
    for entry in listed if listed is not None else ():
        known = checks.screen(account, entry, _LINK)
        if known.get("company_id") is None and known.get("id") is None:
            raise Refused(400, f'"{label}" contains an item without "company_id" or "id"')
        links.append(Link(known.get("company_id"), known.get("id"), known.get("remove") is True))
    return tuple(links)


def delete(account: Account, call: Call) -> Reply:
    """By path id or by `?user_id=` or `?email=`. The reply's shape is a third-party client's."""
    if call.params:
        person, named = account.store.people.get(path_id(call.params[0])), call.params[0]
    else:
        named = call.query.get("user_id", call.query.get("email", ""))
        if named == "":
            raise Refused(400, 'At least one of ["user_id", "email"] is required')
        person = account.store.person_of(call.query.get("user_id"), call.query.get("email"))
    if person is None:
        raise Refused(404, f"User: {named} not found")
    account.store.remove_person(person)
    return Reply(200, {"deleted": 1})


def read_one(account: Account, call: Call) -> Reply:
    """By Custify's id: the bare object (Custify's own MCP server)."""
    person = account.store.people.get(path_id(call.params[0]))
    if person is None:
        raise Refused(404, "People not found")
    return Reply(200, _BLANK | person)


def read(account: Account, call: Call) -> Reply:
    """By `user_id` or `email`: `[{"people": […], "total"}]`, an empty list when absent (third-party client)."""
    if "user_id" in call.query:
        person = account.store.by_user_id.get(call.query["user_id"])
        found = [] if person is None else [person]
    elif "email" in call.query:
        found = account.store.by_email.get(call.query["email"], [])
    else:
        raise Refused(400, 'At least one of ["user_id", "email"] is required')
    return Reply(200, [{"people": [_BLANK | person for person in found], "total": len(found)}])


def read_all(account: Account, call: Call) -> Reply:
    found = lists.filtered(account.store.people.values(), call.query)
    page = lists.page_of(account, found, call.query)
    return Reply(200, [{"people": [_BLANK | person for person in page], "total": len(found)}])


def tag(account: Account, call: Call) -> Reply:
    """POST /people/tag `{ids, tag, type: add|remove}`; tags are kept by name."""
    rules = {
        "ids": values.listing(values.object_id),
        "tag": values.text(values.LONG),
        "type": values.one_of("add", "remove"),
    }
    body = checks.screen(account, checks.must_be_object(call.body), rules)
    checks.require(body, "ids", "tag", "type")
    found = [account.store.people[i] for i in body["ids"] if i in account.store.people]
    for person in found:
        others = [name for name in person.get("tags", []) if name != body["tag"]]
        person["tags"] = [*others, body["tag"]] if body["type"] == "add" else others
    return Reply(200, {"updated": len(found)})
