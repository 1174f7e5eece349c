"""A run, its progress, its requests and its records: as reports, and as the JSON of the command line and the REST API.

A class that ends in `Json` is the shape of such a document. The OpenAPI document and the web UI's types derive from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict  # Pydantic reads the one of `typing` only from Python 3.12 on

from penstock.model.delivery import Attempt, AttemptJson, Delivery, Lost, Reply, Waiting, WaitingJson
from penstock.model.errors import Problem, ProblemJson, problem_json
from penstock.model.outcome import COUNT_NAMES, Counts, CountsJson, Note, NoteJson, Outcome
from penstock.model.record import KeyJson, Request
from penstock.model.reports import as_json

RunKind = Literal["destination", "flow", "test", "resend"]
RunStatus = Literal["queued", "running", "succeeded", "partial", "failed", "cancelled", "interrupted"]
_WORST_FIRST: tuple[RunStatus, ...] = ("cancelled", "failed", "partial")
KEPT_BODY = 20_000  # characters of a body that are stored for a person


LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """What a run counts besides the outcomes of its records: each is a column of the table `runs`.

    The totals of a flow's run are the sums of its parts'. `deleted` are objects, `requests` and `retries` HTTP
    requests, `duration_s` seconds. One that has a label is in the text of a run as `, 3 <label>`, unless it is 0.
    """

    deleted: int = field(default=0, metadata={LABEL: "deleted"})
    requests: int = 0
    retries: int = 0
    duration_s: float = 0.0


TOTALS = tuple(item.name for item in fields(RunTotals))
LABELS = {item.name: str(item.metadata[LABEL]) for item in fields(RunTotals) if LABEL in item.metadata}


def totals_of(run: RunTotals | RunReport) -> dict[str, Any]:
    """The totals of a run by name."""
    return {name: getattr(run, name) for name in TOTALS}


def sum_totals(runs: Sequence[RunTotals]) -> dict[str, Any]:
    """The totals of several runs together, by name."""
    return {name: sum(getattr(run, name) for run in runs) for name in TOTALS}


def worst_status(statuses: Iterable[RunStatus]) -> RunStatus:
    """The status of several runs together: cancelled, failed, partial, succeeded, whichever is first among theirs."""
    found = set(statuses)
    return next((status for status in _WORST_FIRST if status in found), "succeeded")


@dataclass(frozen=True, slots=True)
class RunReport:
    """What `run` answers, and what `runs` remembers. `status` is a `RunStatus`."""

    run: str
    status: str
    records: Counts
    destination: str | None = None
    flow: str | None = None
    deleted: int = 0
    requests: int = 0
    retries: int = 0
    duration_s: float = 0.0
    notes: tuple[Note, ...] = ()
    destinations: tuple[RunReport, ...] = ()
    reason: str | None = None  # why it stopped, when it stopped early
    stopped_by: str | None = None  # fuse | credential | unreachable | cancelled | error
    started_at: str | None = None
    finished_at: str | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)  # in a flow: destination → why it was skipped
    errors: tuple[Problem, ...] = ()  # what stopped it, with place, finding and hint


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; None: any. `since` is the earliest start or request."""

    target: str | None = None
    status: str | None = None
    since: str | None = None


class RunPartJson(TypedDict):
    """The run of a destination as part of a flow's run."""

    run: str
    destination: NotRequired[str]
    flow: NotRequired[str]
    status: RunStatus
    records: CountsJson
    deleted: int
    requests: int
    retries: int
    duration_s: float
    notes: list[NoteJson]
    reason: NotRequired[str]
    errors: NotRequired[list[ProblemJson]]
    started_at: str | None
    finished_at: str | None


class BareRunJson(RunPartJson):
    """A run of a destination or of a flow. A flow's run has `destinations`, and `skipped` with a reason for each.

    `errors` are the errors of input, settings or environment that ended it; lists of runs omit them.
    """

    destinations: NotRequired[list[RunPartJson]]
    skipped: NotRequired[dict[str, str]]


