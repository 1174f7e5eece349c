"""Template + dialect + schema → renderer and shape. Every configuration error is raised here, all at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from penstock.destinations.catalogue import INLINE, NOWHERE, FieldDoc, Template, load_catalogue
from penstock.model.errors import InputError, Problem
from penstock.model.outcome import Note, Refusal
from penstock.model.record import Grouping, Replies, RetryClass, Schema, Shape
from penstock.model.spec import BatchSpec, DestinationSpec, Dialect
from penstock.transform.bindings import Bound, Remaining, bind, nearest, remaining
from penstock.transform.combining import COMBINATIONS, custom_data_in_job, custom_data_in_url
from penstock.transform.externals import external_input
from penstock.transform.fields import rule_of
from penstock.transform.render import TOP, Combination, Input, Limits, Renderer
from penstock.transform.rules import attribute_name, structured
from penstock.transform.steps import Step, constant, named, native_attribute, plain_attribute

RENDERER = "1"  # the version of the layout: a change of it makes every payload hash be compared anew
ATTRIBUTES = "custom_attributes"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A destination ready to render: pure, and the same for preview, test, plan and run.

    `columns` are the input columns in use, the key's included; `version` changes when settings or renderer change.
    """

    renderer: Renderer
    shape: Shape
    notes: tuple[Note, ...]
    columns: tuple[str, ...]
    template: str | None
    dialect: Dialect | None
    version: str


@dataclass(slots=True)
class Workbench:
    """What a compilation gathers."""

    destination: DestinationSpec
    template: Template
    dialect: Dialect
    schema: Schema
    key: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"destinations.{self.destination.name}"

    @property
    def native(self) -> bool:
        return self.dialect == "native"

    def problem(self, where: str, message: str, code: str, hint: str = "", found: str | None = None) -> None:
        self.problems.append(Problem(f"{self.path}.{where}", message, code, hint, found))


def compile_template(
    destination: DestinationSpec,
    dataset_key: tuple[str, ...],
    schema: Schema,
    template: Template,
    dialect: Dialect,
    base_url: str,
) -> Compiled:
    """Compile one destination. InputError with every problem: unknown columns, clashes, limits, what cannot batch."""
    bench = Workbench(destination, template, dialect, schema, dataset_key)
    item = _item_template(bench)
    bench.template = item
    wrapped = template.name == "send_batch" and _already_wrapped(bench)
    batching = template.name == "send_batch" or _batches(bench, destination.batch)
    if wrapped:
        _pass_through(bench)
    else:
        _map_fields(bench)
        _add_defaults(bench)
        _add_external(bench)
        _add_extras(bench)
    shape = _shape(bench, template, base_url, batching=batching, wrapped=wrapped)
    if bench.problems:
        raise InputError(*bench.problems)
    combinations = () if wrapped else _combinations(bench, shape.url, batching=batching)
    renderer = Renderer(
        key=dataset_key,
        inputs=tuple(bench.inputs),
        combinations=combinations,
        required=("type", "payload") if wrapped else tuple(d.name for d in item.fields if dialect in d.required),
        match=() if wrapped else item.match[dialect],
        limits=None if wrapped else _limits(bench),
    )
    used = {each.step.column for each in bench.inputs if each.step.column is not None}
    columns = tuple(name for name in schema.names() if name in used or name in dataset_key)
    version = f"{RENDERER} {_settings(destination)} {dialect} {base_url} {dataset_key!r}"
    return Compiled(renderer, shape, tuple(bench.notes), columns, template.name, dialect, version)


def _settings(destination: DestinationSpec) -> str:
    """The settings that decide what is sent, and nothing else: not who is active, nor a line number."""
    return repr(replace(destination, active=None, line=None, concurrency=0, fuse=None, responses=False))


# ── which template the items follow ──────────────────────────────────────────


def _item_template(bench: Workbench) -> Template:
    """The template of the records themselves: for `send_batch` that of its object."""
    items = bench.template.items
    if not items:
        return bench.template
    mapped = set(bench.destination.fields or bench.schema.names())
    company = "company_id" in mapped and not mapped & {"user_id", "email"}
    object_ = bench.destination.object or ("company" if company else "person")
    if not bench.native and object_ not in ("person", "company"):
        hint = "object: person or company; events and custom objects have templates of their own"
        bench.problem("object", "in flat a batch holds people or companies only", "not-in-flat", hint, object_)
        object_ = "person"
    return load_catalogue()[items[object_]]


def _already_wrapped(bench: Workbench) -> bool:
    names = bench.schema.names()
    return bench.native and not bench.destination.fields and "type" in names and "payload" in names


