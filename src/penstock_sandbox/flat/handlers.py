"""The flat dialect: the literal paths and bodies of the requirement page, with the same store as the native dialect.

Where that page says nothing (the identity of a subscription, the reply of a batch…), the docstrings name our choice.
"""

from collections.abc import Callable
from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.flat import schemas
from penstock_sandbox.flat.schemas import sort
from penstock_sandbox.native import batches, custom_data, events, financial, notes, tasks
from penstock_sandbox.payloads import checks, field_rules, references, upserts
from penstock_sandbox.payloads.upserts import Change, CompanyLink

ITEMS_MOST = 500

Upsert = Callable[[Account, Any], JsonObject]


def _writer(upsert: Upsert) -> Callable[[Account, Call], Reply]:
    def write(account: Account, call: Call) -> Reply:
        return Reply(200, upsert(account, call.body))

    return write


def upsert_person(account: Account, body: Any) -> JsonObject:
    """Upsert a person: `company_id` links it; `plan`, `churned_at` and unknown fields become custom attributes."""
    known = sort(account, checks.must_be_object(body), schemas.PERSON)
    fields, attributes = known.fields, known.extras
    for name in ("plan", "churned_at"):
        if name in fields:
            attributes[name] = fields.pop(name)
    company = fields.pop("company_id", None)
    linked = () if company is None else (CompanyLink(company_id=company),)
    return upserts.upsert_person(account, Change(fields, attributes, linked))


def upsert_company(account: Account, body: Any) -> JsonObject:
    """Upsert a company: `mrr` is the native `monthly_revenue`; `churned_at` and unknown fields become attributes."""
    known = sort(account, checks.must_be_object(body), schemas.COMPANY)
    fields, attributes = known.fields, known.extras
    if "churned_at" in fields:
        attributes["churned_at"] = fields.pop("churned_at")
    if fields.get("company_id") is not None:
        fields["company_id"] = str(fields["company_id"])
    return upserts.upsert_company(account, Change(fields, attributes))


def upsert_subscription(account: Account, body: Any) -> JsonObject:
    """Without an `externalId`, company and plan identify it. `status` and extras are in `metadata`, as in native."""
    known = sort(account, checks.must_be_object(body), schemas.SUBSCRIPTION)
    fields, metadata = known.fields, known.extras
    if "status" in fields:
        metadata["status"] = fields.pop("status")
    if metadata:
        fields["metadata"] = metadata
    return _financial(account, "subscriptions", fields, ("company_id", "plan"))


def upsert_invoice(account: Account, body: Any) -> JsonObject:
    """Without an `externalId`, company, due date and amount identify it, since its status changes."""
    known = sort(account, checks.must_be_object(body), schemas.INVOICE)
    return _financial(account, "invoices", _with_extras(known), ("company_id", "due_date", "total"))


def upsert_deal(account: Account, body: Any) -> JsonObject:
    """Without an `externalId`, company and name identify it."""
    known = sort(account, checks.must_be_object(body), schemas.DEAL)
    return _financial(account, "deals", _with_extras(known), ("company_id", "name"))


def create_task(account: Account, body: Any) -> JsonObject:
    """Create a task, open and of medium priority. `person_id` is Custify's id or the sender's."""
    known = sort(account, checks.must_be_object(body), schemas.TASK)
    fields = _with_extras(known)
    person = fields.pop("person_id", None)
    if person is not None:
        fields["people" if field_rules.is_object_id(person) else "user_id"] = person
    return tasks.store(account, {"priority": "medium", "status": "open"} | fields)


def create_note(account: Account, body: Any) -> JsonObject:
    """Create a note on the person if there is one, else on the company; `created_at` is the sender's."""
    known = sort(account, checks.must_be_object(body), schemas.NOTE)
    fields = _with_extras(known)
    person, company = fields.pop("person_id", None), fields.pop("company_id", None)
    if person is not None:
        found = account.store.people.get(person) if field_rules.is_object_id(person) else None
        entity = found if found is not None else references.existing_person(account, person)
        model = "Customer"
    else:
        entity, model = references.existing_company(account, company), "Company"
    resolved = {name: value for name, value in fields.items() if value is not None}
    return notes.shown(account, notes.store(account, resolved | {"entity": entity["id"], "entityModel": model}))


def upsert_custom_object(account: Account, body: Any) -> JsonObject:
    """Upsert by `type` and `data_id`; without `data_id`, a company has one object of a type."""
    known = sort(account, checks.must_be_object(body), schemas.CUSTOM_OBJECT)
    company = references.existing_company(account, known.fields["company_id"])
    identity = known.fields.get("data_id")
    entry = {
        "data_type": known.fields["type"],
        "data_id": known.fields["company_id"] if identity is None else identity,
        "data": known.extras,
    }
    return custom_data.store(account, "Company", company["id"], entry)


def write_event(account: Account, call: Call) -> Reply:
    """Store an event; inline extras are its metadata. Replies 202 `{}`, as in native."""
    known = sort(account, checks.must_be_object(call.body), schemas.EVENT)
    metadata = {"metadata": known.extras} if known.extras else {}
    events.store(account, known.fields | metadata)
    return Reply(202, {})


def write_batch(account: Account, call: Call) -> Reply:
    """`{"batch": […]}` of up to 500 people and companies: applied at once, reply 200 with one result per item.

    An item is a company if it has a `company_id` and neither `user_id` nor `email`. Other properties beside `batch` are
    ignored, since the page allows them.
    """
    body = checks.must_be_object(call.body)
    items = body.get("batch")
    if not isinstance(items, list) or not items:
        raise ApiError(400, '"batch" must contain at least 1 item')
    if len(items) > ITEMS_MOST:
        raise ApiError(400, f'"batch" must contain less than or equal to {ITEMS_MOST} items')
    results = [_item(account, call, index, item) for index, item in enumerate(items)]
    failed = all(result["status"] == "error" for result in results)
    status = "failed" if failed else "completed"
    return Reply(200, {"id": account.store.ids.new(account.now()), "status": status, "results": results})


def _item(account: Account, call: Call, index: int, item: Any) -> JsonObject:
    company = isinstance(item, dict) and "company_id" in item and "user_id" not in item and "email" not in item
    apply: Upsert | None = upsert_company if company else upsert_person
    if call.failing is not None and call.failing(index):
        apply = None
    return batches.outcome(account, index, "company" if company else "people", apply, item)


def _financial(account: Account, kind: str, fields: JsonObject, identity: tuple[str, ...]) -> JsonObject:
    if fields.get("externalId") is None:
        fields["externalId"] = "flat:" + "|".join(str(fields.get(name, "")) for name in identity)
    return financial.shown(financial.store(account, kind, fields))


def _with_extras(known: schemas.FlatFields) -> JsonObject:
    return known.fields | ({"extras": known.extras} if known.extras else {})


write_person = _writer(upsert_person)
write_company = _writer(upsert_company)
write_subscription = _writer(upsert_subscription)
write_invoice = _writer(upsert_invoice)
write_deal = _writer(upsert_deal)
write_task = _writer(create_task)
write_note = _writer(create_note)
write_custom_object = _writer(upsert_custom_object)
