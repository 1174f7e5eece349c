"""YAML text measured before a value is built of it, and composed fast where it is long.

Libyaml reads a megabyte in a fraction of a second, ruamel.yaml in half a minute; ruamel's messages are better. So
libyaml measures every text, ruamel composes short ones, and libyaml long ones, by the same rules of YAML 1.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.resolver import implicit_resolvers
from yaml.composer import Composer
from yaml.resolver import BaseResolver

LONG = 50_000  # characters that ruamel reads in half a second
DEEPEST = 100  # levels of mappings and lists
VERSION = (1, 2)


class TooDeep(ValueError):  # noqa: N818 - it names what was met
    """A value is nested deeper than the bound; `line` is 1-based."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class TooManyNodes(TooDeep):
    """There are more keys and values than the bound."""


@dataclass(slots=True)
class _Measure:
    """Counts the nodes of a text; an alias counts as all nodes that it refers to."""

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
            if event.anchor is not None:
                self.sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.count))
            self.count += 1
            if len(self.open) > DEEPEST:
                raise TooDeep(line)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self.open.pop()
            if anchor is not None:
                self.sizes[anchor] = self.count - before
        if self.count > self.most:
            raise TooManyNodes(line)


def measure(text: str, most: int) -> int:
    """How many nodes the text has. Raises TooDeep, or TooManyNodes where they are more than `most`.

    A text that is not YAML has those before its first error.
    """
    found = _Measure(most)
    try:
        for event in _events(text):
            found.take(event)
    except yaml.YAMLError:  # composing it says what is wrong
        pass
    return found.count


def compose(text: str) -> Any:
    """The root node; None of an empty text. Raises a MarkedYAMLError or ReaderError of either library."""
    loader = _loader()
    if loader is None or len(text) <= LONG:
        return YAML(typ="safe", pure=True).compose(text)
    return yaml.compose(text, loader)


def _events(text: str) -> Iterator[Any]:
    loader = _loader()
    return iter(()) if loader is None else yaml.parse(text, loader)


@cache
def _loader() -> Any:
    """A loader of libyaml with the rules of YAML 1.2 for plain values; None where it is not installed."""
    if not yaml.__with_libyaml__:
        return None

    class Loader(yaml.cyaml.CParser, Composer, BaseResolver):  # type: ignore[misc]
        """Gives nodes, builds no values."""

        def __init__(self, stream: str) -> None:
            yaml.cyaml.CParser.__init__(self, stream)
            Composer.__init__(self)
            BaseResolver.__init__(self)

    for versions, tag, pattern, first in implicit_resolvers:
        if VERSION in versions:
            Loader.add_implicit_resolver(tag, pattern, first)
    return Loader