def _pass_through(bench: Workbench) -> None:
    """Records that are batch jobs already: `type` and `payload` as they stand."""
    for name in ("type", "payload"):
        rule, quick = plain_attribute() if name == "type" else (structured, None)
        bench.inputs.append(Input(Step(name, rule, quick, column=name), (TOP, name)))
    bench.notes.append(
        Note("payload", "passed through", "the records are batch jobs already; their payloads are not checked")
    )


# ── fields ───────────────────────────────────────────────────────────────────


def _map_fields(bench: Workbench) -> None:
    for bound in bind(bench.destination, bench.template, bench.schema, bench.problems):
        _map_field(bench, bound)


def _map_field(bench: Workbench, bound: Bound) -> None:
    doc = bound.doc
    rule, quick = rule_of(doc, bench.dialect)
    value = default = None
    for kind in ("constant", "default"):
        given = getattr(bound.binding, kind)
        if given is None:
            continue
        made = constant(given[0], rule)
        if isinstance(made, Refusal):
            bench.problem(
                f"fields.{bound.given}", named(made, doc.name).reason, made.rule, made.accepted or "", made.value
            )
        elif kind == "constant":
            value = (made,)
        else:
            default = (made,)
    step = Step(
        doc.name,
        rule,
        quick,
        column=bound.binding.column if value is None else None,
        constant=value if bound.binding.column is None else None,
        default=default,
        cuts=bound.cuts,
        sends_null=bench.destination.nulls == "send",
    )
    if step.column is None and step.constant is None:
        return  # the constant was refused
    bench.inputs.append(_placed(bench, doc, step))


def _placed(bench: Workbench, doc: FieldDoc, step: Step) -> Input:
    """Where a field's values stand in the payload of the dialect."""
    if not bench.native:
        return _placed_flat(bench, doc, step)
    if doc.target is None:
        return Input(step, homeless=doc.why or "Custify's API has no place for it")
    if doc.others or doc.target.endswith("in the address"):
        return Input(step)  # a combination decides
    if doc.target == "companies[].company_id":
        _renamed(bench, doc, "companies")
        return Input(step, (TOP, "companies"))
    if doc.type == "object":
        return Input(step, (doc.target, ""), merge=True)
    container, _, name = doc.target.rpartition(".")
    _renamed(bench, doc, doc.target)
    return Input(step, (container, name))


def _placed_flat(bench: Workbench, doc: FieldDoc, step: Step) -> Input:
    if not doc.page and bench.template.extras["flat"] == NOWHERE:
        return Input(step, homeless="the flat API names no such field for this object")
    if doc.type == "object":
        return Input(step, (TOP, ""), merge=True)
    return Input(step, (TOP, doc.name))


def _renamed(bench: Workbench, doc: FieldDoc, target: str) -> None:
    if target != doc.name:
        bench.notes.append(Note(doc.name, "renamed", f"stands in {target} in Custify's API"))


def _add_defaults(bench: Workbench) -> None:
    """Native fields that the API wants and the requirement does not know."""
    if not bench.native:
        return
    for doc in bench.template.fields:
        if doc.default is None:
            continue
        mapped = next((n for n, each in enumerate(bench.inputs) if each.step.field == doc.name), None)
        if mapped is None:
            rule, _ = rule_of(doc, bench.dialect)
            bench.inputs.append(Input(Step(doc.name, rule, constant=(doc.default,)), (TOP, doc.target or doc.name)))
            bench.notes.append(Note(doc.name, "defaulted", f"{doc.default}, because Custify's API wants it"))
        elif bench.inputs[mapped].step.constant is None and bench.inputs[mapped].step.default is None:
            step = replace(bench.inputs[mapped].step, default=(doc.default,))
            bench.inputs[mapped] = replace(bench.inputs[mapped], step=step)


def _add_external(bench: Workbench) -> None:
    external = bench.template.external
    if not bench.native or external is None or any(i.step.field == external.field for i in bench.inputs):
        return
    setting = getattr(bench.destination, external.setting) if external.setting is not None else None
    columns = (setting,) if isinstance(setting, str) else setting
    doc = bench.template.doc(external.field)
    assert doc is not None
    names = bench.schema.names()
    for name in columns or ():
        if name not in names:
            bench.problem(
                str(external.setting), f"there is no column {name}", "unknown-column", nearest(name, names), name
            )
            return
    bench.inputs.append(external_input(doc, columns or bench.key, external.max_length))
    told = ", ".join(columns or bench.key)
    bench.notes.append(Note(external.field, "derived", f"{doc.target} is made from {told}, so that it stays the same"))


# ── the other columns ────────────────────────────────────────────────────────


