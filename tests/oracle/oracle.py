"""The expected rendering of every record, by the documents of Custify's API and the requirement page.

It shares nothing with the kernel: plain Python, one record at a time, dictionaries in and out. `oracle` answers with a
`Verdict`; values whose exact text is a matter of taste (a moment, a number) are wrapped, and `same` compares them by
meaning.
"""

import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

INT32 = range(-(2**31), 2**31)
OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}\Z")


class NoOpinionError(Exception):
    """The documents do not say how this value is sent."""


class Null:
    """A null that has to be sent, which clears the value."""

    def __repr__(self) -> str:
        return "null"


NULL = Null()


@dataclass(frozen=True)
class Derived:
    """An id made of a key of several columns, in an unspecified way; `Derivations` has its conditions."""

    parts: tuple[str, ...]


class Derivations:
    """The ids seen so far: one key has one id, and no two keys share one."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, ...], str] = {}
        self._by: dict[str, tuple[str, ...]] = {}

    def fits(self, derived: Derived, sent: Any) -> bool:
        if not isinstance(sent, str) or not sent.strip():
            return False
        return (
            self._of.setdefault(derived.parts, sent) == sent
            and self._by.setdefault(sent, derived.parts) == derived.parts
        )


class BadError(Exception):
    """The value breaks a rule, so the record must be refused."""


@dataclass(frozen=True)
class Moment:
    """An instant, or a day if no time is given."""

    at: datetime | date


@dataclass
class Verdict:
    """`bad` names the fields for which the record must be refused; empty: it goes, as `payload`.

    `either`: the documents leave it open whether such a value is taken; if it is, it must arrive unharmed.
    """

    payload: dict[str, Any] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    either: bool = False
    opinion: bool = True
    lookup: tuple[str, str, str] | None = None
    address: str | None = None
    may_be_null: set[str] = field(default_factory=set)  # not documented: whether an id that is null is sent as null


KINDS = {
    "upsert_person": {
        "user_id": "key", "email": "email", "name": "text", "phone": "text", "plan": "text", "company_id": "key",
        "signed_up_at": "date", "churned_at": "date", "session_count": "integer", "unsubscribed_from_emails": "boolean",
    },
    "upsert_company": {
        "company_id": "key", "name": "text", "website": "text", "plan": "text", "industry": "text", "size": "integer",
        "mrr": "money", "signed_up_at": "date", "churned_at": "date", "churned": "boolean",
    },
    "upsert_subscription": {
        "company_id": "key", "plan": "text", "mrr": "money", "start_date": "date", "renewal_date": "date",
        "status": "text", "canceled_at": "date",
    },
    "upsert_invoice": {"company_id": "key", "amount": "money", "status": "text", "due_date": "date"},
    "upsert_deal": {"company_id": "key", "name": "text", "stage": "text", "value": "money", "close_date": "date"},
    "insert_event": {"user_id": "key", "company_id": "key", "name": "text", "created_at": "date"},
    "create_task": {
        "name": "text", "due_date": "date", "assignee_email": "email", "company_id": "key", "person_id": "person",
    },
    "create_note": {"text": "text", "company_id": "key", "person_id": "person", "created_at": "date"},
    "upsert_custom_object": {"type": "key", "company_id": "key"},
    "send_batch": {"user_id": "key", "email": "email", "name": "text", "company_id": "key"},
}  # fmt: skip
MATCH = {  # every group needs one of its fields
    "upsert_person": [("user_id", "email")],
    "send_batch": [("user_id", "email")],
    "upsert_company": [("company_id",)],
    "upsert_subscription": [("company_id",)],
    "upsert_invoice": [("company_id",)],
    "upsert_deal": [("company_id",)],
    "insert_event": [("user_id", "company_id"), ("name",), ("created_at",)],
    "create_task": [("name",)],
    "create_note": [("text",), ("company_id", "person_id")],
    "upsert_custom_object": [("type",), ("company_id",)],
}
HOMELESS = {"upsert_invoice": ("due_date",), "create_note": ("created_at",)}  # in native
WHOLE = {("upsert_company", "mrr"), ("upsert_deal", "value")}  # whole numbers in native


def oracle(
    template: str,
    dialect: str,
    record: dict[str, Any],
    attributes: list[str],
    key: str | tuple[str | None, ...],
    *,
    nulls: str = "omit",
) -> Verdict:
    """What must become of `record`, whose columns are named as the template's fields are, and its `attributes`.

    With `nulls="send"` what is None in the record is sent as null; what is not in it, never.
    """
    verdict = Verdict()
    if not isinstance(key, str):
        if any(part is None or not _seen(part) for part in key):
            verdict.bad.add("key")
        key = Derived(tuple(_seen(part or "") for part in key))  # type: ignore[assignment]
    else:
        key = _seen(key)
    got: dict[str, Any] = {}
    homeless = HOMELESS.get(template, ()) if dialect == "native" else ()
    null = NULL if nulls == "send" else None
    for name, kind in KINDS[template].items():
        if name in homeless or name not in record:
            continue  # what is not sent breaks no rule
        _one(verdict, got, name, null, lambda name=name, kind=kind: _field(template, dialect, name, kind, record[name]))
    extra: dict[str, Any] = {}
    for name in attributes if _takes_extra(template, dialect) else ():
        if name in record:
            _one(verdict, extra, name, null, lambda name=name: _attribute(record[name], dialect))
    if dialect == "native":
        _limits(template, got, extra, verdict)
    for group in MATCH[template]:
        blank = [name for name in group if got.get(name) in (None, NULL) or str(got[name]).strip() == ""]
        if len(blank) == len(group):
            verdict.bad.update(group)
    if verdict.bad:
        return verdict
    if not verdict.opinion:
        return verdict
    _ids(template, got, verdict)
    LAYOUT[dialect](template, got, extra, key, verdict)
    return verdict


# Ids by which Custify finds or links: null clears none of them by any document. For an event the OpenAPI is plain: one
# of a company alone carries no user_id; elsewhere it is left open whether the null is sent or left out.
EITHER_NULL = {
    "upsert_person": ("user_id", "email"),
    "send_batch": ("user_id", "email"),
    "create_task": ("company_id", "person_id", "user_id", "people"),
    "create_note": ("company_id", "person_id"),
}


def _ids(template: str, got: dict[str, Any], verdict: Verdict) -> None:
    if template == "insert_event":
        for name in ("user_id", "company_id"):
            if got.get(name) is NULL:
                del got[name]
    for name in EITHER_NULL.get(template, ()):
        if got.get(name) is NULL:
            del got[name]
            verdict.may_be_null.update(EITHER_NULL[template])


def _takes_extra(template: str, dialect: str) -> bool:
    """The page gives tasks and notes no attributes of one's own; the API gives none to invoices and deals either."""
    without = ("create_task", "create_note")
    return template not in (without if dialect == "flat" else (*without, "upsert_invoice", "upsert_deal"))


