"""A project's text as a tree that can be edited, and plain values as a part of such a tree."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from penstock.bounds import MAX_PROJECT, bounds
from penstock.config.document import canonical
from penstock.config.files import SECTIONS, read_sections
from penstock.config.marks import Marked
from penstock.config.report import Report
from penstock.model.errors import InputError, Problem


@lru_cache(maxsize=8)
def tree_of(text: str) -> Mapping[str, Marked]:
    """Every section of a canonical text; those that are not there are empty. Not to be changed: it is kept."""
    report = Report()
    found = read_sections(text, "project", report) if text else {}
    if report.problems:
        raise InputError(*report.sorted())
    return MappingProxyType({name: found.get(name) or Marked(name, 1, "project", {}) for name in SECTIONS})


def marked(value: Any, path: str) -> Marked:
    """A JSON value as the reader would have read it. InputError when it alone has more nodes than a project."""
    level, count = [value], 0
    while level:
        count += len(level)
        if count > bounds().project_nodes:
            message = f"a project has {bounds().project_nodes:,} keys and values at most"
            raise InputError(Problem(path, message, "too-large", f"write less, or raise {MAX_PROJECT}"))
        inside = [item for item in level if isinstance(item, (dict, list))]
        level = [item for each in inside for item in (each.values() if isinstance(each, dict) else each)]
    return _marked(value, path)


def _marked(value: Any, path: str) -> Marked:
    if isinstance(value, dict):
        return Marked(path, 1, "", {name: _marked(item, f"{path}.{name}") for name, item in value.items()})
    if isinstance(value, list):
        return Marked(path, 1, "", [_marked(item, f"{path}.{place}") for place, item in enumerate(value)])
    if isinstance(value, bool) or value is None:
        return Marked(path, 1, "", value, {None: "null", True: "true", False: "false"}[value])
    return Marked(path, 1, "", value, value if isinstance(value, str) else repr(value))


def literal_key(value: Any) -> str | None:
    """The API key that a credential's value holds itself; None when it has none, or a reference."""
    key = value.get("api_key") if isinstance(value, dict) else None
    if not isinstance(key, str) or not key.strip() or "${" in key.replace("$${", ""):
        return None
    return key.replace("$${", "${")


def without_keys(text: str) -> tuple[str, dict[str, str]]:
    """A canonical text without the API keys that stand in it, and these by credential: they are sealed instead."""
    tree = tree_of(text)
    keys: dict[str, str] = {}
    entries: dict[str, Marked] = {}
    for name, node in tree["credentials"].entries().items():
        raw = {part: item.raw for part, item in node.entries().items()}
        key = literal_key(raw)
        entries[name] = node
        if key is not None:
            keys[name] = key
            left = {part: item for part, item in node.entries().items() if part != "api_key"}
            entries[name] = Marked(node.path, node.line, node.file, left)
    if not keys:
        return text, keys
    return canonical({**tree, "credentials": Marked("credentials", 1, "", entries)}), keys


def merged(value: Any, change: Any) -> Any:
    """A JSON merge patch (RFC 7396): mappings are merged, null takes a key out, all else replaces."""
    if not isinstance(change, dict):
        return change
    kept = dict(value) if isinstance(value, dict) else {}
    for name, item in change.items():
        if item is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), item)
    return kept
