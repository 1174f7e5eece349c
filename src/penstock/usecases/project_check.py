"""Finds the problems of a project without sending anything, with the checks of plan and run.

Opens no connection. For file sources it reads the first records; for other sources it takes the columns that the state
has stored. It compiles each destination as `preview`, `plan` and `run` do; if its dataset's columns are not known, with
the columns that the destination itself names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from penstock.config.destinations import dialects_of
from penstock.config.loader import check_project, sql_problems
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.reach import Reach
from penstock.model.record import Column, Schema
from penstock.model.spec import (
    DatasetSpec,
    DestinationSpec,
    Dialect,
    FileSource,
    ProjectSpec,
    SourceSpec,
)
from penstock.render.bindings import columns_by_name, columns_named
from penstock.render.compile import compile_template
from penstock.render.file_records import compile_file
from penstock.render.manual import compile_manual
from penstock.run.connection.connection import PAGE_BASE
from penstock.run.context import placed
from penstock.run.preparation.datasets import settings_of
from penstock.sources.dataset import Dataset
from penstock.sources.source import Tools, open_first
from penstock.sources.sql_text import MISSING_COLUMN
from penstock.sources.typing.schema import NoRows
from penstock.store.database import Database
from penstock.store.migrations import HEAD
from penstock.store.project import resources
from penstock.store.project.resources import StoredDataset
from penstock.templates.catalogue import load_catalogue
from penstock.usecases.applied_project.applied_project import state_url
from penstock.usecases.applied_project.reach import personal_reach

if TYPE_CHECKING:
    pass


FIRST = 20_000  # records that are read
PATIENCE_S = 10.0

OF_COLUMNS = frozenset({"unknown-column"})  # found only with the columns of the dataset


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """What is known about a dataset: its schema (None: nothing), its problems, and why it could not be read.

    `complete`: no other columns can appear. `notes` are texts for people.
    """

    schema: Schema | None = None
    complete: bool = True
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def known_columns(
    project: ProjectSpec, spec: DatasetSpec, stored: StoredDataset | None, reach: Reach, workspace: Path
) -> KnownColumns:
    """The columns of one dataset. `stored` is its stored schema, `workspace` a private folder."""
    source = project.sources[spec.source]
    if stored is not None and stored.settings == settings_of(spec, source):
        return _stored_columns(stored.schema, source, spec)
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
        return _stored_columns(before, source, spec)
    return _bound(Dataset(spec, source, NoRows(before), workspace, PATIENCE_S, reach), spec, is_exact=False)


def _stored_columns(schema: Schema, source: SourceSpec, spec: DatasetSpec) -> KnownColumns:
    if not schema.columns:
        return KnownColumns()
    grows = source.traits.grows and spec.sql is None
    return KnownColumns(replace(schema, grows=grows), complete=not grows)


def _looked_at(spec: DatasetSpec, source: FileSource, reach: Reach, workspace: Path) -> KnownColumns:
    try:
        dataset = open_first(spec, source, Tools(_nothing_secret, workspace, reach=reach), FIRST, PATIENCE_S)
        return _bound(dataset, spec, is_exact=True)
    except PenstockError as error:
        return KnownColumns(notes=tuple(f"{problem}: its columns are not checked" for problem in error.problems))


def _bound(dataset: Dataset, spec: DatasetSpec, *, is_exact: bool) -> KnownColumns:
    """The columns that the SQL returns, or its problems.

    If the types are not certain, only a missing column is a problem. Raises what reading the source raises.
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
    """The problems that a run reports too, whatever later records contain."""
    if certain:
        return list(problems)
    return [] if dataset.is_open_ended else [each for each in problems if MISSING_COLUMN.search(each.message)]


