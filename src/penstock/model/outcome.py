"""The outcome of a record, the refusal of a value, and the notes and counts of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, get_args

from typing_extensions import TypedDict

from penstock.model.text import visible

VALUES = ("field", "column", "value", "type", "since", "limit", "accepted", "finding", "mapped")  # of a refusal

SHOWN = 80  # characters of a value that a refusal quotes

NEW = "a new column"  # how the reasons of such notes begin
NOT_SENT, GONE, EMPTY = "not sent", "gone", "empty"
EMPTY_NOW = "every value is null now, and there were values before"
MOST_NAMED = 20  # columns with a note of their own


class Outcome(StrEnum):
    """The outcome of a record. Every record that is read has exactly one of the seven outcomes."""

    DELIVERED = "delivered"  # confirmed by a 2xx
    ACCEPTED = "accepted"  # 202: accepted, not confirmed yet
    UNCHANGED = "unchanged"  # nothing to send
    QUARANTINED = "quarantined"  # refused or invalid, with a reason
    UNKNOWN = "unknown"  # sent without a reply, not settled yet
    WAITING = "waiting"  # its company or person is not sent yet, or its key may have been
    UNSENT = "unsent"  # read, but the run stopped before sending it


QuarantineOutcome = Literal[Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.WAITING]
IN_QUARANTINE = frozenset[Outcome](get_args(QuarantineOutcome))
SENT = frozenset({Outcome.DELIVERED, Outcome.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one record cannot be sent, and what would be accepted.

    `cause` groups records in quarantine (`email: required`, `422 Unprocessable: …`). `rule` is the stable code of the
    rule (`required`, `int32`, `length`, `scalar`, `type`, `key`, `api`, …). `value` is the value found, shortened to
    80 characters; `accepted` says what would be accepted. `column` is the column of the value, `type` the column's
    stored type that it does not fit, `since` when that type was decided, `limit` the bound that it exceeds.

    `reason` is the text of the command line, with keys of the project file. `finding` says what is wrong with the
    value, without place, value and advice; if there is none, `sentence` is the whole text without advice.
    `mapped`: the field is mapped from the column.
    """

    rule: str
    reason: str
    field: str | None = None
    value: str | None = None
    accepted: str | None = None
    column: str | None = None
    type: str | None = None
    since: str | None = None
    limit: int | None = None
    finding: str | None = None
    sentence: str | None = None
    mapped: bool = False

    def __post_init__(self) -> None:
        for name in ("reason", "accepted"):  # the value is part of the record, and stays as it is
            text = getattr(self, name)
            if text is not None and not text.isascii():
                object.__setattr__(self, name, visible(text))

    @property
    def cause(self) -> str:
        return f"{self.field}: {self.rule}" if self.field is not None else self.rule

    @property
    def values(self) -> dict[str, str | int | bool]:
        """The details of the refusal by name, without empty ones; the web UI makes its text from them and `rule`."""
        text = {} if self.finding is not None else {"sentence": self.sentence or self.reason}
        named = {name: getattr(self, name) for name in VALUES}
        return {**{name: value for name, value in named.items() if value is not None and value is not False}, **text}


READ_FIRST = "read first"  # the action of a note about reads before a person is sent: of no number of records
NOT_DELETED = "not deleted"  # the action of a note about deletions that a run should have made: it is partial


@dataclass(frozen=True, slots=True)
class Note:
    """A change before sending: what was renamed, derived, left out or not sent on purpose."""

    field: str
    action: str  # renamed | derived | defaulted | left out | not sent | ignored
    reason: str
    count: int = 0


