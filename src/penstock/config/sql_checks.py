"""The SQL of datasets, checked by its text. Apart from reading a project: DuckDB takes a while to import."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from penstock.model.errors import InputError, Problem
from penstock.model.spec import ProjectSpec


def sql_problems(project: ProjectSpec, datasets: Iterable[str]) -> tuple[Problem, ...]:
    """A problem for each of these datasets whose SQL cannot run, whatever its source holds."""
    written = [(name, sql) for name in datasets if (sql := project.datasets[name].sql) is not None]
    if not written:
        return ()
    from penstock.sources.sql_tables import sql_problem  # noqa: PLC0415 - DuckDB costs 0.1 s

    found = [sql_problem(name, sql) for name, sql in written]
    return tuple(
        replace(problem, line=project.lines.get(problem.path), file=project.files.get(problem.path))
        for problem in found
        if problem is not None
    )


def refuse_wrong_sql(project: ProjectSpec, datasets: Iterable[str]) -> None:
    """InputError with a problem for each of these datasets whose SQL cannot run."""
    problems = sql_problems(project, datasets)
    if problems:
        raise InputError(*problems)
