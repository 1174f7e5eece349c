"""The compilation of a template, a dialect and a schema into a renderer and the shape of its requests.

A request has a single record, or a batch for the API's batch endpoint. `compile_template` raises every configuration
error at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from penstock.model.errors import InputError
from penstock.model.outcome import READ_FIRST, Note
from penstock.model.record import Grouping, Replies, RetryClass, Schema, Shape
from penstock.model.settings_text import settings_text, without_settling
from penstock.model.spec import DestinationSpec, Dialect, Mode
from penstock.render.bindings import CompileContext
from penstock.render.bodies import frame_of
from penstock.render.cross_field_rules import add_external, already_wrapped, pass_through
from penstock.render.identity import PERSON
from penstock.render.layout import IDENTIFYING, add_defaults, add_extras, limits_of, map_fields
from penstock.render.merger import Merger
from penstock.render.renderer import Input, ParentRef, Renderer
from penstock.render.steps import has_flat_links, is_date_time
from penstock.templates.catalogue import FieldDoc, Template, batch_endpoint, load_catalogue

ASYNCHRONOUS: Mapping[str, object] = MappingProxyType({"synchronous": False, "returnJobId": True})

LOOKED_UP = "a run looks up in Custify whether another person has an e-mail before it sends it with a user_id"
RENDERER = "1"  # the version of the layout: a change of it makes every payload hash be compared again


def batches(ctx: CompileContext, template: Template) -> bool:
    """Whether the records go to the batch endpoint: `auto` is on in native, where it takes the object."""
    batch, path = ctx.destination.batch, ctx.destination.path
    if template.items:
        return True
    if batch.mode == "off":
        return False
    wanted = batch.mode == "on" or batch.size is not None or batch.max_bytes is not None
    if template.batch_limit(ctx.dialect) is None:
        if wanted:
            message = f"the batch endpoint takes no {template.object} in {ctx.dialect}"
            ctx.problem("batch", message, "no-batch", "batch: off")
        return False
    if not wanted and path is not None and ctx.native:
        ctx.note(
            "batch", "left out", "records go one by one to the destination's own path, unless batching is turned on"
        )
        return False
    return wanted or ctx.native


def shape_of(ctx: CompileContext, template: Template, base_url: str, *, batching: bool, wrapped: bool) -> Shape:
    """The shape of the requests; `wrapped`: the records are native batch jobs already."""
    if not batching:
        path = ctx.destination.path or template.path[ctx.dialect]
        return Shape(template.method, _joined(base_url, path), retry=_retry(ctx))
    endpoint = batch_endpoint()
    return Shape(
        endpoint.method,
        _joined(base_url, ctx.destination.path or endpoint.path[ctx.dialect]),
        grouping=_grouping(ctx, wrapped=wrapped),
        size=_size(ctx, endpoint.batch_limit(ctx.dialect) or 1),
        max_bytes=ctx.destination.batch.max_bytes,
        replies=Replies.JOBS if ctx.native else Replies.ITEMS,
        retry=_retry(ctx),
    )


def _size(ctx: CompileContext, limit: int) -> int:
    size = ctx.destination.batch.size or limit
    if size > limit:
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {ctx.dialect}"
        ctx.problem("batch.size", message, "batch-too-large", f"size: {limit} or less", str(size))
    return size


def _grouping(ctx: CompileContext, *, wrapped: bool) -> Grouping:
    if not ctx.native:
        return Grouping("property", "batch")
    if wrapped:
        return Grouping("property", "jobs", ASYNCHRONOUS)
    prefix = b'{"type":"%b","payload":' % str(ctx.template.job).encode()
    return Grouping("property", "jobs", ASYNCHRONOUS, prefix=prefix, suffix=b"}")


def _retry(ctx: CompileContext) -> RetryClass:
    exception = ctx.template.retry_with
    if exception is not None and ctx.mapped(exception[0]) is not None:
        return exception[1]
    return ctx.template.retry[ctx.dialect]


def _joined(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class FormerRendering:
    """How an earlier release rendered the same settings: a record is not sent again only because its form has changed.

    Not `always`: only rows differ in which a text of the columns `texts` had another form.
    """

    renderer: Renderer
    merger: Merger | None
    always: bool = True
    texts: tuple[str, ...] = ()


class UnchangedField(NamedTuple):
    """A field that is sent only where Custify still has what was sent last; `place` is its name in the request."""

    name: str
    place: str


def unchanged_fields(ctx: CompileContext) -> tuple[UnchangedField, ...]:
    """The fields with `if_unchanged`. One that cannot be compared with what Custify has is a problem."""
    found: list[UnchangedField] = []
    for given, binding in (ctx.destination.fields or {}).items():
        doc, where = ctx.template.doc(given), f"fields.{given}.if_unchanged"
        if not binding.if_unchanged or doc is None:
            continue
        if not ctx.native:
            message = "the flat API publishes no reads, so that a change in Custify cannot be seen"
            ctx.problem(where, message, "no-reads", "use a credential with `dialect: native`", "flat")
        elif doc.target is None or not _is_comparable(ctx.template, doc):
            message = f"{given} cannot be compared with what Custify has"
            ctx.problem(where, message, "if-unchanged", "remove `if_unchanged` from this field", "true")
        else:
            found.append(UnchangedField(given, doc.target))
    return tuple(found)


def _is_comparable(template: Template, doc: FieldDoc) -> bool:
    """Whether Custify's lists show the field, under one name, and an update may leave it out."""
    listed = template.read is not None and not template.read.together and Mode.CHANGED in template.modes
    identifies = doc.type in IDENTIFYING and (doc.type != "email" or doc.name in template.match["native"])
    return listed and not identifies and doc.type not in {"object", "companies"} and not doc.others


