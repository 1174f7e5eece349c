"""Rules on single values. Each maps a value that is not null to the value to send, or to a Refusal.

Preview, test, plan and run share them, so that they cannot disagree. The rules on numbers are in `numbers`, those on
dates in `json_values`. Blank text is null for every type but `text`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from penstock.model.outcome import Refusal, refuse
from penstock.model.text import identifying
from penstock.render.values.json_values import date_time, plain, read_json
from penstock.render.values.numbers import Digits, float_text, int32_if_whole, sent

Rule = Callable[[object], object]

_OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_BOOLEANS: Mapping[str, bool] = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
LENGTH = "length"  # the rule of text that is too long
ATTRIBUTE_NAME_LIMIT = 190
CUSTOM_ATTRIBUTES = "custom_attributes"  # the container whose names Custify restricts


def text(value: object) -> object:
    """Text as it is; numbers in their shortest form (366.0 → `366`), booleans as `true` and `false`.

    Whole floats are written by their digits, as far as a float holds them.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, int | Decimal):
        number = sent(value)
        return number if isinstance(number, Refusal) else str(number)
    return refuse("type", value, "is not text", "text, or a number or boolean to be written as text")


def key(value: object) -> object:
    """Text that identifies something, without invisible characters and blanks around it: blank is null."""
    written = text(value)
    return (identifying(written) or None) if isinstance(written, str) else written


def former_text(value: object) -> object:
    """Text as release 0.1.0 wrote it: a whole float past 10^15 with a point or an exponent."""
    if not isinstance(value, float):
        return text(value)
    number = sent(value)
    return number if isinstance(number, Refusal) else str(number)


def former_key(value: object) -> object:
    """Text that identifies something, as release 0.1.0 had it: with what cannot be seen, and with blanks around it."""
    written = former_text(value)
    return None if isinstance(written, str) and not written.strip() else written


def email(value: object) -> object:
    """Text with one @ and no white space, without invisible characters and blanks around it. Blank is null."""
    if not isinstance(value, str):
        return refuse("email", value, "is not an e-mail address", "an address such as ada@example.com")
    address = identifying(value)
    if not address:
        return None
    if _EMAIL.fullmatch(address):
        return address
    return refuse("email", value, "is not an e-mail address", "an address such as ada@example.com")


def boolean(value: object) -> object:
    """True and false; 1 and 0; the words true, yes, 1, false, no, 0 in any case. Blank is null."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | Decimal):
        if value in (0, 1):
            return bool(value)
    elif isinstance(value, str):
        if not value.strip():
            return None
        found = _BOOLEANS.get(value.strip().lower())
        if found is not None:
            return found
    return refuse("boolean", value, "is neither true nor false", "true, false, yes, no, 1 or 0")


def object_id(value: object) -> object:
    """Custify's own ids: 24 hexadecimal digits. Checked here, since a malformed one is answered like an outage."""
    found = identifying(value) if isinstance(value, str) else value
    if found == "":
        return None
    if is_object_id(found):
        return found
    return refuse("id", value, "is not an id of Custify's", "24 hexadecimal digits")


def is_object_id(value: object) -> bool:
    return isinstance(value, str) and _OBJECT_ID.fullmatch(value) is not None


def email_or_id(value: object) -> object:
    """A Custify user: an e-mail address, or the user's id."""
    found = identifying(value) if isinstance(value, str) else value
    return found if is_object_id(found) else email(value)


def choice(*choices: str) -> Rule:
    """One of some words, in any case and with white space around it. Blank is null."""
    by_word = {word.lower(): word for word in choices}

    def rule(value: object) -> object:
        word = value.strip().lower() if isinstance(value, str) else None
        if word == "":
            return None
        found = by_word.get(word) if word is not None else None
        return found or refuse("choice", value, "is not one of the choices", " | ".join(choices))

    return rule


def at_most(limit: int, rule: Rule) -> Rule:
    """As `rule`, and text of at most `limit` characters."""

    def bounded(value: object) -> object:
        found = rule(value)
        if isinstance(found, str) and len(found) > limit:
            return too_long(found, limit)
        return found

    return bounded


def too_long(text_: str, limit: int) -> Refusal:
    """The refusal of text of more than `limit` characters."""
    refusal = refuse(LENGTH, text_, f"has {len(text_)} characters", f"at most {limit} characters")
    return replace(refusal, limit=limit)


def attribute(limit: int | None = None, *, bounded: bool = False) -> Rule:
    """A custom value of the native API: text (of at most `limit` characters), number or boolean.

    The one object taken is a currency, `{"value": 12.5, "currency": "EUR"}` (Custify's OpenAPI 1.5.7). `bounded`:
    whole numbers within 32 bits.
    """

    def rule(value: object) -> object:
        found = plain(value)
        if isinstance(found, list | dict) and not _is_currency(found):
            return refuse("scalar", value, "is a nested value", "text, a number or a boolean; or exclude the column")
        if limit is not None and isinstance(found, str) and len(found) > limit:
            return too_long(found, limit)
        return int32_if_whole(found) if bounded else found

    return rule


