"""The content of a project file, checked and frozen.

Only `config` builds these types. The defaults are the product's defaults; `None` means "not given".
A new field must not change the stored text of settings that do not use it: see `settings_text.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from typing_extensions import TypedDict

from penstock.model.senders import (
    HEADER_KEY,
    USUAL_FLUSH,
    USUAL_RATE,
    FlushSpec,
    HookKey,
    HookRate,
    HookSignature,
)

CatchUp = Literal["latest", "all", "none"]
Connector = Literal["custify", "http", "file"]
Dialect = Literal["native", "flat"]
ContentFormat = Literal["json", "xml", "form"]
BatchMode = Literal["auto", "on", "off"]
BatchCost = Literal["1", "jobs"]


class BatchCostJson(TypedDict):
    """What a batch counts as: one request (`1`), or as many as it has jobs (`jobs`).

    `source`: the settings say it, replies showed it in runs, or it is not known yet and one request is assumed.
    """

    cost: BatchCost
    source: Literal["settings", "replies", "default"]


ColumnType = Literal["text", "integer", "number", "boolean", "date", "timestamp", "json"]
SourceKind = Literal["file", "sql", "webhook", "responses", "custify"]
CustifyList = Literal[
    "companies", "people", "deals", "invoices", "subscriptions", "tasks", "notes", "tickets", "segments", "tags"
]
CustifyObject = CustifyList | Literal["custom_data"]
CUSTIFY_OBJECTS: tuple[str, ...] = (*get_args(CustifyList), "custom_data")
NO_HEADERS: Mapping[str, Secret] = MappingProxyType({})


class Mode(StrEnum):
    """Which records of a dataset a run sends."""

    CHANGED = "changed"
    NEW = "new"
    ALL = "all"
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a value that must not be written down: `${env:NAME}`, `${file:PATH}` or (loopback only) a literal.

    `parts` is the text cut into literal pieces and references, in order: ("text", "postgres://u:"), ("env", "PGPASS").
    The value is resolved only where it is used, and never stored in a spec.
    """

    parts: tuple[tuple[Literal["text", "env", "file"], str], ...]
    base: Path = Path()  # `${file:…}` is relative to the project file's folder
    path: str = field(default="", compare=False)  # where it is in the project file, for messages
    line: int | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return "Secret(…)"


