"""Subscriptions, invoices and deals, native: upserts by `externalId`. Source: Custify's OpenAPI 1.5.7."""

from collections.abc import Callable, Mapping
from typing import Any

from . import checks, links, lists, matching, values
from .account import Account
from .links import path_id
from .values import Rule
from .wire import Call, JsonObject, Refused, Reply

_OWNED: dict[str, Rule] = {
    "externalId": values.company_key(),
    "company": values.object_id,
    "company_id": values.company_key(),
    "people": values.object_id,
    "user_id": values.key(),
}
SUBSCRIPTION = _OWNED | {
    "plan": values.text(),
    "mrr": values.number,
    "startedAt": values.date_time,
    "currentCycleStartAt": values.date_time,
    "currentCycleEndAt": values.date_time,
    "nextBillingAt": values.date_time,
    "canceledAt": values.date_time,
    "billingPeriod": values.number,
    "billingPeriodUnit": values.text(),
    "lastInvoiceStatus": values.text(),
    "lastTransactionStatus": values.text(),
    "dueInvoicesCount": values.integer,
    "dueInvoicesSince": values.date_time,
    "dueInvoicesTotal": values.integer,
    "paidInvoicesCount": values.integer,
    "paidInvoicesTotal": values.integer,
    "metadata": values.mapping,
}
INVOICE = _OWNED | {
    "total": values.number,
    "amountPaid": values.number,
    "status": values.text(),
    "invoicedAt": values.date_time,
    "paidAt": values.date_time,
}
DEAL = _OWNED | {
    "name": values.text(),
    "value": values.integer,
    "status": values.text(),
    "addedAt": values.date_time,
    "wonAt": values.date_time,
    "lostAt": values.date_time,
}
_RULES: Mapping[str, Mapping[str, Rule]] = {"subscriptions": SUBSCRIPTION, "invoices": INVOICE, "deals": DEAL}
KINDS = {"subscription": "subscriptions", "invoice": "invoices", "deal": "deals"}

Handler = Callable[[Account, Call], Reply]


def shelf(account: Account, kind: str) -> dict[str, JsonObject]:
    store = account.store
    return {"subscriptions": store.subscriptions, "invoices": store.invoices, "deals": store.deals}[kind]


def shown(stored: JsonObject) -> JsonObject:
    """A reply carries `externalIds: {"custify": …}` in place of `externalId`."""
    reply = {name: value for name, value in stored.items() if name != "externalId"}
    return reply | {"externalIds": {"custify": stored.get("externalId")}}


def store(account: Account, kind: str, fields: JsonObject) -> JsonObject:
    """Upsert a checked object of either dialect by its `externalId`; null clears. Raises Refused 400 or 404."""
    key = str(fields["externalId"])
    placed = dict(fields) | {"externalId": key}
    if "company" in fields or "company_id" in fields:
        placed["company"], placed["company_id"] = links.company_of(account, fields)
    if "people" in fields or "user_id" in fields:
        placed["people"], placed["user_id"] = links.person_of(account, fields)
    stored = account.store.by_external_id.get((kind, key))
    if stored is None:
        stored = account.new_object()
        shelf(account, kind)[stored["id"]] = stored
        account.store.by_external_id[kind, key] = stored
    for name, value in placed.items():
        if value is None:
            stored.pop(name, None)
        elif name == "metadata":  # not published; ours: merged member by member, as custom attributes are
            matching.overlay(stored.setdefault(name, {}), value)
        else:
            stored[name] = value
    stored["updated_at"] = account.stamp()
    return stored


def writer(kind: str) -> Handler:
    """POST /financial/<kind>, or /financial/<kind>/{entity} for one known by Custify's id."""

    def write(account: Account, call: Call) -> Reply:
        body = checks.must_be_object(call.body)
        if call.params:
            known = shelf(account, kind).get(path_id(call.params[0]))
            if known is None:
                raise Refused(404, f"{_singular(kind)} not found")
            body = body | {"externalId": known["externalId"]}
        checks.require(body, "externalId")
        fields = checks.screen(account, body, _RULES[kind])
        checks.require(fields, "externalId")
        return Reply(200, shown(store(account, kind, fields)))

    return write


def reader(kind: str) -> Handler:
    """GET /financial/<kind>: `{"<kind>s": […], "total"}`, but the bare object when exactly one matches."""

    def read(account: Account, call: Call) -> Reply:
        found = [stored for stored in shelf(account, kind).values() if _asked(stored, call)]
        found = lists.filtered(found, call.query)
        if len(found) == 1:
            return Reply(200, shown(found[0]))
        page = lists.page_of(account, found, call.query, lists.FEW)
        return Reply(200, {kind: [shown(stored) for stored in page], "total": len(found)})

    return read


def deleter(kind: str) -> Handler:
    """DELETE /financial/<kind>?externalId= or /financial/<kind>/{entity}."""

    def delete(account: Account, call: Call) -> Reply:
        if call.params:
            named = path_id(call.params[0])
            stored: Any = shelf(account, kind).get(named)
        else:
            named = call.query.get("externalId", "")
            if named == "":
                raise Refused(400, '"externalId" is required')
            stored = account.store.by_external_id.get((kind, named))
        if stored is None:
            raise Refused(404, f"{_singular(kind)}: {named} not found")
        del shelf(account, kind)[stored["id"]]
        del account.store.by_external_id[kind, stored["externalId"]]
        return Reply(200, {"deleted": 1})

    return delete


def _singular(kind: str) -> str:
    return kind.removesuffix("s").capitalize()


def _asked(stored: JsonObject, call: Call) -> bool:
    names = ("externalId", "company", "company_id", "people", "user_id")
    return all(stored.get(name) == call.query[name] for name in names if name in call.query)