@dataclass(frozen=True, slots=True)
class Compiled:
    """A destination ready to render: pure, and the same for preview, test, plan and run.

    `columns` are the input columns in use, the key's included; without those in `needed` no record could be sent.
    `version` changes when settings or renderer change.
    """

    renderer: Renderer
    shape: Shape
    notes: tuple[Note, ...]
    columns: tuple[str, ...]
    template: str | None
    dialect: Dialect | None
    version: str
    merger: Merger | None = None  # of several versions of one record; None: no request can carry several
    former: FormerRendering | None = None  # how release 0.1.0 rendered it, where that may differ
    needed: frozenset[str] = frozenset()
    unchanged: tuple[UnchangedField, ...] = ()


def compile_template(
    destination: DestinationSpec,
    dataset_key: tuple[str, ...],
    schema: Schema,
    template: Template,
    dialect: Dialect,
    base_url: str,
) -> Compiled:
    """Compile one destination. InputError with every problem: unknown columns, clashes, limits, what cannot batch.

    If later records may have new columns, a column that cannot be sent is no problem: its records are refused.
    """
    ctx = CompileContext(destination, template, dialect, schema, dataset_key)
    compiled = _compile(ctx, base_url)
    always = compiled.renderer.always is not None or any(_had_another_form(ctx, each) for each in ctx.inputs)
    mapped = {each.step.column for each in ctx.inputs if each.step.column and _is_text(ctx, each)}
    former = _compile(CompileContext(destination, template, dialect, schema, dataset_key, former=True), base_url)
    texts = tuple(sorted(mapped.union(dataset_key)))
    return replace(compiled, former=FormerRendering(former.renderer, former.merger, always, texts))


def _is_text(ctx: CompileContext, each: Input) -> bool:
    """Whether an input is bound to a field of text."""
    doc = None if each.extra else ctx.template.doc(each.step.field)
    return doc is not None and doc.type in ("key", "person", "id", "text", "choice")


def _had_another_form(ctx: CompileContext, each: Input) -> bool:
    """Whether release 0.1.0 may have sent other bytes for an input."""
    doc = None if each.extra else ctx.template.doc(each.step.field)
    if doc is None:
        return False
    if has_flat_links(doc, ctx.dialect) or (ctx.native and doc.former is not None):
        return True
    if not is_date_time(doc, ctx.dialect):
        return False
    column = None if each.step.column is None else ctx.schema.column(each.step.column)
    return column is None or column.type != "timestamp"


