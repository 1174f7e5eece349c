"""The shapes of reports: runs, plans, previews and tests. The keys are those of the command line's JSON.

A route whose answer may omit keys says so by `response_model_exclude_unset`.
"""

from typing import Any

from pydantic import BaseModel, Field

from penstock.service.api.shapes import ProblemOut

Key = str | list[str]


class NoteOut(BaseModel):
    """Something renamed away, derived, left out or not sent on purpose."""

    field: str
    action: str
    reason: str
    count: int | None


class CountsOut(BaseModel):
    """Records by what became of them; `read` is the sum of the others, always."""

    read: int
    delivered: int
    accepted: int
    unchanged: int
    quarantined: int
    unknown: int
    waiting: int
    unsent: int


class PartOut(BaseModel):
    """A run of a destination inside a flow's run."""

    run: str
    destination: str | None = None
    flow: str | None = None
    status: str
    records: CountsOut
    deleted: int
    requests: int
    retries: int
    duration_s: float
    notes: list[NoteOut]
    reason: str | None = None
    errors: list[ProblemOut] = []
    started_at: str | None
    finished_at: str | None


class RunOut(PartOut):
    """A run, of a destination or (with `destinations`, and with those it `skipped`) of a flow.

    `errors` say what ended it, where input, settings or environment did; lists of runs leave them out.
    """

    destinations: list[PartOut] = []
    skipped: dict[str, str] = {}
    kind: str
    trigger: str
    asked_by: str
    asked_at: str


class RequestOut(BaseModel):
    """A request as it is sent: `body` is the exact bytes as text; `unresolved` are places that a look-up fills in."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None
    records: list[Key]
    unresolved: list[str]


class RefusedOut(BaseModel):
    """A record that our own checks refuse."""

    key: Key | None
    field: str | None
    rule: str
    reason: str
    value: str | None
    accepted: str | None
    values: dict[str, Any]


class PreviewOut(BaseModel):
    """The requests that the samples make; `refused` are those that would be held."""

    requests: list[RequestOut]
    notes: list[NoteOut]
    refused: list[RefusedOut]
    base_url: str
    base_url_reason: str


class UnsavedPreview(PreviewOut):
    """With `errors` in place of requests, while the settings are wrong."""

    base_url: str = ""
    base_url_reason: str = ""
    errors: list[ProblemOut]


class PlanOut(BaseModel):
    """What a run would do now; `eta_s` is the time that the allowance needs. Of a flow, with its `destinations`.

    Of the `requests`, `asking` send nothing: look-ups, and questions about what became of a batch.
    """

    destination: str | None = None
    flow: str | None = None
    records: int
    creates_or_updates: int
    unchanged: int
    deletes: int
    invalid: int
    held: int
    requests: int
    asking: int
    eta_s: float
    first_errors: list[RefusedOut]
    notes: list[NoteOut]
    base_url: str | None = None
    destinations: list["PlanOut"] = []
    skipped: dict[str, str] = {}


class AnswerOut(BaseModel):
    """A reply as it came; no secret is in it."""

    status: int
    headers: dict[str, str]
    body: str


class TestOut(BaseModel):
    """A test send; `earlier` are the requests before it, where grouping code makes several of one record."""

    __test__ = False
    request: RequestOut
    response: AnswerOut | None
    error: str | None
    duration_ms: float
    earlier: list["TestOut"] = []


class DeliveryOut(BaseModel):
    """One request of a run; `test` when it was a test send."""

    delivery: str
    method: str | None
    url: str | None
    status: int | None
    attempts: int
    duration_ms: float | None
    outcome: str
    reason: str | None
    records: list[Key | None]
    at: str
    test: bool = False


class WholeDeliveryOut(DeliveryOut):
    """With request and reply, exactly, where they were `kept`."""

    kept: bool
    request: dict[str, Any] | None
    response: dict[str, Any] | None


class RecordOut(BaseModel):
    """A record of a run and what became of it; `key` is null where nobody will ask for it (unchanged).

    `rule` and `values` are those of a refusal; `held`: it was in quarantine before this run.
    """

    key: Key | None
    outcome: str
    reason: str | None
    field: str | None
    delivery: str | None
    ordinal: int
    run: str
    rule: str | None = None
    values: dict[str, Any] | None = None
    held: bool = False


class CheckOut(BaseModel):
    """Which base answered as an API, and in which dialect; `tried` says of each base what it answered."""

    credential: str
    ok: bool
    base_url: str | None
    dialect: str | None
    tried: list[dict[str, str]]
    allowance: dict[str, int] | None
    reason: str


class FindingOut(BaseModel):
    """Records that break one rule: how many, and some of them."""

    field: str | None
    rule: str
    reason: str
    values: dict[str, Any]
    count: int
    examples: list[dict[str, Any]]


class FindingsOut(BaseModel):
    """The contract check: `checked` of `records` were looked at; null while nobody has counted them."""

    records: int | None
    checked: int
    refused: list[FindingOut]
    notes: list[NoteOut]
    errors: list[ProblemOut]


class ColumnOut(BaseModel):
    """A column as it was detected; `examples` are some of its values, as text."""

    name: str
    type: str
    nullable: bool
    examples: list[str]


class SchemaOut(BaseModel):
    """The columns of a dataset; `source` are those that its SQL sees."""

    columns: list[ColumnOut]
    records: int
    source: "SchemaOut | None"


class DatasetOut(BaseModel):
    """The detected schema of a dataset.

    `extra_columns` came after it was first read; `gone_columns` are in the schema, but not in the source any more.
    """

    dataset: str
    key: list[str]
    schema_: SchemaOut = Field(alias="schema")
    extra_columns: list[str]
    gone_columns: list[str]


class SamplesOut(BaseModel):
    """Columns, and sample records by column."""

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    problems: list[ProblemOut]
