"""One request with its attempts and its reply, as a delivery, and as the JSON of a run's deliveries.

Stored requests and replies contain no secret, because the client adds the credential's headers when it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, NotRequired, cast

from typing_extensions import TypedDict

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import KeyJson, Payload, Request
from penstock.model.reports import as_json

Lane = Literal["test", "live", "retry", "backfill"]  # in the order in which requests get a place in the rate limit
LostKind = Literal["refused", "dns", "tls", "timeout", "cut", "barred"]
# How a record without an answer is read back. `repeatable`: it is sent again without a read.
SettleKind = Literal[
    "task", "note", "subscription", "invoice", "deal", "custom_object", "recipe", "repeatable", "unreadable"
]


@dataclass(frozen=True, slots=True)
class Connection:
    """A credential with its secret resolved, for the client. Never logged or stored; `repr` hides the key."""

    name: str
    base_url: str  # no trailing slash
    api_key: str | None = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    timeout: float = 30.0  # seconds for one attempt, connecting included
    allowed_hosts: tuple[str, ...] = ()
    api: str = "Custify"  # the name of the API beside its quoted error texts
    hidden: tuple[str, ...] = field(default=(), repr=False)  # further secrets, masked in stored replies


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP reply. Header names are lower-case.

    `body` is decompressed, and cut at the client's limit (`truncated` says so).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    duration_ms: float
    truncated: bool = False

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Lost:
    """No reply came. `nothing_sent` is True only if no byte of the request can have reached the API."""

    kind: LostKind
    nothing_sent: bool
    reason: str
    duration_ms: float
    refused: bool = False  # whether the API refused the credential, by 401 or 403


class Attempt(NamedTuple):
    """One attempt of a request that needed more than one.

    `status` is None when no reply came; `reason` says why. `again_in_s` is the pause before the next attempt,
    None when there is none.
    """

    at: str
    method: str
    url: str
    attempt: int
    status: int | None
    reason: str | None
    again_in_s: float | None


class AttemptJson(TypedDict):
    """An attempt of a request that is being repeated."""

    at: str
    method: str
    url: str
    attempt: int
    status: int | None
    reason: str | None
    again_in_s: float | None


WaitingKind = Literal["rate limit", "retry", "batch job"]


class Waiting(NamedTuple):
    """What a run waits for before it continues: the rate limit, the next attempt of a request, or a batch job."""

    kind: WaitingKind
    seconds: float
    attempt: int | None = None  # the number of the next attempt
    status: int | None = None  # of the last reply
    job: str | None = None


class WaitingJson(TypedDict):
    """A `Waiting` as JSON."""

    kind: WaitingKind
    seconds: float
    attempt: int | None
    status: int | None
    job: str | None


class SentNote(NamedTuple):
    """A delivered note: `forms` are hashes of its text, `remote_id` is Custify's id of it, where the reply had one."""

    credential: str
    entity: str  # Custify's id of the company or person
    remote_id: str | None
    forms: tuple[int, int]
    at: str


class Settled(NamedTuple):
    """The result of one delivery for one record.

    `refusal` is set for quarantined, unknown and unsent; `remote_id` is Custify's own id, when the reply has it.
    """

    payload: Payload
    outcome: Outcome
    refusal: Refusal | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the whole run must stop: the API refuses the credential, or the host does not respond."""

    kind: Literal["credential", "unreachable"]
    reason: str
    found: str | None = None  # the error text of what responded


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request with its attempts and its result.

    `outcome` and `reason` are those of the request as a whole; `settled` has every record exactly once. `job` is the id
    of a batch job that has to be polled (then every record is `accepted`). `answer` is the last reply or loss.
    `sent_at` is when its first attempt left, `last_sent_at` when the last one did, if there was one.
    `missing` are records for which the reply has no result, with the reason in `missing_why`: they are not in
    `settled`, and are sent again.
    """

    request: Request
    attempts: int
    requests: int  # HTTP requests made for it, attempts included
    duration_ms: float
    sent_at: str
    outcome: Outcome
    reason: str
    settled: tuple[Settled, ...]
    answer: Reply | Lost | None
    job: str | None = None
    stop: Stop | None = None
    missing: tuple[Payload, ...] = ()
    missing_why: Refusal | None = None
    last_sent_at: str | None = None

    @property
    def status(self) -> int | None:
        return self.answer.status if isinstance(self.answer, Reply) else None


KEPT_BODY = 20_000  # characters of a body that are stored for a person


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
    test: bool = False  # a test send, which no count includes


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


def request_document(request: Request, *, whole: bool = False) -> StoredRequestJson:
    """A request as it is stored: the beginning of its body for a person, or all of it for a read-back."""
    body = None if request.body is None else request.body if whole else request.body[: KEPT_BODY * 4]
    text = None if body is None else body.decode("utf-8", errors="replace")
    text = text if text is None or whole else text[:KEPT_BODY]
    return {"method": request.method, "url": request.url, "headers": dict(request.headers), "body": text}


def cut_request_document(document: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A stored request as it is shown to a person: the beginning of its body."""
    body = None if document is None else document.get("body")
    return document if document is None or body is None else {**document, "body": body[:KEPT_BODY]}


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