def _nothing_secret(_secret: object) -> str:
    msg = "a file source has no secret"
    raise AssertionError(msg)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """Every problem of a project file, by line; `notes` name what could not be checked."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def checked_file(file: Path, database: str | None, environ: Mapping[str, str]) -> CheckedFile:
    """The problems of a project file. Never raises for its content."""
    project, problems = check_project(file)
    if project is None:
        return CheckedFile(problems)
    found = list(sql_problems(project, project.datasets))
    wrong = {problem.path.split(".")[1] for problem in found}
    state = Database.look_at(state_url(file, database, environ))
    known: Mapping[str, KnownColumns] = {}
    notes: dict[str, None] = {}
    try:
        known = _known(project, state, environ, {name for name in project.datasets if name not in wrong})
    except OSError as error:
        notes[f"no temporary folder can be made ({error.strerror}): the columns of datasets are not checked"] = None
    finally:
        state.close()
    found += [placed(project, each) for columns in known.values() for each in columns.problems]
    for spec in project.destinations.values():
        columns = known.get(spec.dataset)
        found += [placed(project, each) for each in _problems(project, spec, columns)]
    notes |= dict.fromkeys(note for columns in known.values() for note in columns.notes)
    return CheckedFile(tuple(sorted(found, key=lambda one: (one.file or "", one.line or 0))), tuple(notes))


def _known(
    project: ProjectSpec, state: Database, environ: Mapping[str, str], names: set[str]
) -> dict[str, KnownColumns]:

    reach = personal_reach(state, environ)
    with TemporaryDirectory(prefix="penstock-") as folder:
        return {
            name: known_columns(project, project.datasets[name], stored, reach, Path(folder))
            for name, stored in _stored(state, sorted(names)).items()
        }


def _stored(state: Database, names: list[str]) -> Mapping[str, resources.StoredDataset | None]:
    """The stored schemas of these datasets. A state on a server, or of another version, is not read."""
    nothing = dict.fromkeys(names)
    if state.path is None or not state.path.is_file():
        return nothing
    try:
        if state.schema_version() != HEAD:
            return nothing
        with state.read() as conn:
            return {name: resources.stored_dataset(conn, name) for name in names}
    except PenstockError:  # a command that needs the state reports what is wrong with it
        return nothing


def _problems(project: ProjectSpec, spec: DestinationSpec, columns: KnownColumns | None) -> list[Problem]:
    """The problems of a destination that occur in every dialect that its credential can have."""
    schema = None if columns is None else columns.schema
    if schema is None and spec.template is not None and spec.fields is None:
        return []  # columns map themselves, and the file does not name them
    dialects = dialects_of(project.credentials[spec.credential]) or ("native",)
    shape = _named(project, spec) if schema is None else _with_named_columns(schema, spec)
    first, *others = [_compiled(project, spec, shape, dialect) for dialect in dialects]
    found = [one for one in first if all(any(one.path == two.path for two in other) for other in others)]
    if schema is None or columns is None or not columns.complete:
        return [one for one in found if one.code not in OF_COLUMNS]
    return found


def _named(project: ProjectSpec, spec: DestinationSpec) -> Schema:
    """The columns that the destination itself names."""
    names = dict.fromkeys((*project.datasets[spec.dataset].key, *columns_named(spec, ())))
    return Schema(tuple(Column(name, "text", nullable=True) for name in names), 0)


def _with_named_columns(schema: Schema, spec: DestinationSpec) -> Schema:
    """The schema; if later records may have new columns, with those that the destination names."""
    if not schema.grows:
        return schema
    names = dict.fromkeys((*columns_named(spec, schema.names()), *(() if schema.records else columns_by_name(spec))))
    more = tuple(Column(name, "json", nullable=True) for name in names if schema.column(name) is None)
    return replace(schema, columns=(*schema.columns, *more))


def _compiled(project: ProjectSpec, spec: DestinationSpec, schema: Schema, dialect: Dialect) -> list[Problem]:
    key, credential = project.datasets[spec.dataset].key, project.credentials[spec.credential]
    base = PAGE_BASE if credential.base_url == "auto" else credential.base_url.rstrip("/")
    catalogue = load_catalogue()
    try:
        if credential.connector == "file":
            compile_file(spec, key, schema, "")
        elif spec.template is not None:
            compile_template(spec, key, schema, catalogue[spec.template], dialect, base)
        else:
            compile_manual(spec, key, schema, base, dialect, catalogue if credential.connector == "custify" else {})
    except InputError as error:
        return list(error.problems)
    return []
