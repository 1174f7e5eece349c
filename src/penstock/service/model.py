"""The frozen data that parts of the service and its interfaces share: people, care, runs, requests, posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from penstock.clock import iso
from penstock.model.errors import InputError, Problem
from penstock.model.reports import QuarantineFilter
from penstock.model.rights import Person


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person; `password` is a hash, `subject` is the person at the identity provider."""

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
    """An API token without its text, of which only `hash` is stored."""

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
    """A session: the person, and what their browser stores."""

    person: Person
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`action`: the route's template, or the command; `what`: names, never contents; `origin`: an address, or the
    command line; `result`: `ok`, or why not.
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
    """None leaves all through; `since` is from that moment on, `until` before it."""

    person: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup that was written. `sealed` is how many secrets in it only the sealing key opens."""

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
    """What is to be restored. `resend_all`: destinations that may send twice do not trust what they remember."""

    file: Path
    replace: bool = False
    resend_all: bool = False


@dataclass(frozen=True, slots=True)
class RestoredState:
    """The result of a restore. `replaced` is the folder with the replaced state.

    `key` is what opens the sealed secrets: `from-backup`, `present`, `missing`; `none` when nothing is sealed.
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
    """How much was removed (or, dry, would be), by kind. `gone` are destinations no longer in the project.

    `free_bytes` is space inside the file that new rows use before it grows.
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
    """The state's size on disk in bytes: before, after, and the difference."""

    before_bytes: int
    after_bytes: int
    freed_bytes: int


Level = Literal["wrong", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `about` names its subject (a source, a run); `hint` says what to do."""

    level: Level
    code: str
    message: str
    hint: str = ""
    about: str = ""
    check: str = ""  # the check that found it, set by the caller of the checks


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was checked, with the findings."""

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
    """`sealed` texts were sealed again by the key `key`; `from_environment`: a person has to remove the old key."""

    key: str
    sealed: int
    from_environment: bool


AlertState = Literal["raised", "over"]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert, present or past. `told` is the state that was reported last, and when."""

    id: str
    kind: str
    subject: str
    state: AlertState
    reason: str
    since: datetime
    over_at: datetime | None = None
    told: str | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request: its caller, its Idempotency-Key, and a hash of its content."""

    who: str
    key: str
    asked: str


@dataclass(frozen=True, slots=True)
class ReplayedResponse:
    """A whole answer of the API."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class SenderRefused(Exception):  # noqa: N818 - it is an answer
    """The sender is not known; `hint` says what is expected. Neither ever has a secret."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.hint = hint


class PostRefused(Exception):  # noqa: N818 - it is an answer
    """Nothing of a post is stored; `wait_s` are the seconds after which the next one may come."""

    def __init__(self, *problems: Problem, wait_s: float | None = None) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
        self.wait_s = wait_s


class Overrun(Exception):  # noqa: N818 - it is an answer
    """More waits to be written than is good: come back in a moment."""


SESSION_LIVES_S = 7 * 24 * 3600  # seconds


SIGN_ON_LIVES_S = 600  # seconds


AUDIT_COLUMNS = ("id", "at", "who", "action", "what", "from", "result")


def moment(text: str, path: str) -> str:
    """A given moment in the form of the log. InputError when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "write a moment such as 2026-01-31T12:00:00Z, or a day"
        raise InputError(Problem(path, "this is no moment", "wrong-value", hint, text[:80])) from None
    return iso(found if found.tzinfo is not None else found.replace(tzinfo=UTC))


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry as it is shown."""
    return dict(
        zip(
            AUDIT_COLUMNS,
            (entry.id, entry.at, entry.who, entry.action, entry.what, entry.origin, entry.result),
            strict=True,
        )
    )


@dataclass(frozen=True, slots=True)
class DiscardRow:
    """`ids`, or else `which` of the records up to number `up_to`. `done` of `total` are discarded."""

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


MANY = 1000  # records: more are discarded in the background


RETENTION = "retention"  # the name of the setting


MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """Days; 0 is for ever. `ledger`: records and deliveries of a run; `runs`: its counts."""

    runs: int = 90
    ledger: int = 90
    responses: int = 30
    audit: int = 365
    alerts: int = 90

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Retention:
        """The document of the setting `retention`; what it leaves out has its default. InputError names each fault."""
        known, problems = {item.name for item in fields(Retention)}, []
        for name, value in document.items():
            if name not in known:
                near = get_close_matches(str(name), known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                problems.append(Problem(f"{RETENTION}.{name}", f"there is no {name}", "unknown-key", hint, str(name)))
            elif isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS:
                hint = f"write 1 to {MOST_DAYS}, or 0 to keep for ever"
                problems.append(
                    Problem(f"{RETENTION}.{name}", "a number of days is wanted", "wrong-value", hint, repr(value))
                )
        if problems:
            raise InputError(*problems)
        return Retention(**document)
