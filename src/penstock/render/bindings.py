"""The binding of columns to fields, and the columns that remain.

`CompileContext` has the settings that a compilation reads, and collects its inputs, notes and problems. Also finds the
columns that a destination names, for sources whose columns are not known before the records arrive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, new_column_notes
from penstock.model.record import LEFT_OUT, NO_RECORD, Schema
from penstock.model.spec import Binding, DestinationSpec, Dialect, RequestSpec
from penstock.model.text import did_you_mean
from penstock.render.renderer import Combination, Input
from penstock.render.values.macros import Place, column_of, parse_macros
from penstock.templates.catalogue import FieldDoc, Template, load_catalogue

ABOUT_ROWS = frozenset({NO_RECORD, LEFT_OUT})
PANDAS_INDEX = re.compile(r"__index_level_\d+__|Unnamed: 0(\.\d+)?")
INDEX = "the index of a pandas table, which says nothing; name it in `attributes` to send it"

Paths = tuple[tuple[str, ...], ...]
Complaint = tuple[str, str, str, str, str]  # where below the destination, message, code, hint, found


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
    own_id: tuple[str, Combination] | None = None  # of `combinations`, the one that makes an id, and the id's member
    former: bool = False  # in the form in which release 0.1.0 sent it

    @property
    def native(self) -> bool:
        return self.dialect == "native"

    @property
    def grows(self) -> bool:
        """Whether any record can add columns; then a problem with a column refuses only the records that have it."""
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


@dataclass(frozen=True, slots=True)
class Bound:
    """A field with what it is taken from; `given` is the name the project file uses; `cuts` are nested exclusions."""

    doc: FieldDoc
    given: str
    binding: Binding
    cuts: Paths = ()


@dataclass(frozen=True, slots=True)
class Remaining:
    """The columns that are neither mapped nor excluded, with their nested exclusions, and what was left out."""

    columns: tuple[str, ...]
    cuts: Mapping[str, Paths] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def nearest(name: str, known: Sequence[str], kind: str = "columns") -> str:
    """A hint: the nearest name, else the known ones."""
    return did_you_mean(name, known, f"{kind}: {', '.join(known)}")


def bind(destination: DestinationSpec, template: Template, schema: Schema, problems: list[Problem]) -> list[Bound]:
    """The mapped fields in the template's order; what cannot be bound goes to `problems`.

    If later records may have new columns, the first of two columns that name one field is mapped.
    """
    given = destination.fields if destination.fields is not None else by_name(template, schema)
    if schema.grows and destination.fields is None:
        given = {name: binding for name, binding in given.items() if name == _first_name(name, given, template)}
    cuts = excluded_paths(destination, schema)
    bound: dict[str, Bound] = {}
    for name, binding in given.items():
        doc = template.doc(name)
        if doc is None:
            _refuse(problems, destination, *_unknown_field(name, template))
        elif doc.name in bound:
            message = f"{bound[doc.name].given} and {name} are the same field"
            _refuse(problems, destination, f"fields.{name}", message, "field-twice", "keep one of the two", name)
        elif binding.column is not None and schema.column(binding.column) is None:
            message, hint = f"there is no column {binding.column}", nearest(binding.column, schema.names())
            _refuse(problems, destination, f"fields.{name}", message, "unknown-column", hint, binding.column)
        else:
            if binding.column is not None and cuts.get(binding.column) == ((),):
                message, hint = f"{binding.column} is mapped to {name}, and excluded", "take it out of one of the two"
                _refuse(problems, destination, "exclude", message, "excluded-field", hint, binding.column)
            bound[doc.name] = Bound(doc, name, binding, cuts.get(binding.column or "", ()))
    return [bound[doc.name] for doc in template.fields if doc.name in bound]


def by_name(template: Template, schema: Schema) -> dict[str, Binding]:
    """Without `fields`, columns named like a field, by either of its names, are mapped to it; so are near misses.

    Where both of its names have a column, that of the name in the requirement is taken.
    """
    named = [next((n for n in doc.names if schema.column(n) is not None), None) for doc in template.fields if doc.auto]
    exact = {name: Binding(column=name) for name in named if name is not None}
    return {**exact, **{name: Binding(column=column) for name, column in near_misses(template, schema).items()}}


def near_misses(template: Template, schema: Schema) -> dict[str, str]:
    """Field → the one column whose name differs from the field's in case, white space, `-`, `_` or `.` alone.

    A column that is nearly several fields, and fields that several columns are nearly, are left alone.
    """
    columns = schema.names()
    fields: dict[str, set[str]] = {}
    for doc in template.fields:
        for name in doc.names if doc.auto and not any(own in columns for own in doc.names) else ():
            fields.setdefault(plain_name(name), set()).add(doc.name)
    known = {name for doc in template.fields for name in doc.names}
    near: dict[str, list[str]] = {}
    for column in columns:
        meant = fields.get(plain_name(column), set()) if column not in known else set()
        if len(meant) == 1:
            near.setdefault(next(iter(meant)), []).append(column)
    return {field: found[0] for field, found in near.items() if len(found) == 1}


def plain_name(name: str) -> str:
    """A name in lower case, without white space, `-`, `_` and `.`: spellings of one name are equal."""
    return re.sub(r"[\s\-_.\u200b-\u200d\ufeff]+", "", name).casefold()


def _first_name(name: str, given: Mapping[str, Binding], template: Template) -> str:
    """Of the names of a field that are columns, the first."""
    doc = template.doc(name)
    return name if doc is None else next(each for each in doc.names if each in given)


def _unknown_field(name: str, template: Template) -> Complaint:
    known = [each for doc in template.fields for each in doc.names]
    hint = nearest(name, known, "fields")
    return f"fields.{name}", f"{template.name} has no field {name}", "unknown-field", hint, name


def _refuse(problems: list[Problem], destination: DestinationSpec, *complaint: *Complaint) -> None:
    where, message, code, hint, found = complaint
    problems.append(Problem(f"destinations.{destination.name}.{where}", message, code, hint, found))


def excluded_paths(destination: DestinationSpec, schema: Schema) -> dict[str, Paths]:
    """Column → the nested paths that are left out of it; `((),)` when all of it is."""
    names = schema.names()
    found: dict[str, Paths] = {}
    for path in destination.exclude:
        column = column_of(path, names)
        if column is None:
            continue
        rest = () if path == column else tuple(path[len(column) + 1 :].split("."))
        found[column] = ((),) if rest == () or found.get(column) == ((),) else (*found.get(column, ()), rest)
    return found


def unknown_exclusions(destination: DestinationSpec, schema: Schema) -> list[Problem]:
    """Problems with excluded columns that do not exist: with a misspelled exclusion, the column would be sent."""
    names = schema.names()
    return [
        Problem(
            f"destinations.{destination.name}.exclude",
            f"there is no column {path}",
            "unknown-column",
            nearest(path, names),
            path,
        )
        for path in destination.exclude
        if column_of(path, names) is None
    ]


def new_column_problem(destination: DestinationSpec, new: Sequence[str]) -> Problem:
    """The source has columns that it had not before, and the destination refuses them."""
    path, names = f"destinations.{destination.name}.new_columns", ", ".join(new)
    hint = f"exclude it by the dataset's sql, or add it: penstock schema {destination.dataset} --refresh"
    return Problem(path, f"the source has a new column: {names}", "new-column", hint, names)


def remaining(
    destination: DestinationSpec, inputs: Sequence[Input], schema: Schema, problems: list[Problem]
) -> Remaining:
    """What is left for attributes, by the destination's `attributes` and `exclude`."""
    problems.extend(unknown_exclusions(destination, schema))
    cuts = excluded_paths(destination, schema)
    mapped = {each.step.column for each in inputs}
    names = schema.names()
    notes = [Note(path, "left out", "excluded in this destination") for path in destination.exclude]
    free = [name for name in names if name not in mapped and name not in ABOUT_ROWS and cuts.get(name) != ((),)]
    chosen = destination.attributes
    if chosen == "all":
        index = [name for name in free if PANDAS_INDEX.fullmatch(name)]
        notes += [Note(name, "left out", INDEX) for name in index]
        later = {column.name for column in schema.columns if column.later and destination.new_columns != "send"}
        new = [name for name in free if name in later]
        if new and destination.new_columns == "refuse":
            problems.append(new_column_problem(destination, new))
        notes += new_column_notes(new, destination.dataset)
        free = [name for name in free if name not in {*index, *new}]
        return Remaining(tuple(free), cuts, tuple(notes))
    wanted = () if chosen == "none" else chosen
    for name in wanted:
        if name not in names:
            path = f"destinations.{destination.name}.attributes"
            problems.append(Problem(path, f"there is no column {name}", "unknown-column", nearest(name, names), name))
    left = [name for name in free if name not in wanted]
    if left:
        notes.append(Note("attributes", "left out", f"not among the attributes: {', '.join(left)}"))
    return Remaining(tuple(name for name in free if name in wanted), cuts, tuple(notes))