def _one(verdict: Verdict, into: dict[str, Any], name: str, null: Any, make: Any) -> None:
    try:
        value = make()
    except BadError:
        verdict.bad.add(name)
    except NoOpinionError:
        verdict.opinion = False
        into[name] = "?"
    else:
        value = null if value is None else value
        if value is not None:
            into[name] = value


# --- values ---------------------------------------------------------------------------------------------------------


def _seen(text: str) -> str:
    """What identifies something: without characters that cannot be seen, and without blanks around it."""
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()


def _field(template: str, dialect: str, name: str, kind: str, value: Any) -> Any:
    if isinstance(value, str) and kind in ("key", "person", "email"):
        value = _seen(value)
    if value is None or (kind != "text" and isinstance(value, str) and not value.strip()):
        return None  # in a field with a type, blank is nothing
    if isinstance(value, datetime) and kind == "text":
        return Moment(value)
    if kind in ("text", "key", "person"):
        return _text(value, kind)
    if kind == "email":
        return _email(value)
    if kind == "date":
        found = _date(value)
        if dialect == "native" and name != "churned_at" and not isinstance(found.at, datetime):
            return Moment(datetime(found.at.year, found.at.month, found.at.day, tzinfo=UTC))  # its API says date-time
        return found
    if kind == "boolean":
        return _boolean(value)
    whole = kind == "integer" or (dialect == "native" and (template, name) in WHOLE)
    return _number(value, money=kind == "money", whole=whole)


