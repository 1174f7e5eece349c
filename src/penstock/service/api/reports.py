"""Response models of previews, findings and datasets. The keys are those of the command line's JSON.

Other response models are classes that end in `Json`, next to the reports that they represent: in `model/runs.py` and
`model/reports.py`, and for the service in `service/documents.py`.
"""

from typing import Any

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from penstock.model.errors import ProblemJson
from penstock.model.outcome import NoteJson
from penstock.model.record import KeyJson, RefusedJson
from penstock.model.reports import RequestJson
from penstock.model.spec import ColumnType


class PreviewOut(BaseModel):
    """The requests that the sample records produce; `refused` are the records that would be quarantined."""

    requests: list[RequestJson]
    notes: list[NoteJson]
    refused: list[RefusedJson]
    base_url: str
    base_url_reason: str


class UnsavedPreview(PreviewOut):
    """A preview of unsaved settings; if they are invalid, it has `errors` and no requests."""

    errors: list[ProblemJson]


class BrokenRule(TypedDict):
    """A record that breaks a rule, with the value that breaks it."""

    key: KeyJson | None
    value: str | None


class FindingOut(BaseModel):
    """Records that break a rule: their number and some examples."""

    field: str | None
    rule: str
    reason: str
    values: dict[str, Any]
    count: int
    examples: list[BrokenRule]


class FindingsOut(BaseModel):
    """The check of a dataset: `checked` of `records` were checked; `records` is null if they were not counted."""

    records: int | None
    checked: int
    refused: list[FindingOut]
    notes: list[NoteJson]
    errors: list[ProblemJson]


class ColumnOut(BaseModel):
    """A detected column; `examples` are some of its values as text."""

    name: str
    type: ColumnType
    nullable: bool
    examples: list[str]


class SchemaOut(BaseModel):
    """The columns of a dataset; `source` are the columns that its SQL reads."""

    columns: list[ColumnOut]
    records: int
    source: "SchemaOut | None"


class DatasetOut(BaseModel):
    """The detected schema of a dataset.

    `extra_columns` were added to the source after the first read; `gone_columns` are no longer in the source.
    """

    dataset: str
    key: list[str]
    schema_: SchemaOut = Field(alias="schema")
    extra_columns: list[str]
    gone_columns: list[str]


class SamplesOut(BaseModel):
    """The columns and the sample records of a dataset."""

    columns: list[ColumnOut]
    rows: list[dict[str, Any]]
    problems: list[ProblemJson]
