"""Where a file destination would write, and which source reads that file. Links are resolved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from glob import has_magic
from pathlib import Path

from penstock.model.errors import InputError
from penstock.model.spec import CredentialSpec, DestinationSpec, FileSource, ProjectSpec
from penstock.render.file_names import escapes, name_at
from penstock.render.values.macros import parse_macros

SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def example_name(path: str) -> str | None:
    """The name that a run at some time would give the file; None for a name with an invalid macro."""
    try:
        is_valid = not parse_macros(path, "header").fields
    except InputError:
        return None
    return name_at(path, run="r", began=SOME_TIME) if is_valid else None


def example_file(folder: CredentialSpec, destination: DestinationSpec) -> Path | None:
    """The file that a run at some time would write; None for a name that is not valid."""
    name, place = example_name(str(destination.path)), str(folder.path)
    if name is None or escapes(name) or "\0" in place:
        return None
    home = os.path.expanduser(place)  # noqa: PTH111 - Path.expanduser raises for an unknown user
    path = folder.base / home / name
    return Path(os.path.realpath(path.parent)) / path.name


def reading_source(project: ProjectSpec, file: Path) -> str | None:
    """The name of a source whose path names this file, also by a pattern; whether the file exists does not matter."""
    sources = (source for source in project.sources.values() if isinstance(source, FileSource))
    return next((source.name for source in sources if _names(source, file)), None)


def _names(source: FileSource, file: Path) -> bool:
    if "\0" in source.path:
        return False
    path = source.base / source.path
    if Path(os.path.realpath(path)) == Path(os.path.realpath(file)):
        return True
    fixed = next((place for place, part in enumerate(path.parts) if has_magic(part)), len(path.parts))
    if fixed == len(path.parts):
        return False
    below = Path(os.path.realpath(Path(*path.parts[:fixed]))).parts
    return file.parts[: len(below)] == below and _matches(path.parts[fixed:], file.parts[len(below) :])


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(pattern[1:], parts[start:]) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(pattern[1:], parts[1:])
