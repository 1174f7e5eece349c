"""`Context`: the project, its state, the clock, random numbers and environment variables for every use-case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.clock import Clock
from penstock.config.credentials import resolve_secret
from penstock.model.errors import InputError, PenstockError, Problem
from penstock.model.events import SILENT, Events
from penstock.model.reach import CodePolicy, Reach
from penstock.model.spec import DatasetSpec, DestinationSpec, FlowSpec, ProjectSpec, Secret
from penstock.model.text import did_you_mean
from penstock.store.database import Database
from penstock.store.project.credentials import KEY_VARIABLE, Sealer
from penstock.templates.catalogue import Template, load_catalogue

NOWHERE: Mapping[str, Any] = MappingProxyType({})  # a project that is in no file has no lines


def sealer_of(environ: Mapping[str, str], folder: Path) -> Sealer:
    """What seals API keys: by the environment's key, else by the file in the state's folder."""
    text = environ.get(KEY_VARIABLE)
    return Sealer.from_folder(folder) if text is None else Sealer.from_text(text)


def placed(project: ProjectSpec, problem: Problem) -> Problem:
    """The problem with the line of its place in the project file, or of the nearest place above it."""
    if problem.file is not None:  # a file of data, with its own lines
        return problem
    path = problem.path
    while path and path not in project.lines:
        path = path.rpartition(".")[0]
    return replace(problem, line=problem.line or project.lines.get(path), file=project.files.get(path))


@dataclass(frozen=True, slots=True)
class Context:
    project: ProjectSpec
    database: Database
    clock: Clock
    environ: Mapping[str, str]
    reach: Reach
    version: int | None = None  # of the applied project; None: a project file is read
    events: Events = SILENT
    code: CodePolicy = "any"  # which grouping code may run for the caller

    @property
    def catalogue(self) -> Mapping[str, Template]:
        return load_catalogue()

    @property
    def folder(self) -> Path:
        """Where locks, frozen inputs and temporary files live, beside the database."""
        return self.database.folder

    def sealer(self) -> Sealer:
        """What seals API keys: by the environment's key, else by the file beside the database."""
        return sealer_of(self.environ, self.folder)

    def resolve(self, secret: Secret) -> str:
        with self.placing():
            found = resolve_secret(secret, self.environ, self.reach)
        self.events.hide(found)
        return found

    def problem(self, path: str, message: str, code: str, *, hint: str = "", found: str | None = None) -> Problem:
        """A problem with the line of its place in the project file."""
        return self.placed(Problem(path, message, code, hint=hint, found=found))

    def placed(self, problem: Problem) -> Problem:
        """The problem with the line of its place in the project file, or of the nearest place above it."""
        return placed(self.project, problem)

    @contextmanager
    def placing(self) -> Iterator[None]:
        """Errors of the floors below know the path in the project file, not its line: it is added here."""
        try:
            yield
        except PenstockError as error:
            error.problems = tuple(map(self.placed, error.problems))
            raise

    def destination(self, name: str) -> DestinationSpec:
        """The destination of this name; InputError with the nearest one when there is none."""
        spec = self.project.destinations.get(name)
        if spec is None:
            raise self.unknown("destination", name, self.project.destinations)
        return spec

    def dataset(self, name: str) -> DatasetSpec:
        """The dataset of this name; InputError with the nearest one when there is none."""
        spec = self.project.datasets.get(name)
        if spec is None:
            raise self.unknown("dataset", name, self.project.datasets)
        return spec

    def flow(self, name: str) -> FlowSpec:
        """The flow of this name; InputError with the nearest one when there is none."""
        spec = self.project.flows.get(name)
        if spec is None:
            raise self.unknown("flow", name, self.project.flows)
        return spec

    def target(self, name: str) -> DestinationSpec | FlowSpec:
        """The destination or flow of this name; a destination wins where both exist."""
        if name in self.project.destinations:
            return self.project.destinations[name]
        if name in self.project.flows:
            return self.project.flows[name]
        raise self.unknown("destination or flow", name, {**self.project.destinations, **self.project.flows})

    def unknown(self, kind: str, name: str, known: Mapping[str, object]) -> InputError:
        """The error for a name that the project file does not have."""
        have = ", ".join(sorted(known)) or "none"
        hint = did_you_mean(name, known, f"the project file has: {have}")
        word = kind.replace(" ", "-")
        return InputError(Problem(name, f"there is no {kind} {name}", f"unknown-{word}", hint=hint, found=name))
