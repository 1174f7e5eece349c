"""The reply to a batch, read tolerantly: Custify's OpenAPI 1.5.7 promises "status and results" and no shape. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from penstock.delivery.words import words_in

JOB_IDS = ("id", "_id", "jobId", "job_id", "batchId")
RESULTS = ("results", "jobs", "items")
WRAPPERS = ("batch", "job", "data", "result")
GOOD = frozenset({"success", "succeeded", "successful", "ok", "done", "completed", "complete"})
BAD = frozenset({"error", "failed", "failure", "failures", "invalid", "rejected"})
ENDED = GOOD | BAD | {"finished", "ended", "partial"}
ENTITY_IDS = ("id", "_id")


class Item(NamedTuple):
    """What a reply says of one record. `good` None: it does not say clearly."""

    good: bool | None
    status: int | None = None
    words: str = ""
    remote_id: str | None = None


UNCLEAR = Item(None)


@dataclass(frozen=True, slots=True)
class Items:
    """One item per record of the batch, in order; `ignored` results belong to no record."""

    items: tuple[Item, ...]
    ignored: int = 0

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
    """Whether a job has ended; `failed` when all of it did. A word nobody knows counts as pending."""
    for place in _places(data):
        word = place.get("status", place.get("state"))
        if isinstance(word, str):
            if word.lower() in BAD:
                return "failed"
            return "ended" if word.lower() in ENDED else "pending"
    return "pending"


def read_items(data: object, records: int) -> Items | None:
    """The results per record; None when the reply holds none."""
    found = _results(data, records)
    if found is None:
        return None
    placed = _place(found, records)
    if placed is None:
        return Items((UNCLEAR,) * records, ignored=len(found))
    items: list[Item] = [UNCLEAR] * records
    ignored = 0
    for position, value in placed:
        if not 0 <= position < records:
            ignored += 1
            continue
        item = _item(value)
        known = items[position]
        items[position] = item if known.good is None or item.good is False else known
    return Items(tuple(items), ignored)


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
        return [(None, value) for value in data] if len(data) == records else None
    for place in _places(data):
        for name in RESULTS:
            found = place.get(name)
            if isinstance(found, list):
                return [(_index(value), value) for value in found]
            if isinstance(found, Mapping):
                return [(_number(key), value) for key, value in found.items()]
    return None


def _place(found: Sequence[tuple[object, object]], records: int) -> list[tuple[int, object]] | None:
    """Each value at the position of its record; None when that cannot be known."""
    numbers = [number for number, _ in found if isinstance(number, int)]
    if len(numbers) == len(found) and found:
        first = 1 if min(numbers) == 1 and max(numbers) == records else 0  # some people count from 1
        return [(number - first, value) for number, (_, value) in zip(numbers, found, strict=True)]
    if numbers or len(found) < records:
        return None  # a shorter list may hold only the failures: whose they are is not said
    return [(position, value) for position, (_, value) in enumerate(found)]


def _index(value: object) -> int | None:
    return _number(value.get("index")) if isinstance(value, Mapping) else None


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10 else None


def _item(value: object) -> Item:
    if not isinstance(value, Mapping):
        return Item(_good(value), _code(value), value if isinstance(value, str) and _good(value) is None else "")
    told = [value.get(name) for name in ("statusCode", "status_code", "code", "status", "state", "result", "success")]
    verdicts = {_good(word) for word in told} - {None}
    code = next((number for number in map(_code, told) if number is not None), None)
    if _says_error(value):
        verdicts.add(False)
    good = None if not verdicts else False not in verdicts
    words = "" if good else words_in(value.get("error")) or words_in({**value, "error": None})
    remote = next((value[name] for name in ENTITY_IDS if isinstance(value.get(name), str)), None)
    return Item(good, code, words, remote if isinstance(remote, str) else None)


def _says_error(value: Mapping[str, object]) -> bool:
    return any(value.get(name) not in (None, "", False, [], {}) for name in ("error", "errors"))


def _good(word: object) -> bool | None:
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
