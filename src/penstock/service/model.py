"""Frozen data that the parts of the service and its interfaces share: users, maintenance, runs, requests, posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, get_args

from penstock.clock import iso
from penstock.model.errors import InputError, Problem
from penstock.model.reports import QuarantineFilter
from penstock.model.text import did_you_mean

Role = Literal["viewer", "operator", "editor", "admin"]


class Right(IntEnum):
    """The right that an operation needs. Each right includes those before it."""

    VIEW = 1
    OPERATE = 2  # run, activate, test, quarantine
    EDIT = 3
    ADMIN = 4


ROLES: dict[str, Right] = dict(zip(get_args(Role), Right, strict=True))
_ROLE_WORDS: dict[Right, Role] = dict(zip(Right, get_args(Role), strict=True))


def role_of(right: Right) -> Role:
    """The role that has this right and those before it."""
    return _ROLE_WORDS[right]


@dataclass(frozen=True, slots=True)
class Person:
    """A person, and how they signed in: `token` is the id of an API token, None at a session."""

    name: str
    right: Right
    token: str | None = None

    @property
    def role(self) -> Role:
        return role_of(self.right)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A user; `password` is a hash, `subject` is the identity provider's id for the user."""

    name: str
    role: str
    made_at: str
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    subject: str | None = None
    epoch: int = 0
    seen_at: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token; only the `hash` of its text is stored."""

    id: str
    hash: str = field(repr=False)
    owner: str
    name: str
    role: str
    made_at: str
    expires_at: str | None = None
    used_at: str | None = None


@dataclass(frozen=True)
class SignedIn:
    """A new session: the user, its cookie, and the value for the header `X-Penstock-CSRF`."""

    person: Person
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry of the audit log. `action` is the route's template or the command; `what` are names, never contents;
    `origin` is an address or the command line; `result` is `ok` or the reason of a refusal.
    """

    at: str
    who: str
    action: str
    what: str
    origin: str
    result: str
    id: int = 0


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter of the audit log; None matches all. `since` is inclusive, `until` exclusive."""

    person: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written. `sealed` is the number of secrets in it that need the sealing key."""

    file: str
    bytes: int
    made_at: str
    schema: str
    frozen: int
    uploads: int
    with_key: bool
    sealed: int


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """The options of a restore. `resend_all`: destinations whose requests may be repeated send all records again."""

    file: Path
    replace: bool = False
    resend_all: bool = False


@dataclass(frozen=True, slots=True)
class RestoredState:
    """The result of a restore. `replaced` is the folder with the replaced state.

    `key` is where the key for the secrets is: `from-backup`, `present`, `missing`, or `none` if nothing is sealed.
    """

    database: str
    file: str
    made_at: str
    schema: str
    replaced: str | None
    key: str
    unfinished: tuple[str, ...]
    resend_all: bool


@dataclass(frozen=True, slots=True)
class Pruned:
    """The number of deleted rows by kind; in a dry run, the rows that would be deleted.

    `gone` has the number of keys in memory for each destination that is no longer in the project. `free_bytes` is the
    free space inside the file, which new rows use before the file grows.
    """

    dry_run: bool
    removed: Mapping[str, int]
    finished: bool = True
    frozen: tuple[str, ...] = ()
    gone: Mapping[str, int] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    free_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Compacted:
    """The size of the state on disk in bytes: before, after, and the difference."""

    before_bytes: int
    after_bytes: int
    freed_bytes: int


