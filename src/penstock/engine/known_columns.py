"""The columns of a project's datasets, as far as they are known without a network: for `validate`.

A file is looked at by its first records. Of other sources the columns are those that the state has stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from penstock.engine.datasets import settings_of
from penstock.model.errors import PenstockError, Problem
from penstock.model.reach import Reach
from penstock.model.record import Schema
from penstock.model.spec import DatasetSpec, FileSource, ProjectSpec, SourceSpec, WebhookSource
from penstock.sources.dataset import Dataset
from penstock.sources.no_rows import NoRows
from penstock.sources.opening import Tools, open_first
from penstock.sources.sql_text import MISSING_COLUMN
from penstock.stores.resources import StoredDataset

FIRST = 20_000  # records that are looked at
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """What is known of a dataset: its schema (None: nothing), what is wrong with it, why it could not be looked at.

    `complete`: no other columns can come. `notes` are words for people.
    """

    schema: Schema | None = None
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def known_columns(
    project: ProjectSpec, spec: DatasetSpec, stored: StoredDataset | None, reach: Reach, workspace: Path
) -> KnownColumns:
    """The columns of one dataset. `stored` is what the state has of it, `workspace` a private folder."""
    source = project.sources[spec.source]
    if stored is not None and stored.settings == settings_of(spec, source):
        return _stored(stored.schema, source, spec)
    if isinstance(source, FileSource):
        return _looked_at(spec, source, reach, workspace)
    before = None if stored is None else stored.schema.source or stored.schema
    if (
        stored is None
        or before is None
        or not before.records
        or not stored.settings.endswith(settings_of(None, source))
    ):
        return KnownColumns()
    if spec.sql is None:
        return _stored(before, source, spec)
    return _bound(Dataset(spec, source, NoRows(before), workspace, PATIENCE_S, reach), spec, is_exact=False)


def _stored(schema: Schema, source: SourceSpec, spec: DatasetSpec) -> KnownColumns:
    if not schema.columns:
        return KnownColumns()
    grows = isinstance(source, WebhookSource) and spec.sql is None
    return KnownColumns(replace(schema, grows=grows), complete=not grows)


def _looked_at(spec: DatasetSpec, source: FileSource, reach: Reach, workspace: Path) -> KnownColumns:
    try:
        dataset = open_first(spec, source, Tools(_nothing_secret, workspace, reach=reach), FIRST, PATIENCE_S)
        return _bound(dataset, spec, is_exact=True)
    except PenstockError as error:
        return KnownColumns(notes=tuple(f"{problem}: its columns are not checked" for problem in error.problems))


def _bound(dataset: Dataset, spec: DatasetSpec, *, is_exact: bool) -> KnownColumns:
    """The columns that the SQL gives, or what is wrong with it.

    Where types are not certain, only a column that is not there is a problem. Raises what reading the source raises.
    """
    own = f"datasets.{spec.name}."
    try:
        schema = dataset.bound()
        complete = dataset.complete or not dataset.is_open_ended
        problems = dataset.check_columns(schema, spec.key) if schema.columns and complete else []
    except PenstockError as error:
        certain = is_exact and dataset.complete
        mine = [each for each in error.problems if each.path.startswith(own)]
        if len(mine) < len(error.problems):
            raise
        return KnownColumns(problems=tuple(_certain(mine, dataset, certain=certain)))
    return KnownColumns(schema if schema.columns else None, complete, tuple(problems))


def _certain(problems: Iterable[Problem], dataset: Dataset, *, certain: bool) -> list[Problem]:
    """Those that a run reports too, whatever the records after the first ones hold."""
    if certain:
        return list(problems)
    return [] if dataset.is_open_ended else [each for each in problems if MISSING_COLUMN.search(each.message)]


def _nothing_secret(_secret: object) -> str:
    msg = "a file source has no secret"
    raise AssertionError(msg)
