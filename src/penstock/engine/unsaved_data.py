"""What sources and datasets that are not saved would bring: a look at their first records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from penstock.engine import editing
from penstock.engine.datasets import tools
from penstock.engine.rows import read_record, readable, record_json
from penstock.engine.surroundings import Surroundings
from penstock.model.errors import PenstockError, Problem
from penstock.model.record import Column
from penstock.model.spec import DatasetSpec, SourceSpec, SqlSource, WebhookSource
from penstock.sources.dataset import Dataset
from penstock.sources.opening import open_first
from penstock.sources.tables import tables

FIRST = 20_000  # records that are looked at
PATIENCE_S = 10.0
UNDECIDED = "penstock"  # stands for a key or table that nobody has chosen yet


@dataclass(frozen=True, slots=True)
class Look:
    """Columns and some rows, as the first `records` records show them; `complete`: there are no more.

    `problems` in their place when it cannot be read. `tables` are a database's, None where nobody can name them.
    """

    columns: tuple[Column, ...] = ()
    rows: tuple[Any, ...] = ()
    records: int = 0
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    tables: tuple[str, ...] | None = None


def look_at_source(around: Surroundings, name: str, value: Any) -> Look:
    """The records of a source with these settings. Of a database without query or table only its tables."""
    undecided = _wants_table(value)
    try:
        settings = {**value, "table": UNDECIDED} if undecided else value
        source = editing.draft(around, "sources", name, settings).sources[name]
    except PenstockError as error:
        return Look(problems=error.problems)
    found: tuple[str, ...] | None = None
    try:
        if isinstance(source, SqlSource):
            found = tables(source, around.resolve, around.reach)
        look = Look() if undecided else _look(around, DatasetSpec(name, name, ()), source)
    except PenstockError as error:
        return Look(problems=error.problems, tables=found)
    return replace(look, tables=found)


def look_at_dataset(around: Surroundings, name: str, value: Any) -> Look:
    """The records of a dataset with these settings. It may have no key yet: that is chosen from what is seen here."""
    keyless = isinstance(value, dict) and "key" not in value
    try:
        project = editing.draft(around, "datasets", name, {**value, "key": UNDECIDED} if keyless else value)
        spec = project.datasets[name]
        return _look(around, replace(spec, key=()) if keyless else spec, project.sources[spec.source])
    except PenstockError as error:
        return Look(problems=error.problems)


def _look(around: Surroundings, spec: DatasetSpec, source: SourceSpec) -> Look:
    dataset: Dataset = open_first(spec, source, tools(around), FIRST, PATIENCE_S)
    found = dataset.detect()
    rows = tuple(
        readable(read_record(record_json(found.samples, row))) for row in range(found.samples.records.num_rows)
    )
    awaits = isinstance(source, WebhookSource) and (spec.sql is None or not found.schema.columns)
    return Look(
        columns=found.schema.columns,
        rows=rows,
        records=found.schema.records,
        complete=dataset.complete,
        problems=() if awaits else tuple(dataset.check_columns(found.schema, spec.key)),
    )


def _wants_table(value: Any) -> bool:
    return isinstance(value, Mapping) and "url" in value and not {"query", "table"} & value.keys()
