"""Records: the columns of a dataset, chunks in Arrow, payloads, refused records, and the requests that carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import field as member
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from typing_extensions import TypedDict

from penstock.model.errors import Problem
from penstock.model.outcome import Note, Refusal
from penstock.model.spec import ColumnType, ContentFormat, XmlSpec

if TYPE_CHECKING:  # 0.2 s to import, and reading a project needs none of it
    import pyarrow as pa


DEFAULT_XML = XmlSpec()
# Columns in which the SQL of a dataset marks its rows; they are never sent.
NO_RECORD = "penstock_no_record"  # why a row makes no record; null: it makes one
LEFT_OUT = "penstock_left_out"  # names of what the row does not pass on
Key = str | tuple[str, ...]  # text, or one text per column of a several-column key
KeyJson = str | list[str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset as it was detected. `examples` are up to three distinct values, as text, shortened.

    `decimal`: the decimal sign of the numbers that it holds as text, where its values or its source decide. `open`: no
    record had a value yet, so that its type is decided by the first. `later`: records brought it after the dataset was
    first read.
    """

    name: str
    type: ColumnType
    nullable: bool
    examples: tuple[str, ...] = ()
    decimal: Literal[".", ","] | None = None
    open: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """The detected columns of a dataset, in its own order, and how many records the detecting pass saw.

    `source` are the columns of its source as the dataset's SQL sees them, for a dataset that has SQL. `notes` are what
    was found out about its values when their types were decided. `grows`: later records may have new columns.
    """

    columns: tuple[Column, ...]
    records: int
    source: Schema | None = None
    notes: tuple[Note, ...] = ()
    grows: bool = False

    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """The detected schema of a dataset."""

    dataset: str
    key: tuple[str, ...]
    schema: Schema
    extra_columns: tuple[str, ...] = ()  # in the source now, but not in the stored schema, or only later
    gone_columns: tuple[str, ...] = ()  # in the stored schema, but not in the source now


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
class Chunk:
    """Some thousand consecutive records of a dataset.

    `records` holds the dataset's columns, typed: text → string, integer → int64, number → float64 or decimal, boolean
    → bool, date → date32, timestamp → timestamp('us', 'UTC') or naive (taken as UTC), json → string holding JSON text
    (field metadata {b"penstock": b"json"}; decoded it may be anything, JSON `null` included) or an Arrow nested type.
    `first` is the ordinal (0-based row number in this run's input) of row 0. `absent[column]` are the rows (indices
    within the chunk) in which a JSON record has no such member: their cell is null in `records` too. `misfits[row]` is
    the refusal of a row with a value that does not fit its column's stored type (the cell is null in `records`).
    Of a dataset with hundreds of columns, `records` has only those that some row has: the others are absent in all.
    `originals[row]` is a misfit's whole record as JSON, where the columns do not hold it.
    `cursor` is the largest cursor value up to and including this chunk, as text, for sources that have one.
    """

    records: pa.RecordBatch
    first: int
    absent: Mapping[str, frozenset[int]] = field(default_factory=lambda: MappingProxyType({}))
    misfits: Mapping[int, Refusal] = field(default_factory=lambda: MappingProxyType({}))
    cursor: str | None = None
    originals: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))


def gone_columns(chunk: Chunk) -> list[str]:
    """The columns that are absent in every row: of a table, those that its source has no longer."""
    rows = chunk.records.num_rows
    return [name for name, absent in chunk.absent.items() if len(absent) == rows]


class Lookup(NamedTuple):
    """An id of Custify's own that has to be looked up before the payload can be sent.

    `target` is the path in the payload that the id fills, `kind` the object, `by` the identifier known and `value`
    its value.
    """

    target: str
    kind: Literal["company", "person"]
    by: Literal["company_id", "user_id", "email"]
    value: str


class Payload(NamedTuple):
    """One record rendered for the endpoint.

    `text` is its exact JSON (or, for XML and form, still its JSON: `requests` converts); `content` a stable 64-bit hash
    of what would be sent (payload, and URL and headers where they differ per record); `url` and `headers` are the
    finished ones when macros make them differ per record, else None (the shape's own);
    `lookups` and `value` are set together: `value` is the payload as Python, waiting for its ids, and `text` shows
    readable placeholders. `parts` are the ordinals of older records of the same key that were merged into it: they
    share its outcome. `links` are the links to companies that it sets, where links sent before are removed.
    """

    ordinal: int
    key: Key
    text: bytes
    content: int
    url: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    lookups: tuple[Lookup, ...] = ()
    value: Mapping[str, object] | None = None
    parts: tuple[int, ...] = ()
    links: tuple[str, ...] | None = None

    @property
    def ordinals(self) -> tuple[int, ...]:
        """The ordinals of all records in it, in their order."""
        return (*self.parts, self.ordinal)


