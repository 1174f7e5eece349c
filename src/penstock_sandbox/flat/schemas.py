"""The fields of the flat dialect: their types, and the native names under which they are stored.

Source: the requirement page, which has only names; the types follow from its descriptions. All other fields of a flat
payload are inline custom attributes. Flat has no limits for lengths and integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import JsonObject
from penstock_sandbox.payloads import checks, field_rules
from penstock_sandbox.payloads.field_rules import Rule

_id = field_rules.key(None)
_text = field_rules.text()


@dataclass(frozen=True, slots=True)
class FlatSchema:
    """The fields of an object: `rules` by the names of the page, `stored_as` for native names that differ."""

    rules: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    stored_as: Mapping[str, str] = field(default_factory=dict)


PERSON = FlatSchema(
    rules={
        "user_id": _id,
        "email": _id,
        "name": _text,
        "phone": _text,
        "signed_up_at": field_rules.date,
        "churned_at": field_rules.date,
        "plan": _text,
        "company_id": field_rules.company_key(None),
    },
    any_of=("user_id", "email"),
)
COMPANY = FlatSchema(
    rules={
        "company_id": field_rules.company_key(None),
        "name": _text,
        "website": _text,
        "plan": _text,
        "size": field_rules.number,
        "mrr": field_rules.number,
        "churned_at": field_rules.date,
        "signed_up_at": field_rules.date,
        "industry": _text,
    },
    required=("company_id",),
    stored_as={"mrr": "monthly_revenue"},
)
_EXTERNAL: Mapping[str, Rule] = {"externalId": field_rules.company_key(None)}
SUBSCRIPTION = FlatSchema(
    rules={
        **_EXTERNAL,
        "company_id": field_rules.company_key(None),
        "plan": _text,
        "mrr": field_rules.number,
        "start_date": field_rules.date,
        "renewal_date": field_rules.date,
        "status": _text,
    },
    required=("company_id",),
    stored_as={"start_date": "startedAt", "renewal_date": "nextBillingAt"},
)
INVOICE = FlatSchema(
    rules={
        **_EXTERNAL,
        "company_id": field_rules.company_key(None),
        "amount": field_rules.number,
        "status": _text,
        "due_date": field_rules.date,
    },
    required=("company_id",),
    stored_as={"amount": "total"},
)
DEAL = FlatSchema(
    rules={
        **_EXTERNAL,
        "company_id": field_rules.company_key(None),
        "name": _text,
        "stage": _text,
        "value": field_rules.number,
        "close_date": field_rules.date,
    },
    required=("company_id",),
    stored_as={"stage": "status"},
)
EVENT = FlatSchema(
    rules={
        "name": _id,
        "created_at": field_rules.date,
        "user_id": _id,
        "email": _id,
        "company_id": field_rules.company_key(None),
        "deduplication_id": _id,
    },
    required=("name", "created_at"),
    any_of=("user_id", "email", "company_id"),
)
TASK = FlatSchema(
    rules={
        "name": _id,
        "due_date": field_rules.date,
        "assignee_email": _text,
        "company_id": field_rules.company_key(None),
        "person_id": _id,
    },
    required=("name",),
    stored_as={"due_date": "dueDate", "assignee_email": "assignedTo"},
)
NOTE = FlatSchema(
    rules={
        "text": _id,
        "company_id": field_rules.company_key(None),
        "person_id": _id,
        "created_at": field_rules.date,
    },
    required=("text",),
    any_of=("company_id", "person_id"),
)
CUSTOM_OBJECT = FlatSchema(
    rules={"type": _id, "company_id": field_rules.company_key(None), "data_id": field_rules.company_key(None)},
    required=("type", "company_id"),
)


@dataclass(frozen=True, slots=True)
class FlatFields:
    """The known fields of a flat payload under their stored names, and its inline extras."""

    fields: JsonObject
    extras: JsonObject


def sort(account: Account, body: JsonObject, kind: FlatSchema) -> FlatFields:
    """Check and sort a flat payload. Raises ApiError 400 for a missing key or a value of the wrong type."""
    rules, stored_as = kind.rules, kind.stored_as
    known = checks.valid_fields(account, {name: body[name] for name in body if name in rules}, rules)
    for given in (body, known):  # the lenient account drops invalid values, which are then missing too
        checks.require(given, *kind.required)
        if kind.any_of:
            checks.require_any(given, *kind.any_of)
    fields = {stored_as.get(name, name): value for name, value in known.items()}
    return FlatFields(fields, {name: body[name] for name in body if name not in rules})
