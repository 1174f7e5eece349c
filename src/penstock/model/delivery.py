"""One request and its reply. Imports nothing of Penstock outside this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, NamedTuple

from typing_extensions import TypedDict

from penstock.model.outcome import Outcome, Refusal
from penstock.model.record import Payload, Request

Lane = Literal["test", "live", "retry", "backfill"]  # who goes first when the rate limit is short, in this order
LostKind = Literal["refused", "dns", "tls", "timeout", "cut", "barred"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A credential as the client needs it, its secret resolved. Never logged, never stored: `repr` hides the key."""

    name: str
    base_url: str  # no trailing slash
    api_key: str | None = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    timeout: float = 30.0  # seconds for one attempt, connecting included
    allowed_hosts: tuple[str, ...] = ()
    api: str = "Custify"  # what the API is called where its own words are quoted
    hidden: tuple[str, ...] = field(default=(), repr=False)  # what else must never stand in what is kept of replies


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
    """No answer. `nothing_sent` is True only when no byte of the request can have reached the API."""

    kind: LostKind
    nothing_sent: bool
    reason: str
    duration_ms: float
    refused: bool = False  # the credential was: the API answered 401 or 403


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
    status: int | None = None  # what the last attempt was answered
    job: str | None = None


class WaitingJson(TypedDict):
    """A `Waiting` as JSON."""

    kind: WaitingKind
    seconds: float
    attempt: int | None
    status: int | None
    job: str | None


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
    """Why the whole run must stop: the credential is refused, or nothing answers at the host."""

    kind: Literal["credential", "unreachable"]
    reason: str
    found: str | None = None  # what answered, in its own words


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request with its attempts and its result.

    `outcome` and `reason` sum it up; `settled` has every record of it exactly once; `job` is the id of a batch job that
    has to be polled (then every record is `accepted`). `answer` is the last reply or loss. `missing` are records
    that the reply gives no result for, and `missing_why` says why: they are not in `settled`, and are sent again.
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

    @property
    def status(self) -> int | None:
        return self.answer.status if isinstance(self.answer, Reply) else None
