"""What a person can write so that a refused value is taken, in the words of the project file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Rendered
from penstock.model.spec import DestinationSpec
from penstock.transform.rules import LENGTH

Render = Callable[[Chunk, Sequence[int] | None], Rendered]


def with_ways_out(render: Render, destination: DestinationSpec, attributes: frozenset[str]) -> Render:
    """The same rendering, whose refusals name the way out; `attributes` are the columns sent under their own names."""

    def rendered(chunk: Chunk, rows: Sequence[int] | None) -> Rendered:
        made = render(chunk, rows)
        if made.refused:
            made.refused[:] = [
                one._replace(refusal=explained(one.refusal, destination, attributes)) for one in made.refused
            ]
        return made

    return rendered


def explained(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> Refusal:
    """The refusal with its way out in the reason, where there is one, and with the column that it is about."""
    found = refusal
    if found.column is None and found.field is not None:
        binding = (destination.fields or {}).get(found.field)
        column = found.field if found.field in attributes or binding is None else binding.column
        found = replace(found, column=column)
    if found.type is not None and found.value is not None and found.value not in found.reason:
        found = replace(found, reason=f"{found.column}: {found.value!r} is no {found.type}")
    way = way_out(found, destination, attributes)
    return found if way is None else replace(found, reason=f"{found.reason}; {way}")


def way_out(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    """What to write, and where."""
    column, dataset, name = refusal.column, f"datasets.{destination.dataset}", refusal.field
    if column is None:
        return None
    if refusal.type is not None:
        return (
            f"the column {column} is {refusal.type} since it was first read: `penstock schema {destination.dataset} "
            f"--refresh` decides anew, `types: {{{column}: text}}` at {dataset} takes any text"
        )
    if refusal.rule == LENGTH:
        cut = f"left({column}, {refusal.limit}) in the sql of {dataset} cuts it"
        binding = (destination.fields or {}).get(name or "")
        if binding is None or name in attributes:
            return cut
        return f"{cut}, and so does `truncate: true` at destinations.{destination.name}.fields.{name}"
    if refusal.rule == "int32" and column in attributes:
        return f"to send it as text, write `types: {{{column}: text}}` at {dataset}"
    return None