def _text(value: Any, kind: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not isfinite(value):
            raise BadError
        if value.is_integer() and abs(value) < 1e15 and kind != "text":
            return str(int(value))
        if value.is_integer() or not 1e-4 <= abs(value) < 1e15:
            raise NoOpinionError
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _email(value: Any) -> str:
    if not isinstance(value, str):
        raise BadError
    if re.fullmatch(r"[a-z0-9.+_-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", value):
        return value
    if "@" not in value or " " in value.strip() or value.count("@") > 1:
        raise BadError
    raise NoOpinionError


SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}|\d{6}))?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def moment(text: str) -> Moment:
    """Read one of the shapes Custify takes for a date; BadError for any other."""
    found = SHAPE.fullmatch(text)
    if not found:
        raise BadError
    year, month, day, hour, minute, second, part, zone = found.groups()
    try:
        if hour is None:
            return Moment(date(int(year), int(month), int(day)))
        micro = int((part or "0").ljust(6, "0"))
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), micro, UTC)
        return Moment(at if zone in (None, "Z") else at - _offset(zone))
    except ValueError:
        raise BadError from None
    except OverflowError:
        raise NoOpinionError from None


def _offset(zone: str) -> Any:
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 23 or minutes > 59:
        raise ValueError
    there = datetime(2000, 1, 2, tzinfo=UTC).replace(hour=hours, minute=minutes) - datetime(2000, 1, 2, tzinfo=UTC)
    return there if zone[0] == "+" else -there


def _date(value: Any) -> Moment:
    if isinstance(value, (datetime, date)):
        return Moment(value)
    if not isinstance(value, str):
        raise BadError
    try:
        return moment(value)
    except BadError:
        # other forms of ISO 8601 name an instant too; Custify's list is about the wire
        if not SHAPE.fullmatch(value) and re.match(r"\s|\d{8}T|\d{4}-W|\d{4}-\d\d-\d\d[ Tt]\d\d|.*\s\Z", value):
            raise NoOpinionError from None
        raise


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    if isinstance(value, (int, float)) or str(value).strip().lower() in (
        "true",
        "false",
        "yes",
        "no",
        "1",
        "0",
        "t",
        "f",
    ):
        raise NoOpinionError
    raise BadError


PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
MONEY = (
    (re.compile(r"[$€£]?\s?(-?\d{1,3}(?:,\d{3})+\.\d\d)(?:\s?[$€£])?", re.ASCII), ",", "."),
    (re.compile(r"[$€£]?\s?(-?\d{1,3}(?:\.\d{3})+,\d\d)(?:\s?[$€£])?", re.ASCII), ".", ","),
    (re.compile(r"[$€£](\d+(?:\.\d\d)?)", re.ASCII), ",", "."),
)


def _number(value: Any, *, money: bool, whole: bool) -> Decimal:
    number = _read_number(value, money=money)
    if whole and number != number.to_integral_value():
        raise BadError
    return number


def _read_number(value: Any, *, money: bool) -> Decimal:
    if isinstance(value, bool):
        raise BadError
    if isinstance(value, float) and not isfinite(value):
        raise BadError
    if isinstance(value, (int, float)):
        return Decimal(repr(value))
    if not isinstance(value, str):
        raise BadError
    if PLAIN.fullmatch(value):
        head, _, tail = value.partition(".")
        if money and len(tail) == 3 and head not in ("0", "-0"):
            raise NoOpinionError  # 1.234: a thousand to some, little more than one to others
        return Decimal(value)
    for shape, group, point in MONEY if money else ():
        if found := shape.fullmatch(value):
            return Decimal(found[1].replace(group, "").replace(point, "."))
    if re.search(r"\d", value) and not re.search(r"[A-DF-Za-df-z]{2}", value):
        if re.fullmatch(r"[eE+\-.,'\d\s$€£()%]+", value) or not value.isascii():
            raise NoOpinionError
    try:
        if Decimal(value.strip()).is_finite():
            raise NoOpinionError
    except InvalidOperation:
        pass
    raise BadError


