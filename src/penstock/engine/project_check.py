"""What is wrong with a project, as far as its file tells: the checks of the file, then those of plan and run.

Nothing is read but the project file, and no API is asked. A destination is compiled as `preview`, `plan` and `run`
compile it; in place of its dataset's columns stand those that it names itself.
"""

from __future__ import annotations

from pathlib import Path

from penstock.config.checks import dialects_of
from penstock.config.loading import check_project
from penstock.config.sql_checks import sql_problems
from penstock.destinations.catalogue import load_catalogue
from penstock.engine.connecting import PAGE_BASE
from penstock.engine.surroundings import placed
from penstock.model.errors import InputError, Problem
from penstock.model.record import Column, Schema
from penstock.model.spec import DestinationSpec, Dialect, ProjectSpec
from penstock.transform.awaited import columns_named
from penstock.transform.compile import compile_template
from penstock.transform.manual import compile_manual

OF_COLUMNS = frozenset({"unknown-column"})  # what only the dataset's columns can tell


def problems_of(file: Path) -> tuple[Problem, ...]:
    """Every problem of the project file, by line; none when it is fine. Never raises for what a file says."""
    project, problems = check_project(file)
    if project is None:
        return problems
    found = [placed(project, one) for spec in project.destinations.values() for one in _problems(project, spec)]
    found += sql_problems(project, project.datasets)
    return tuple(sorted(found, key=lambda one: (one.file or "", one.line or 0)))


def _problems(project: ProjectSpec, spec: DestinationSpec) -> list[Problem]:
    """The problems of a destination in every dialect that its credential may turn out to speak."""
    if spec.template is not None and spec.fields is None:
        return []  # its columns map themselves: the file does not name them
    dialects = dialects_of(project.credentials[spec.credential]) or ("native",)
    first, *others = [_compiled(project, spec, dialect) for dialect in dialects]
    return [one for one in first if all(any(one.path == two.path for two in other) for other in others)]


def _compiled(project: ProjectSpec, spec: DestinationSpec, dialect: Dialect) -> list[Problem]:
    key, credential = project.datasets[spec.dataset].key, project.credentials[spec.credential]
    names = dict.fromkeys((*key, *columns_named(spec, ())))
    schema = Schema(tuple(Column(name, "text", nullable=True) for name in names), 0)
    base = PAGE_BASE if credential.base_url == "auto" else credential.base_url.rstrip("/")
    catalogue = load_catalogue()
    try:
        if spec.template is not None:
            compile_template(spec, key, schema, catalogue[spec.template], dialect, base)
        else:
            compile_manual(spec, key, schema, base, dialect, catalogue if credential.connector == "custify" else {})
    except InputError as error:
        return [one for one in error.problems if one.code not in OF_COLUMNS]
    return []
