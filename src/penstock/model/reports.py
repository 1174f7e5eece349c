"""What the use-cases return about anything but runs: reports, the versions of the project, and pages of lists.

Field names are the JSON keys of the command line and the REST API. A class that ends in `Json` is the shape of a
document.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, Literal, NamedTuple, NotRequired, TypeVar, cast

import orjson
from typing_extensions import TypedDict

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, QuarantineOutcome
from penstock.model.record import Key, KeyJson, RefusedRecord
from penstock.model.spec import BatchCostJson, Dialect

ChangeKind = Literal["added", "changed", "removed"]
DATABASE_INTEGERS = range(-(2**63), 2**63)
T = TypeVar("T")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class PreviewedRequest:
    """One request as a run would send it; secrets redacted; `body` is the exact bytes as UTF-8 text, or None.

    `unresolved` are the paths in the body that a look-up fills in when it is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    records: tuple[Key, ...]
    unresolved: tuple[str, ...] = ()


class RequestJson(TypedDict):
    """A request as it is sent: `body` is its exact text; `unresolved` are the values that a look-up sets later."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    records: list[KeyJson]
    unresolved: list[str]


@dataclass(frozen=True, slots=True)
class Preview:
    """The requests made of a dataset's samples; `refused` are the sample records that would be quarantined."""

    requests: tuple[PreviewedRequest, ...]
    notes: tuple[Note, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    base_url: str = ""
    base_url_reason: str = ""  # how the base was chosen: given, checked, or assumed until the first check


@dataclass(frozen=True, slots=True)
class TestReport:
    """A test send: the request, and the reply or the error.

    `earlier` has the requests before it, all taken, where grouping code makes several of one record. A file that was
    written has neither reply nor error.
    """

    __test__ = False  # not a test of ours

    request: PreviewedRequest
    response: Mapping[str, Any] | None  # {"status", "headers", "body"}
    error: str | None
    duration_ms: float
    earlier: tuple[TestReport, ...] = ()

    @property
    def succeeded(self) -> bool:
        if self.response is None:
            return self.error is None
        return 200 <= int(self.response["status"]) < 300


class AnswerJson(TypedDict):
    """A reply, without secrets."""

    status: int
    headers: dict[str, str]
    body: str


class TestJson(TypedDict):
    """A test send; `earlier` are the requests before it if grouping code makes several requests from one record."""

    request: RequestJson
    response: AnswerJson | None
    error: str | None
    duration_ms: float
    earlier: NotRequired[list[TestJson]]


TestJson.__test__ = False  # type: ignore[attr-defined] # not a test of ours


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` found: which base answered as an API, and in which dialect."""

    credential: str
    ok: bool
    base_url: str | None
    dialect: Dialect | None
    tried: tuple[Mapping[str, str], ...]  # {"base_url", "result"}
    allowance: Mapping[str, int] | None  # {"limit", "remaining"}
    reason: str
    batch_cost: BatchCostJson | None = None  # None: nothing is sent in batches


class TriedBaseJson(TypedDict):
    """A base URL that was tried, and the result."""

    base_url: str
    result: str


class AllowanceSeenJson(TypedDict):
    """The rate limit that a reply of the API reported."""

    limit: int
    remaining: int


class CheckJson(TypedDict):
    """The base URL that responded, and its dialect; `tried` has the result for each base URL."""

    credential: str
    ok: bool
    base_url: str | None
    dialect: Dialect | None
    tried: list[TriedBaseJson]
    allowance: AllowanceSeenJson | None
    reason: str
    batch_cost: BatchCostJson | None


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One record in quarantine."""

    id: str
    destination: str
    key: Key | None
    outcome: str
    cause: str
    reason: str
    field: str | None
    at: str
    run: str | None
    rule: str
    values: Mapping[str, Any] | None  # what the refusal is about, by name; None: quarantined by 0.1.0
    finding: str | None = None  # of an unknown record: what was found when it was read back; None: not read back yet


class QuarantineEntryJson(TypedDict):
    """A record in quarantine; `key` is null for a record without a key, a list for a key of several columns.

    `rule` is the code of the rule that it breaks; `values` are the details of the refusal by name (`field`, `column`,
    `value`, `type`, `limit`, `accepted`, …), null for records that release 0.1.0 quarantined. `reason` is the text that
    the command line shows for them.
    """

    id: str
    destination: str
    key: KeyJson | None
    outcome: QuarantineOutcome
    cause: str
    reason: str
    field: str | None
    at: str
    run: str | None
    rule: str
    values: dict[str, Any] | None
    finding: str | None


class QuarantineGroupJson(TypedDict):
    """Records in quarantine that share destination, cause, outcome and field; the rest is from the oldest of them."""

    destination: str
    cause: str
    outcome: QuarantineOutcome
    field: str | None
    count: int
    reason: str
    rule: str
    values: dict[str, Any] | None
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """A filter of records in quarantine; None matches all."""

    destination: str | None = None
    cause: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineDetail:
    """One record in quarantine: `record` is its JSON value, `request` and `reply` the last ones, redacted."""

    entry: QuarantineEntry
    record: Any
    value: str | None = None
    accepted: str | None = None
    request: Mapping[str, Any] | None = None
    reply: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SettleReport:
    """What settling the unknown records of a destination found and did.

    `run` is the id of its run. `delivered` had arrived, `sent_again` had not and were delivered now, `undecided` are
    still unknown; `requests` counts reads and sends.
    """

    run: str
    delivered: int
    sent_again: int
    undecided: int
    requests: int


class SettleJson(TypedDict):
    """How many unknown records had arrived, were sent again, and are still unknown; and the number of requests."""

    delivered: int
    sent_again: int
    undecided: int
    requests: int


def quarantine_json(entry: QuarantineEntry) -> QuarantineEntryJson:
    """A record in quarantine, as lists show it."""
    document: QuarantineEntryJson = as_json(entry)
    return document


def settle_json(report: SettleReport) -> SettleJson:
    """A settlement as `settle --json` prints it."""
    document = as_json(report)
    del document["run"]
    return cast(SettleJson, document)


def quarantined_json(detail: QuarantineDetail) -> dict[str, Any]:
    """A record in quarantine, whole."""
    document = as_json(detail)
    return {**document.pop("entry"), **document}


class DocumentChange(NamedTuple):
    """One difference between two projects; `before` or `after` is None where there is nothing."""

    path: str
    change: ChangeKind
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ProjectVersion:
    """`version` counts from 1; `text` is the project as canonical YAML, `base` the folder where its paths start."""

    version: int
    at: str
    author: str
    base: str
    text: str
    changes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """The result of `apply`: the newest version, and what it changed (nothing when it was equal)."""

    version: int
    changes: tuple[DocumentChange, ...]


@dataclass(frozen=True, slots=True)
class Resource:
    """One credential, source, dataset, destination or flow of the project; `kind` is its section."""

    kind: str
    name: str
    value: Any
    etag: str
    version: int


@dataclass(frozen=True, slots=True)
class SandboxUrls:
    """A running sandbox: its API in both dialects, the page of what arrived, and the key that it accepts."""

    url: str
    flat_url: str
    admin_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class SampleCompany:
    """How many records of each kind were written."""

    companies: int
    people: int
    subscriptions: int
    events: int
    notes: int


class Page(TypedDict, Generic[T]):
    """A page of a list; `next` is the cursor of the next page, null on the last one."""

    items: list[T]
    next: str | None


def page_of(rows: Sequence[Row], limit: int, shown: Callable[[Row], T], place: Callable[[Row], str]) -> Page[T]:
    """The page of the first `limit` rows. Another row means that there is a next page, whose cursor `place` makes."""
    more = place(rows[limit - 1]) if len(rows) > limit else None
    return {"items": [shown(row) for row in rows[:limit]], "next": more}


def single_page(items: list[T]) -> Page[T]:
    """A list that has one page."""
    return {"items": items, "next": None}


def write_cursor(*place: str | int) -> str:
    """An opaque cursor for the place where the next page begins."""
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def read_cursor(cursor: str, *kinds: type[str | int]) -> Any:
    """The place in a cursor, as a tuple of these kinds. Raises InputError for any other text."""
    try:
        place = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        place = None
    if isinstance(place, list) and len(place) == len(kinds) and all(map(_is_of_kind, place, kinds)):
        return tuple(place)
    hint = "use `next` of the previous page"
    raise InputError(Problem("cursor", "this is not a cursor", "wrong-cursor", hint, found=cursor[:80]))


def _is_of_kind(value: object, kind: type[str | int]) -> bool:
    """Whether a value is of this kind; a whole number must also be one that a database can store."""
    return isinstance(value, kind) and not (isinstance(value, int) and value not in DATABASE_INTEGERS)


def as_json(value: Any) -> Any:
    """A report (or a part of one) as plain JSON values: dataclasses become objects, tuples lists, sets sorted lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: as_json(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_json(part) for name, part in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(as_json(part) for part in value)
    if isinstance(value, tuple | list):
        return [as_json(part) for part in value]
    return value


def test_json(report: TestReport) -> TestJson:
    """A test as `test --json` prints it: `earlier` only where grouping code made several requests."""
    document: TestJson = as_json(report)
    del document["earlier"]
    if report.earlier:
        document["earlier"] = [test_json(part) for part in report.earlier]
    return document


test_json.__test__ = False  # type: ignore[attr-defined] # not a test of ours


def check_json(report: CheckReport) -> CheckJson:
    """A check as `check --json` prints it."""
    document: CheckJson = as_json(report)
    return document