def _add_extras(bench: Workbench) -> None:
    rest: Remaining = remaining(bench.destination, bench.inputs, bench.schema, bench.problems)
    bench.notes.extend(rest.notes)
    where = bench.template.extras[bench.dialect]
    if where == NOWHERE:
        for column in rest.columns:
            why = "Custify's API has no place for other columns of this object"
            rule, quick = plain_attribute()
            bench.inputs.append(Input(Step(column, rule, quick, column=column), homeless=why))
        return
    container = TOP if where == INLINE else where
    taken = {each.place for each in bench.inputs if each.place is not None and not each.merge}
    native = where != INLINE
    limit = bench.template.text_limit if native else None
    rule, quick = native_attribute(limit, bounded=limit is not None) if native else plain_attribute()
    for column in sorted(rest.columns):
        against = attribute_name(column) if where == ATTRIBUTES else None
        if against is not None:
            hint = f"exclude: [{column}], or give it another name by the dataset's sql"
            bench.problem(
                "attributes", f"the column {column} {against}, which Custify refuses", "attribute-name", hint, column
            )
        elif (container, column) in taken or (container == TOP and column in _reserved(bench)):
            hint = f"map it, exclude: [{column}], or give it another name by the dataset's sql"
            message = f"the column {column} would take the place of the field {column}"
            bench.problem("attributes", message, "attribute-clash", hint, column)
        else:
            cuts = rest.cuts.get(column, ())
            sends_null = bench.destination.nulls == "send"
            bench.inputs.append(
                Input(Step(column, rule, quick, column=column, cuts=cuts, sends_null=sends_null), (container, column))
            )


def _reserved(bench: Workbench) -> set[str]:
    """Names that a flat payload's own fields have."""
    return {each.place[1] for each in bench.inputs if each.place is not None and each.place[0] == TOP}


def _limits(bench: Workbench) -> Limits | None:
    """Bounds on the extras' container, where so much is mapped that they could be passed."""
    template, container = bench.template, bench.template.extras["native"]
    if not bench.native or template.attribute_limit is None:
        return None
    placed = [each for each in bench.inputs if each.place is not None and each.place[0] == container]
    merged = any(each.merge for each in placed)
    many = merged or len(placed) > template.attribute_limit
    if not many and template.attribute_chars is None:
        return None
    if (
        template.attribute_chars is not None
        and not merged
        and len(placed) * 400 < template.attribute_chars
        and not many
    ):
        return None  # names and texts of at most 100 characters cannot reach it
    return Limits(container, template.attribute_limit if many else None, template.attribute_chars)


# ── the request ──────────────────────────────────────────────────────────────


def _batches(bench: Workbench, batch: BatchSpec) -> bool:
    limit = bench.template.batch_limit(bench.dialect)
    given = batch.mode == "on" or batch.size is not None or batch.max_bytes is not None
    if batch.mode == "off":
        return False
    if limit is None:
        if given:
            message = f"the batch endpoint takes no {bench.template.object} in {bench.dialect}"
            bench.problem("batch", message, "no-batch", "batch: off")
        return False
    return given or bench.native


def _shape(bench: Workbench, template: Template, base_url: str, *, batching: bool, wrapped: bool) -> Shape:
    batch, dialect = bench.destination.batch, bench.dialect
    retry = _retry(bench)
    if not batching:
        path = bench.destination.path or template.path[dialect]
        return Shape(template.method, _joined(base_url, path), retry=retry, max_bytes=None)
    outer = load_catalogue()["send_batch"]
    path = (bench.destination.path if template.name == "send_batch" else None) or outer.path[dialect]
    limit = outer.batch_limit(dialect) or 1
    size = batch.size or limit
    if size > limit:
        message = f"{size} records are more than the {limit} that the batch endpoint takes in {dialect}"
        bench.problem("batch.size", message, "batch-too-large", f"size: {limit} or less", str(size))
    if bench.native:
        job = b"" if wrapped else b'{"type":"%b","payload":' % str(bench.template.job).encode()
        other = {"synchronous": False, "returnJobId": True}
        grouping = Grouping("property", "jobs", other, prefix=job, suffix=b"" if wrapped else b"}")
    else:
        grouping = Grouping("property", "batch")
    return Shape(
        template.method,
        _joined(base_url, path),
        grouping=grouping,
        size=size,
        max_bytes=batch.max_bytes,
        replies=Replies.JOBS if bench.native else Replies.ITEMS,
        retry=retry,
    )


def _retry(bench: Workbench) -> RetryClass:
    exception = bench.template.retry_with
    if exception is not None and any(each.step.field == exception[0] for each in bench.inputs):
        return exception[1]
    return bench.template.retry[bench.dialect]


def _joined(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path.lstrip('/')}"


def _combinations(bench: Workbench, url: str, *, batching: bool) -> tuple[Combination, ...]:
    if not bench.native:
        return ()
    made: list[Combination] = []
    for name in bench.template.combine:
        if name == "custom_data_company":
            made.append(custom_data_in_job if batching else custom_data_in_url(url))
        else:
            made.append(COMBINATIONS[name])
    return tuple(made)
