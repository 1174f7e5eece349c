"""YAML 1.2 text as a tree whose values have their dotted path, line and file; `Report` collects the problems.

The size of the text is checked before values are built. Libyaml reads a megabyte in a fraction of a second, ruamel.yaml
in half a minute, but ruamel.yaml has better messages. So libyaml counts the nodes of every text, ruamel.yaml composes
short texts and libyaml long ones, by the same rules.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import implicit_resolvers
from yaml.composer import Composer
from yaml.resolver import BaseResolver

from penstock.bounds import MAX_PROJECT, bounds, in_megabytes
from penstock.model.errors import InputError, Problem
from penstock.model.text import suggest

LONGEST_FOUND = 80
MOST = 300  # problems that are reported at once
LONG = 50_000  # characters, which ruamel.yaml reads in half a second
DEEPEST = 100  # levels of mappings and lists
VERSION = (1, 2)
SCALARS = (ScalarNode, yaml.ScalarNode)
SEQUENCES = (SequenceNode, yaml.SequenceNode)
MAPPINGS = (MappingNode, yaml.MappingNode)
Node = Any  # of either library
TAG = "tag:yaml.org,2002:"
FLOAT_WORD = re.compile(r"\.(inf|nan)")
Scalar = str | int | float | bool | None


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

    def add_unknown(self, place: Place, kind: str, name: str, known: Iterable[str], code: str = "unknown-name") -> None:
        """Add that there is no resource of this kind with this name; the hint has the known names."""
        self.add(place, code, f"there is no {kind} {name}", suggest(name, known, f"{kind}s"), name)

    def add_unknown_key(self, place: Place, name: str, known: Iterable[str]) -> None:
        """Add that there is no key of this name here; the hint has the known keys."""
        self.add(place, "unknown-key", f"there is no key `{name}` here", suggest(name, known, "known keys"), name)

    def sorted(self) -> tuple[Problem, ...]:
        """All problems by file and line."""
        return tuple(sorted(self.problems, key=lambda problem: (problem.file or "", problem.line or 0)))


def shorten(text: str) -> str:
    """One line of at most 80 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_FOUND else f"{line[: LONGEST_FOUND - 1]}…"


class TooDeep(ValueError):  # noqa: N818 - raised only inside this module
    """A value is nested deeper than the bound; `line` is 1-based."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class TooManyNodes(TooDeep):
    """There are more keys and values than the bound."""


@dataclass(slots=True)
class _Measure:
    """Counts the nodes of a text; an alias counts as many as the nodes that it refers to."""

    most: int
    count: int = 0
    open: list[tuple[str | None, int]] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self.count += self.sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            self.count += 1
            self._name(event.anchor, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.count))
            self.count += 1
            if len(self.open) > DEEPEST:
                raise TooDeep(line)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self.open.pop()
            self._name(anchor, self.count - before)
        if self.count > self.most:
            raise TooManyNodes(line)

    def _name(self, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self.sizes[anchor] = size


def measure(text: str, most: int) -> int:
    """The number of nodes in the text. Raises TooDeep, or TooManyNodes if there are more than `most`.

    For invalid YAML, counts the nodes before the first error.
    """
    found = _Measure(most)
    try:
        for event in _events(text):
            found.take(event)
    except yaml.YAMLError:  # composing the text reports the error
        pass
    return found.count


def compose(text: str) -> Any:
    """The root node; None for an empty text. Raises a MarkedYAMLError or ReaderError of either library."""
    loader = _loader()
    if loader is None or len(text) <= LONG:
        return YAML(typ="safe", pure=True).compose(text)
    return yaml.compose(text, loader)


def _events(text: str) -> Iterator[Any]:
    loader = _loader()
    return iter(()) if loader is None else yaml.parse(text, loader)


@cache
def _loader() -> Any:
    """A loader of libyaml with the rules of YAML 1.2 for plain values; None if libyaml is not installed."""
    if not yaml.__with_libyaml__:
        return None

    class Loader(yaml.cyaml.CParser, Composer, BaseResolver):  # type: ignore[misc]
        """Composes nodes without building values."""

        def __init__(self, stream: str) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            Composer.__init__(self)
            BaseResolver.__init__(self)

    for versions, tag, pattern, first in implicit_resolvers:
        if VERSION in versions:
            Loader.add_implicit_resolver(tag, pattern, first)
    return Loader


@dataclass(frozen=True, slots=True)
class Marked:
    """A value of the file. `value` is a scalar, a dict of name → Marked or a list of Marked; `raw` the written scalar.

    An entry of a mapping has the line of its key.
    """

    path: str
    line: int
    file: str
    value: Scalar | dict[str, Marked] | list[Marked]
    raw: str = ""

    @property
    def place(self) -> Place:
        return Place(self.path, self.line, self.file)

    def entries(self) -> dict[str, Marked]:
        """The entries of a mapping; empty for other values."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> list[Marked]:
        """The items of a list; empty for other values."""
        return self.value if isinstance(self.value, list) else []

    def get(self, *names: str) -> Marked | None:
        """The value below these names; None if there is none."""
        found: Marked | None = self
        for name in names:
            found = found.entries().get(name) if found is not None else None
        return found

    def at(self, *names: str) -> Marked:
        """The value below these names, or its nearest existing parent."""
        found = self
        for name in names:
            found = found.entries().get(name, found)
        return found

    def walk(self) -> Iterator[Marked]:
        """Yield this value and all values below it."""
        yield self
        for child in (*self.entries().values(), *self.items()):
            yield from child.walk()