def written_form(secret: Secret) -> str:
    """The text as the project writes it: references, not their values. What is literal in it stays."""
    return "".join(text if kind == "text" else f"${{{kind}:{text}}}" for kind, text in secret.parts)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`requests` per fixed window of `per` seconds; `batch_cost` says what a batch counts as (None: it is learned)."""

    requests: int = 100
    per: float = 10.0
    batch_cost: BatchCost | None = None


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    name: str
    connector: Connector = "custify"
    api_key: Secret | None = None  # None: `penstock credential set NAME` stores it sealed in the state database
    base_url: str = "auto"
    dialect: Literal["auto", "native", "flat"] = "auto"
    rate_limit: RateLimit = RateLimit()
    headers: Mapping[str, Secret] = field(default_factory=lambda: NO_HEADERS)  # resolved like the key
    allowed_hosts: tuple[str, ...] = ()
    timeout: float = 30.0  # seconds for one attempt
    path: str | None = None  # of `connector: file`: the folder as written, relative to `base`
    base: Path = Path()


@dataclass(frozen=True, slots=True)
class CursorSpec:
    """Incremental reading: only rows whose `column` is at or past what was read; `overlap` re-reads that far back."""

    column: str
    overlap: str | None = None  # a number, or a duration such as "1h" for dates and timestamps


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """What holds for every source of a kind."""

    kind: SourceKind
    repeats: bool = False  # a second reading gives the same rows in the same order: a run need not freeze them
    is_quick: bool = False  # checking for new data is cheap
    arrives: bool = False  # each record has its own columns, and may contain only a part of its object
    grows: bool = False  # later records may have new columns


@dataclass(frozen=True, slots=True)
class FileSource:
    traits: ClassVar[SourceTraits] = SourceTraits("file", repeats=True, is_quick=True)
    name: str
    path: str  # as written: relative to `base`, may be a glob
    base: Path
    format: str | None = None  # the name of one of the formats that sources read; None: by the file's name
    encoding: str | None = None  # None: UTF-8, or as a byte-order mark says
    delimiter: str | None = None  # None: detected
    skip_lines: int = 0  # lines before the header
    skip_footer_lines: int = 0  # lines after the rows; blank lines at the very end do not count
    quote: Literal["double", "none"] = "double"
    null_values: tuple[str, ...] = ()  # unquoted texts that mean null, besides blanks
    decimal: Literal[".", ","] | None = None  # how the numbers of all columns are written; None: by each column
    records_path: str | None = None  # the member of a JSON file that holds the list; dots lead into objects
    sheet: str | int | None = None  # of a workbook: its name, or its number from 1; None: the first


@dataclass(frozen=True, slots=True)
class SqlSource:
    traits: ClassVar[SourceTraits] = SourceTraits("sql")
    name: str
    url: Secret
    base: Path
    query: str | None = None  # exactly one of query and table
    table: str | None = None
    cursor: CursorSpec | None = None
    decimal: Literal[".", ","] | None = None  # how numbers that are texts are written; None: by each column


@dataclass(frozen=True, slots=True)
class ResponseSource:
    """The replies of the destination `destination`, as records."""

    traits: ClassVar[SourceTraits] = SourceTraits("responses", is_quick=True, arrives=True)
    name: str
    destination: str


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """Records that are posted to `/hooks/<name>`. `auth` None: `auth: none`, no authentication."""

    traits: ClassVar[SourceTraits] = SourceTraits("webhook", is_quick=True, arrives=True, grows=True)
    name: str
    auth: HookKey | HookSignature | None = HEADER_KEY
    secret: Secret | None = None  # None: it is stored sealed in the state database
    max_bytes: int = 1_000_000  # of one body, also when unpacked
    rate_limit: HookRate = USUAL_RATE
    flush: FlushSpec = USUAL_FLUSH
    retain: float = 7 * 86400.0  # seconds that a record is stored after every destination has read it
    columns: Mapping[str, ColumnType] = field(default_factory=lambda: MappingProxyType({}))  # there from the start
    decimal: Literal[".", ","] | None = None  # how numbers that are texts are written; None: by each column


@dataclass(frozen=True, slots=True)
class CustifySource:
    """The objects of one kind in a Custify account, read through its native API. `query` narrows what is read."""

    traits: ClassVar[SourceTraits] = SourceTraits("custify")
    name: str
    credential: str
    object: CustifyObject
    query: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


SourceSpec = FileSource | SqlSource | WebhookSource | ResponseSource | CustifySource


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    name: str
    source: str
    key: tuple[str, ...]
    sql: str | None = None
    types: Mapping[str, ColumnType] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Binding:
    """Where one endpoint field takes its value from: a column, a constant, or a column with a default.

    `truncate`: text past the field's limit is cut to it. `if_unchanged`: it is sent only where Custify still has what
    was delivered last. `constant` and `default` are one-tuples when given, so that
    null can be a constant.
    """

    column: str | None = None
    constant: tuple[object] | None = None
    default: tuple[object] | None = None
    truncate: bool = False
    if_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class GroupingSpec:
    algorithm: Literal["array", "property", "code"] = "array"
    property: str | None = None
    other_props: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    code: str | None = None


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """`size` and `max_bytes` None mean the endpoint's own limit (manual: 100 records)."""

    mode: BatchMode = "auto"
    size: int | None = None
    max_bytes: int | None = None
    grouping: GroupingSpec | None = None


@dataclass(frozen=True, slots=True)
class FuseSpec:
    """Stops the run when the API refuses too much: `ratio` of at least `after` records, or `in_a_row` records."""

    ratio: float = 0.5
    after: int = 200
    in_a_row: int = 100


@dataclass(frozen=True, slots=True)
class XmlSpec:
    root: str = "records"
    record: str = "record"


@dataclass(frozen=True, slots=True)
class SettleSpec:
    """How to find out whether a record arrived: a GET of `url` (macros as in a request's URL, `{record.x}` only).

    `found` is a JSONPath (RFC 9535) on the reply. No value, null, an empty list or a 404 means that it is not there.
    """

    url: str
    found: str


