"""Objects as Custify returns them: the pages of its lists, their ids, and whether they equal what was sent. Pure.

Custify's OpenAPI 1.5.7 detects types: a text that is a date, a number or a boolean becomes one, and a null clears a
field. It stores the texts of notes as HTML. The forms of its replies are those of `docs/custify-api.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any, NamedTuple
from unicodedata import normalize

import orjson
import xxhash

from penstock.delivery.replies import ENTITY_IDS, identifier_text
from penstock.model.delivery import SettleKind

MOST_PAGES = 200
LISTS: Mapping[SettleKind, str] = {  # where a reply holds a list of such objects
    "task": "tasks",
    "note": "notes",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "deal": "deals",
}
Object = Mapping[str, Any]

DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
NUMBER = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?", re.ASCII)
BOOLEANS = {"true": True, "false": False}
FINEST = timedelta(milliseconds=1)  # what a moment may lose when it is stored
BREAK = re.compile(r"</?(br|p|div|li|ul|ol|tr|td|h[1-6]|blockquote)(\s[^<>]*)?/?>", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


class Listing(NamedTuple):
    """What was read; `gap`: why it may not be all, None when it is."""

    objects: Sequence[Any]
    gap: str | None = None


class ListPage(NamedTuple):
    """One page of a list, and the number of objects in the whole list as the reply names it."""

    objects: tuple[Object, ...]
    total: int | None


def page_of(kind: SettleKind, document: object) -> ListPage | None:
    """The objects of a reply; None when it is none of the documented forms.

    `{"tasks": […], "total": 1}`; for financial objects also the bare object, when exactly one matches; for custom data
    an object by data_type.
    """
    if kind == "custom_object":
        return _custom_data(document)
    return list_page(document, LISTS[kind])


def list_page(document: object, member: str) -> ListPage | None:
    """The objects of `{member: […], "total": 1}`, or of a bare object; None for other documents."""
    if not isinstance(document, Mapping):
        return None
    found = document.get(member)
    if isinstance(found, list):
        total = document.get("total")
        known = isinstance(total, int) and not isinstance(total, bool)
        return ListPage(tuple(each for each in found if isinstance(each, Mapping)), total if known else None)
    bare = remote_id(document) is not None or external_id(document) is not None
    return ListPage((document,), 1) if bare else None


def unwrapped(document: object) -> object:
    """The reply without the list around it that Custify puts around people: `[{"people": […], "total": 1}]`."""
    return document[0] if isinstance(document, list) and len(document) == 1 else document


def _custom_data(document: object) -> ListPage | None:
    if document == []:
        return ListPage((), 0)
    if not isinstance(document, Mapping):
        return None
    found: list[Object] = []
    for data_type, value in document.items():
        entries = [value] if isinstance(value, Mapping) else value
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            return None
        found += ({"data_type": data_type, **entry} for entry in entries)
    return ListPage(tuple(found), len(found))


def values_at(document: object, path: str) -> list[Any]:
    """The values of a JSONPath in a reply, without null and empty lists.

    ValueError for what is no JSONPath, and for a reply in which it cannot be followed.
    """
    from jsonpath import JSONPathEnvironment, JSONPathError  # noqa: PLC0415 - only manual requests need it

    within: Any = [document] if isinstance(document, str) else document  # the library would parse a text
    try:
        found = JSONPathEnvironment(strict=True).findall(path, within)
    except (JSONPathError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"the JSONPath `{path}` cannot be followed in the reply") from error
    return [value for value in found if value is not None and value != []]


class Pages:
    """The pages of one list, in the order in which they are read. Objects that several pages have count once."""

    def __init__(self) -> None:
        self._objects: dict[str, Object] = {}
        self._nameless: list[Object] = []
        self._total: int | None = None
        self._pages = 0
        self._gap: str | None = None
        self.changed = False  # whether the total changed

    def add(self, page: ListPage) -> bool:
        """Whether another page has to be read."""
        self._pages += 1
        self.changed = self._pages > 1 and page.total != self._total
        self._total = page.total
        before = len(self._objects)
        for each in page.objects:
            name = remote_id(each)
            if name is None:
                self._nameless.append(each)
            else:
                self._objects[name] = each
        count = len(self._objects)
        if self.changed:
            return self._ends("the list changed while it was read")
        if self._nameless:
            return self._ends("the list has objects without an id")
        if count == self._total or (self._total is None and not page.objects):
            return False
        if count == before or (self._total is not None and count > self._total):
            return self._ends(f"the list should have {self._total or 'more'} objects and returned {count}")
        if self._pages == MOST_PAGES:
            return self._ends(f"the list has more than {MOST_PAGES} pages")
        return True

    def _ends(self, gap: str) -> bool:
        self._gap = gap
        return False

    def listing(self, failure: str | None = None) -> Listing:
        """What was read. `failure`: why a page could not be read."""
        return Listing((*self._objects.values(), *self._nameless), self._gap if failure is None else failure)


def remote_id(found: Object) -> str | None:
    """Custify's own id of an object in a reply."""
    return next((text for text in (identifier_text(found.get(name)) for name in ENTITY_IDS) if text is not None), None)