def _compile(ctx: CompileContext, base_url: str) -> Compiled:
    destination, template, dialect = ctx.destination, ctx.template, ctx.dialect
    schema, dataset_key = ctx.schema, ctx.key
    wrapped = bool(template.items) and already_wrapped(ctx)
    if wrapped:
        pass_through(ctx)
    else:
        ctx.template = _item_template(ctx)
        map_fields(ctx)
        add_defaults(ctx)
        add_external(ctx)
        add_extras(ctx)
    if destination.company_link == "replace":
        _check_links(ctx, wrapped=wrapped)
    if destination.identity == "refuse":
        _check_identity(ctx, wrapped=wrapped)
    batching = batches(ctx, template)
    shape = shape_of(ctx, template, base_url, batching=batching, wrapped=wrapped)
    unchanged = () if wrapped else unchanged_fields(ctx)
    if ctx.problems:
        raise InputError(*ctx.problems)
    renderer = Renderer(
        key=dataset_key,
        inputs=tuple(ctx.inputs),
        combinations=tuple(ctx.combinations),
        required=tuple(ctx.required),
        match=ctx.template.match[dialect],
        limits=limits_of(ctx),
        always=ctx.template.extras["native"]
        if ctx.native and "custom_data_company" in ctx.template.combine and not ctx.former
        else None,
        parent_ref=_parent_ref(ctx, shape.url, batching=batching),
        former=ctx.former,
        own_id=ctx.own_id,
    )
    columns = ctx.columns()
    version = version_of(destination, schema, columns, f"{dialect} {base_url} {dataset_key!r}")
    rules = None if wrapped else ctx.template.versions.get(dialect)
    merger = None if rules is None else Merger(rules, renderer.bounded, _room(shape))
    notes, needed = tuple(ctx.notes), _needed(ctx)
    return Compiled(
        renderer, shape, notes, columns, template.name, dialect, version, merger, needed=needed, unchanged=unchanged
    )


def _needed(ctx: CompileContext) -> frozenset[str]:
    """The columns of the key, of ids, of what is required and of what Custify recognises an object by."""
    external = ctx.template.external
    fields = {*ctx.required, *ctx.template.match[ctx.dialect], *(() if external is None else (external.field,))}
    steps = [each.step for each in ctx.inputs if not each.extra]
    mapped = {step.column for step in steps if step.field in fields and step.column and step.default is None}
    return frozenset(mapped | set(ctx.key) | set(ctx.derived))


def _check_links(ctx: CompileContext, *, wrapped: bool) -> None:
    """Links can be removed of people in native only."""
    if ctx.native and ctx.template.lists_companies and not wrapped:
        return
    where = "of people alone" if ctx.native else "by the native API alone"
    message = f"links to companies are removed {where}"
    ctx.problem("company_link", message, "company-link", "company_link: add, or a native person destination", "replace")


def _check_identity(ctx: CompileContext, *, wrapped: bool) -> None:
    """People alone have an identity, and the native API alone can be read."""
    path = "identity"
    if not ctx.native:
        message, hint = "the flat API publishes no reads", "identity: warn, or a credential with `dialect: native`"
        ctx.problem(path, f"Custify cannot be read before a person is created: {message}", "no-reads", hint, "flat")
    elif ctx.template.object != PERSON or wrapped:
        ctx.problem(
            path,
            "only people have an identity to check",
            "no-people",
            "identity: warn, or a template for people",
            "refuse",
        )
    else:
        ctx.note(path, READ_FIRST, LOOKED_UP)


def _room(shape: Shape) -> int | None:
    """The most bytes of a payload that is alone in its body."""
    if shape.max_bytes is None or not shape.carries_body:
        return None
    frame = frame_of(shape)
    return shape.max_bytes - len(frame.head) - len(frame.tail)


def version_of(destination: DestinationSpec, schema: Schema, columns: tuple[str, ...], rest: str) -> str:
    """A version of the settings that decide what is sent; activation, settling and line numbers do not change it."""
    decisive = replace(
        without_settling(destination), active=None, line=None, concurrency=0, fuse=None, canary=None, responses=False
    )
    types = [
        (column.name, column.type, column.decimal)[: 2 if column.decimal is None else 3]
        for column in schema.columns
        if column.name in columns
    ]
    return f"{RENDERER} {settings_text(decisive)} {rest} {types!r}"


def _item_template(ctx: CompileContext) -> Template:
    """The template of the records themselves: for a batch that of its items."""
    items = ctx.template.items
    if not items:
        return ctx.template
    fields = ctx.destination.fields
    kind = ctx.template.item(ctx.destination.object, ctx.schema.names() if fields is None else fields)
    if not ctx.native and not load_catalogue()[items[kind]].flat_batch:
        taken = " or ".join(item for item, name in items.items() if load_catalogue()[name].flat_batch)
        hint = f"object: {taken}; other objects have templates of their own"
        ctx.problem("object", f"in flat a batch holds no {kind}", "not-in-flat", hint, kind)
    return load_catalogue()[items[kind]]


def _parent_ref(ctx: CompileContext, url: str, *, batching: bool) -> ParentRef | None:
    """A native custom data object names its company outside the data: in the address, or beside it in a batch job."""
    if not ctx.native or "custom_data_company" not in ctx.template.combine:
        return None
    return ParentRef("company_id", None if batching else url, {"entityModel": "Company"})
