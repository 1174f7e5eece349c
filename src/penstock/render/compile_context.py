"""`CompileContext`: the settings that a compilation reads, and the inputs, notes and problems that it collects."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock.model.errors import Problem
from penstock.model.outcome import Note
from penstock.model.record import Schema
from penstock.model.spec import DestinationSpec, Dialect
from penstock.render.renderer import Combination, Input
from penstock.templates.catalogue import Template


@dataclass(slots=True)
class CompileContext:
    """One destination being compiled. `template` is that of the records themselves: of a batch, that of its items.

    `derived` are the columns that an id was made of; `required` the fields that every record must have.
    """

    destination: DestinationSpec
    template: Template
    dialect: Dialect
    schema: Schema
    key: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    combinations: list[Combination] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    derived: tuple[str, ...] = ()
    former: bool = False  # in the form in which release 0.1.0 sent it

    @property
    def native(self) -> bool:
        return self.dialect == "native"

    @property
    def grows(self) -> bool:
        """Whether records bring columns as they come: what is wrong with one is wrong with its records only."""
        return self.schema.grows

    @property
    def sends_null(self) -> bool:
        return self.destination.nulls == "send"

    def place(self, where: str) -> str:
        """The path of one of the destination's keys in the project file."""
        return f"destinations.{self.destination.name}.{where}"

    def problem(self, where: str, message: str, code: str, hint: str = "", found: str | None = None) -> None:
        self.problems.append(Problem(self.place(where), message, code, hint, found))

    def note(self, field_: str, action: str, reason: str) -> None:
        self.notes.append(Note(field_, action, reason))

    def mapped(self, name: str) -> Input | None:
        """The input of this field, if there is one."""
        return next((each for each in self.inputs if each.step.field == name and not each.extra), None)

    def columns(self) -> tuple[str, ...]:
        """The input columns in use, in the dataset's order, the key's and those of derived ids included."""
        used = {each.step.column for each in self.inputs} | set(self.key) | set(self.derived)
        return tuple(name for name in self.schema.names() if name in used)
