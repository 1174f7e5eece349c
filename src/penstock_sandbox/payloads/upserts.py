"""Upserts: the matching of people and companies, and the merge of their fields."""

from dataclasses import dataclass, field
from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, JsonObject
from penstock_sandbox.payloads import checks, references

_UNSETTABLE = {
    "customer": frozenset(
        ("name", "phone", "signed_up_at", "session_count", "unsubscribed_from_emails", "unsubscribed_from_calls")
    ),
    "company": frozenset(
        (
            "name",
            "plan",
            "signed_up_at",
            "owners_csm",
            "owners_account",
            "size",
            "website",
            "industry",
            "monthly_revenue",
        )
    ),
}


@dataclass(frozen=True, slots=True)
class CompanyLink:
    """A link from a person to a company (or from a company to its parent), by one of the two ids."""

    company_id: Any = None
    id: Any = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A checked upsert, for both dialects. Null in `fields` or `attributes` clears a field."""

    fields: JsonObject
    attributes: JsonObject = field(default_factory=dict)
    links: tuple[CompanyLink, ...] = ()
    unset: tuple[str, ...] = ()


def match_person(account: Account, fields: JsonObject) -> JsonObject | None:
    """The stored person, or None if a new one is created (Custify's OpenAPI 1.5.7, people matching).

    Matches by `id`, by `user_id`, and by email if the stored person has no `user_id` or none was sent. An email whose
    person has *another* `user_id` does not match: a second person is created. Raises ApiError 404 for an unknown `id`.
    """
    store, internal = account.store, fields.get("id")
    if internal is not None:
        if internal not in store.people:
            raise ApiError(404, "People not found")
        return store.people[internal]
    user_id, email = fields.get("user_id"), fields.get("email")
    if user_id is None:
        return store.person_of(None, email)
    if user_id in store.by_user_id:
        return store.by_user_id[user_id]
    same_email = store.by_email.get(email, []) if email is not None else []
    return next((person for person in same_email if person.get("user_id") is None), None)


def upsert_person(account: Account, change: Change) -> JsonObject:
    """Apply an upsert of a person. All checks are made before anything changes."""
    person = match_person(account, change.fields)
    if person is None:
        checks.require_any(change.fields, "user_id", "email")
    elif change.fields.get("user_id") is not None:
        owner = account.store.by_user_id.get(change.fields["user_id"], person)
        if owner is not person:
            raise ApiError(400, '"user_id" already belongs to another person')
    companies = _resolved(account, change.links)
    if person is None:
        person = account.new_object() | {"companies": [], "custom_attributes": {}}
        account.store.add_person(person)
    account.store.unindex_person(person)
    # An id that is sent as null does not clear the id.
    _merge(account, "customer", person, change, keys=("user_id", "email"))
    account.store.index_person(person)
    for company, remove in companies:
        if remove:
            account.store.unlink(person, company)
        else:
            account.store.link(person, company)
    return person


def upsert_company(account: Account, change: Change) -> JsonObject:
    """Upsert a company by `id`, else by `company_id`, which never changes (Custify's OpenAPI 1.5.7)."""
    internal, key = change.fields.get("id"), change.fields.get("company_id")
    if internal is not None:
        company = account.store.companies.get(internal)
        if company is None:
            raise ApiError(404, "Company not found")
        if key is not None and company.get("company_id") != key:
            raise ApiError(400, '"company_id" can not be changed')
    else:
        checks.require(change.fields, "company_id")
        company = account.store.by_company_id.get(key) if key is not None else None
    parents = _resolved(account, change.links)
    if company is None:
        company = account.new_object() | {"company_id": key, "churned": False, "custom_attributes": {}}
        account.store.add_company(company)
    _merge(account, "company", company, change, keys=("company_id",))
    for parent, remove in parents:
        known = [other for other in company.get("parent_companies", []) if other != parent]
        company["parent_companies"] = known if remove else [*known, parent]
    return company


def check_unset(kind: str, names: Any, body: JsonObject) -> tuple[str, ...]:
    """The names in `$unset` of a native upsert. Raises ApiError 400 for a field that cannot be unset or is also set."""
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ApiError(400, '"$unset" must be an array of strings')
    attributes = body.get("custom_attributes")
    for name in names:
        custom = name.removeprefix("custom_attributes.")
        if custom == name and name not in _UNSETTABLE[kind]:
            raise ApiError(400, f'"$unset" contains a field that can not be unset: {name}')
        given = body if custom == name else attributes if isinstance(attributes, dict) else {}
        if custom in given:
            raise ApiError(400, f'"{name}" can not be set and unset in the same request')
    return tuple(names)


def _resolved(account: Account, wanted: tuple[CompanyLink, ...]) -> list[tuple[str, bool]]:
    """(Custify's id, remove) of each link whose company exists."""
    found: list[tuple[str, bool]] = []
    for link in wanted:
        if link.id is not None:
            company = account.store.companies.get(link.id)
            if company is None:
                raise ApiError(404, "Company not found")
        elif link.remove:
            company = references.company_by_key(account, link.company_id)
        else:
            company = references.linked_company(account, link.company_id)
        if company is not None:
            found.append((company["id"], link.remove))
    return found


def _merge(account: Account, kind: str, stored: JsonObject, change: Change, keys: tuple[str, ...]) -> None:
    for name, value in change.fields.items():
        if value is not None:
            stored[name] = value
        elif name not in keys and name != "id":
            stored.pop(name, None)
    if change.attributes:
        checks.pin_types(account, kind, change.attributes)
        merge_members(stored["custom_attributes"], change.attributes)
    for name in change.unset:
        custom = name.removeprefix("custom_attributes.")
        (stored if custom == name else stored["custom_attributes"]).pop(custom, None)
    stored["updated_at"] = account.stamp()


def merge_members(stored: JsonObject, sent: JsonObject) -> None:
    """Merge `sent` into `stored`, member by member; null removes a member."""
    for name, value in sent.items():
        if value is None:
            stored.pop(name, None)
        else:
            stored[name] = value