def columns_named(spec: DestinationSpec, known: Sequence[str]) -> tuple[str, ...]:
    """The columns that the settings name, in their order; of a dotted path that is no column, its beginning."""
    return tuple(dict.fromkeys(column_of(path, known) or path.partition(".")[0] for path in _paths(spec)))


def columns_by_name(spec: DestinationSpec) -> tuple[str, ...]:
    """The columns that would map themselves, of a destination with a template and no `fields`."""
    template = load_catalogue().get(spec.template or "")
    if template is None or spec.fields is not None:
        return ()
    return tuple(doc.name for doc in template.fields if doc.auto)


def would_be_sent(spec: DestinationSpec, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that the destination would send if its dataset had them: attributes, and fields mapped by name."""
    if spec.attributes == "all":
        return tuple(columns)
    by_name = {plain_name(name) for name in columns_by_name(spec)}
    return tuple(name for name in columns if plain_name(name) in by_name)


def _paths(spec: DestinationSpec) -> Iterator[str]:
    for binding in (spec.fields or {}).values():
        if binding.column is not None:
            yield binding.column
    if not isinstance(spec.attributes, str):
        yield from spec.attributes
    yield from spec.exclude
    for names in (spec.external_id, spec.data_id):
        yield from (names,) if isinstance(names, str) else names or ()
    if spec.request is not None:
        yield from _paths_of(spec.request)


def _paths_of(request: RequestSpec) -> Iterator[str]:
    yield from _attributes(request.url, "url")
    for _, value in request.headers:
        yield from _attributes(value, "header")
    if request.idempotency is not None:
        yield from _attributes(request.idempotency.value, "header")
    if request.settle is not None:
        yield from _attributes(request.settle.url, "url")


def _attributes(text: str, place: Place) -> tuple[str, ...]:
    try:
        return parse_macros(text, place, path="").fields
    except InputError:  # reported where the request is compiled
        return ()