def external_id(found: Object) -> str | None:
    """Our id of an object in a reply: its `externalId`, or `externalIds.custify`."""
    others = found.get("externalIds")
    inner = others.get("custify") if isinstance(others, Mapping) else None
    return identifier_text(found.get("externalId")) or identifier_text(inner)


# ── equality ─────────────────────────────────────────────────────────────────────────────


def differing_field(sent: Mapping[str, Any], got: Mapping[str, Any]) -> str | None:
    """The first sent member that is not equal in `got`, as `metadata.plan`; None if each is. Others do not count."""
    for name, value in sent.items():
        other = got.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping | None):
            inner = differing_field(value, other or {})
            if inner is not None:
                return f"{name}.{inner}"
        elif not same_value(value, other):
            return name
    return None


def same_value(sent: object, got: object) -> bool:
    """Whether a value equals one that Custify returned: dates as moments, numeric and boolean text as its value."""
    if isinstance(sent, Mapping) and isinstance(got, Mapping):
        return differing_field(sent, got) is None and differing_field(got, sent) is None
    if isinstance(sent, list) and isinstance(got, list):
        return len(sent) == len(got) and all(map(same_value, sent, got))
    if type(sent) is type(got) and sent == got:
        return True
    sent_at, got_at = moment(sent), moment(got)
    if sent_at is not None and got_at is not None:
        return abs(sent_at - got_at) < FINEST
    value = _plain(sent)
    return value is not None and value == _plain(got)


def moment(value: object) -> datetime | None:
    """The moment that a text in one of Custify's date forms is, in UTC where it names no zone; None for others."""
    if not isinstance(value, str) or DATE.fullmatch(value) is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _plain(value: object) -> tuple[str, bool | Decimal] | None:
    """A boolean or a number, also one written as text; None for others."""
    if isinstance(value, str):
        text = value.strip()
        if NUMBER.fullmatch(text):
            return "number", Decimal(text)
        return ("boolean", BOOLEANS[text.lower()]) if text.lower() in BOOLEANS else None
    if isinstance(value, bool):
        return "boolean", value
    return ("number", Decimal(str(value))) if isinstance(value, int | float | Decimal) else None


def value_form(value: object) -> str:
    """A text that is the same for values that `same_value` takes as equal, but for lists and objects as they are."""
    at = moment(value)
    if at is not None:
        return f"date {at.replace(microsecond=at.microsecond // 1000 * 1000).isoformat()}"
    plain = _plain(value)
    if plain is None:
        return f"{type(value).__name__} {orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()}"
    kind, found = plain
    return f"{kind} {found.normalize() if isinstance(found, Decimal) else found}"


def note_forms(text: str) -> tuple[str, str]:
    """The forms in which the texts of notes are compared: two texts are equal if any form of both is.

    The text as it is, and the text without tags and with its entities decoded (where that leaves anything); both in
    Unicode's form NFC, with white space collapsed.
    """
    whole = " ".join(normalize("NFC", text).split())
    bare = unescape(TAG.sub("", BREAK.sub(" ", text)))
    return whole, " ".join(normalize("NFC", bare).split()) or whole


def note_hashes(text: str) -> tuple[int, int]:
    """The forms of a note's text as signed 64-bit hashes."""
    first, second = (xxhash.xxh3_64_intdigest(form.encode(errors="surrogatepass")) for form in note_forms(text))
    return _signed(first), _signed(second)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
