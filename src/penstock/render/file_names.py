"""The name of a file that a destination writes: its format by its extension, and its macros."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath

from penstock.model.record import Request
from penstock.render.values.macros import finish, parse_macros

EXTENSIONS = (".ndjson", ".csv", ".parquet")


def extension_of(path: str) -> str:
    """The extension in lower case, with its point."""
    return PurePosixPath(path).suffix.lower()


def escapes(path: str) -> bool:
    """Whether a path leaves the folder in which it is, or is the folder itself."""
    pure = PurePosixPath(path)
    return pure.is_absolute() or not pure.parts or ".." in pure.parts or "\0" in path or path.startswith("~")


def name_at(path: str, *, run: str, began: datetime) -> str:
    """The name with the macros `{run.id}` and `{now…}` replaced; the moment is that at which the run began."""
    text = parse_macros(path, "header").expand_record({})
    assert isinstance(text, str)
    made = finish(Request("", "", (("name", text),), None), run=run, now=began)
    return made.headers[0][1]
