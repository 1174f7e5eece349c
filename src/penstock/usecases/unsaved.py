"""Use-cases on unsaved settings: the first records of a source or dataset, and the requests of a destination.

A destination's settings can be previewed, test-sent and checked for refusals. A dataset or destination that does not
fit the data it names is refused when it is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as member
from typing import Any

from penstock.config.document import literal_key
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.outcome import Note
from penstock.model.record import Chunk, DataLook, RefusedRecord
from penstock.model.reports import CheckReport, Preview, TestReport
from penstock.model.spec import CredentialSpec, DatasetSpec, SourceSpec, SqlSource
from penstock.run.context import Context
from penstock.run.diff.records import record_json
from penstock.run.preparation.datasets import tools
from penstock.run.preparation.prepare import Prepared, prepare
from penstock.sources.dataset import Dataset
from penstock.sources.source import open_first, tables
from penstock.sources.typing.exact_json import read_record, readable
from penstock.usecases.applied_project import editor
from penstock.usecases.preview import CHUNK_ROWS, batches, preview

FIRST = 20_000  # records that are read
PATIENCE_S = 10.0
UNDECIDED = "penstock"  # a placeholder for a key or table that is not chosen yet

EXAMPLES = 3  # of each finding


def look_at_source(ctx: Context, name: str, value: Any) -> DataLook:
    """The first records of a source with these settings; for a database without query or table, its tables."""
    undecided = _wants_table(value)
    try:
        settings = {**value, "table": UNDECIDED} if undecided else value
        source = editor.draft(ctx, "sources", name, settings).sources[name]
    except PenstockError as error:
        return DataLook(problems=error.problems)
    found: tuple[str, ...] | None = None
    try:
        if isinstance(source, SqlSource):
            found = tables(source, ctx.resolve, ctx.reach)
        look = DataLook() if undecided else _look(ctx, DatasetSpec(name, name, ()), source)
    except PenstockError as error:
        return DataLook(problems=error.problems, tables=found)
    return replace(look, tables=found)


def look_at_dataset(ctx: Context, name: str, value: Any) -> DataLook:
    """The first records of a dataset with these settings, which may have no key yet."""
    keyless = isinstance(value, dict) and "key" not in value
    try:
        project = editor.draft(ctx, "datasets", name, {**value, "key": UNDECIDED} if keyless else value)
        spec = project.datasets[name]
        return _look(ctx, replace(spec, key=()) if keyless else spec, project.sources[spec.source])
    except PenstockError as error:
        return DataLook(problems=error.problems)


def _look(ctx: Context, spec: DatasetSpec, source: SourceSpec) -> DataLook:
    dataset: Dataset = open_first(spec, source, tools(ctx), FIRST, PATIENCE_S)
    found = dataset.detect()
    rows = tuple(
        readable(read_record(record_json(found.samples, row))) for row in range(found.samples.records.num_rows)
    )
    may_gain_columns = source.traits.grows and (spec.sql is None or not found.schema.columns)
    return DataLook(
        columns=found.schema.columns,
        rows=rows,
        records=found.schema.records,
        complete=dataset.complete,
        problems=() if may_gain_columns else tuple(dataset.check_columns(found.schema, spec.key)),
    )


def _wants_table(value: Any) -> bool:
    return isinstance(value, Mapping) and "url" in value and not {"query", "table"} & value.keys()


@dataclass(slots=True)
class SettingsFinding:
    """Records that break one rule: how many, and some of them."""

    field: str | None
    rule: str
    reason: str
    values: Mapping[str, Any]
    count: int = 0
    examples: list[dict[str, Any]] = member(default_factory=list)


@dataclass(frozen=True, slots=True)
class SettingsFindings:
    """What was found in the first `checked` of `records` records; `records` is None if it is not known."""

    records: int | None
    checked: int
    refused: tuple[SettingsFinding, ...]
    notes: tuple[Note, ...]


def with_draft(ctx: Context, name: str, value: Any) -> Context:
    """The context in which this destination has these settings. Raises InputError with every problem of them.

    If only saved grouping code may run, unsaved code is not run.
    """
    drafted = replace(ctx, project=editor.draft(ctx, "destinations", name, value))
    if ctx.code != "saved":
        return drafted
    same = _code_of(ctx, name) == _code_of(drafted, name)
    return replace(drafted, code="saved" if same else "none")


def _code_of(ctx: Context, name: str) -> str | None:
    spec = ctx.project.destinations.get(name)
    grouping = (
        None if spec is None else (spec.batch if spec.request is None else spec.request.batch or spec.batch).grouping
    )
    return None if grouping is None else grouping.code


def preview_of(ctx: Context, name: str, value: Any, limit: int) -> Preview:
    """The requests that the samples make with these settings."""
    drafted = with_draft(ctx, name, value)
    return preview(prepare(drafted, drafted.destination(name)), limit=limit, everything=False)


def findings(ctx: Context, name: str, value: Any, most_s: float) -> SettingsFindings:
    """The records of the dataset that would be refused, as far as they can be read in `most_s` seconds."""
    drafted = with_draft(ctx, name, value)
    prepared = prepare(drafted, drafted.destination(name))
    data, counted = prepared.data, _FindingCounts()
    notes, refused = prepared.notes(), list[RefusedRecord]()
    for _batch in batches(prepared, counted.until(ctx, prepared, most_s), notes, refused):
        counted.take(refused)
    counted.take(refused)
    records = data.schema.records if counted.stopped else counted.rows
    return SettingsFindings(records, counted.rows, tuple(counted.found.values()), notes.all(counted.rows))


class _FindingCounts:
    def __init__(self) -> None:
        self.rows = 0
        self.stopped = False
        self.found: dict[tuple[str | None, str, str], SettingsFinding] = {}

    def until(self, ctx: Context, prepared: Prepared, most_s: float) -> Iterator[Chunk]:
        """The dataset's chunks, until the time is over."""
        end = ctx.clock.monotonic() + most_s
        for chunk in prepared.data.dataset.read(prepared.data.schema, rows=CHUNK_ROWS):
            self.rows += chunk.records.num_rows
            yield chunk
            if ctx.clock.monotonic() >= end:
                self.stopped = True
                return

    def take(self, refused: list[RefusedRecord]) -> None:
        """Count the refused records by field and rule, and clear the list."""
        for record in refused:
            reason = record.reason if record.value is None else record.reason.replace(record.value, "…")
            place = (record.field, record.rule, reason)
            finding = self.found.setdefault(
                place, SettingsFinding(record.field, record.rule, record.reason, record.values)
            )
            finding.count += 1
            if len(finding.examples) < EXAMPLES:
                key = list(record.key) if isinstance(record.key, tuple) else record.key
                finding.examples.append({"key": key, "value": record.value})
        refused.clear()