def read_marked(text: str, file: str, report: Report) -> Marked | None:
    """The tree of a YAML text; None if the text is empty, or invalid (then the report has the problem)."""
    if not _is_bounded(text, file, report):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)  # YAML 1.2 allows an anchor to be reused
            root = compose(text)
        return None if root is None else _Grower(file, report).grow(root, "", root.start_mark.line + 1, ())
    except (MarkedYAMLError, yaml.MarkedYAMLError) as error:
        _syntax_problem(error, text, file, report)
    except (ReaderError, yaml.reader.ReaderError) as error:
        place = Place("", text.count("\n", 0, error.position) + 1, file)
        message = f"this is not YAML: {str(error).splitlines()[0]}"
        report.add(place, "yaml-syntax", message, 'write the character as an escape in double quotes, such as "\\t"')
    except RecursionError:
        message = "the values are nested too deeply"
        report.add(Place("", 1, file), "yaml-syntax", message, "check for brackets that are not closed")
    return None


def _is_bounded(text: str, file: str, report: Report) -> bool:
    """Whether the text, with those read before, is within the bounds of a project; else the report has the problem."""
    most, hint = bounds(), f"split the project, or raise {MAX_PROJECT}"
    if not report.takes_bytes(len(text.encode(errors="replace"))):
        message = f"a project can have at most {in_megabytes(most.project_bytes)}"
        report.add(Place("", None, file), "too-large", message, hint)
        return False
    try:
        report.nodes += measure(text, most.project_nodes - report.nodes)
    except TooManyNodes as error:
        message = f"a project can have at most {most.project_nodes:,} keys and values, with aliases expanded"
        report.add(Place("", error.line, file), "too-large", message, hint)
    except TooDeep as error:
        message = f"the values are nested deeper than {DEEPEST} levels"
        report.add(Place("", error.line, file), "yaml-syntax", message, "check for brackets that are not closed")
    else:
        return True
    return False


def _syntax_problem(error: Any, text: str, file: str, report: Report) -> None:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else None
    lines = text.splitlines()
    shown = lines[line - 1] if line is not None and line <= len(lines) else ""
    words = " ".join(str(part) for part in (error.problem, error.context and f"({error.context})") if part)
    if "${" in shown:
        hint = 'inside { } and [ ] a reference needs quotes: "${env:NAME}"'
    elif "\\t" in words:
        hint = "indent with spaces: YAML does not allow tabs"
    elif "mapping values are not allowed" in words:
        hint = 'put text with ": " in quotes, and check the indentation of this line and the one above'
    elif "another document" in words:
        hint = "write one document per file: remove the line '---', or use a folder of files"
    else:
        hint = "check quotes, brackets and indentation on this line and the one above"
    report.add(Place("", line, file), "yaml-syntax", f"this is not YAML: {words}", hint)


@dataclass(slots=True)
class _Grower:
    """Turns the parser's nodes into marked values."""

    file: str
    report: Report

    def grow(self, node: Node, path: str, line: int, above: tuple[int, ...]) -> Marked | None:
        if id(node) in above:
            message = "an alias (*name) contains itself"
            self.report.add(
                Place(path, line, self.file), "yaml-syntax", message, "write the values instead of the alias"
            )
            return None
        if isinstance(node, SCALARS):
            return Marked(path, line, self.file, _scalar(node), node.value)
        if isinstance(node, SEQUENCES):
            return Marked(path, line, self.file, self._list(node, path, above))
        assert isinstance(node, MAPPINGS)
        return Marked(path, line, self.file, self._mapping(node, path, above))

    def _list(self, node: SequenceNode, path: str, above: tuple[int, ...]) -> list[Marked]:
        grown = [
            self.grow(item, _join(path, str(index)), item.start_mark.line + 1, (*above, id(node)))
            for index, item in enumerate(node.value)
        ]
        return [item for item in grown if item is not None]

    def _mapping(self, node: MappingNode, path: str, above: tuple[int, ...]) -> dict[str, Marked]:
        own: dict[str, Marked] = {}
        merged: dict[str, Marked] = {}
        first: dict[str, int] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if key.tag == f"{TAG}merge":
                for source in item.value if isinstance(item, SEQUENCES) else [item]:
                    grown = self.grow(source, path, line, (*above, id(node)))
                    merged = {**(grown.entries() if grown is not None else {}), **merged}
                continue
            if not isinstance(key, SCALARS):
                message = "a key must be a scalar"
                self.report.add(
                    Place(path, line, self.file), "wrong-type", message, "write `name: value`", "a list or a mapping"
                )
                continue
            name = _join(path, key.value)
            if key.value in first:
                self._duplicate(Place(name, line, self.file), key.value, first[key.value])
                continue
            first[key.value] = line
            grown = self.grow(item, name, line, (*above, id(node)))
            if grown is not None:
                own[key.value] = grown
        return {**merged, **own}

    def _duplicate(self, place: Place, key: str, first: int) -> None:
        message = f"the key is given twice: in line {first} and in line {place.line}"
        self.report.add(place, "duplicate-key", message, "keep one of the two", key)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _scalar(node: Node) -> Scalar:
    """The value by the core schema of YAML 1.2; other values stay text as written."""
    text = str(node.value)
    kind = str(node.tag).removeprefix(TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind in {"int", "float"} and "_" not in text:
        try:
            return _number(text, kind)
        except ValueError:  # a wrong tag, or more digits than Python reads
            return text
    return text


def _number(text: str, kind: str) -> int | float:
    if kind == "float":
        return float(FLOAT_WORD.sub(r"\1", text.lower()))
    return int(text, 0) if text.lower().lstrip("+-").startswith(("0x", "0o")) else int(text)


def plain(marked: Marked) -> Any:
    """The value without marks, as JSON."""
    if isinstance(marked.value, dict):
        return {name: plain(item) for name, item in marked.value.items()}
    if isinstance(marked.value, list):
        return [plain(item) for item in marked.value]
    return marked.value
