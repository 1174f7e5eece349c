"""Custom data of companies and people, native: unique on `data_type` + `data_id`. Source: Custify's OpenAPI 1.5.7."""

from collections.abc import Mapping
from typing import Any

from penstock_sandbox.account.account import Account, Handler
from penstock_sandbox.account.call import ApiError, Call, JsonObject, Reply
from penstock_sandbox.payloads import checks, field_rules, references
from penstock_sandbox.payloads.references import path_id

ENTRY = {"data_type": field_rules.key(), "data_id": field_rules.company_key(), "data": field_rules.mapping}
_OWNER = {
    "entityModel": field_rules.one_of("Company", "Customer", "People"),
    "entity": field_rules.object_id,
    "company_id": field_rules.company_key(),
    "user_id": field_rules.key(),
}
_OF_PEOPLE = {"Customer", "People"}


def writer(model: str) -> Handler:
    """POST /custom_data/{companies|people}, for one entity. An array is stored completely or not at all."""

    def write(account: Account, call: Call) -> Reply:
        entity = _entity(account, call, model)
        bulk = isinstance(call.body, list)
        entries = [_entry(account, body) for body in (call.body if bulk else [call.body])]
        kept = [store(account, model, entity, entry) for entry in entries]
        return Reply(200, kept if bulk else kept[0])

    return write


def write_job(account: Account, body: Any) -> JsonObject:
    """Store the payload of a batch job, which names its entity."""
    body = checks.must_be_object(body)
    owner = checks.valid_fields(account, {k: v for k, v in body.items() if k in _OWNER}, _OWNER)
    entry = _entry(account, {k: v for k, v in body.items() if k not in _OWNER})
    people = owner.get("entityModel") in _OF_PEOPLE or (owner.get("company_id") is None and "user_id" in owner)
    model = "Customer" if people else "Company"
    where = account.store.people if people else account.store.companies
    entity = owner.get("entity")
    if entity is None:
        key = owner.get("user_id" if people else "company_id")
        if key is None:
            raise ApiError(400, "At least one of [entity, company_id, user_id] is required")
        entity = _known(account, model, key)
    elif entity not in where:
        raise ApiError(404, f"{model} not found")
    return store(account, model, entity, entry)


def store(account: Account, model: str, entity: str, entry: JsonObject) -> JsonObject:
    """Upsert a checked entry by `data_type` and `data_id`, which are unique in the account: its entity can change."""
    pair = (entry["data_type"], str(entry["data_id"]))
    stored = account.store.by_data_key.get(pair)
    if stored is None:
        stored = account.new_object()
        account.store.by_data_key[pair] = stored
        account.store.custom_data[stored["id"]] = stored
    elif stored["entity"] != entity:
        account.store.warn(f"custom data {pair[0]}/{pair[1]} moved to another entity")
    stored |= entry | {"data_id": pair[1], "entity": entity, "entityModel": model, "updated_at": account.stamp()}
    return stored


def reader(model: str) -> Handler:
    """GET: an object by `data_type`, empty for an unknown entity."""

    def read(account: Account, call: Call) -> Reply:
        grouped: dict[str, list[JsonObject]] = {}
        for stored in account.visible(_found(account, call, model, account.filters(call.query))):
            grouped.setdefault(stored["data_type"], []).append(stored)
        return Reply(200, grouped)

    return read


def deleter(model: str) -> Handler:
    def delete(account: Account, call: Call) -> Reply:
        found = _found(account, call, model, call.query)
        for stored in found:
            del account.store.custom_data[stored["id"]]
            del account.store.by_data_key[stored["data_type"], stored["data_id"]]
        return Reply(200, {"deleted": len(found)})

    return delete


def _entry(account: Account, body: Any) -> JsonObject:
    body = checks.must_be_object(body)
    checks.require(body, "data_type", "data_id", "data")
    kept = checks.valid_fields(account, body, ENTRY)
    checks.require(kept, "data_type", "data_id", "data")
    return kept


def _entity(account: Account, call: Call, model: str) -> str:
    """The entity of a write, by the id in the path or by query. Raises ApiError 404 if it does not exist."""
    if call.params:
        internal = path_id(call.params[0])
        if internal not in (account.store.companies if model == "Company" else account.store.people):
            raise ApiError(404, f"{model} not found")
        return internal
    return _known(account, model, _named(call, model))


def _known(account: Account, model: str, key: Any) -> str:
    if model == "Company":
        return str(references.existing_company(account, key)["id"])
    return str(references.existing_person(account, key)["id"])


def _named(call: Call, model: str) -> str:
    name = "company_id" if model == "Company" else "user_id"
    if call.query.get(name, "") == "":
        raise ApiError(400, f'"{name}" is required')
    return call.query[name]


def _found(account: Account, call: Call, model: str, filters: Mapping[str, str]) -> list[JsonObject]:
    """The objects of the entity in the path or query that `filters` match by `data_type` and `data_id`."""
    if call.params:
        internal: str | None = path_id(call.params[0])
    else:
        where = account.store.by_company_id if model == "Company" else account.store.by_user_id
        internal = where.get(_named(call, model), {}).get("id")
    wanted = {name: filters[name] for name in ("data_type", "data_id") if name in filters}
    return [
        stored
        for stored in account.store.custom_data.values()
        if stored["entity"] == internal and all(stored[name] == value for name, value in wanted.items())
    ]
