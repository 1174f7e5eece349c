"""`Report`: collects the problems of a project file, so that all are reported at once."""

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
        """The place of a missing key below this one, with the line of this one."""
        return self._replace(path=f"{self.path}.{name}" if self.path else name)


@dataclass(slots=True)
class Report:
    """The problems found so far."""

    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0  # keys and values of the files read so far
    _bytes: int = 0
    _known: set[Problem] = field(default_factory=set)

    def takes_bytes(self, size: int) -> bool:
        """Add `size` bytes of the project; returns whether they are within the bound."""
        self._bytes += size
        return self._bytes <= bounds().project_bytes

    def add(self, place: Place, code: str, message: str, hint: str = "", found: str | None = None) -> None:
        """Add one problem; `found` is shortened, and must not contain a secret.

        Raises InputError with all problems if there are more than 300.
        """
        shown = None if found is None else shorten(found)
        problem = Problem(place.path, message, code, hint, shown, place.line, place.file)
        if problem in self._known:
            return
        if len(self.problems) >= MOST:
            more = Problem("", f"there are more than {MOST:,} problems", "more-problems", "fix these first")
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
