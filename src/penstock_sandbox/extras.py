"""Tags, segments, tickets and field discovery, native, as far as a destination meets them."""

from collections.abc import Callable

from . import checks, lists, values
from .account import Account
from .links import path_id
from .wire import Call, JsonObject, Refused, Reply

_TAG_KINDS = (
    *("people", "company", "task", "note", "segment", "playbook"),
    *("lifecycle", "health_score", "survey", "calculated_metric"),
)
_TAG = {"name": values.key(), "category": values.one_of(*_TAG_KINDS)}
_REPLY = {
    "body": values.text(),
    "from": values.text(),
    "submittedAt": values.date_time,
    "type": values.one_of("note", "incoming", "outgoing"),
}
_TICKET = {
    "externalId": values.company_key(),
    "title": values.text(),
    "description": values.text(),
    "ticketStatus": values.text(),
    "priority": values.text(),
    "assignedToName": values.text(),
    "openedAt": values.date_time,
    "lastModifiedAt": values.date_time,
    "company": values.company_key(),
    "people": values.key(),
    "replies": values.listing(values.mapping),
}


def attributes(kind: str, standard: dict[str, values.Rule]) -> Callable[[Account, Call], Reply]:
    """Field discovery (Custify's own MCP server): standard fields, then the custom ones with their pinned types."""
    types: dict[values.Rule, str] = {values.integer: "Number", values.boolean: "Boolean", values.date_time: "Date"}
    hidden = {"$unset", "custom_attributes", "companies", "parent_companies"}
    fixed = [
        {"name": name, "niceName": _nice(name), "fieldType": types.get(rule, "String")}
        for name, rule in standard.items()
        if name not in hidden
    ]

    def read(account: Account, _call: Call) -> Reply:
        custom = account.store.attributes[kind].items()
        own = [{"name": f"custom_attributes.{n}", "niceName": _nice(n), "fieldType": t} for n, t in custom]
        return Reply(200, fixed + own)

    return read


def segments(_account: Account, _call: Call) -> Reply:
    """Segments are made in the web UI only: there are none here."""
    return Reply(200, {"segments": [], "total": 0})


def write_tag(account: Account, call: Call) -> Reply:
    """POST /tag, or /tag/{id}."""
    fields = checks.screen(account, checks.must_be_object(call.body), _TAG)
    if call.params:
        tag = account.store.tags.get(path_id(call.params[0]))
        if tag is None:
            raise Refused(404, "Tag not found")
    else:
        checks.require(fields, "name", "category")
        tag = account.new_object()
        account.store.tags[tag["id"]] = tag
    tag |= fields
    return Reply(200, tag)


def read_tags(account: Account, call: Call) -> Reply:
    """All, or by id: absent is an empty list, a malformed id 503 (both met by integrators)."""
    if call.params:
        tag = account.store.tags.get(path_id(call.params[0]))
        found = [] if tag is None else [tag]
    else:
        found = list(account.store.tags.values())
    return Reply(200, {"tags": lists.page_of(account, found, call.query), "total": len(found)})


def delete_tag(account: Account, call: Call) -> Reply:
    if account.store.tags.pop(path_id(call.params[0]), None) is None:
        raise Refused(404, "Tag not found")
    return Reply(200, {"deleted": 1})


def write_ticket(account: Account, call: Call) -> Reply:
    """POST /ticket: by `externalId` if given."""
    fields = _screened_ticket(account, call)
    key = fields.get("externalId")
    ticket = None if key is None else _ticket(account, str(key))
    if ticket is None:
        ticket = account.new_object() | {"replies": []}
        account.store.tickets[ticket["id"]] = ticket
    ticket |= fields
    return Reply(200, ticket)


def patch_ticket(account: Account, call: Call) -> Reply:
    """PUT /ticket/{externalId}: changes what is sent; `replies` replaces all of them."""
    ticket = _known_ticket(account, call)
    ticket |= _screened_ticket(account, call)
    return Reply(200, ticket)


def reply_to_ticket(account: Account, call: Call) -> Reply:
    ticket = _known_ticket(account, call)
    ticket["replies"].append(checks.screen(account, checks.must_be_object(call.body), _REPLY))
    return Reply(200, ticket)


def read_tickets(account: Account, call: Call) -> Reply:
    """All tickets, or those of an entity."""
    wanted = call.params[0] if call.params else None
    found = [
        t for t in account.store.tickets.values() if wanted is None or wanted in (t.get("company"), t.get("people"))
    ]
    return Reply(200, {"tickets": lists.page_of(account, found, call.query), "total": len(found)})


def delete_ticket(account: Account, call: Call) -> Reply:
    del account.store.tickets[_known_ticket(account, call)["id"]]
    return Reply(200, {"deleted": 1})


def _screened_ticket(account: Account, call: Call) -> JsonObject:
    fields = checks.screen(account, checks.must_be_object(call.body), _TICKET)
    if fields.get("replies", ()) is None:
        del fields["replies"]
    for entry in fields.get("replies", ()):
        checks.screen(account, entry, _REPLY)
    return fields


def _ticket(account: Account, key: str) -> JsonObject | None:
    return next((t for t in account.store.tickets.values() if str(t.get("externalId")) == key), None)


def _known_ticket(account: Account, call: Call) -> JsonObject:
    ticket = _ticket(account, call.params[0])
    if ticket is None:
        raise Refused(404, "Ticket not found")
    return ticket


def _nice(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()
