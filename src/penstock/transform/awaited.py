"""The columns that a destination speaks of: what a source that gives records as they come may bring any time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.destinations.catalogue import load_catalogue
from penstock.model.errors import InputError
from penstock.model.spec import DestinationSpec
from penstock.transform.bindings import plain_name
from penstock.transform.macros import Place, column_of, parse_macros


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
        yield from _attributes(spec.request.url, "url")
        for _, value in spec.request.headers:
            yield from _attributes(value, "header")


def _attributes(text: str, place: Place) -> tuple[str, ...]:
    try:
        return parse_macros(text, place, path="").fields
    except InputError:  # told where the request is compiled
        return ()
