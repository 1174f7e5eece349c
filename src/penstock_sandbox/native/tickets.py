"""Tickets, native, as far as destinations use them."""

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules

_REPLY = {
    "body": field_rules.text(),
    "from": field_rules.text(),
    "submittedAt": field_rules.date_time,
    "type": field_rules.one_of("note", "incoming", "outgoing"),
}
_TICKET = {
    "externalId": field_rules.company_key(),
    "title": field_rules.text(),
    "description": field_rules.text(),
    "ticketStatus": field_rules.text(),
    "priority": field_rules.text(),
    "assignedToName": field_rules.text(),
    "openedAt": field_rules.date_time,
    "lastModifiedAt": field_rules.date_time,
    "company": field_rules.company_key(),
    "people": field_rules.key(),
    "replies": field_rules.listing(field_rules.mapping),
}


def write_ticket(account: Account, call: Call) -> Reply:
    """POST /ticket: upsert by `externalId` if it is set."""
    fields = _valid_ticket(account, call)
    key = fields.get("externalId")
    ticket = None if key is None else _ticket(account, str(key))
    if ticket is None:
        ticket = account.new_object() | {"replies": []}
        account.store.tickets[ticket["id"]] = ticket
    ticket |= fields
    return Reply(200, ticket)


def patch_ticket(account: Account, call: Call) -> Reply:
    """PUT /ticket/{externalId}: change the given fields; `replies` replaces all replies."""
    ticket = _known_ticket(account, call)
    ticket |= _valid_ticket(account, call)
    return Reply(200, ticket)


def reply_to_ticket(account: Account, call: Call) -> Reply:
    ticket = _known_ticket(account, call)
    ticket["replies"].append(checks.valid_fields(account, checks.must_be_object(call.body), _REPLY))
    return Reply(200, ticket)


def read_tickets(account: Account, call: Call) -> Reply:
    """All tickets, or those of an entity."""
    wanted = call.params[0] if call.params else None
    tickets = account.visible(account.store.tickets.values())
    found = [t for t in tickets if wanted is None or wanted in (t.get("company"), t.get("people"))]
    return Reply(200, {"tickets": pages.page_of(account, found, call.query), "total": len(found)})


def delete_ticket(account: Account, call: Call) -> Reply:
    del account.store.tickets[_known_ticket(account, call)["id"]]
    return Reply(200, {"deleted": 1})


def _valid_ticket(account: Account, call: Call) -> JsonObject:
    fields = checks.valid_fields(account, checks.must_be_object(call.body), _TICKET)
    if fields.get("replies", ()) is None:
        del fields["replies"]
    for entry in fields.get("replies", ()):
        checks.valid_fields(account, entry, _REPLY)
    return fields


def _ticket(account: Account, key: str) -> JsonObject | None:
    return next((t for t in account.store.tickets.values() if str(t.get("externalId")) == key), None)


def _known_ticket(account: Account, call: Call) -> JsonObject:
    ticket = _ticket(account, call.params[0])
    if ticket is None:
        raise ApiError(404, "Ticket not found")
    return ticket
