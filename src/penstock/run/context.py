"""`Context`: the project, its state, the clock, random numbers and environment variables for every use-case.

Also whether runs may send a destination: what the project file says, and what a person chose last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
from penstock.store.project import resources
from penstock.store.project.credentials import KEY_VARIABLE, Sealer
from penstock.templates.catalogue import Template, load_catalogue

NOWHERE: Mapping[str, Any] = MappingProxyType({})  # a project that is in no file has no lines


def sealer_of(environ: Mapping[str, str], folder: Path) -> Sealer:
    """The sealer of API keys: with the environment's key, else with the key file in the state's folder."""
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
    stopping: Callable[[], bool] = lambda: False  # whether what is read from an API is not wanted any more

    @property
    def catalogue(self) -> Mapping[str, Template]:
        return load_catalogue()

    @property
    def folder(self) -> Path:
        """Where locks, frozen inputs and temporary files live, beside the database."""
        return self.database.folder

    def sealer(self) -> Sealer:
        """The sealer of API keys: with the environment's key, else with the key file beside the database."""
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
        """For the block, add the line in the project file to errors of lower layers, which know only the path."""
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


def require_destination(spec: DestinationSpec | FlowSpec) -> DestinationSpec:
    """The destination. InputError for a flow: a limit is one of a destination's records."""
    if isinstance(spec, FlowSpec):
        message = f"{spec.name} is a flow: a limit is a number of records of one destination"
        hint = f"run a destination of it: {', '.join(spec.destinations)}"
        raise InputError(Problem("limit", message, "limit-of-flow", hint, found=spec.name))
    return spec


def is_active(ctx: Context, spec: DestinationSpec) -> tuple[bool, str]:
    """Whether runs may send, and the reason. A person's pause overrides the file; the file overrides an activation."""
    with ctx.database.read() as conn:
        return activity(spec, resources.switch_of(conn, spec.name))


def active_names(ctx: Context) -> frozenset[str]:
    """The destinations that runs may send to."""
    specs = ctx.project.destinations
    with ctx.database.read() as conn:
        switches = resources.switches_of(conn, list(specs))
    return frozenset(name for name, spec in specs.items() if activity(spec, switches.get(name))[0])


def activity(spec: DestinationSpec, switch: resources.Activation | None) -> tuple[bool, str]:
    """As `is_active`, for a known last choice of a person."""
    if switch is not None and switch.state == "paused":
        return False, f"{spec.name} was paused at {switch.at}"
    if spec.active is not None:
        return spec.active, "" if spec.active else f"{spec.name} is a draft: `active: false` in the project file"
    if switch is not None:
        return True, ""
    return False, f"{spec.name} is a draft"


def is_paused(ctx: Context, spec: DestinationSpec) -> bool:
    """Whether a person paused it; a draft is not paused."""
    with ctx.database.read() as conn:
        switch = resources.switch_of(conn, spec.name)
    return switch is not None and switch.state == "paused"


def require_active(ctx: Context, spec: DestinationSpec) -> None:
    """InputError when the destination is a draft or paused."""
    active, reason = is_active(ctx, spec)
    if not active:
        path = f"destinations.{spec.name}.active"
        how = "write `active: true`" if spec.active is False else f"`penstock activate {spec.name}`"
        hint = f"look at `penstock plan {spec.name}`, then {how}"
        state = "paused" if is_paused(ctx, spec) else "draft"
        raise InputError(ctx.problem(path, f"nothing is sent: {reason}", "not-active", hint=hint, found=state))
