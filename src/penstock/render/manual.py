"""The compilation of a manual request into a renderer and the shape of its requests.

A manual request may have any method, path and format. A payload is the mapped fields in the order in which they are
written, then the remaining columns in the dataset's order. A request to a path of a template has that template's
retries and replies, because the API behind it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, Refusal, named
from penstock.model.record import Grouping, Replies, RetryClass, Schema, Shape
from penstock.model.spec import BatchSpec, Binding, DestinationSpec, Dialect, RequestSpec
from penstock.render.bindings import Paths, excluded_paths, nearest, remaining
from penstock.render.bodies import xml_name_problem, xml_refusal
from penstock.render.compile import Compiled, version_of
from penstock.render.layout import CLASH, refusing
from penstock.render.renderer import TOP, Input, Renderer
from penstock.render.steps import Step, plain_attribute
from penstock.render.values.macros import Macros, Place, RequestAddress, column_of, parse_macros
from penstock.templates.catalogue import Template

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

BATCH_SIZE = 100  # records in one request, when the project file does not say
BODYLESS = frozenset({"GET", "DELETE"})
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
CUSTIFY = ".custify.com"
FLAT_PREFIX = "/api"


@dataclass(frozen=True, slots=True)
class Addressing:
    """`url` (absolute) and `headers` as every request has them, `{run.id}` and `{now…}` left open; where records
    differ, `per_record` makes theirs, and `url` or `headers` keep the macros as they are written.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    per_record: RequestAddress | None


def absolute(url: str, base_url: str) -> str:
    """A URL of the project file as an absolute one: a relative one is appended to the base, slash in front or not."""
    return url if _ABSOLUTE.match(url) else f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def addressing(destination: DestinationSpec, base_url: str, schema: Schema, problems: list[Problem]) -> Addressing:
    """Read URL and headers; whatever is wrong with their macros goes to `problems`."""
    request = destination.request
    assert request is not None
    path = f"destinations.{destination.name}.request"
    text = absolute(request.url, base_url)
    reader = _Reader(schema.names(), problems)
    url = reader.read(text, "url", f"{path}.url")
    headers = tuple((name, reader.read(value, "header", f"{path}.headers.{name}")) for name, value in request.headers)
    differing = headers if any(macros.fields for _, macros in headers) else ()
    same = request.headers if differing else tuple((name, _plain(macros)) for name, macros in headers)
    once = None
    if request.idempotency is not None:
        value = reader.read(request.idempotency.value, "header", f"{path}.idempotency.value")
        once = (request.idempotency.header, value)
    per_record = None
    if reader.columns:
        per_record = RequestAddress(url if url.fields else None, differing, tuple(reader.columns), once, same)
    if request.settle is not None:
        _Reader(schema.names(), problems).read(request.settle.url, "url", f"{path}.settle.url")
    return Addressing(text if url.fields else _plain(url), same, per_record)


class _Reader:
    """Reads macros, and collects the columns that they name."""

    def __init__(self, names: tuple[str, ...], problems: list[Problem]) -> None:
        self.columns: dict[str, None] = {}
        self._names, self._problems = names, problems

    def read(self, text: str, place: Place, path: str) -> Macros:
        try:
            macros = parse_macros(text, place, path=path)
        except InputError as error:
            self._problems.extend(error.problems)
            return Macros((), place)
        for attribute in macros.fields:
            column = column_of(attribute, self._names)
            if column is not None:
                self.columns[column] = None
            else:
                message = f"{{record.{attribute}}} names no column"
                hint = nearest(attribute, self._names)
                self._problems.append(Problem(path, message, "unknown-column", hint, attribute))
        return macros


def _plain(macros: Macros) -> str:
    """The text of macros that name no attribute, escaped for its place."""
    text = macros.expand_record({})
    assert isinstance(text, str)
    return text


class Endpoint(NamedTuple):
    """The template that describes a request's path (None: no template does), and the dialect spoken there."""

    template: Template | None
    dialect: Dialect

    @property
    def batch_limit(self) -> int | None:
        """Records in one request, when this is the batch endpoint."""
        template = self.template
        return template.batch_limit(self.dialect) if template is not None and template.items else None


