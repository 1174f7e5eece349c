"""External ids of the native API, and records that are native batch jobs already.

An id that the record does not have is derived from the dataset's key, so that it is the same in every run. A record of
the form `{"type": …, "payload": {…}}` is passed through.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import xxhash

from penstock.model.outcome import Refusal
from penstock.render.bindings import nearest
from penstock.render.compile_context import CompileContext
from penstock.render.renderer import TOP, Combination, Input, PayloadDraft
from penstock.render.steps import Step, Values
from penstock.render.values import rules
from penstock.render.values.json_values import ABSENT
from penstock.render.values.keys import one_text
from penstock.templates.catalogue import load_catalogue

STAYS = "so that it stays the same"

COLUMNS = ("type", "payload")


def add_external(ctx: CompileContext) -> None:
    """`externalId`, `data_id` or `deduplication_id`: as mapped, by the destination's setting, or from the key."""
    external = ctx.template.external
    if external is None:
        return
    setting = None if external.setting is None else getattr(ctx.destination, external.setting)
    mapped = ctx.mapped(external.field)
    if not ctx.native:
        if setting is not None:
            ctx.note(str(external.setting), "ignored", "the flat API knows no such id")
        return
    if external.setting is not None:
        ctx.required.append(external.field)
    if mapped is not None:
        if setting is not None:
            message = f"{external.field} is mapped, and given by `{external.setting}`"
            ctx.problem(str(external.setting), message, "field-twice", "keep one of the two")
        doc = ctx.template.doc(external.field)
        target = external.field if doc is None else doc.target or doc.name
        ctx.combinations.append(_filled_from_key(external.field, target, external.max_length))
        return
    columns = _columns(ctx, setting)
    doc = ctx.template.doc(external.field)
    if columns is None or doc is None:
        return
    ctx.combinations.append(_derived(doc.name, doc.target or doc.name, columns, external.max_length))
    ctx.derived = columns
    ctx.note(external.field, "derived", f"{doc.target} is made from {', '.join(columns)}, {STAYS}")


def bounded(text: str, longest: int | None) -> str:
    """The text, or its hash when it is longer than the API takes."""
    if longest is None or len(text) <= longest:
        return text
    return xxhash.xxh3_128_hexdigest(text.encode())


def _columns(ctx: CompileContext, setting: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The columns that the id is made of; None when one of them is not there."""
    if setting is None:
        return ctx.key
    columns = (setting,) if isinstance(setting, str) else setting
    names = ctx.schema.names()
    missing = [name for name in columns if name not in names]
    where = str(ctx.template.external.setting) if ctx.template.external is not None else ""
    for name in missing:
        ctx.problem(where, f"there is no column {name}", "unknown-column", nearest(name, names), name)
    return None if missing else columns


def _derived(name: str, target: str, columns: tuple[str, ...], longest: int | None) -> Combination:
    """The id made of these columns; a row in which one of them is empty gets none."""

    def combine(draft: PayloadDraft) -> None:
        lists = [[_text(value) for value in draft.columns.cells(column).values] for column in columns]
        made: Values = []
        for row in zip(*lists, strict=True):
            texts = tuple(text for text in row if text is not None)
            made.append(bounded(one_text(texts), longest) if len(texts) == len(row) else ABSENT)
        draft.fields[name] = draft.places[TOP, target] = made

    return combine


def _filled_from_key(name: str, target: str, longest: int | None) -> Combination:
    """Rows in which the mapped id is null get one from their key."""

    def combine(draft: PayloadDraft) -> None:
        place = (TOP, target)
        values = list(draft.places[place])
        for row, key in enumerate(draft.keys):
            if (values[row] is ABSENT or values[row] is None) and key is not None:
                values[row] = bounded(one_text(key), longest)
                if row not in draft.refused:
                    draft.notes[name, "derived", f"null, and made from the record's key, {STAYS}"] += 1
        draft.fields[name] = draft.places[place] = values

    return combine


def _text(value: object) -> str | None:
    found = None if value is None else rules.key(value)
    return found if isinstance(found, str) else None


def already_wrapped(ctx: CompileContext) -> bool:
    """Whether the dataset's records have the two columns of a job, and nothing says otherwise."""
    destination = ctx.destination
    given = destination.fields or destination.object
    return ctx.native and not given and set(COLUMNS) <= set(ctx.schema.names())


def pass_through(ctx: CompileContext) -> None:
    """`type` must be a job that the batch endpoint knows, `payload` an object; the payload is sent as it is."""
    jobs = sorted({each.job for each in load_catalogue().values() if each.job is not None})
    for name, rule in (("type", rules.choice(*jobs)), ("payload", rules.whole_object)):
        ctx.inputs.append(Input(Step(name, rule, column=name), (TOP, name)))
        ctx.required.append(name)
    ctx.combinations.append(partial(_with_ids, _derived_ids()))
    ctx.note("payload", "passed through", "the records are batch jobs already; what is in them is not checked")
    for name in ctx.schema.names():
        if name not in COLUMNS and name not in ctx.key:
            ctx.note(name, "not sent", "a batch job holds a type and a payload only")


def _derived_ids() -> Mapping[str, tuple[str, int | None]]:
    """By batch job: the member for an id that is made from the record's key where none is given, and its longest."""
    found = {}
    for template in load_catalogue().values():
        external = template.external
        if template.job is not None and external is not None and external.setting is None:
            doc = template.doc(external.field)
            found[template.job] = (external.field if doc is None else doc.target or doc.name, external.max_length)
    return found


def _with_ids(ids: Mapping[str, tuple[str, int | None]], draft: PayloadDraft) -> None:
    """A job whose retry would count twice gets an id from the record's key."""
    place = (TOP, "payload")
    payloads = list(draft.places[place])
    for row, kind in enumerate(draft.fields["type"]):
        payload, key, derived = payloads[row], draft.keys[row], ids.get(str(kind))
        if derived is None or payload is ABSENT or isinstance(payload, Refusal) or key is None:
            continue
        name, longest = derived
        if payload.get(name) is None:
            payloads[row] = payload | {name: bounded(one_text(key), longest)}
            draft.notes[name, "derived", "made from the record's key, so that it stays the same"] += 1
    draft.places[place] = payloads