class NoteJson(TypedDict):
    """What was renamed, derived, left out or deliberately not sent, with the number of records."""

    field: str
    action: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of records by outcome; `read` is always the sum of the others."""

    read: int = 0
    delivered: int = 0
    accepted: int = 0
    unchanged: int = 0
    quarantined: int = 0
    unknown: int = 0
    waiting: int = 0
    unsent: int = 0

    def plus(self, changes: Mapping[str, int]) -> Counts:
        """These counts with `changes` added; keys are the field names."""
        return Counts(**{name: getattr(self, name) + changes.get(name, 0) for name in COUNT_NAMES})


class ReadJson(TypedDict):
    """How many records were read."""

    read: int


class OutcomesJson(TypedDict):
    """The number of records by outcome."""

    delivered: int
    accepted: int
    unchanged: int
    quarantined: int
    unknown: int
    waiting: int
    unsent: int


class CountsJson(ReadJson, OutcomesJson):
    """The number of records by outcome; `read` is always the sum of the others."""


COUNT_NAMES = ("read", *(outcome.value for outcome in Outcome))


def only_quarantine(status: str, counts: Counts) -> bool:
    """Whether the run is partial only because of records in quarantine."""
    return status == "partial" and counts.quarantined > 0 and counts.unknown == counts.waiting == counts.unsent == 0


def quarantine_reason(counts: Counts, *, new: bool, since: str | None) -> str:
    """The reason of a run that is partial only because of records in quarantine.

    `new`: this run quarantined some of them; `since` is the earliest other run that did, None if there is none.
    """
    everything = counts.quarantined == counts.read
    records = "record" if counts.quarantined == 1 else "records"
    words = f"{counts.quarantined:,} in quarantine"
    if everything:
        words = f"nothing delivered, {words.replace(' in', f' {records} in')}"
    elif counts.delivered + counts.accepted:
        words = f"delivered, {words}"
    if since is None:
        return words
    return f"{words}, some since run {since}" if new else f"{words} since run {since}"


def refuse(rule: str, value: object, reason: str, accepted: str) -> Refusal:
    """A refusal that quotes the value, shortened, and has no field yet: see `named`."""
    return Refusal(rule, reason, value=shown(value), accepted=accepted)


def named(refusal: Refusal, field: str) -> Refusal:
    """The refusal with its field, and a reason that begins with the field."""
    if refusal.field is not None:
        return refusal
    found = "" if refusal.value is None else f" {refusal.value!r}"
    accepted = "" if refusal.accepted is None else f"; accepted: {refusal.accepted}"
    reason = f"{field}:{found} {refusal.reason}{accepted}"
    return replace(refusal, field=field, reason=reason, finding=refusal.reason)


def shown(value: object) -> str:
    """A value as text for people: at most 80 characters, all printable."""
    text = value if isinstance(value, str) else _text(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return repr(value)[:1000]
    except (ValueError, RecursionError):  # an integer or nesting beyond what Python prints
        return f"({type(value).__name__})"


def new_column_notes(names: Sequence[str], dataset: str) -> tuple[Note, ...]:
    """Notes that these columns are not sent: one for each of the first, and one with the number of the others."""
    way = f"`penstock schema {dataset} --refresh` adds it, `new_columns: send` sends such columns"
    reason = f"{NEW}, not there when the dataset was first read: {way}"
    notes = [Note(name, NOT_SENT, reason) for name in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        more = len(names) - MOST_NAMED
        notes.append(Note("attributes", NOT_SENT, f"{NEW}, like {more} more; `penstock schema {dataset}` lists all"))
    return tuple(notes)


def gone_reason(dataset: str) -> str:
    """Why a column of the schema is not sent that the source no longer has."""
    kept = "the column is no longer in the source: it is not sent, and Custify keeps the values that it has"
    return f"{kept}; if this is intended: `penstock schema {dataset} --refresh`"


def is_column_change(note: Note) -> bool:
    """Whether the note is about a new column, a removed one, or one that no longer has values."""
    return note.action == GONE or (note.action, note.reason) == (EMPTY, EMPTY_NOW) or is_new(note)


def is_new(note: Note) -> bool:
    """Whether the note is about a new column that is not sent."""
    return note.action == NOT_SENT and note.reason.startswith(NEW)