@dataclass(frozen=True, slots=True)
class UnsavedSettings:
    """The use-cases on settings that are not saved.

    `send` sends a sample of the destination in a context; `check` checks a credential and key with the API.
    """

    ctx: Callable[[], Context]
    send: Callable[..., TestReport]
    check: Callable[[CredentialSpec, str | None], CheckReport]

    def preview(self, name: str, value: Any, limit: int) -> Preview:
        """The requests that the samples make with these settings."""
        return preview_of(self.ctx(), name, value, limit)

    def findings(self, name: str, value: Any, most_s: float) -> SettingsFindings:
        """The records of the dataset that would be refused, as far as they can be read in `most_s` seconds."""
        return findings(self.ctx(), name, value, most_s)

    def test(self, name: str, value: Any, *, sample: int = 1, body: str | None = None) -> TestReport:
        """Send the request of one sample, or the edited body, with these settings."""
        drafted = with_draft(self.ctx(), name, value)
        if drafted.code == "none" and body is None and _code_of(drafted, name) is not None:
            message, hint = "only an editor runs grouping code that is not saved", "save it first, or give a body"
            raise InputError(Problem(f"destinations.{name}", message, "needs-editor", hint))
        return self.send(drafted, name, sample=sample, body=body)

    def source(self, name: str, value: Any) -> DataLook:
        """The first records of a source with these settings; connects to databases."""
        return look_at_source(self.ctx(), name, value)

    def dataset(self, name: str, value: Any) -> DataLook:
        """The first records of a dataset with these settings; problems with its SQL have the place in the SQL."""
        return look_at_dataset(self.ctx(), name, value)

    def credential(self, name: str, value: Any, secret: str | None) -> CheckReport:
        """Check with the API whether a credential with these settings and this key works. Stores nothing."""
        spec = editor.draft(self.ctx(), "credentials", name, value).credentials[name]
        return self.check(spec, literal_key(value) if secret is None else secret)


def refuse_misfit(ctx: Context, kind: str, name: str, value: Any) -> None:
    """Raise InputError with the problems of these settings that only their records show.

    Examples: SQL that cannot be bound, a key column that the SQL does not return, a field mapped to a missing column.
    Problems elsewhere (an unreachable source, an unset key) do not prevent saving.
    """
    own = [problem for problem in _problems(ctx, kind, name, value) if problem.path.startswith(f"{kind}.{name}.")]
    if own:
        raise InputError(*own)


def _problems(ctx: Context, kind: str, name: str, value: Any) -> tuple[Problem, ...]:
    if kind == "datasets":
        return look_at_dataset(ctx, name, value).problems
    if kind == "destinations":
        try:
            preview_of(ctx, name, value, limit=1)
        except PenstockError as error:
            return error.problems
    return ()
