"""A manual request → renderer and shape: any method, path and format, with the record's own columns."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from penstock.destinations.catalogue import BATCH_LIMITS, Template
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note
from penstock.model.record import Grouping, Replies, RetryClass, Schema, Shape
from penstock.model.spec import BatchSpec, DestinationSpec, Dialect, RequestSpec
from penstock.transform.bindings import excluded_paths, nearest, remaining
from penstock.transform.compile import Compiled, version_of
from penstock.transform.macros import Attribute, Macros, column_of, parse_macros
from penstock.transform.render import TOP, Address, Input, Renderer
from penstock.transform.steps import Step, plain_attribute
from penstock.transform.xml_text import refusal_of

BATCH_SIZE = 100
BODYLESS = ("GET", "DELETE")
BATCH_PATH = "/batch"


def compile_manual(
    destination: DestinationSpec,
    dataset_key: tuple[str, ...],
    schema: Schema,
    base_url: str,
    dialect: Dialect,
    catalogue: Mapping[str, Template],
) -> Compiled:
    """Compile a manual request. InputError with every problem."""
    request = destination.request
    assert request is not None
    problems: list[Problem] = []
    path = f"destinations.{destination.name}"
    inputs = _mapped(destination, schema, problems)
    rest = remaining(destination, inputs, schema, problems)
    rule, quick = plain_attribute()
    sends_null = destination.nulls == "send"
    taken = {each.place for each in inputs}
    for column in rest.columns:
        if (TOP, column) in taken:
            message = f"the column {column} would take the place of the field {column}"
            problems.append(Problem(f"{path}.attributes", message, "attribute-clash", f"exclude: [{column}]", column))
            continue
        step = Step(column, rule, quick, column=column, cuts=rest.cuts.get(column, ()), sends_null=sends_null)
        inputs.append(Input(step, (TOP, column)))
    url = request.url if "://" in request.url else f"{base_url.rstrip('/')}/{request.url.lstrip('/')}"
    macros = _address(path, request, url, schema, problems)
    shape = _shape(destination, url, base_url, dialect, catalogue, problems)
    if problems:
        raise InputError(*problems)
    renderer = Renderer(
        key=dataset_key,
        inputs=tuple(inputs) if shape.carries_body else (),
        address=macros,
        check=refusal_of if request.content_format == "xml" and shape.carries_body else None,
    )
    used = {each.step.column for each in inputs} | set(macros.columns if macros else ()) | set(dataset_key)
    columns = tuple(name for name in schema.names() if name in used)
    notes = rest.notes if shape.carries_body else (Note("body", "not sent", f"{request.method} carries no body"),)
    version = version_of(destination, schema, columns, f"{dialect} {base_url} {dataset_key!r}")
    return Compiled(renderer, shape, notes, columns, None, dialect, version)


def _mapped(destination: DestinationSpec, schema: Schema, problems: list[Problem]) -> list[Input]:
    """Fields of a manual request rename columns, or add constants."""
    inputs: list[Input] = []
    rule, quick = plain_attribute()
    cuts = excluded_paths(destination, schema)
    names = schema.names()
    for name, binding in (destination.fields or {}).items():
        if binding.column is not None and binding.column not in names:
            path = f"destinations.{destination.name}.fields.{name}"
            message = f"there is no column {binding.column}"
            problems.append(Problem(path, message, "unknown-column", nearest(binding.column, names), binding.column))
            continue
        constant = None if binding.constant is None else (rule(binding.constant[0]),)
        step = Step(
            name,
            rule,
            quick,
            column=binding.column,
            constant=constant if binding.column is None else None,
            default=binding.default,
            cuts=cuts.get(binding.column or "", ()),
            sends_null=destination.nulls == "send",
        )
        inputs.append(Input(step, (TOP, name)))
    return inputs


def _address(path: str, request: RequestSpec, url: str, schema: Schema, problems: list[Problem]) -> Address | None:
    """What of URL and headers depends on the record."""
    found: list[tuple[str, Macros]] = []
    try:
        in_url = parse_macros(url, "url", path=f"{path}.request.url")
        found = [(name, parse_macros(text, "header", path=f"{path}.request.headers")) for name, text in request.headers]
    except InputError as error:
        problems.extend(error.problems)
        return None
    names = schema.names()
    columns: dict[str, None] = {}
    for macros in (in_url, *(each for _, each in found)):
        for attribute in macros.fields:
            column = column_of(attribute, names)
            if column is None:
                hint = nearest(attribute, names)
                message = f"{{record.{attribute}}} names no column"
                problems.append(Problem(f"{path}.request", message, "unknown-column", hint, attribute))
            else:
                columns[column] = None
    if not columns:
        return None
    return Address(
        in_url if in_url.fields else None,
        tuple(found) if any(macros.fields for _, macros in found) else (),
        tuple(columns),
    )


def _shape(
    destination: DestinationSpec,
    url: str,
    base_url: str,
    dialect: Dialect,
    catalogue: Mapping[str, Template],
    problems: list[Problem],
) -> Shape:
    request = destination.request
    assert request is not None
    batch = request.batch or destination.batch
    known = _known_path(url, base_url)
    is_batch = known == BATCH_PATH
    grouping, size = _grouping(batch, given=request.batch is not None or batch.mode == "on" or batch.size is not None)
    if is_batch and size > BATCH_LIMITS[dialect]:
        limit = BATCH_LIMITS[dialect]
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {dialect}"
        path = f"destinations.{destination.name}.request.batch.size"
        problems.append(Problem(path, message, "batch-too-large", f"size: {limit} or less", str(size)))
    replies = Replies.STATUS
    if is_batch and grouping.algorithm != "single":
        replies = Replies.JOBS if dialect == "native" else Replies.ITEMS
    return Shape(
        method=request.method,
        url=_plain(url),
        headers=request.headers,
        content_format=request.content_format,
        carries_body=request.method not in BODYLESS if request.body is None else request.body,
        grouping=grouping,
        size=size,
        max_bytes=batch.max_bytes,
        xml=request.xml,
        replies=replies,
        retry=_retry(request, known, dialect, catalogue, destination),
    )


def _plain(url: str) -> str:
    """The URL with its spaces and non-ASCII percent-encoded, macros left for later."""
    macros = parse_macros(url, "url")
    return url if macros.fields else "".join(part.text for part in macros.parts if not isinstance(part, Attribute))


def _known_path(url: str, base_url: str) -> str | None:
    """The path below the credential's base, when the URL lies there."""
    bare = url.partition("?")[0].rstrip("/")
    base = base_url.rstrip("/")
    if bare.startswith(base + "/"):
        return bare[len(base) :]
    path = urlsplit(bare).path
    return path.removeprefix("/api") if urlsplit(url).hostname in ("app.custify.com", "api.custify.com") else None


