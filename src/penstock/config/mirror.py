"""The keys of mirrors: what is done with records that left the dataset, and how many at once; and their check."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.config.sections import Key, Section
from penstock.config.shapes import ChoiceShape, EitherShape, FractionShape, JsonShape, MapShape
from penstock.config.tree import Marked, Report
from penstock.model.spec import DestinationSpec, Dialect, Mode, OnDelete, SourceSpec, SqlSource
from penstock.templates.catalogue import Template

ON_DELETE = Section(
    "Marks the object of a record that left the dataset, instead of deleting it.",
    (
        Key(
            "set",
            MapShape(JsonShape()),
            "fields or attributes that are given to the object, such as {churned: true}",
        ),
    ),
)
WRITE = "write on_delete: delete, or on_delete: {set: {churned: true}} to mark the object instead"
MIRROR_KEYS = (
    Key("mirror_max_share", FractionShape(), "with `mode: mirror`: the largest share that may be deleted at once"),
    Key(
        "on_delete",
        EitherShape(ON_DELETE, ChoiceShape(("delete",))),
        "with `mode: mirror`: what is done with the object of a record that left the dataset: delete, or {set: …}",
    ),
)


def on_delete_of(value: str | dict[str, dict[str, tuple[object]]]) -> OnDelete:
    """What the key `on_delete` says, as it was read."""
    if isinstance(value, str):
        return OnDelete()
    return OnDelete({name: given for name, (given,) in value.get("set", {}).items()})


def check_mirror(
    destination: DestinationSpec,
    item: Template | None,
    source: SourceSpec | None,
    dialects: Sequence[Dialect],
    node: Marked,
    report: Report,
) -> None:
    """Checks the keys of a mirror; `item` is the template of one record. Also that others do not have these keys."""
    if destination.mode is not Mode.MIRROR:
        for key in (key.name for key in MIRROR_KEYS):
            if key in node.entries():
                message = f"`{key}` is for destinations with `mode: mirror`"
                report.add(node.at(key).place, "key-not-here", message, f"remove `{key}`, or write mode: mirror", key)
        return
    _check_source(source, node, report)
    if item is None or item.delete is None:
        what = "a manual request" if item is None else f"{item.object} objects, which Custify does not delete"
        message = f"`mode: mirror` is not possible with {what}"
        report.add(node.at("mode").place, "mode-not-here", message, "use changed, new or all", "mirror")
        return
    if "on_delete" not in node.entries():
        message = "`on_delete` is missing: it says what is done with the objects of records that left the dataset"
        report.add(node.place.below("on_delete"), "missing-key", message, WRITE)
    elif destination.on_delete is not None:
        from penstock.render.deletion import problems  # noqa: PLC0415 - imports Arrow, for mirrors only

        found = [list(problems(destination.on_delete, item, dialect)) for dialect in dialects]
        for problem in found[0] if found and all(found) else ():
            place = node.at(*problem.path.split(".", 2)).place
            report.add(place, problem.code, problem.message, problem.hint, problem.found)


def _check_source(source: SourceSpec | None, node: Marked, report: Report) -> None:
    """A mirror compares with all records of its source, so each read must have them all."""
    place = node.at("mode").place
    if isinstance(source, SqlSource) and source.cursor is not None:
        message = (
            f"`mirror` deletes what is no longer in the dataset, but the source {source.name} is read by its `cursor`"
        )
        hint = "a cursor does not show deleted rows: use `mode: changed`, or remove `cursor`"
        report.add(place, "mirror-with-cursor", message, hint, "mirror")
    elif source is not None and source.traits.arrives:
        message = f"`mirror` deletes what is no longer in the dataset, but {source.name} has only what arrived"
        hint = "a record that does not arrive again is not gone: use `mode: changed`"
        report.add(place, "mirror-with-cursor", message, hint, "mirror")
