"""The shapes of previews, findings and datasets. The keys are those of the command line's JSON.

The other shapes are classes that end in `Json`, beside the reports that they are made of: `model/runs.py`,
`model/reports.py`; those of the service are in `service/documents.py`.
"""

from typing import Any

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from penstock.model.errors import ProblemJson
from penstock.model.outcome import NoteJson
from penstock.model.record import KeyJson
from penstock.model.reports import RefusedJson, RequestJson
from penstock.model.spec import ColumnType


class PreviewOut(BaseModel):
    """The requests that the samples make; `refused` are those that would be held."""

    requests: list[RequestJson]
    notes: list[NoteJson]
    refused: list[RefusedJson]
    base_url: str
    base_url_reason: str


class UnsavedPreview(PreviewOut):
    """With `errors` in place of requests, while the settings are wrong."""

    errors: list[ProblemJson]


class BrokenRule(TypedDict):
    """A record that breaks a rule, and the value that does."""

    key: KeyJson | None
    value: str | None


class FindingOut(BaseModel):
    """Records that break one rule: how many, and some of them."""

    field: str | None
    rule: str
    reason: str
    values: dict[str, Any]
    count: int
    examples: list[BrokenRule]


class FindingsOut(BaseModel):
    """The contract check: `checked` of `records` were looked at; null while nobody has counted them."""

    records: int | None
    checked: int
    refused: list[FindingOut]
    notes: list[NoteJson]
    errors: list[ProblemJson]


class ColumnOut(BaseModel):
    """A column as it was detected; `examples` are some of its values, as text."""

    name: str
    type: ColumnType
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
    problems: list[ProblemJson]
