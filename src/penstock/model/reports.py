"""The reports that the use-cases return. Field names are the JSON keys of the command line and the REST API.

Requests and replies are also documents here: for the quarantine, and as records of a response source. They hold no
secret, because the client adds the credential's headers when it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from dataclasses import field as member
from types import MappingProxyType
from typing import Any, Literal

from penstock.model.delivery import Attempt, Delivery, Lost, Reply, Waiting
from penstock.model.errors import Problem, problem_json
from penstock.model.outcome import COUNT_NAMES, Note, RunReport
from penstock.model.record import Column, Key, Request, Schema

KEPT_BODY = 20_000  # characters of a body that are stored for a person


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


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` found: which base answered as an API, and in which dialect."""

    credential: str
    ok: bool
    base_url: str | None
    dialect: Literal["native", "flat"] | None
    tried: tuple[Mapping[str, str], ...]  # {"base_url", "result"}
    allowance: Mapping[str, int] | None  # {"limit", "remaining"}
    reason: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One request of a run, as `deliveries` lists it."""

    delivery: str
    method: str
    url: str
    status: int | None
    attempts: int
    duration_ms: float
    records: tuple[Key, ...]
    outcome: str
    reason: str
    test: bool = False  # a test send: no count looks at it


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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come, for a progress bar. `total` is None when the input's length is not known."""

    target: str
    counts: Mapping[str, int]
    requests: int
    total: int | None
    elapsed_s: float
    waiting_for_allowance_s: float = 0.0
    phase: str = "sending"  # or what it does instead: waiting for someone, stopping
    attempts: tuple[Attempt, ...] = ()  # the last ones of requests that needed more than one, oldest first
    waiting_for: Waiting | None = None
    left_s: float | None = None  # seconds until the end, as far as can be known; None: not yet


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


def test_json(report: TestReport) -> dict[str, Any]:
    """A test as `test --json` prints it: `earlier` only where grouping code made several requests."""
    document: dict[str, Any] = as_json(report)
    del document["earlier"]
    return {**document, "earlier": [test_json(part) for part in report.earlier]} if report.earlier else document


test_json.__test__ = False  # type: ignore[attr-defined] # not a test of ours


def run_json(report: RunReport, *, times: bool = False, errors: bool = True) -> dict[str, Any]:
    """A run as `run --json` prints it; `times` adds when it started and finished, as `runs --json` does.

    Lists leave `errors` out: `reason` is the first of them.
    """
    target = {"flow": report.flow} if report.flow is not None else {"destination": report.destination}
    document: dict[str, Any] = {
        "run": report.run,
        **target,
        "status": report.status,
        "records": {name: getattr(report.records, name) for name in COUNT_NAMES},
        "deleted": report.deleted,
        "requests": report.requests,
        "retries": report.retries,
        "duration_s": round(report.duration_s, 3),
        "notes": [as_json(note) for note in report.notes],
    }
    if report.reason is not None:
        document["reason"] = report.reason
    if errors and report.errors:
        document["errors"] = [problem_json(problem) for problem in report.errors]
    if report.flow is not None:
        document["destinations"] = [run_json(child, times=times, errors=errors) for child in report.destinations]
        document["skipped"] = dict(report.skipped)
    if times:
        document["started_at"], document["finished_at"] = report.started_at, report.finished_at
    return document


def delivery_json(report: DeliveryReport) -> dict[str, Any]:
    """A request as `deliveries --json` prints it; `test` only when it was a test."""
    document: dict[str, Any] = as_json(report)
    if not report.test:
        del document["test"]
    return document


def plan_json(report: PlanReport) -> dict[str, Any]:
    """A plan as `plan --json` prints it; a flow's plan has one such object per destination."""
    target = {"flow": report.flow} if report.flow is not None else {"destination": report.destination}
    document = {
        **target,
        "records": report.records,
        "creates_or_updates": report.creates_or_updates,
        "unchanged": report.unchanged,
        "deletes": report.deletes,
        "invalid": report.invalid,
        "held": report.held,
        "requests": report.requests,
        "asking": report.asking,
        "eta_s": round(report.eta_s, 1),
        "first_errors": as_json(report.first_errors),
        "notes": as_json(report.notes),
    }
    if report.flow is not None:
        document["destinations"] = [plan_json(child) for child in report.destinations]
        document["skipped"] = dict(report.skipped)
    else:
        document["base_url"] = report.base_url
    return document


def request_document(request: Request) -> dict[str, Any]:
    body = None if request.body is None else request.body[: KEPT_BODY * 4].decode("utf-8", errors="replace")[:KEPT_BODY]
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body}


def reply_document(answer: Reply | Lost | None) -> dict[str, Any] | None:
    """A reply as `{status, headers, body}`, a loss as `{error}`."""
    if answer is None:
        return None
    if isinstance(answer, Lost):
        return {"error": answer.reason}
    return {"status": answer.status, "headers": dict(answer.headers), "body": answer.text[:KEPT_BODY]}


def response_record(delivery: Delivery, *, run: str, number: int) -> dict[str, Any]:
    """One reply as a record of the destination's response source."""
    lost = isinstance(delivery.answer, Lost)
    return {
        "sent_at": delivery.sent_at,
        "run": run,
        "delivery": f"{run}-{number}",
        "attempt": delivery.attempts,
        "request": request_document(delivery.request),
        "response": None if lost else reply_document(delivery.answer),
        "duration_ms": delivery.duration_ms,
        "outcome": delivery.outcome.value,
        "records": [as_json(settled.payload.key) for settled in delivery.settled],
        "error": delivery.reason if delivery.outcome.value not in ("delivered", "accepted") else None,
    }


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


Listener = Callable[[Progress], None]  # hears the progress of a run a few times a second


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which records in quarantine; None: whatever."""

    destination: str | None = None
    cause: str | None = None
    outcome: str | None = None
