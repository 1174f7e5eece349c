"""From what a request calls a company or a person to the stored object."""

from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, JsonObject
from penstock_sandbox.payloads import field_rules


def company_by_key(account: Account, key: Any) -> JsonObject | None:
    """By your `company_id` (a number means its digits)."""
    return account.store.by_company_id.get(str(key))


def linked_company(account: Account, key: Any) -> JsonObject | None:
    """The company a link means; when it is not there, the setting `unknown_company` decides (not published).

    skip → None with a warning; error → ApiError 400; create → a bare new company.
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
    """As `linked_company`, for what cannot stand without it. Raises ApiError 404."""
    company = (
        linked_company(account, key) if account.settings.unknown_company == "create" else company_by_key(account, key)
    )
    if company is None:
        raise ApiError(404, "Company not found")
    return company


def existing_person(account: Account, user_id: str | None, email: str | None = None) -> JsonObject:
    """By `user_id`, then by e-mail. Raises ApiError 404 (the wording is Custify's, from its OpenAPI 1.5.7)."""
    person = account.store.person_of(user_id, email)
    if person is None:
        raise ApiError(404, "People not found")
    return person


def company_of(account: Account, body: JsonObject) -> tuple[str | None, str | None]:
    """`company` (Custify's id) or `company_id` (yours) of a task, subscription… → (Custify's id, your id)."""
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
    """`people` (Custify's id) or `user_id` (yours) → (Custify's id, your id). Raises ApiError 404."""
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


def path_id(call_id: str) -> str:
    """Custify's id from a path. A malformed one is answered with 503, as integrators met it."""
    if not field_rules.is_object_id(call_id):
        raise ApiError(503, "Service temporarily unavailable")
    return call_id