def _attribute(value: Any, dialect: str) -> Any:
    if isinstance(value, (dict, list)):
        if dialect == "native":
            raise BadError
        return _exactly(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise BadError
        return Decimal(repr(value))
    if isinstance(value, (datetime, date)):
        return Moment(value)
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _exactly(value: Any) -> Any:
    """Nested values are sent as they are: numbers by their worth, nulls as nulls whatever `nulls` says."""
    if isinstance(value, dict):
        return {name: _exactly(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_exactly(item) for item in value]
    if isinstance(value, float):
        return Decimal(repr(value))
    return NULL if value is None else Decimal(value) if type(value) is int else value


# --- what native limits ---------------------------------------------------------------------------------------------


def _limits(template: str, got: dict[str, Any], extra: dict[str, Any], verdict: Verdict) -> None:
    """Lengths and int32 as Custify's OpenAPI states them for people, companies and events."""
    entity = template in ("upsert_person", "upsert_company", "send_batch")
    longest = 100 if template == "insert_event" else 255
    for name, value in {**got, **extra}.items():
        if isinstance(value, str) and len(value) > longest:
            if (entity and (template, name) != ("upsert_person", "company_id")) or template == "insert_event":
                verdict.bad.add(name)
            else:
                verdict.either = True
        if isinstance(value, str) and len(value.encode("utf-16-le")) // 2 > longest >= len(value):
            verdict.either = True  # what a character is, nobody says
        if isinstance(value, Decimal) and value == value.to_integral_value() and int(value) not in INT32:
            if entity and name in ("size", "session_count", "mrr"):
                verdict.bad.add(name)
            else:
                verdict.either = True
    for value in got.values():
        if isinstance(value, Decimal) and len(value.as_tuple().digits) > 15:
            verdict.either = True
    _container(template, got, extra, verdict)


def _container(template: str, got: dict[str, Any], extra: dict[str, Any], verdict: Verdict) -> None:
    """At most 250 custom attributes; at most 50 keys and 10,000 characters of event metadata."""
    most = {"insert_event": 50, "upsert_person": 250, "upsert_company": 250, "send_batch": 250}.get(template)
    name = "metadata" if template == "insert_event" else "custom_attributes"
    own = [each for each in ("plan", "churned_at") if each in got and name != "metadata"]
    if template == "upsert_company":
        own = [each for each in own if each != "plan"]
    if most is not None and len(extra) + len(own) > most:
        verdict.bad.add(name)
    if template == "insert_event":
        plain = {each: _shown(value) for each, value in extra.items()}
        least = len(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))
        largest = len(json.dumps(plain))  # what a character is, nobody says: as few as can be, or as many
        if least > 10_000:
            verdict.bad.add(name)
        elif largest > 10_000:
            verdict.either = True


def _shown(value: Any) -> Any:
    if isinstance(value, Moment):
        return value.at.isoformat()
    return None if value is NULL else float(value) if isinstance(value, Decimal) else value


# --- places in the payload ------------------------------------------------------------------------------------------


def _flat(template: str, got: dict[str, Any], extra: dict[str, Any], key: str, verdict: Verdict) -> None:
    del template, key
    verdict.payload = {**got, **extra}
    for value in verdict.payload.values():
        if isinstance(value, Decimal) and len(value.as_tuple().digits) > 15:
            verdict.either = True


def _native(template: str, got: dict[str, Any], extra: dict[str, Any], key: str, verdict: Verdict) -> None:
    NATIVE[template](dict(got), dict(extra), key, verdict)
    verdict.payload = {name: value for name, value in verdict.payload.items() if value is not None}


def _person(got: dict[str, Any], extra: dict[str, Any], _: str, verdict: Verdict) -> None:
    own = {name: got.pop(name) for name in ("plan", "churned_at") if name in got} | extra
    company = got.pop("company_id", None)  # links only add: null names no company, and takes none away
    verdict.payload = got | {
        "companies": None if company in (None, NULL) else [{"company_id": company}],
        "custom_attributes": own or None,
    }


def _company(got: dict[str, Any], extra: dict[str, Any], _: str, verdict: Verdict) -> None:
    own = {name: got.pop(name) for name in ("churned_at",) if name in got} | extra
    verdict.payload = _renamed(got, mrr="monthly_revenue") | {"custom_attributes": own or None}


def _subscription(got: dict[str, Any], extra: dict[str, Any], key: str, verdict: Verdict) -> None:
    status, ended = got.pop("status", None), got.pop("canceled_at", None)
    canceled = isinstance(status, str) and status.strip().lower() in ("canceled", "cancelled")
    if isinstance(ended, Moment) and not canceled:
        verdict.opinion = False
    more = ({} if status is None or (canceled and isinstance(ended, Moment)) else {"status": status}) | extra
    verdict.payload = _renamed(got, start_date="startedAt", renewal_date="nextBillingAt") | {
        "externalId": key,
        "canceledAt": ended,
        "metadata": more or None,
    }


def _invoice(got: dict[str, Any], _: dict[str, Any], key: str, verdict: Verdict) -> None:
    verdict.payload = _renamed(got, amount="total") | {"externalId": key}


def _deal(got: dict[str, Any], _: dict[str, Any], key: str, verdict: Verdict) -> None:
    closes, stage = got.pop("close_date", None), got.get("stage", "")
    stage = "" if stage is NULL else stage.lower()
    won, lost = "won" in stage, "lost" in stage
    if won and lost and closes is not None:
        verdict.opinion = False
    verdict.payload = _renamed(got, stage="status") | {
        "externalId": key,
        "wonAt": closes if won else None,
        "lostAt": closes if lost else None,
    }


def _event(got: dict[str, Any], extra: dict[str, Any], key: str, verdict: Verdict) -> None:
    verdict.payload = got | {"deduplication_id": key, "metadata": extra or None}


def _task(got: dict[str, Any], _: dict[str, Any], key: str, verdict: Verdict) -> None:
    person = got.pop("person_id", None)
    if person is not None:
        if "@" in person:
            verdict.opinion = False
        got["people" if OBJECT_ID.match(person) else "user_id"] = person
    verdict.payload = _renamed(got, due_date="dueDate", assignee_email="assignedTo") | {
        "externalId": key,
        "priority": "medium",
        "status": "open",
    }


def _note(got: dict[str, Any], _: dict[str, Any], key: str, verdict: Verdict) -> None:
    del key
    person = got.get("person_id")
    if person is None:
        verdict.lookup = ("company", "company_id", got["company_id"])
    elif not OBJECT_ID.match(person):
        verdict.lookup = ("person", "email" if "@" in person else "user_id", person)
    verdict.payload = {
        "text": got["text"],
        "entityModel": "Company" if person is None else "Customer",
        "entity": person if verdict.lookup is None else None,
    }


def _custom_object(got: dict[str, Any], extra: dict[str, Any], key: str, verdict: Verdict) -> None:
    verdict.address = got["company_id"]
    verdict.payload = {"data_type": got["type"], "data_id": key, "data": extra}


def _renamed(got: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in got.items()}


NATIVE = {
    "upsert_person": _person,
    "send_batch": _person,
    "upsert_company": _company,
    "upsert_subscription": _subscription,
    "upsert_invoice": _invoice,
    "upsert_deal": _deal,
    "insert_event": _event,
    "create_task": _task,
    "create_note": _note,
    "upsert_custom_object": _custom_object,
}
LAYOUT = {"flat": _flat, "native": _native}


def same(meant: Any, sent: Any) -> bool:
    """Whether what was sent (parsed with `parse_float=Decimal`) means what was meant; types count."""
    if isinstance(meant, Moment):
        return isinstance(sent, str) and _same_moment(meant, sent)
    if meant is NULL:
        return sent is None
    if isinstance(meant, Decimal):
        return isinstance(sent, (int, Decimal)) and not isinstance(sent, bool) and meant == sent
    if isinstance(meant, dict):
        return isinstance(sent, dict) and meant.keys() == sent.keys() and all(same(meant[k], sent[k]) for k in meant)
    if isinstance(meant, list):
        return isinstance(sent, list) and len(meant) == len(sent) and all(map(same, meant, sent))
    return type(meant) is type(sent) and meant == sent


def _same_moment(meant: Moment, sent: str) -> bool:
    try:
        got = moment(sent)
    except (BadError, NoOpinionError):
        return False
    return type(got.at) is type(meant.at) and got.at == meant.at
