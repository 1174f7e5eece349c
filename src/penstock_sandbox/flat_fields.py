"""The flat dialect's fields: which exist, of which type, and under which native name each is stored.

Source: the requirement page, which prints field names only; the types follow from its descriptions. Everything
else in a flat payload is an inline custom attribute. Flat knows no lengths and no int32.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import checks, values
from .account import Account
from .values import Rule
from .wire import JsonObject

_id = values.key(None)
_text = values.text()


@dataclass(frozen=True, slots=True)
class FlatObject:
    """`rules` by the page's names; `stored_as` where the native name differs."""

    rules: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    stored_as: Mapping[str, str] = field(default_factory=dict)


PERSON = FlatObject(
    rules={
        "user_id": _id,
        "email": _id,
        "name": _text,
        "phone": _text,
        "signed_up_at": values.date,
        "churned_at": values.date,
        "plan": _text,
        "company_id": values.company_key(None),
    },
    any_of=("user_id", "email"),
)
COMPANY = FlatObject(
    rules={
        "company_id": values.company_key(None),
        "name": _text,
        "website": _text,
        "plan": _text,
        "size": values.number,
        "mrr": values.number,
        "churned_at": values.date,
        "signed_up_at": values.date,
        "industry": _text,
    },
    required=("company_id",),
    stored_as={"mrr": "monthly_revenue"},
)
_EXTERNAL: Mapping[str, Rule] = {"externalId": values.company_key(None)}
SUBSCRIPTION = FlatObject(
    rules={
        **_EXTERNAL,
        "company_id": values.company_key(None),
        "plan": _text,
        "mrr": values.number,
        "start_date": values.date,
        "renewal_date": values.date,
        "status": _text,
    },
    required=("company_id",),
    stored_as={"start_date": "startedAt", "renewal_date": "nextBillingAt"},
)
INVOICE = FlatObject(
    rules={
        **_EXTERNAL,
        "company_id": values.company_key(None),
        "amount": values.number,
        "status": _text,
        "due_date": values.date,
    },
    required=("company_id",),
    stored_as={"amount": "total"},
)
DEAL = FlatObject(
    rules={
        **_EXTERNAL,
        "company_id": values.company_key(None),
        "name": _text,
        "stage": _text,
        "value": values.number,
        "close_date": values.date,
    },
    required=("company_id",),
    stored_as={"stage": "status"},
)
EVENT = FlatObject(
    rules={
        "name": _id,
        "created_at": values.date,
        "user_id": _id,
        "email": _id,
        "company_id": values.company_key(None),
        "deduplication_id": _id,
    },
    required=("name", "created_at"),
    any_of=("user_id", "email", "company_id"),
)
TASK = FlatObject(
    rules={
        "name": _id,
        "due_date": values.date,
        "assignee_email": _text,
        "company_id": values.company_key(None),
        "person_id": _id,
    },
    required=("name",),
    stored_as={"due_date": "dueDate", "assignee_email": "assignedTo"},
)
NOTE = FlatObject(
    rules={
        "text": _id,
        "company_id": values.company_key(None),
        "person_id": _id,
        "created_at": values.date,
    },
    required=("text",),
    any_of=("company_id", "person_id"),
)
CUSTOM_OBJECT = FlatObject(
    rules={"type": _id, "company_id": values.company_key(None), "data_id": values.company_key(None)},
    required=("type", "company_id"),
)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A flat payload's known fields under their stored names, and its inline extras."""

    fields: JsonObject
    extras: JsonObject


def sort(account: Account, body: JsonObject, kind: FlatObject) -> Sorted:
    """Check and sort a flat payload. Raises Refused 400 for a missing key or a value of the wrong type."""
    rules, stored_as = kind.rules, kind.stored_as
    known = checks.screen(account, {name: body[name] for name in body if name in rules}, rules)
    for given in (body, known):  # the lenient account drops what it cannot read: then it is missing as well
        checks.require(given, *kind.required)
        if kind.any_of:
            checks.require_any(given, *kind.any_of)
    fields = {stored_as.get(name, name): value for name, value in known.items()}
    return Sorted(fields, {name: body[name] for name in body if name not in rules})
