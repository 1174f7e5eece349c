"""The command line's catalogue of refusals: what a person can write so that a value is taken, by rule. Pure.

Its ways out speak of the project file and of commands; the catalogue of the web UI is ui/src/texts/refusals.ts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from penstock.model.outcome import Refusal
from penstock.model.record import Chunk, Rendered
from penstock.model.spec import DestinationSpec

Render = Callable[[Chunk, Sequence[int] | None], Rendered]
Way = Callable[[Refusal, DestinationSpec, frozenset[str]], str | None]


def with_ways_out(
    render: Render, destination: DestinationSpec, attributes: frozenset[str], since: str | None = None
) -> Render:
    """The same rendering, whose refusals name the way out.

    `attributes` are the columns sent under their own names, `since` is when the types of the columns were decided.
    """

    def rendered(chunk: Chunk, rows: Sequence[int] | None) -> Rendered:
        made = render(chunk, rows)
        if made.refused:
            made.refused[:] = [
                one._replace(refusal=explained(one.refusal, destination, attributes, since)) for one in made.refused
            ]
        return made

    return rendered


def explained(
    refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str], since: str | None = None
) -> Refusal:
    """The refusal with its way out in the reason, where there is one, and with the column that it is about."""
    found, binding = refusal, (destination.fields or {}).get(refusal.field or "")
    if found.column is None and found.field is not None:
        column = found.field if found.field in attributes or binding is None else binding.column
        found = replace(found, column=column)
    if found.type is not None and found.value is not None and found.value not in found.reason:
        found = replace(found, reason=f"{found.column}: {found.value!r} is no {found.type}")
    by_name = destination.template is not None and destination.fields is None and found.column is not None
    mapped = (by_name or (binding is not None and binding.column is not None)) and found.field not in attributes
    found = replace(found, sentence=found.reason, mapped=mapped, since=None if found.type is None else since)
    way = way_out(found, destination, attributes)
    return found if way is None else replace(found, reason=f"{found.reason}; {way}")


def way_out(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    """What to write, and where."""
    if refusal.column is None:
        return None
    if refusal.type is not None:
        return _another_type(refusal, destination, attributes)
    way = WAYS.get(refusal.rule)
    return None if way is None else way(refusal, destination, attributes)


def _another_type(refusal: Refusal, destination: DestinationSpec, _: frozenset[str]) -> str | None:
    if refusal.type is None:
        return None
    column, dataset = refusal.column, destination.dataset
    return (
        f"the column {column} is {refusal.type} since it was first read: `penstock schema {dataset} "
        f"--refresh` decides anew, `types: {{{column}: text}}` at datasets.{dataset} takes any text"
    )


def _shorter(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    name = refusal.field
    if refusal.limit is None:  # of all attributes together
        return None
    cut = f"left({refusal.column}, {refusal.limit}) in the sql of datasets.{destination.dataset} cuts it"
    if name not in (destination.fields or {}) or name in attributes:
        return cut
    return f"{cut}, and so does `truncate: true` at destinations.{destination.name}.fields.{name}"


def _as_text(refusal: Refusal, destination: DestinationSpec, attributes: frozenset[str]) -> str | None:
    if refusal.column not in attributes:
        return None
    return f"to send it as text, write `types: {{{refusal.column}: text}}` at datasets.{destination.dataset}"


# rule → its way out; None where the refusal's `accepted`, or the API's own words, say all there is to say
WAYS: Mapping[str, Way | None] = {
    "ambiguous": None,
    "api": None,
    "attribute name": None,
    "boolean": None,
    "choice": None,
    "clash": None,
    "code": None,
    "columns": None,
    "count": None,
    "date": None,
    "depth": None,
    "digits": None,
    "email": None,
    "flat link": None,
    "html": None,
    "id": None,
    "int32": _as_text,
    "integer": None,
    "job": None,
    "json": None,
    "key": None,
    "key already sent": None,
    "length": _shorter,
    "lookup": None,
    "macro": None,
    "max_bytes": None,
    "money": None,
    "name": None,
    "names": None,
    "no answer": None,
    "required": None,
    "restored": None,
    "scalar": None,
    "sql": None,
    "status": None,  # the number of an HTTP status
    "text": None,
    "type": _another_type,
    "versions": None,
    "waiting": None,
    "xml": None,
}