Level = Literal["wrong", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding. `about` names its subject (a source, a run); `hint` is the fix."""

    level: Level
    code: str
    message: str
    hint: str = ""
    about: str = ""
    check: str = ""  # the name of the check; the caller of the checks sets it


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The checks that were made, and their findings."""

    at: str
    database: str
    versions: Mapping[str, str]
    checks: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        return not any(finding.level == "wrong" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        found = [asdict(finding) for finding in self.findings]
        plain = {"at": self.at, "database": self.database, "versions": dict(self.versions)}
        return {"ok": self.is_well, **plain, "checks": list(self.checks), "findings": found}


@dataclass(frozen=True, slots=True)
class Rotated:
    """A key rotation: `sealed` is the number of secrets, `key` the id of the new key. `from_environment`: the old key
    is in a variable of the environment, from which a person has to remove it.
    """

    key: str
    sealed: int
    from_environment: bool


AlertState = Literal["raised", "over"]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is raised or over. `reported` is the state in the last message about it, `reported_at` its time."""

    id: str
    kind: str
    subject: str
    state: AlertState
    reason: str
    since: datetime
    over_at: datetime | None = None
    reported: str | None = None
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with an Idempotency-Key: its caller, the key, and the hash of its content."""

    who: str
    key: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class ReplayedResponse:
    """A complete response of the API."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class SenderRefused(Exception):  # noqa: N818 - a refusal, not an error
    """The sender of a post is not authenticated; `hint` says what is expected. Neither text has a secret."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


class PostRefused(Exception):  # noqa: N818 - a refusal, not an error
    """No record of a post is stored; the sender may post again after `wait_s` seconds."""

    def __init__(self, *problems: Problem, wait_s: float | None = None) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
        self.wait_s = wait_s


class Overrun(Exception):  # noqa: N818 - a refusal, not an error
    """Too many posted records wait to be written; the sender may post again in a moment."""


SESSION_LIVES_S = 7 * 24 * 3600  # seconds


SIGN_ON_LIVES_S = 600  # seconds


AUDIT_COLUMNS = ("id", "at", "who", "action", "what", "from", "result")


def setup_path(token: str) -> str:
    """The path of the page of a one-time link."""
    return f"/setup#token={token}"


def moment(text: str, path: str) -> str:
    """A date or time as UTC in ISO 8601, as the audit log stores it. InputError for other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "write a time such as 2026-01-31T12:00:00Z, or a date"
        raise InputError(Problem(path, "this is not a time", "wrong-value", hint, text[:80])) from None
    return iso(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON."""
    return dict(
        zip(
            AUDIT_COLUMNS,
            (entry.id, entry.at, entry.who, entry.action, entry.what, entry.origin, entry.result),
            strict=True,
        )
    )


@dataclass(frozen=True, slots=True)
class DiscardRow:
    """A discard in the background: of the records `ids`, or else of those up to number `up_to` that `which` matches.
    `done` of `total` are discarded.
    """

    id: str
    ids: tuple[str, ...] | None
    which: QuarantineFilter
    up_to: int
    reason: str
    asked_by: str
    asked_at: str
    total: int
    done: int = 0
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """Which record is erased. `key` is its key, a JSON list for several columns; several datasets may have it."""

    key: str
    dataset: str | None = None
    destination: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Erased:
    """What was found of a record, by kind; `erased`: it is removed. `key_hash` names the key without its text."""

    key_hash: str
    dataset: str | None
    destinations: tuple[str, ...]
    found: Mapping[str, int]
    erased: bool
    notes: tuple[str, ...] = ()


MANY = 1000  # records: more are discarded in the background


RETENTION = "retention"  # the name of the setting
OPEN_SERVICE = "service without sign-in"  # the lease of such a service, by which `penstock doctor` knows of it


MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days data is stored; 0 means forever. `ledger`: records and deliveries of runs; `runs`: their counts."""

    runs: int = 90
    ledger: int = 90
    responses: int = 30
    audit: int = 365
    alerts: int = 90

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Retention:
        """The retention of a document; omitted settings get their default. InputError names every problem."""
        known, problems = sorted(item.name for item in fields(Retention)), []
        for name, value in document.items():
            if name not in known:
                hint = did_you_mean(str(name), known, f"known: {', '.join(known)}")
                problems.append(
                    Problem(f"{RETENTION}.{name}", f"there is no setting {name}", "unknown-key", hint, str(name))
                )
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS:
                hint = f"use 1 to {MOST_DAYS}, or 0 for forever"
                problems.append(
                    Problem(f"{RETENTION}.{name}", "this is not a number of days", "wrong-value", hint, repr(value))
                )
        if problems:
            raise InputError(*problems)
        return Retention(**document)
