"""Subscriptions, invoices and deals, native: upserts by `externalId`. Source: Custify's OpenAPI 1.5.7."""

from collections.abc import Mapping
from typing import Any

from penstock_sandbox.account.account import Account, Handler
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.native import pages
from penstock_sandbox.payloads import checks, field_rules, references, upserts
from penstock_sandbox.payloads.field_rules import Rule
from penstock_sandbox.payloads.references import path_id

_OWNED: dict[str, Rule] = {
    "externalId": field_rules.company_key(),
    "company": field_rules.object_id,
    "company_id": field_rules.company_key(),
    "people": field_rules.object_id,
    "user_id": field_rules.key(),
}
SUBSCRIPTION = _OWNED | {
    "plan": field_rules.text(),
    "mrr": field_rules.number,
    "startedAt": field_rules.date_time,
    "currentCycleStartAt": field_rules.date_time,
    "currentCycleEndAt": field_rules.date_time,
    "nextBillingAt": field_rules.date_time,
    "canceledAt": field_rules.date_time,
    "billingPeriod": field_rules.number,
    "billingPeriodUnit": field_rules.text(),
    "lastInvoiceStatus": field_rules.text(),
    "lastTransactionStatus": field_rules.text(),
    "dueInvoicesCount": field_rules.integer,
    "dueInvoicesSince": field_rules.date_time,
    "dueInvoicesTotal": field_rules.integer,
    "paidInvoicesCount": field_rules.integer,
    "paidInvoicesTotal": field_rules.integer,
    "metadata": field_rules.mapping,
}
INVOICE = _OWNED | {
    "total": field_rules.number,
    "amountPaid": field_rules.number,
    "status": field_rules.text(),
    "invoicedAt": field_rules.date_time,
    "paidAt": field_rules.date_time,
}
DEAL = _OWNED | {
    "name": field_rules.text(),
    "value": field_rules.integer,
    "status": field_rules.text(),
    "addedAt": field_rules.date_time,
    "wonAt": field_rules.date_time,
    "lostAt": field_rules.date_time,
}
_RULES: Mapping[str, Mapping[str, Rule]] = {"subscriptions": SUBSCRIPTION, "invoices": INVOICE, "deals": DEAL}
KINDS = {"subscription": "subscriptions", "invoice": "invoices", "deal": "deals"}


def objects_of(account: Account, kind: str) -> dict[str, JsonObject]:
    store = account.store
    return {"subscriptions": store.subscriptions, "invoices": store.invoices, "deals": store.deals}[kind]


def shown(stored: JsonObject) -> JsonObject:
    """The object as a reply, with `externalIds: {"custify": …}` in place of `externalId`."""
    reply = {name: value for name, value in stored.items() if name != "externalId"}
    return reply | {"externalIds": {"custify": stored.get("externalId")}}


def store(account: Account, kind: str, fields: JsonObject) -> JsonObject:
    """Upsert a checked object of either dialect by `externalId`; null clears a field. Raises ApiError 400 or 404."""
    key = str(fields["externalId"])
    resolved = dict(fields) | {"externalId": key}
    if "company" in fields or "company_id" in fields:
        resolved["company"], resolved["company_id"] = references.company_of(account, fields)
    if "people" in fields or "user_id" in fields:
        resolved["people"], resolved["user_id"] = references.person_of(account, fields)
    stored = account.store.by_external_id.get((kind, key))
    if stored is None:
        stored = account.new_object()
        objects_of(account, kind)[stored["id"]] = stored
        account.store.by_external_id[kind, key] = stored
    for name, value in resolved.items():
        if value is None:
            stored.pop(name, None)
        elif name == "metadata":  # not published; our choice: merged by member, like custom attributes
            upserts.merge_members(stored.setdefault(name, {}), value)
        else:
            stored[name] = value
    stored["updated_at"] = account.stamp()
    return stored


def writer(kind: str) -> Handler:
    """POST /financial/<kind>, or /financial/<kind>/{entity} with Custify's id."""

    def write(account: Account, call: Call) -> Reply:
        body = checks.must_be_object(call.body)
        if call.params:
            known = objects_of(account, kind).get(path_id(call.params[0]))
            if known is None:
                raise ApiError(404, f"{_singular(kind)} not found")
            body = body | {"externalId": known["externalId"]}
        checks.require(body, "externalId")
        fields = checks.valid_fields(account, body, _RULES[kind])
        checks.require(fields, "externalId")
        return Reply(200, shown(store(account, kind, fields)))

    return write


def reader(kind: str) -> Handler:
    """GET /financial/<kind>[/{entity}]: `{"<kind>s": […], "total"}`, or the bare object if exactly one matches.

    What `{entity}` may be is not published; here it is the id of the object, or of its company or person.
    """

    def read(account: Account, call: Call) -> Reply:
        filters = account.filters(call.query)
        found = [stored for stored in objects_of(account, kind).values() if _matches(stored, filters)]
        if call.params:
            entity = path_id(call.params[0])
            found = [stored for stored in found if entity in _related(stored)]
        found = pages.filtered(account, found, call.query)
        if len(found) == 1:
            return Reply(200, shown(found[0]))
        page = pages.page_of(account, found, call.query, pages.FEW)
        return Reply(200, {kind: [shown(stored) for stored in page], "total": len(found)})

    return read


def deleter(kind: str) -> Handler:
    """DELETE /financial/<kind>?externalId= or /financial/<kind>/{entity}."""

    def delete(account: Account, call: Call) -> Reply:
        if call.params:
            named = path_id(call.params[0])
            stored: Any = objects_of(account, kind).get(named)
        else:
            named = call.query.get("externalId", "")
            if named == "":
                raise ApiError(400, '"externalId" is required')
            stored = account.store.by_external_id.get((kind, named))
        if stored is None:
            raise ApiError(404, f"{_singular(kind)}: {named} not found")
        del objects_of(account, kind)[stored["id"]]
        del account.store.by_external_id[kind, stored["externalId"]]
        return Reply(200, {"deleted": 1})

    return delete


def _singular(kind: str) -> str:
    return kind.removesuffix("s").capitalize()


def _related(stored: JsonObject) -> tuple[Any, ...]:
    return stored["id"], stored.get("company"), stored.get("people")


def _matches(stored: JsonObject, filters: Mapping[str, str]) -> bool:
    names = ("externalId", "company", "company_id", "people", "user_id")
    return all(stored.get(name) == filters[name] for name in names if name in filters)