@dataclass(frozen=True, slots=True)
class IdempotencySpec:
    """A header by whose value the API recognises a request that it has already processed. `value` has macros."""

    value: str
    header: str = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """A manual request. `idempotent` None: by `idempotency`, else by method and path; an explicit value wins.

    `body` None: POST, PUT and PATCH carry one.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"]
    url: str
    content_format: ContentFormat = "json"
    headers: tuple[tuple[str, str], ...] = ()
    batch: BatchSpec | None = None
    body: bool | None = None
    idempotent: bool | None = None
    xml: XmlSpec = XmlSpec()
    idempotency: IdempotencySpec | None = None
    settle: SettleSpec | None = None


@dataclass(frozen=True, slots=True)
class OnDelete:
    """What a mirror does with the object of a record that left the dataset: deletes it, or gives it the values `set`.

    `set` None: it is deleted.
    """

    set: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class DestinationSpec:
    """Exactly one of `template` and `request` is given; neither if the credential is a folder of files."""

    name: str
    dataset: str
    credential: str
    template: str | None = None
    request: RequestSpec | None = None
    fields: Mapping[str, Binding] | None = None  # None: columns named like the template's fields map to themselves
    attributes: Literal["all", "none"] | tuple[str, ...] = "all"
    exclude: tuple[str, ...] = ()
    nulls: Literal["omit", "send"] = "omit"
    mode: Mode | None = None  # None: the template's default; manual requests: all
    active: bool | None = None  # None: what `activate` or `pause` last set, else a draft
    path: str | None = None  # of the endpoint; with `connector: file` the name of the file
    object: Literal["person", "company", "event", "custom_object"] | None = None
    concurrency: int = 10
    batch: BatchSpec = BatchSpec()
    fuse: FuseSpec | None = FuseSpec()  # None: `fuse: off`
    mirror_max_share: float | None = None  # None: 0.05
    on_changed: Literal["quarantine", "ignore"] = "quarantine"
    external_id: str | tuple[str, ...] | None = None  # column(s) that native's externalId is taken from
    data_id: str | tuple[str, ...] | None = None
    responses: bool = False
    line: int | None = None
    new_columns: Literal["note", "send", "refuse"] = "note"
    company_link: Literal["add", "replace"] = "add"
    identity: Literal["warn", "refuse"] = "warn"  # refuse: Custify is read before a person is created
    on_unknown: Literal["settle", "hold"] = "settle"  # hold: a run reads nothing back by itself
    append: bool = False  # to what the file has already
    settle_after: float = 5.0  # seconds after sending, before a read may conclude that a record is not there
    confirm_timeout: float = 600.0  # seconds; a batch job that takes longer is left to the next run
    on_delete: OnDelete | None = None  # with `mode: mirror`; None: not given
    canary: int | None = None  # records that are sent and judged by the fuse's ratio before a run sends more


@dataclass(frozen=True, slots=True)
class FlowSpec:
    """`schedule`, `timezone` as written; `catch_up` is for missed runs, `reconcile_every` (s) for comparisons."""

    name: str
    destinations: tuple[str, ...]
    schedule: str | None = None
    timezone: str | None = None
    catch_up: CatchUp = "latest"
    reconcile_every: float | None = None


@dataclass(frozen=True, slots=True)
class LedgerFiles:
    """The ledger is written to Parquet files below a folder; `path` as written, relative to `base`."""

    path: str
    base: Path
    format: Literal["parquet"] = "parquet"


@dataclass(frozen=True, slots=True)
class LedgerObjects:
    """The ledger is written to Parquet files in an object store. The values of references are quoted in the URL."""

    url: Secret
    format: Literal["parquet"] = "parquet"


@dataclass(frozen=True, slots=True)
class LedgerTables:
    """The ledger is written to tables in a schema of a PostgreSQL database."""

    url: Secret
    base: Path
    schema: str = "penstock"


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """A whole project. `base` is the folder of the project file; relative paths start there."""

    base: Path
    credentials: Mapping[str, CredentialSpec]
    sources: Mapping[str, SourceSpec]
    datasets: Mapping[str, DatasetSpec]
    destinations: Mapping[str, DestinationSpec]
    flows: Mapping[str, FlowSpec]
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # dotted path → line
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # dotted path → file
    ledger_to: LedgerFiles | LedgerObjects | LedgerTables | None = (
        None  # None: the ledger is in the state database only
    )

    def mirrors_beside(self, spec: DestinationSpec) -> tuple[str, ...]:
        """The other mirrors of the same credential."""
        mine = (each for each in self.destinations.values() if each.credential == spec.credential)
        return tuple(each.name for each in mine if each.mode is Mode.MIRROR and each.name != spec.name)