def endpoint_of(
    request: RequestSpec, url: str, base_url: str, dialect: Dialect, catalogue: Mapping[str, Template]
) -> Endpoint:
    """Which of Custify's endpoints `url` is. Below `/api`, the flat dialect is spoken, wherever the base lies."""
    bare, base = url.partition("?")[0].rstrip("/"), base_url.rstrip("/")
    parts = urlsplit(bare)
    if bare.startswith(base + "/"):
        path = bare[len(base) :]
    elif (parts.hostname or "").endswith(CUSTIFY):
        path, dialect = parts.path, "native"
    else:
        return Endpoint(None, dialect)
    if path.startswith(FLAT_PREFIX + "/"):
        path, dialect = path[len(FLAT_PREFIX) :], "flat"
    found = (each for each in catalogue.values() if each.path[dialect] == path and each.method == request.method)
    return Endpoint(next(found, None), dialect)


def shape_of(
    destination: DestinationSpec, where: Addressing, endpoint: Endpoint, sent: frozenset[str], problems: list[Problem]
) -> Shape:
    """The shape of the requests. `sent` are the fields that every record carries."""
    request = destination.request
    assert request is not None
    batch = request.batch or destination.batch
    wanted = batch.mode == "on" or (request.batch is not None and batch.mode == "auto")
    grouping = _grouping(batch) if wanted else Grouping()
    size = 1 if grouping.algorithm == "single" else batch.size or BATCH_SIZE
    limit = endpoint.batch_limit
    if limit is not None and size > limit:
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {endpoint.dialect}"
        path = f"destinations.{destination.name}.request.batch.size"
        problems.append(Problem(path, message, "batch-too-large", f"size: {limit} or less", str(size)))
    return Shape(
        method=request.method,
        url=where.url,
        headers=where.headers,
        content_format=request.content_format,
        carries_body=request.method not in BODYLESS if request.body is None else request.body,
        grouping=grouping,
        size=size,
        max_bytes=batch.max_bytes,
        xml=request.xml,
        replies=_replies(endpoint, grouping),
        retry=_retry(request, endpoint, sent),
    )


def _grouping(batch: BatchSpec) -> Grouping:
    spec = batch.grouping
    if spec is None or spec.algorithm == "array":
        return Grouping("array")
    if spec.algorithm == "property":
        return Grouping("property", spec.property or "", spec.other_props)
    return Grouping("code", code=spec.code or "")


def _replies(endpoint: Endpoint, grouping: Grouping) -> Replies:
    if endpoint.batch_limit is None or grouping.algorithm == "single":
        return Replies.STATUS
    return Replies.JOBS if endpoint.dialect == "native" else Replies.ITEMS


def _retry(request: RequestSpec, endpoint: Endpoint, sent: frozenset[str]) -> RetryClass:
    """As declared; else by its idempotency header; else as the template of that path; else by the method."""
    if request.idempotent is not None:
        return RetryClass.IDEMPOTENT if request.idempotent else RetryClass.ONCE
    if request.idempotency is not None:
        return RetryClass.IDEMPOTENT
    template = endpoint.template
    if template is None:
        return RetryClass.IDEMPOTENT if request.method in REPEATABLE else RetryClass.ONCE
    if template.retry_with is not None:  # idempotent by a field that templates always send, and records may lack
        field, retry = template.retry_with
        return retry if field in sent else RetryClass.ONCE
    return template.retry[endpoint.dialect]


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
    inputs, notes = inputs_of(destination, schema, problems)
    endpoint = endpoint_of(request, where.url, base_url, dialect, catalogue)
    shape = shape_of(destination, where, endpoint, _in_every_record(inputs, schema), problems)
    xml = request.content_format == "xml" and shape.carries_body
    if xml:
        named = [each for each in inputs if not (schema.grows and each.extra)]  # the others are checked in each payload
        problems.extend(_forbidden_names(destination, named))
    if problems:
        raise InputError(*problems)
    if not shape.carries_body:
        inputs, notes = (
            [],
            [
                Note(
                    "body",
                    "not sent",
                    f"a {request.method} request has no body, unless the destination is set to send one",
                )
            ],
        )
    renderer = Renderer(dataset_key, tuple(inputs), address=where.per_record, check=xml_refusal if xml else None)
    columns = _columns(schema, inputs, where, dataset_key)
    version = version_of(destination, schema, columns, f"{dialect} {base_url} {dataset_key!r}")
    needed = frozenset((*dataset_key, *(() if where.per_record is None else where.per_record.columns)))
    return Compiled(renderer, shape, tuple(notes), columns, None, dialect, version, needed=needed)


def inputs_of(destination: DestinationSpec, schema: Schema, problems: list[Problem]) -> tuple[list[Input], list[Note]]:
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
            message = f"the field {column} and the column {column} would be at the same place"
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
        problem = xml_name_problem(each.step.field)
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