class Refused(NamedTuple):
    """One record that Penstock's checks refuse; `key` is None if the record has no key."""

    ordinal: int
    key: Key | None
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that Penstock's checks refuse; the web UI makes its text from `rule` and `values`."""

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
class Rendered:
    """A chunk after rendering: every requested row is in exactly one of the two lists. Both are in row order.

    `notes` counts what was renamed away, left out or not sent on purpose here: (field, action, reason) → count.
    """

    payloads: list[Payload]
    refused: list[Refused]
    notes: Mapping[tuple[str, str, str], int] = field(default_factory=lambda: MappingProxyType({}))


class RetryClass(StrEnum):
    IDEMPOTENT = "idempotent"  # may be sent again
    ONCE = "once"  # its intent is stored before it is sent; never repeated without a check


class Replies(StrEnum):
    """How a 2xx reply reports the records of a batch."""

    STATUS = "status"  # one status for all records of the request
    ITEMS = "items"  # results per item, read tolerantly; without them the status counts for all
    JOBS = "jobs"  # 202 and a job id; the results are polled


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the payloads of one request become its body.

    single: the payload itself (size is 1) · array: `[…]` · property: `{"<property>": […], **other}` · code: the user's
    Python decides. `prefix` and `suffix` are put around every payload's text (native batch jobs).
    """

    algorithm: Literal["single", "array", "property", "code"] = "single"
    property: str = ""
    other: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    code: str = ""
    prefix: bytes = b""
    suffix: bytes = b""


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that the requests of a destination have in common, without the records.

    `url` is absolute; `url` and header values may still hold `{record.x}`, `{run.id}` and `{now…}` macros. `headers`
    are only the destination's own: the client adds the credential's (Authorization and its `headers`) when sending.
    `absent_is_done`: a 404 says that the object is not there, as requested.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    content_format: ContentFormat = "json"
    carries_body: bool = True
    grouping: Grouping = Grouping()
    size: int = 1
    max_bytes: int | None = None
    xml: XmlSpec = DEFAULT_XML
    replies: Replies = Replies.STATUS
    retry: RetryClass = RetryClass.IDEMPOTENT
    absent_is_done: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, complete but for the credential's headers. `body` None: none is sent.

    `{run.id}` and `{now…}` in `url` and `headers` are finished by `macros.finish` just before sending, and
    stay as they are in a preview.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Payloads that share one request (or, with grouping code that returns a list, several requests in order).

    `number` counts from 0 within the run.
    """

    number: int
    payloads: tuple[Payload, ...]

    def keys(self) -> Sequence[Key]:
        return [payload.key for payload in self.payloads]


def key_text(key: Key | None) -> str:
    """A key as one line for people: `a` or `a · b`."""
    if key is None:
        return "(no key)"
    return key if isinstance(key, str) else " · ".join(key)


RECORD = "record of "  # the kind of a window that counts records of a source


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """How far a source with a cursor was read: the largest value, and hashes of the rows with exactly that value.

    `later` are hashes of rows that were read and that the cursor did not move to: dated after the run's start, NaN,
    infinity. `value` None: nothing was read at which a cursor could stop.
    """

    value: str | None
    ties: frozenset[int] = frozenset()
    kind: str = "text"  # how `value` is read back: boolean, integer, number, decimal, date, timestamp, bytes, text
    later: frozenset[int] = frozenset()

    def to_json(self) -> dict[str, Any]:
        later = {"later": sorted(self.later)} if self.later else {}
        return {"value": self.value, "ties": sorted(self.ties), "kind": self.kind, **later}

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> ReadWindow:
        later = frozenset(document.get("later", ()))
        return ReadWindow(document["value"], frozenset(document["ties"]), document.get("kind", "text"), later)


def place_of(window: ReadWindow | None, source: str) -> int:
    """The id at which a window ends; 0 before the first record, and for a window of another source."""
    mine = window is not None and window.value is not None and window.kind == f"{RECORD}{source}"
    return int(window.value or 0) if window is not None and mine else 0


def window_at(place: int, source: str) -> ReadWindow:
    return ReadWindow(str(place), kind=f"{RECORD}{source}")
