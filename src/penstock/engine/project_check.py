"""What is wrong with a project, as far as it shows without sending anything: the checks of plan and run.

Files are looked at by their first records, other sources by the columns that the state has stored; no connection is
opened. A destination is compiled as `preview`, `plan` and `run` compile it; where its dataset's columns are not known,
those that it names itself stand in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from penstock.config.checks import dialects_of
from penstock.config.loading import check_project
from penstock.config.sql_checks import sql_problems
from penstock.destinations.catalogue import load_catalogue
from penstock.engine.connecting import PAGE_BASE
from penstock.engine.project_reach import personal_reach
from penstock.engine.surroundings import placed
from penstock.engine.truth import state_url
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.record import Column, Schema
from penstock.model.spec import DestinationSpec, Dialect, ProjectSpec
from penstock.stores import resources
from penstock.stores.database import Database
from penstock.stores.migrations import HEAD
from penstock.transform.awaited import columns_by_name, columns_named
from penstock.transform.compile import compile_template
from penstock.transform.manual import compile_manual

if TYPE_CHECKING:
    from penstock.engine.known_columns import KnownColumns

OF_COLUMNS = frozenset({"unknown-column"})  # what only the dataset's columns can tell


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """Every problem of a project file, by line; `notes` say what could not be looked at."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def checked_file(file: Path, database: str | None, environ: Mapping[str, str]) -> CheckedFile:
    """What is wrong with a project file; nothing when it is fine. Never raises for what a file says."""
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
    from penstock.engine.known_columns import known_columns  # noqa: PLC0415 - what reads files costs 0.1 s

    reach = personal_reach(state, environ)
    with TemporaryDirectory(prefix="penstock-") as folder:
        return {
            name: known_columns(project, project.datasets[name], stored, reach, Path(folder))
            for name, stored in _stored(state, sorted(names)).items()
        }


def _stored(state: Database, names: list[str]) -> Mapping[str, resources.StoredDataset | None]:
    """What the state has of these datasets. A state on a server, or of another version, is not asked."""
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
    """The problems of a destination in every dialect that its credential may turn out to speak."""
    schema = None if columns is None else columns.schema
    if schema is None and spec.template is not None and spec.fields is None:
        return []  # its columns map themselves: the file does not name them
    dialects = dialects_of(project.credentials[spec.credential]) or ("native",)
    shape = _named(project, spec) if schema is None else _with_awaited(schema, spec)
    first, *others = [_compiled(project, spec, shape, dialect) for dialect in dialects]
    found = [one for one in first if all(any(one.path == two.path for two in other) for other in others)]
    if schema is None or columns is None or not columns.complete:
        return [one for one in found if one.code not in OF_COLUMNS]
    return found


def _named(project: ProjectSpec, spec: DestinationSpec) -> Schema:
    """The columns that a destination names itself."""
    names = dict.fromkeys((*project.datasets[spec.dataset].key, *columns_named(spec, ())))
    return Schema(tuple(Column(name, "text", nullable=True) for name in names), 0)


def _with_awaited(schema: Schema, spec: DestinationSpec) -> Schema:
    """Where records bring columns as they come, those that the destination speaks of are taken to be there."""
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
        if spec.template is not None:
            compile_template(spec, key, schema, catalogue[spec.template], dialect, base)
        else:
            compile_manual(spec, key, schema, base, dialect, catalogue if credential.connector == "custify" else {})
    except InputError as error:
        return list(error.problems)
    return []
