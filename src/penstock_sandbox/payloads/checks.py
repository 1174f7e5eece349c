"""Checks of whole objects against a table of rules."""

from collections.abc import Mapping
from typing import Any

from penstock_sandbox.account.account import Account
from penstock_sandbox.account.call import ApiError, JsonObject
from penstock_sandbox.payloads import field_rules
from penstock_sandbox.payloads.field_rules import Rule

ATTRIBUTES_MOST = 250
METADATA_KEYS = 50
METADATA_CHARS = 10_000

_attribute_value = field_rules.scalar(field_rules.LONG)


def must_be_object(body: Any) -> JsonObject:
    if not isinstance(body, dict):
        raise ApiError(400, "The request body must be a JSON object")
    return body


def valid_fields(account: Account, body: JsonObject, rules: Mapping[str, Rule]) -> JsonObject:
    """The valid fields of `body`; null is always valid and clears a field.

    Strict raises ApiError 400 for a field without a rule and for a value that its rule refuses. Lenient drops both,
    except an invalid date, which is kept as text (Custify's OpenAPI 1.5.7: "kept as String").
    """
    kept: JsonObject = {}
    for name, value in body.items():
        rule = rules.get(name)
        if rule is None:
            account.object_to(f'"{name}" is not allowed')
            continue
        wrong = None if value is None else rule(value)
        if wrong is not None:
            account.object_to(f'"{name}" {wrong}')
            if rule not in (field_rules.date, field_rules.date_time):
                continue
        kept[name] = value
    return kept


def require(body: JsonObject, *names: str) -> None:
    """Raise ApiError 400 unless each of `names` is set and not null, in strict and lenient mode."""
    for name in names:
        if body.get(name) is None:
            raise ApiError(400, f'"{name}" is required')


def require_any(body: JsonObject, *names: str) -> None:
    if all(body.get(name) is None for name in names):
        raise ApiError(400, f"At least one of [{', '.join(names)}] is required")


def valid_attributes(account: Account, kind: str, attributes: Any) -> JsonObject:
    """The valid custom attributes, by name, value and number: an account has at most 250 different ones.

    `kind` is "company" or "customer". `pin_types` sets their types after all checks.
    """
    if attributes is None:
        return {}
    if not isinstance(attributes, dict):
        raise ApiError(400, '"custom_attributes" must be an object')
    known = account.store.attributes[kind]
    kept: JsonObject = {}
    for name, value in attributes.items():
        wrong = None if name in known else field_rules.attribute_name(name)
        if wrong is None and value is not None and not field_rules.is_currency(value):
            wrong = _attribute_value(value)
        if wrong is not None:
            account.object_to(f'"custom_attributes.{name}" {wrong}')
            continue
        kept[name] = value
    _bound_attributes(account, known, kept)
    return kept


def pin_types(account: Account, kind: str, attributes: JsonObject) -> None:
    """Set the type of new attributes by their first value. A later value of another type causes only a warning: the
    documents discourage it, but do not say that it is refused.
    """
    known = account.store.attributes[kind]
    for name, value in attributes.items():
        if value is None:
            continue
        pinned = known.get(name)
        if pinned is None:
            known[name] = pinned = field_rules.detected_type(name, value)
        if not field_rules.fits(pinned, name, value):
            account.store.warn(f"{kind} attribute {name!r} is of type {pinned}; a value of another type was sent")


def valid_metadata(account: Account, metadata: Any) -> JsonObject | None:
    """The valid metadata of an event: at most 50 keys and 10,000 characters, texts of at most 100, integers in int32.

    Nested values are refused; this is our inference, since every known client sends only scalars.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise ApiError(400, '"metadata" must be an object')
    if len(metadata) > METADATA_KEYS:
        account.object_to(f'"metadata" must have less than or equal to {METADATA_KEYS} keys')
    kept: JsonObject = {}
    for name, value in metadata.items():
        wrong = None if value is None else _metadata_value(value)
        if wrong is not None:
            account.object_to(f'"metadata.{name}" {wrong}')
            continue
        kept[name] = value
    if len(field_rules.as_text(kept)) > METADATA_CHARS:
        account.object_to(f'"metadata" length must be less than or equal to {METADATA_CHARS} characters long')
    return kept


_metadata_value = field_rules.scalar(field_rules.SHORT)


def _bound_attributes(account: Account, known: Mapping[str, str], kept: JsonObject) -> None:
    if len(known) + len(kept) <= ATTRIBUTES_MOST:
        return
    if len(known.keys() | kept.keys()) > ATTRIBUTES_MOST:
        account.object_to(f'"custom_attributes" must have less than or equal to {ATTRIBUTES_MOST} fields')
