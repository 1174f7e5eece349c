"""`Report`: collects every problem of a project file, so that all are reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from penstock.bounds import bounds
from penstock.model.errors import InputError, Problem
from penstock.model.text import nearest

LONGEST_FOUND = 80
MOST = 300  # problems that are reported at once
MOST_LISTED = 30  # known words that a hint lists


class Place(NamedTuple):
    """A place in the project file: dotted path, 1-based line, file."""

    path: str
    line: int | None
    file: str | None

    def below(self, name: str) -> Place:
        """The place of a key that is missing here: its own path, its parent's line."""
        return self._replace(path=f"{self.path}.{name}" if self.path else name)


@dataclass(slots=True)
class Report:
    """The problems found so far, in the order of finding; `late` ones are keys that a later version answers."""

    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0  # keys and values of the files read so far
    _bytes: int = 0
    _known: set[Problem] = field(default_factory=set)

    def takes_bytes(self, size: int) -> bool:
        """Whether so many more bytes are within the bound of a project; they count from now on."""
        self._bytes += size
        return self._bytes <= bounds().project_bytes

    def add(self, place: Place, code: str, message: str, hint: str = "", found: str | None = None) -> None:
        """Write one problem down; `found` is shortened here, and must never hold a secret.

        Raises InputError with all of them when they are too many to be reported.
        """
        shown = None if found is None else shorten(found)
        problem = Problem(place.path, message, code, hint, shown, place.line, place.file)
        if problem in self._known:
            return
        if len(self.problems) >= MOST:
            more = Problem("", f"there are more problems than these {MOST:,}", "more-problems", "fix these first")
            raise InputError(*self.sorted(), more)
        self._known.add(problem)
        self.problems.append(problem)

    def sorted(self) -> tuple[Problem, ...]:
        """All problems by file and line."""
        return tuple(sorted(self.problems, key=lambda problem: (problem.file or "", problem.line or 0)))


def shorten(text: str) -> str:
    """One line of at most 80 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_FOUND else f"{line[: LONGEST_FOUND - 1]}…"


def suggest(word: str, known: Iterable[str], what: str) -> str:
    """`did you mean x? what: a, b, c`."""
    names = sorted(known)
    close = nearest(word, names)
    more = f" and {len(names) - MOST_LISTED:,} more" if len(names) > MOST_LISTED else ""
    listed = f"{what}: {', '.join(names[:MOST_LISTED])}{more}" if names else f"there is no {what} yet"
    return f"did you mean `{close}`? {listed}" if close is not None else listed
