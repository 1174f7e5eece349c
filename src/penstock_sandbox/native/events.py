"""Events: POST /event. Source: Custify's OpenAPI 1.5.7, and third-party clients for the empty reply."""

from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.payloads import checks, field_rules, references

EVENT = {
    "name": field_rules.key(field_rules.SHORT),
    "created_at": field_rules.date_time,
    "user_id": field_rules.key(field_rules.SHORT),
    "email": field_rules.key(field_rules.SHORT),
    "company_id": field_rules.company_key(field_rules.SHORT),
    "deduplication_id": field_rules.key(field_rules.SHORT),
    "metadata": field_rules.mapping,
}


def write(account: Account, call: Call) -> Reply:
    record(account, call.body)
    return Reply(202, {})


def record(account: Account, body: Any) -> JsonObject:
    """Store a native event; returns it, or the earlier event with the same `deduplication_id`."""
    body = checks.must_be_object(body)
    checks.require(body, "name", "created_at")
    checks.require_any(body, "user_id", "email", "company_id")
    fields = checks.valid_fields(account, body, EVENT)
    metadata = checks.valid_metadata(account, fields.get("metadata"))
    if metadata is not None:
        fields["metadata"] = metadata
    return store(account, fields)


def store(account: Account, fields: JsonObject) -> JsonObject:
    """Store a checked event of either dialect. Raises ApiError 404 when its person (or company) is unknown.

    An event without `user_id` and `email` needs its company; for an event of a person, `company_id` selects one of
    several companies. An event with a known `deduplication_id` is not stored, and the sender gets no error.
    """
    kept, internal = account.store, account.new_object()
    user_id, email, company = fields.get("user_id"), fields.get("email"), fields.get("company_id")
    person = None
    if user_id is not None or email is not None:
        person = references.existing_person(account, user_id, email)["id"]
    elif references.company_by_key(account, company) is None:
        raise ApiError(404, "Company not found")
    event = {"id": internal["id"], "person": person, "received_at": internal["created_at"]} | fields
    once = fields.get("deduplication_id")
    if once is not None:
        if once in kept.deduplication_ids:
            kept.duplicate_events.append(event)
            return event
        kept.deduplication_ids.add(once)
    kept.events.append(event)
    return event
