"""Where a manual request goes: its URL and headers, and what of them differs per record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.model.errors import InputError, Problem
from penstock.model.record import Schema
from penstock.model.spec import DestinationSpec
from penstock.transform.bindings import nearest
from penstock.transform.macros import Macros, Place, column_of, parse_macros
from penstock.transform.render import Address

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Addressing:
    """`url` (absolute) and `headers` as every request has them, `{run.id}` and `{now…}` left open; where records
    differ, `per_record` makes theirs, and `url` or `headers` keep the macros as they are written.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    per_record: Address | None


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
    per_record = Address(url if url.fields else None, differing, tuple(reader.columns)) if reader.columns else None
    return Addressing(
        text if url.fields else _plain(url),
        request.headers if differing else tuple((name, _plain(macros)) for name, macros in headers),
        per_record,
    )


class _Reader:
    """Reads macros, and gathers the columns they name."""

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
