"""The content of the API's replies: its own error text, and the results of the items of a batch. Pure.

The error text becomes one short line without secrets, to be shown beside Penstock's own. Batch replies are read
tolerantly, because Custify's OpenAPI 1.5.7 promises "status and results" and no shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, NamedTuple
from urllib.parse import quote

import orjson

from penstock.model.delivery import Connection, Reply

LONGEST = 300  # characters of an error text that are quoted
READ = 100_000  # characters in which an error text is looked for
MASK = "•••"
HTML_START = re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE)
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")
UNREADABLE = object()  # what `parse` returns for a body that is not JSON

JOB_IDS = ("id", "_id", "jobId", "job_id", "batchId")
RESULTS = ("results", "jobs", "items")
WRAPPERS = ("batch", "job", "data", "result")
GOOD = frozenset({"success", "succeeded", "successful", "ok", "done", "completed", "complete"})
BAD = frozenset({"error", "failed", "failure", "failures", "invalid", "rejected"})
JOB_FAILED = BAD | {"cancelled", "canceled", "aborted", "expired", "timeout", "timed_out", "timedout"}
ENDED = GOOD | {"finished", "ended", "partial"}
ENTITY_IDS = ("id", "_id")
OUR_IDS = ("user_id", "email", "company_id", "external_id", "externalId", "data_id", "deduplication_id")
ANY_IDS = (*OUR_IDS, "key", *ENTITY_IDS)
ECHOES = ("payload", "data", "record", "item", "entity")  # members in which a result may repeat its item

Positions = Mapping[str, int]  # an identifier that exactly one record of the batch has → the record's position


@dataclass(frozen=True, slots=True)
class ErrorQuoter:
    """Quotes the error text of an API as one short line without `secrets`. `api` is the name it is quoted by."""

    api: str = "Custify"
    secrets: tuple[str, ...] = ()

    def quote(self, status: int | None, text: str) -> str:
        """`422: email is not valid (Custify)`; without a text the name of the status."""
        line = clean(text, self.secrets)
        if status is None:
            return f"{line or 'refused without a reason'} ({self.api})"
        return f"{status}: {line} ({self.api})" if line else f"{status} {phrase(status)}".rstrip()

    def clean(self, text: str) -> str:
        """One short line without secrets."""
        return clean(text, self.secrets)


def quoter_of(connection: Connection) -> ErrorQuoter:
    """The quoter for a credential: its key and the values of its headers are secrets."""
    secrets = [connection.api_key or "", *connection.headers.values()]
    known = {form for secret in secrets if len(secret) >= 4 for form in (secret, quote(secret, safe=""))}
    return ErrorQuoter(connection.api, tuple(sorted(known, key=len, reverse=True)))


def parse(body: bytes) -> object:
    """The JSON of a body; UNREADABLE when it is not JSON. An empty body is null."""
    if not body or body.isspace():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return UNREADABLE


def is_html(reply: Reply, *, xml: bool = False) -> bool:
    """Whether the reply is a page for people (a login page, a proxy's) and not an API's. `xml`: XML is expected."""
    content_type = reply.headers.get("content-type", "").lower()
    if "html" in content_type or HTML_START.match(reply.body):
        return True
    return not xml and "xml" not in content_type and reply.body.lstrip()[:1] == b"<"


def error_text(reply: Reply) -> str:
    """The error text of a reply; "" when there is none.

    Custify publishes no shape of errors; Make's module reads error.message, else message, else error.
    """
    if is_html(reply):
        title = TITLE.search(reply.text[:READ])
        return f"{title.group(1).strip()} (an HTML page)" if title else "an HTML page"
    data = parse(reply.body)
    if data is UNREADABLE:
        return TAG.sub(" ", reply.text[:READ])
    return message_in(data) or (reply.text[:READ] if data else "")


def message_in(data: object) -> str:
    """The message in a JSON value; "" when there is none."""
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping):
        for name in ("error", "message", "msg", "detail", "reason", "errors"):
            message = message_in(data.get(name))
            if message and not (name == "error" and isinstance(data["error"], str) and _has_better_message(data)):
                return message
        return ""
    if isinstance(data, Sequence):
        return "; ".join(filter(None, (message_in(item) for item in data[:5])))
    return ""


def _has_better_message(data: Mapping[str, object]) -> bool:
    """`{"error": "Bad Request", "message": "email is not valid"}`: the message says more."""
    return isinstance(data.get("message"), str) and data["message"] != ""


def clean(text: str, secrets: Sequence[str] = ()) -> str:
    """One line without control characters and secrets, at most LONGEST characters."""
    line = "".join(character if character.isprintable() else " " for character in text[:READ])
    line = " ".join(line.split())
    for secret in secrets:
        line = line.replace(secret, MASK)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def phrase(status: int) -> str:
    """`404` → `Not Found`; "" for an unknown number."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Item(NamedTuple):
    """A reply's result for one record. `good` None: it is not clear; `matched` False: there is no result."""

    good: bool | None
    status: int | None = None
    message: str = ""
    remote_id: str | None = None
    matched: bool = True


NO_RESULT = Item(None, matched=False)


@dataclass(frozen=True, slots=True)
class Items:
    """One item per record of the batch, in order; `unassigned` are results that belong to no record."""

    items: tuple[Item, ...]
    unassigned: tuple[Item, ...] = ()

    @property
    def clear(self) -> bool:
        return all(item.good is not None for item in self.items)


def job_id(data: object) -> str | None:
    """The id of a batch job, at the top or one level down."""
    for place in _places(data):
        for name in JOB_IDS:
            found = place.get(name)
            if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
                return str(found)
    return None


def job_state(data: object) -> Literal["pending", "ended", "failed"]:
    """Whether a job has ended; `failed` when all of it did. An unknown word counts as pending."""
    for place in _places(data):
        word = place.get("status", place.get("state"))
        if isinstance(word, str):
            if word.lower() in JOB_FAILED:
                return "failed"
            return "ended" if word.lower() in ENDED else "pending"
    return "pending"


def read_items(data: object, records: int, positions: Callable[[], Positions] = dict) -> Items | None:
    """The results per record; None when the reply has none.

    A result belongs to the record that its index names, else to the one that its identifier names (`positions` is
    called only where an index is missing), else, where there are as many results as records and neither is given, to
    the record in its place.
    """
    found = _results(data, records)
    if found is None:
        return None
    items: list[Item] = [NO_RESULT] * records
    unassigned: list[Item] = []
    for position, (_, value) in zip(_matched(found, records, positions), found, strict=True):
        item = _item(value)
        if position is None:
            unassigned.append(item)
            continue
        known = items[position]
        items[position] = item if known.good is None or item.good is False else known
    return Items(tuple(items), tuple(unassigned))


def _places(data: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(data, Mapping):
        return
    yield data
    for name in WRAPPERS:
        inner = data.get(name)
        if isinstance(inner, Mapping):
            yield inner


def _results(data: object, records: int) -> list[tuple[object, object]] | None:
    """Pairs of (where the reply puts it, its value): an index, a name, or None for the given order."""
    if isinstance(data, list):
        has_results = len(data) == records or any(_item(value).good is not None for value in data)
        return [(_index(value), value) for value in data] if has_results and data else None
    for place in _places(data):
        for name in RESULTS:
            found = place.get(name)
            if isinstance(found, list):
                return [(_index(value), value) for value in found]
            if isinstance(found, Mapping):
                return [(_index_or_name(key, records), value) for key, value in found.items()]
    return None


def _matched(
    found: Sequence[tuple[object, object]], records: int, positions: Callable[[], Positions]
) -> list[int | None]:
    """The position of each result's record; None where the reply does not name it."""
    numbers = [where for where, _ in found if isinstance(where, int)]
    first = 1 if numbers and min(numbers) == 1 and max(numbers) == records else 0  # some people count from 1
    by_index = [
        where - first if isinstance(where, int) and first <= where < records + first else None for where, _ in found
    ]
    if None not in by_index:
        return by_index
    known = positions()
    names = OUR_IDS if len(found) == records else ANY_IDS  # the results' own ids are usually Custify's
    by_id = [_named(where, value, names, known) for where, value in found]
    if numbers or len(found) != records:  # a shorter list may hold only the failures
        return [index if index is not None else named for index, named in zip(by_index, by_id, strict=True)]
    in_order = all(named in (None, place) for place, named in enumerate(by_id))
    return list(range(records)) if in_order else by_id


def _named(where: object, value: object, names: Sequence[str], known: Positions) -> int | None:
    """The position of the only record that has an identifier of this result."""
    met = {known[where]} if isinstance(where, str) and where in known else set[int]()
    places = [value, *(value.get(name) for name in ECHOES)] if isinstance(value, Mapping) else []
    for place in places:
        if isinstance(place, Mapping):
            texts = (identifier_text(place.get(name)) for name in names)
            met |= {known[text] for text in texts if text is not None and text in known}
    return met.pop() if len(met) == 1 else None


def identifier_text(value: object) -> str | None:
    """An identifier as text; None for what cannot be one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value != "" else None


def _index(value: object) -> int | None:
    return _number(value.get("index")) if isinstance(value, Mapping) else None


def _index_or_name(key: object, records: int) -> object:
    number = _number(key)
    return key if number is None or number > records else number


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else None


def _item(value: object) -> Item:
    if not isinstance(value, Mapping):
        return Item(
            _is_success(value), _code(value), value if isinstance(value, str) and _is_success(value) is None else ""
        )
    words = [value.get(name) for name in ("statusCode", "status_code", "code", "status", "state", "result", "success")]
    verdicts = {_is_success(word) for word in words} - {None}
    code = next((number for number in map(_code, words) if number is not None), None)
    if _says_error(value):
        verdicts.add(False)
    good = None if not verdicts else False not in verdicts
    message = "" if good else message_in(value.get("error")) or message_in({**value, "error": None})
    remote = next((value[name] for name in ENTITY_IDS if isinstance(value.get(name), str)), None)
    return Item(good, code, message, remote if isinstance(remote, str) else None)


def _says_error(value: Mapping[str, object]) -> bool:
    return any(value.get(name) not in (None, "", False, [], {}) for name in ("error", "errors"))


def _is_success(word: object) -> bool | None:
    if isinstance(word, bool):
        return word
    code = _code(word)
    if code is not None:
        return True if 200 <= code < 300 else (False if code >= 400 else None)
    if isinstance(word, str):
        return True if word.lower() in GOOD else (False if word.lower() in BAD else None)
    return None


def _code(word: object) -> int | None:
    number = _number(word)
    return number if number is not None and 100 <= number < 600 else None