class RunJson(BareRunJson):
    """A run, with its trigger and requester."""

    kind: RunKind
    trigger: str
    asked_by: str
    asked_at: str


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


Listener = Callable[[Progress], None]  # hears the progress of a run a few times a second


class ProgressJson(TypedDict):
    """The progress of a run that has not ended. `destination` is the one that is being run, null before the first.

    `total` and `left_s` (seconds until the end) are null if they are unknown.
    """

    run: str
    status: RunStatus
    records: CountsJson
    requests: int
    total: int | None
    elapsed_s: float
    rate_per_s: float
    waiting_for_allowance_s: float
    phase: str
    attempts: list[AttemptJson]
    waiting_for: WaitingJson | None
    left_s: float | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One request of a run, as `deliveries` lists it."""

    delivery: str
    method: str
    url: str
    status: int | None
    attempts: int
    duration_ms: float
    records: tuple[Any, ...]  # the key of each as it is in JSON, None for a record without one
    outcome: Outcome
    reason: str | None
    at: str
    test: bool = False  # a test send: no count looks at it


class DeliveryJson(TypedDict):
    """A request of a run; `test` is true for a test send."""

    delivery: str
    method: str
    url: str
    status: int | None
    attempts: int
    duration_ms: float
    outcome: Outcome
    reason: str | None
    records: list[KeyJson | None]
    at: str
    test: NotRequired[bool]


class StoredRequestJson(TypedDict):
    """A request as it was sent, without secrets."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class StoredReplyJson(TypedDict):
    """A reply: `status`, `headers` and `body`; or `error`, the reason why there is none."""

    status: NotRequired[int]
    headers: NotRequired[dict[str, str]]
    body: NotRequired[str]
    error: NotRequired[str]


class WholeDeliveryJson(DeliveryJson):
    """A request of a run with its exact content and reply, if they were stored (`kept`)."""

    kept: bool
    request: StoredRequestJson | None
    response: StoredReplyJson | None


class RecordJson(TypedDict):
    """A record of a run with its outcome; `key` is null for unchanged records, whose keys are not stored.

    `rule` and `values` describe a refusal; `held` is true if it was in quarantine before this run.
    """

    key: KeyJson | None
    outcome: Outcome
    reason: str | None
    field: str | None
    delivery: str | None
    ordinal: int
    run: str
    rule: NotRequired[str]
    values: NotRequired[dict[str, Any] | None]
    held: NotRequired[bool]


class ReplyRecordJson(TypedDict):
    """A reply as a record of the source `<destination>.responses`; `response` is null if no reply came."""

    sent_at: str
    run: str
    delivery: str
    attempt: int
    request: StoredRequestJson
    response: StoredReplyJson | None
    duration_ms: float | None
    outcome: Outcome
    records: list[KeyJson | None]
    error: str | None


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
        **{name: round(getattr(report, name), 3) for name in TOTALS},
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
    del document["at"]
    if not report.test:
        del document["test"]
    return document


def dated_delivery_json(report: DeliveryReport) -> DeliveryJson:
    """A request as the REST API shows it."""
    document = {**delivery_json(report), "at": report.at}
    return cast(DeliveryJson, {name: document[name] for name in DeliveryJson.__annotations__ if name in document})


def request_document(request: Request) -> StoredRequestJson:
    """A request as it is stored for a person."""
    body = None if request.body is None else request.body[: KEPT_BODY * 4].decode("utf-8", errors="replace")[:KEPT_BODY]
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": body}


def reply_document(answer: Reply | Lost | None) -> StoredReplyJson | None:
    """A reply as `{status, headers, body}`, a loss as `{error}`."""
    if answer is None:
        return None
    if isinstance(answer, Lost):
        return {"error": answer.reason}
    return {"status": answer.status, "headers": dict(answer.headers), "body": answer.text[:KEPT_BODY]}


def response_record(delivery: Delivery, *, run: str, number: int) -> ReplyRecordJson:
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
        "outcome": delivery.outcome,
        "records": [as_json(settled.payload.key) for settled in delivery.settled],
        "error": delivery.reason if delivery.outcome.value not in ("delivered", "accepted") else None,
    }