def attribute_name(name: str) -> str | None:
    """Why Custify's OpenAPI 1.5.7 does not allow this name of a custom attribute, or None."""
    if name == "":
        return "is empty"
    if len(name) > ATTRIBUTE_NAME_LIMIT:
        return f"has {len(name)} characters; at most {ATTRIBUTE_NAME_LIMIT} are taken"
    if "." in name or "$" in name:
        return "contains . or $"
    return "consists of digits only" if name.isdigit() else None


def structured(value: object) -> object:
    """JSON: a nested value as it is; text that begins as an array or object does is read as JSON. Blank is null."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if value.lstrip()[:1] in "[{":
            read = read_json(value)
            return read if isinstance(read, Refusal) else plain(read)
    return plain(value)


def texts(value: object) -> object:
    """A list of text; a single text or number is a list of one."""
    found = structured(value)
    if found is None or isinstance(found, Refusal):
        return found
    items = [text(item) for item in (found if isinstance(found, list) else [found])]
    return next((item for item in items if isinstance(item, Refusal)), items)


def whole_object(value: object) -> object:
    """An object, sent as it is."""
    found = structured(value)
    if found is None or isinstance(found, Refusal | dict):
        return found
    return refuse("type", value, "is not an object", 'an object such as {"seats": 5}')


def members(each: Rule, *, names: bool = False) -> Rule:
    """An object whose members will be attributes: every one goes through `each`, its name too where `names` says so."""

    def rule(value: object) -> object:
        found = whole_object(value)
        if not isinstance(found, dict):
            return found
        made: dict[str, object] = {}
        for name, member in found.items():
            against = attribute_name(name) if names else None
            if against is not None:
                return refuse("name", name, f"{against}, which Custify refuses", "another name")
            kept = None if member is None else each(member)
            if isinstance(kept, Refusal):
                return kept
            made[name] = kept
        return made

    return rule


def without_nulls(rule: Rule) -> Rule:
    """As `rule`, which makes an object, without its members that are null."""

    def kept(value: object) -> object:
        found = rule(value)
        return {n: v for n, v in found.items() if v is not None} if isinstance(found, dict) else found

    return kept


def companies(value: object) -> object:
    """Links to companies: one id, a list of ids, or objects with `company_id` or `id`, and `remove`."""
    found = structured(value)
    if found is None or isinstance(found, Refusal):
        return found
    links = [_link(item) for item in (found if isinstance(found, list) else [found])]
    return next((link for link in links if isinstance(link, Refusal)), links)


def checklist(value: object) -> object:
    """A task's checklist: a list of objects with name, and perhaps completed, dueDate and assignedTo."""
    found = structured(value)
    if found is None or isinstance(found, Refusal):
        return found
    items = [_checklist_item(item) for item in (found if isinstance(found, list) else [found])]
    return next((item for item in items if isinstance(item, Refusal)), items)


def _checklist_item(item: object) -> object:
    accepted = (
        'objects such as {"name": "Call", "completed": false, "dueDate": "2026-01-31", "assignedTo": "a@b.example"}'
    )
    own: Mapping[str, Rule] = {"name": key, "completed": boolean, "dueDate": date_time, "assignedTo": email_or_id}
    if not isinstance(item, dict) or not item.keys() <= own.keys() or item.get("name") is None:
        return refuse("type", item, "is no item of a checklist", accepted)
    checked = {name: None if part is None else own[name](part) for name, part in item.items()}
    if checked["name"] is None or any(isinstance(part, Refusal) for part in checked.values()):
        return refuse("type", item, "is no item of a checklist", accepted)
    return {name: part for name, part in checked.items() if part is not None}


def link(limit: int | None, identity: Rule = key) -> Rule:
    """One company id, of at most `limit` characters, as a list of one link."""
    one = identity if limit is None else at_most(limit, identity)

    def rule(value: object) -> object:
        found = one(value)
        return [{"company_id": found}] if isinstance(found, str) else found

    return rule


def _link(item: object) -> object:
    accepted = 'a company id, or {"company_id": …} or {"id": …}, with "remove": true to unlink'
    if not isinstance(item, dict):
        found = key(item) if item is not None else None
        return {"company_id": found} if isinstance(found, str) else refuse("type", item, "is no company id", accepted)
    if not item.keys() <= {"company_id", "id", "remove"} or len(item.keys() & {"company_id", "id"}) != 1:
        return refuse("type", item, "is no link to a company", accepted)
    own = {"company_id": key, "id": object_id, "remove": boolean}
    checked = {name: None if part is None else own[name](part) for name, part in item.items()}
    if any(part is None or isinstance(part, Refusal) for part in checked.values()):
        return refuse("type", item, "is no link to a company", accepted)
    return checked


def _is_currency(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"value", "currency"}
        and isinstance(value["value"], int | float | Digits)
        and not isinstance(value["value"], bool)
        and isinstance(value["currency"], str)
    )
