"""A manual request → renderer and shape: any method, path and format, with the record's own columns.

A payload is the mapped fields in the order they are written, then the remaining columns in the dataset's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from penstock.destinations.catalogue import Template
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, Refusal
from penstock.model.record import Schema
from penstock.model.spec import Binding, DestinationSpec, Dialect
from penstock.transform.addressing import Addressing, addressing
from penstock.transform.bindings import Paths, excluded_paths, nearest, remaining
from penstock.transform.compile import Compiled, version_of
from penstock.transform.extras import CLASH, refusing
from penstock.transform.manual_shape import endpoint_of, shape_of
from penstock.transform.refusing import named
from penstock.transform.render import TOP, Input, Renderer
from penstock.transform.steps import Step, plain_attribute
from penstock.transform.xml_text import name_problem, refusal_of


def compile_manual(
    destination: DestinationSpec,
    dataset_key: tuple[str, ...],
    schema: Schema,
    base_url: str,
    dialect: Dialect,
    catalogue: Mapping[str, Template],
) -> Compiled:
    """Compile a manual request. InputError with every problem.

    An empty `catalogue` says that the API is not Custify: then no path is known, and no endpoint has a limit.
    """
    request = destination.request
    assert request is not None
    problems: list[Problem] = []
    where = addressing(destination, base_url, schema, problems)
    inputs, notes = _inputs(destination, schema, problems)
    endpoint = endpoint_of(request, where.url, base_url, dialect, catalogue)
    shape = shape_of(destination, where, endpoint, _in_every_record(inputs, schema), problems)
    xml = request.content_format == "xml" and shape.carries_body
    if xml:
        named = [each for each in inputs if not (schema.grows and each.extra)]  # the others are checked in each payload
        problems.extend(_forbidden_names(destination, named))
    if problems:
        raise InputError(*problems)
    if not shape.carries_body:
        inputs, notes = [], [Note("body", "not sent", f"{request.method} carries no body; `body: true` gives it one")]
    renderer = Renderer(dataset_key, tuple(inputs), address=where.per_record, check=refusal_of if xml else None)
    columns = _columns(schema, inputs, where, dataset_key)
    version = version_of(destination, schema, columns, f"{dialect} {base_url} {dataset_key!r}")
    needed = frozenset((*dataset_key, *(() if where.per_record is None else where.per_record.columns)))
    return Compiled(renderer, shape, tuple(notes), columns, None, dialect, version, needed=needed)


def _inputs(destination: DestinationSpec, schema: Schema, problems: list[Problem]) -> tuple[list[Input], list[Note]]:
    """One input a member of the payload, and what is left out."""
    cuts = excluded_paths(destination, schema)
    inputs: list[Input] = []
    for name, binding in (destination.fields or {}).items():
        path = f"destinations.{destination.name}.fields.{name}"
        if binding.column is not None and schema.column(binding.column) is None:
            message, hint = f"there is no column {binding.column}", nearest(binding.column, schema.names())
            problems.append(Problem(path, message, "unknown-column", hint, binding.column))
        else:
            step = _step(destination, name, binding, cuts.get(binding.column or "", ()))
            problems.extend(_unfit_constants(step, path))
            inputs.append(Input(step, (TOP, name)))
    rest = remaining(destination, inputs, schema, problems)
    for column in rest.columns:
        if column in (destination.fields or {}) and schema.grows:
            inputs.append(refusing(column, CLASH.format(column)))
        elif column in (destination.fields or {}):
            message = f"the field {column} and the column {column} would stand in the same place"
            path = f"destinations.{destination.name}.fields.{column}"
            problems.append(Problem(path, message, "attribute-clash", f"exclude: [{column}]", column))
        else:
            step = _step(destination, column, Binding(column=column), rest.cuts.get(column, ()))
            inputs.append(Input(step, (TOP, column), extra=True))
    return inputs, list(rest.notes)


def _step(destination: DestinationSpec, name: str, binding: Binding, cuts: Paths) -> Step:
    """Values are sent as they are, nested ones too."""
    rule, quick = plain_attribute()
    constant = None if binding.constant is None or binding.column is not None else (rule(binding.constant[0]),)
    default = None if binding.default is None else (rule(binding.default[0]),)
    return Step(name, rule, quick, binding.column, constant, default, cuts, sends_null=destination.nulls == "send")


def _unfit_constants(step: Step, path: str) -> Iterable[Problem]:
    for given in (step.constant, step.default):
        if given is not None and isinstance(given[0], Refusal):
            refusal = named(given[0], step.field)
            yield Problem(path, refusal.reason, refusal.rule, f"write {refusal.accepted}", refusal.value)


def _in_every_record(inputs: Sequence[Input], schema: Schema) -> frozenset[str]:
    """The members that no record lacks, as far as the schema knows."""
    lacking = {column.name for column in schema.columns if column.nullable}
    steps = [each.step for each in inputs]
    return frozenset(step.field for step in steps if step.default is not None or step.column not in lacking)


def _forbidden_names(destination: DestinationSpec, inputs: Sequence[Input]) -> Iterable[Problem]:
    """Columns whose names cannot be elements: every record has them, so it is the settings that are wrong."""
    for each in inputs:
        problem = name_problem(each.step.field)
        if problem is not None:
            column = each.step.column if each.extra else None
            path = f"destinations.{destination.name}." + ("attributes" if each.extra else f"fields.{each.step.field}")
            hint = f"exclude: [{column}], or give it another name by `fields`" if column is not None else "rename it"
            message = f"{each.step.field!r} cannot be sent in XML: {problem}"
            yield Problem(path, message, "bad-xml-name", hint, each.step.field)


def _columns(
    schema: Schema, inputs: Sequence[Input], where: Addressing, dataset_key: tuple[str, ...]
) -> tuple[str, ...]:
    """The input columns in use, in the dataset's order."""
    used = {each.step.column for each in inputs} | set(dataset_key)
    if where.per_record is not None:
        used |= set(where.per_record.columns)
    return tuple(name for name in schema.names() if name in used)
