"""The names of columns in a header: cleaned; refused where two are equal, or one with values has none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.outcome import Note
from penstock.model.spec import FileSource
from penstock.model.text import identifying, repeated
from penstock.sources.files.source_files import file_error
from penstock.sources.typing.pieces import shorten

INDEX = Note("column 1", "left out", "it has no name and counts the rows: the index of a pandas table")
_GUARD = re.compile(r'="([^"]*)"')


@dataclass(frozen=True, slots=True)
class HeaderPlace:
    """Where a header is, for messages: `line` 7 of a text, `row` 7 of a sheet."""

    source: FileSource
    path: Path
    at: int
    unit: str = "line"

    def refuse(self, message: str, code: str, hint: str, found: str | None = None) -> InputError:
        """The error about this header; `message` begins in the middle of its first sentence."""
        return file_error(
            self.source,
            f"{self.path.name}, {self.unit} {self.at}: {message}",
            code,
            found=found,
            hint=hint,
            line=self.at,
            file=str(self.path),
        )

    def nameless(self, column: int, count: int, value: object = None) -> InputError:
        """The error of a column that has values and no name."""
        holds = "" if value is None else f", and one of its values is {shorten(value)}"
        delimiter = "the delimiter and " if self.unit == "line" else ""
        return self.refuse(
            f"column {column} of {count} has no name in the header{holds}",
            "nameless-column",
            f"name it, or check {delimiter}that this {self.unit} is the header: "
            f"skip_lines at sources.{self.source.name} leaves out {self.unit}s before it",
        )


def header_names(place: HeaderPlace, cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[Note, ...]]:
    """The names of the columns ("" for a column without one), and what was changed of them or left out."""
    clean = [_clean(cell) for cell in cells]
    given = [name for name in clean if name]
    if repeated(given) is not None:
        clean = [cell if cell.strip() else "" for cell in cells]  # blanks and marks distinguish them
        given = [name for name in clean if name]
    if (name := repeated(given)) is not None:
        message = f"the column {name} occurs twice in the header"
        raise place.refuse(message, "double-column", "give each column its own name", name)
    if not given:
        raise place.nameless(1, len(cells))
    renamed = [
        Note(name, "renamed", "blanks and characters that cannot be seen are removed from its name in the header")
        for name, cell in zip(clean, cells, strict=True)
        if name and name != cell
    ]
    left_out = [
        Note(f"column {number}", "left out", f"it has no name in the header of {place.path.name}, and no value")
        for number, name in enumerate(clean, start=1)
        if not name
    ]
    return tuple(clean), (*renamed, *left_out)


def _clean(name: str) -> str:
    clean = identifying(name)
    guard = _GUARD.fullmatch(clean)
    return clean if guard is None else identifying(guard[1])
