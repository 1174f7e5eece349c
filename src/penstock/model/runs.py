"""A run: its plan, its progress, its result and its records, with the JSON of the command line and the REST API.

A class that ends in `Json` is the shape of such a document. The OpenAPI document and the web UI's types derive from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, NotRequired, cast

from typing_extensions import TypedDict  # Pydantic reads the one of `typing` only from Python 3.12 on

from penstock.model.delivery import Attempt, AttemptJson, Waiting, WaitingJson
from penstock.model.errors import Problem, ProblemJson, problem_json
from penstock.model.outcome import COUNT_NAMES, Counts, CountsJson, Note, NoteJson, Outcome
from penstock.model.record import Key, KeyJson, RefusedJson, RefusedRecord
from penstock.model.reports import SettleJson, SettleReport, as_json

RunKind = Literal["destination", "flow", "test", "resend", "settle", "reconcile"]
RunStatus = Literal["queued", "running", "succeeded", "partial", "failed", "cancelled", "interrupted"]

_WORST_FIRST: tuple[RunStatus, ...] = ("cancelled", "failed", "partial")
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


def totals_of(run: RunTotals) -> dict[str, Any]:
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
class RunReport(RunTotals):
    """What `run` returns and `runs` lists. `status` is a `RunStatus`. The order of its JSON is that of `run_json`."""

    run: str
    status: str
    records: Counts
    destination: str | None = None
    flow: str | None = None
    notes: tuple[Note, ...] = ()
    destinations: tuple[RunReport, ...] = ()
    reason: str | None = None  # why it stopped, when it stopped early
    stopped_by: str | None = None  # fuse | canary | credential | unreachable | cancelled | error
    started_at: str | None = None
    finished_at: str | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)  # in a flow: destination → why it was skipped
    errors: tuple[Problem, ...] = ()  # what stopped it, with place, finding and hint
    deletes_hash: str | None = None  # of the deletions of a mirror that wait for an approval
    limit: int | None = None  # the number of records that it was to send at most; None: all
    kind: RunKind = "destination"


@dataclass(frozen=True, slots=True)
class RunFilter:
    """A filter of runs; None matches all. `since` is the earliest start or request."""

    target: str | None = None
    status: str | None = None
    since: str | None = None


class RunPartJson(TypedDict):
    """The run of a destination as part of a flow's run. `limit` is how many records it was to send at most."""

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
    limit: NotRequired[int]
    deletes_hash: NotRequired[str]
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
    """A run, with its trigger and requester; one that settled unknown records has `settled` when it has ended."""

    kind: RunKind
    trigger: str
    asked_by: str
    asked_at: str
    settled: NotRequired[SettleJson]


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do now. `eta_s` is the time the credential's rate limit needs, in seconds.

    Of the `requests`, `asking` only read: look-ups, and questions about what became of a batch.
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
    deletes_hash: str | None = None  # approves that exactly `delete_keys` are deleted
    delete_keys: tuple[Key, ...] = ()  # in order
    creates: int | None = None  # None: not read from Custify, or it cannot be read
    updates: int | None = None
    read_requests: int | None = None  # that were made for `creates` and `updates`
    active: bool = True  # whether a run may send; of a flow always


EXACT = ("creates", "updates", "read_requests")
PLANNED = ("records", "creates_or_updates", "unchanged", "deletes", "invalid", "held", "requests", "asking")


class PlanJson(TypedDict):
    """What a run would do now; `eta_s` is the least time that the rate limit allows. A flow's plan has `destinations`.

    `delete_keys` are the keys of the objects that a mirror deletes, in order; `deletes_hash` approves exactly these.

    `asking` is how many of the `requests` only read: look-ups, and polls of batch jobs. Of an exact plan, `creates` and
    `updates` are the records whose object Custify does not have and has; reading that took `read_requests` now.
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
    deletes_hash: str | None
    delete_keys: list[KeyJson]
    base_url: NotRequired[str]
    creates: NotRequired[int]
    updates: NotRequired[int]
    read_requests: NotRequired[int]
    destinations: NotRequired[list[PlanJson]]
    skipped: NotRequired[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run. `total` is None when the number of records is not known."""

    target: str
    counts: Mapping[str, int]
    requests: int
    total: int | None
    elapsed_s: float
    waiting_for_allowance_s: float = 0.0
    phase: str = "sending"  # or what the run does instead, such as stopping
    attempts: tuple[Attempt, ...] = ()  # of requests that needed several: the last ones, oldest first
    waiting_for: Waiting | None = None
    left_s: float | None = None  # seconds until the end; None: not known yet


Listener = Callable[[Progress], None]  # receives the progress of a run a few times a second


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


def settled(run: RunReport) -> SettleReport:
    """What a run of the kind `settle` found and did, by the outcomes of its records."""
    counts = run.records
    sent_again = counts.delivered + counts.accepted
    return SettleReport(run.run, counts.unchanged, sent_again, counts.unknown, run.requests)


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
    for name in ("limit", "deletes_hash"):
        if getattr(report, name) is not None:
            document[name] = getattr(report, name)
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


def plan_json(report: PlanReport) -> PlanJson:
    """A plan as `plan --json` prints it; a flow's plan has one such object per destination."""
    target = {"flow": report.flow} if report.flow is not None else {"destination": report.destination}
    counted = {name: getattr(report, name) for name in PLANNED}
    document = {
        **target,
        **counted,
        **{name: known for name in EXACT if (known := getattr(report, name)) is not None},
        "eta_s": round(report.eta_s, 1),
        "first_errors": as_json(report.first_errors),
        "notes": as_json(report.notes),
        "deletes_hash": report.deletes_hash,
        "delete_keys": as_json(report.delete_keys),
    }
    if report.flow is not None:
        document["destinations"] = [plan_json(child) for child in report.destinations]
        document["skipped"] = dict(report.skipped)
    else:
        document["base_url"] = report.base_url
    return cast(PlanJson, document)