def _grouping(batch: BatchSpec, *, given: bool) -> tuple[Grouping, int]:
    if not given or batch.mode == "off":
        return Grouping("single"), 1
    spec = batch.grouping
    size = batch.size or BATCH_SIZE
    if spec is None or spec.algorithm == "array":
        return Grouping("array"), size
    if spec.algorithm == "property":
        return Grouping("property", spec.property or "", spec.other_props), size
    return Grouping("code", code=spec.code or ""), size


def _retry(
    request: RequestSpec,
    known: str | None,
    dialect: Dialect,
    catalogue: Mapping[str, Template],
    destination: DestinationSpec,
) -> RetryClass:
    """As declared; else as the template of that path; else by the method."""
    if request.idempotent is not None:
        return RetryClass.IDEMPOTENT if request.idempotent else RetryClass.ONCE
    if request.method == "POST" and known is not None:
        template = next((each for each in catalogue.values() if each.path[dialect] == known), None)
        if template is not None:
            exception = template.retry_with
            if exception is not None and exception[0] in (destination.fields or {}):
                return exception[1]
            if exception is not None and destination.fields is None:
                return RetryClass.ONCE  # nobody can tell whether every record has the field
            return template.retry[dialect]
    return RetryClass.IDEMPOTENT if request.method in ("GET", "PUT", "DELETE") else RetryClass.ONCE
