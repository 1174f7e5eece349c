"""Finds the stored company or person that a request refers to."""

from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, JsonObject
from penstock_sandbox.payloads import field_rules


def company_by_key(account: Account, key: Any) -> JsonObject | None:
    """The company with the sender's `company_id` (a number means its digits), or None."""
    return account.store.by_company_id.get(str(key))


def linked_company(account: Account, key: Any) -> JsonObject | None:
    """The company of a link. If it does not exist, the setting `unknown_company` decides (not published).

    skip → None with a warning; error → ApiError 400; create → a new company with only its id.
    """
    company = company_by_key(account, key)
    if company is not None:
        return company
    how = account.settings.unknown_company
    if how == "error":
        raise ApiError(400, f'"company_id" does not match any company: {key}')
    if how == "skip":
        account.store.warn(f"link to an unknown company was skipped: {key}")
        return None
    company = account.new_object() | {"company_id": str(key), "custom_attributes": {}}
    account.store.add_company(company)
    return company


def existing_company(account: Account, key: Any) -> JsonObject:
    """As `linked_company`, for objects that need a company. Raises ApiError 404."""
    company = (
        linked_company(account, key) if account.settings.unknown_company == "create" else company_by_key(account, key)
    )
    if company is None:
        raise ApiError(404, "Company not found")
    return company


def existing_person(account: Account, user_id: str | None, email: str | None = None) -> JsonObject:
    """The person by `user_id`, else by email. Raises ApiError 404 (with the text of Custify's OpenAPI 1.5.7)."""
    person = account.store.person_of(user_id, email)
    if person is None:
        raise ApiError(404, "People not found")
    return person


def company_of(account: Account, body: JsonObject) -> tuple[str | None, str | None]:
    """The company of an object, from `company` (Custify's id) or `company_id` (the sender's id), as both ids."""
    internal, key = body.get("company"), body.get("company_id")
    if internal is not None:
        found = account.store.companies.get(internal)
        if found is None:
            raise ApiError(404, "Company not found")
    elif key is not None:
        found = linked_company(account, key)
    else:
        return None, None
    if found is None:
        return None, str(key)
    return found["id"], found.get("company_id")


def person_of(account: Account, body: JsonObject) -> tuple[str | None, str | None]:
    """The person from `people` (Custify's id) or `user_id` (the sender's), as both ids. Raises ApiError 404."""
    internal, key = body.get("people"), body.get("user_id")
    if internal is not None:
        found = account.store.people.get(internal)
        if found is None:
            raise ApiError(404, "People not found")
    elif key is not None:
        found = existing_person(account, key)
    else:
        return None, None
    return found["id"], found.get("user_id")


def named_company(account: Account, named: Any) -> JsonObject:
    """The company by Custify's id or by the sender's `company_id`. Raises ApiError 404."""
    found = account.store.companies.get(named) if field_rules.is_object_id(named) else None
    if found is None:
        found = company_by_key(account, named)
    if found is None:
        raise ApiError(404, "Company not found")
    return found


def named_person(account: Account, named: str) -> JsonObject:
    """The person by Custify's id, by `user_id` or by email. Raises ApiError 404."""
    found = account.store.people.get(named)
    return existing_person(account, named, named) if found is None else found


def path_id(call_id: str) -> str:
    """Custify's id from a path. Raises ApiError 503 for an invalid one, as integrators have reported."""
    if not field_rules.is_object_id(call_id):
        raise ApiError(503, "Service temporarily unavailable")
    return call_id
