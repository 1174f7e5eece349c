"""The reports that the use-cases return. Field names are the JSON keys of the command line and the REST API.

Requests and replies are also documents here: for the quarantine, and as records of a response source. They hold no
secret, because the client adds the credential's headers when it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from dataclasses import field as member
from types import MappingProxyType
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from penstock.model.errors import Problem
from penstock.model.outcome import HeldOutcome, Note, NoteJson
from penstock.model.record import Column, Key, KeyJson, Schema
from penstock.model.spec import Dialect


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
class RefusedRecord:
    """A record that our own checks refuse; from `rule` and `values` a face makes a text of its own."""

    key: Key | None
    field: str | None
    rule: str
    reason: str
    value: str | None = None
    accepted: str | None = None
    values: Mapping[str, Any] = member(default_factory=lambda: MappingProxyType({}))


class RefusedJson(TypedDict):
    """A record that Penstock's checks refuse."""

    key: KeyJson | None
    field: str | None
    rule: str
    reason: str
    value: str | None
    accepted: str | None
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do now. `eta_s` is the time the credential's rate limit needs, in seconds.

    Of the `requests`, `asking` send nothing: look-ups, and questions about what became of a batch.
    """

    records: int
    creates_or_updates: int
    unchanged: int
    deletes: int
    invalid: int
    requests: int
    eta_s: float
    first_errors: tuple[RefusedRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    held: int = 0  # skipped because their present version is in the quarantine
    asking: int = 0
    destination: str | None = None
    flow: str | None = None
    destinations: tuple[PlanReport, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    base_url: str = ""
    base_url_reason: str = ""


PLANNED = ("records", "creates_or_updates", "unchanged", "deletes", "invalid", "held", "requests", "asking")


class PlanJson(TypedDict):
    """What a run would do now; `eta_s` is the least time that the rate limit allows. A flow's plan has `destinations`.

    `asking` is how many of the `requests` only read: look-ups, and polls of batch jobs.
    """

    destination: NotRequired[str]
    flow: NotRequired[str]
    records: int
    creates_or_updates: int
    unchanged: int
    deletes: int
    invalid: int
    held: int
    requests: int
    asking: int
    eta_s: float
    first_errors: list[RefusedJson]
    notes: list[NoteJson]
    base_url: NotRequired[str]
    destinations: NotRequired[list[PlanJson]]
    skipped: NotRequired[dict[str, str]]


@dataclass(frozen=True, slots=True)
class TestReport:
    """A test send: the request, and the reply or the error.

    `earlier` has the requests before it, all taken, where grouping code makes several of one record.
    """

    __test__ = False  # not a test of ours

    request: PreviewedRequest
    response: Mapping[str, Any] | None  # {"status", "headers", "body"}
    error: str | None
    duration_ms: float
    earlier: tuple[TestReport, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.response is not None and 200 <= int(self.response["status"]) < 300


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
    values: Mapping[str, Any] | None  # what the refusal is about, by name; None: held by 0.1.0


class QuarantineEntryJson(TypedDict):
    """A record in quarantine; `key` is null for a record without a key, a list for a key of several columns.

    `rule` is the code of the rule that it breaks; `values` are the details of the refusal by name (`field`, `column`,
    `value`, `type`, `limit`, `accepted`, …), null for records that release 0.1.0 quarantined. `reason` is the text that
    the command line shows for them.
    """

    id: str
    destination: str
    key: KeyJson | None
    outcome: HeldOutcome
    cause: str
    reason: str
    field: str | None
    at: str
    run: str | None
    rule: str
    values: dict[str, Any] | None


class QuarantineGroupJson(TypedDict):
    """Records in quarantine that share destination, cause, outcome and field; the rest is from the oldest of them."""

    destination: str
    cause: str
    outcome: HeldOutcome
    field: str | None
    count: int
    reason: str
    rule: str
    values: dict[str, Any] | None
    first_at: str
    last_at: str


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
class DatasetReport:
    """The detected schema of a dataset."""

    dataset: str
    key: tuple[str, ...]
    schema: Schema
    extra_columns: tuple[str, ...] = ()  # in the source now, but not in the stored schema, or only later
    gone_columns: tuple[str, ...] = ()  # in the stored schema, but not in the source now


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


def quarantine_json(entry: QuarantineEntry) -> QuarantineEntryJson:
    """A record in quarantine, as lists show it."""
    document: QuarantineEntryJson = as_json(entry)
    return document


def quarantined_json(detail: QuarantineDetail) -> dict[str, Any]:
    """A record in quarantine, whole."""
    document = as_json(detail)
    return {**document.pop("entry"), **document}


def check_json(report: CheckReport) -> CheckJson:
    """A check as `check --json` prints it."""
    document: CheckJson = as_json(report)
    return document


def plan_json(report: PlanReport) -> PlanJson:
    """A plan as `plan --json` prints it; a flow's plan has one such object per destination."""
    target = {"flow": report.flow} if report.flow is not None else {"destination": report.destination}
    counted = {name: getattr(report, name) for name in PLANNED}
    document = {
        **target,
        **counted,
        "eta_s": round(report.eta_s, 1),
        "first_errors": as_json(report.first_errors),
        "notes": as_json(report.notes),
    }
    if report.flow is not None:
        document["destinations"] = [plan_json(child) for child in report.destinations]
        document["skipped"] = dict(report.skipped)
    else:
        document["base_url"] = report.base_url
    return cast(PlanJson, document)


@dataclass(frozen=True, slots=True)
class DataLook:
    """Columns and some rows, as the first `records` records show them; `complete`: there are no more.

    `problems` in their place when it cannot be read. `tables` are a database's, None where they cannot be listed.
    """

    columns: tuple[Column, ...] = ()
    rows: tuple[Any, ...] = ()
    records: int = 0
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    tables: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which records in quarantine; None: whatever."""

    destination: str | None = None
    cause: str | None = None
    outcome: str | None = None
