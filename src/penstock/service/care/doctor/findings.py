"""The findings of the doctor, and the project and state that it examines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.clock import Clock
from penstock.model.errors import PenstockError
from penstock.model.spec import ProjectSpec
from penstock.run.context import Context
from penstock.service.model import Finding
from penstock.store.database import Database
from penstock.usecases.applied_project.reach import reach_of

BACKED_UP = "backed-up"  # the setting with the time of the last backup
OPEN_SERVICE = "service without sign-in"  # what such a service holds, so that others know of it


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Examined:
    """A state and its project. `file` is the project file, None without one; `project` None: unreadable.

    `open_to_all`: a service answers without sign-in; None: it has to be found out.
    """

    database: Database
    file: Path | None
    environ: Mapping[str, str]
    clock: Clock
    project: ProjectSpec | None = None
    version: int = 0  # of the applied project
    open_to_all: bool | None = None

    @property
    def ctx(self) -> Context:
        assert self.project is not None
        reach = reach_of(self.database, self.environ, in_service=self.file is None)
        return Context(self.project, self.database, self.clock, self.environ, reach)


def wrong(code: str, message: str, hint: str = "", about: str = "") -> Finding:
    """Something that a person has to put right."""
    return Finding("wrong", code, message, hint, about)


def note(code: str, message: str, hint: str = "", about: str = "") -> Finding:
    """Something to know: it may well be meant so."""
    return Finding("note", code, message, hint, about)


def of_error(error: PenstockError, about: str = "") -> Findings:
    """An error as findings."""
    for problem in error.problems:
        place = problem.path if problem.line is None else f"line {problem.line}: {problem.path}"
        yield wrong(problem.code, problem.message, problem.hint, about or place)
