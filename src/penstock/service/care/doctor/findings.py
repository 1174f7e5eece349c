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
OPEN_SERVICE = "service without sign-in"  # the lease that such a service holds, so that `penstock doctor` can see it


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Examined:
    """A state and its project. `file` is the project file, or None; `project` is None if it cannot be read.

    `open_to_all` is true if a service accepts requests without sign-in, None if a check has to find out.
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
    """A problem that a person has to fix."""
    return Finding("wrong", code, message, hint, about)


def note(code: str, message: str, hint: str = "", about: str = "") -> Finding:
    """Information that may need no action."""
    return Finding("note", code, message, hint, about)


def of_error(error: PenstockError, about: str = "") -> Findings:
    """An error as findings."""
    for problem in error.problems:
        place = problem.path if problem.line is None else f"line {problem.line}: {problem.path}"
        yield wrong(problem.code, problem.message, problem.hint, about or place)
