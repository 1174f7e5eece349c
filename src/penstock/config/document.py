"""A project as canonical YAML text, and as a tree that can be edited.

`apply` stores the canonical text and `export` prints it; reading it returns the same values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.bounds import MAX_PROJECT, bounds
from penstock.config.loader import TOP_LEVEL, read_files, read_sections
from penstock.config.tree import Marked, Report
from penstock.model.errors import InputError, Problem
from penstock.model.reports import ChangeKind, DocumentChange

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})  # also of YAML 1.1
BLOCK = re.compile(r"[^\s\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff][^\x00-\x09\x0b-\x1f\x7f-\xa0"
                   r"\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")  # fmt: skip
UNPRINTABLE = re.compile(r'["\\\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
SECRETS = re.compile(r"(^|\.)(api_key|headers|url|query|secret)(\.|$)")
SHOWN = 200  # characters of a value that a change shows
DEEPEST_CHANGE = 4  # members of a path: a change below it is reported as one change of the whole value


def document_of_path(path: Path) -> str:
    """The canonical text of a project file or folder. Raises InputError if it is not readable YAML."""
    report = Report()
    tree = read_files(path, report)
    if report.problems:
        raise InputError(*report.sorted())
    return canonical(tree)


def canonical(tree: Mapping[str, Marked]) -> str:
    """The text of a tree of sections; empty sections are left out."""
    parts = []
    for section in TOP_LEVEL:
        entries = tree[section].entries()
        if entries:
            parts.append("\n".join((f"{section}:", *_mapping(entries, "  "))) + "\n")
    return "\n".join(parts)


def changes(before: str, after: str) -> tuple[DocumentChange, ...]:
    """The differences between two canonical texts, by path. Values that may be secret are not shown."""
    return tuple(_compared("", _tree(before), _tree(after)))


def _tree(text: str) -> dict[str, Marked]:
    return dict(read_sections(text, "project", Report()))


def _compared(path: str, before: Mapping[str, Marked], after: Mapping[str, Marked]) -> Iterator[DocumentChange]:
    for name in dict.fromkeys((*before, *after)):
        here = f"{path}.{name}" if path else name
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            kind: ChangeKind = "added" if old is None else "removed"
            yield DocumentChange(here, kind, _shown(here, old), _shown(here, new))
        elif isinstance(old.value, dict) and isinstance(new.value, dict) and here.count(".") < DEEPEST_CHANGE:
            yield from _compared(here, old.value, new.value)
        elif _flow(old) != _flow(new):
            yield DocumentChange(here, "changed", _shown(here, old), _shown(here, new))


def _shown(path: str, node: Marked | None) -> str | None:
    if node is None:
        return None
    if SECRETS.search(path) or any(SECRETS.search(item.path) for item in node.walk()):
        return "***"
    text = _flow(node)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _mapping(entries: Mapping[str, Marked], indent: str) -> Iterator[str]:
    for name, node in entries.items():
        key = f"{indent}{_text(name)}:"
        value = node.value
        if isinstance(value, dict) and value and _is_deep(node):
            yield key
            yield from _mapping(value, indent + "  ")
        elif isinstance(value, str) and "\n" in value and _is_block(value):
            yield f"{key} |{'' if value.endswith(chr(10)) else '-'}"
            yield from (f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{key} {_flow(node)}"


def _is_deep(node: Marked) -> bool:
    """Whether the value is written on several lines."""
    return node.path.count(".") <= 1 or any("\n" in str(item.value) for item in node.walk()) or len(_flow(node)) > 100


def _is_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return all(BLOCK.fullmatch(line) or not line for line in (lines[0] or " ", *lines[1:])) and lines[-1] != ""


def _flow(node: Marked) -> str:
    """A value on one line; numbers as they were written."""
    match node.value:
        case None:
            return "null"
        case bool():
            return "true" if node.value else "false"
        case dict():
            return "{" + ", ".join(f"{_text(name)}: {_flow(item)}" for name, item in node.value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, node.value)) + "]"
        case str():
            return _text(node.value)
        case _:
            return node.raw


def _text(text: str) -> str:
    """A text, in double quotes unless YAML can only read it as this text."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return '"' + UNPRINTABLE.sub(lambda found: _escaped(found[0]), text) + '"'


def _escaped(char: str) -> str:
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"


@lru_cache(maxsize=8)
def tree_of(text: str) -> Mapping[str, Marked]:
    """Every section of a canonical text; missing ones are empty. Do not change the result: it is cached."""
    report = Report()
    found = read_sections(text, "project", report) if text else {}
    if report.problems:
        raise InputError(*report.sorted())
    return MappingProxyType({name: found.get(name) or Marked(name, 1, "project", {}) for name in TOP_LEVEL})


def marked(value: Any, path: str) -> Marked:
    """A JSON value as the YAML reader would return it. Raises InputError if it has more nodes than the bound."""
    level, count = [value], 0
    while level:
        count += len(level)
        if count > bounds().project_nodes:
            message = f"a project can have at most {bounds().project_nodes:,} keys and values"
            raise InputError(Problem(path, message, "too-large", f"make the value smaller, or raise {MAX_PROJECT}"))
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
    """The literal API key of a credential's value; None if it has no key or a reference."""
    key = value.get("api_key") if isinstance(value, dict) else None
    if not isinstance(key, str) or not key.strip() or "${" in key.replace("$${", ""):
        return None
    return key.replace("$${", "${")


def without_keys(text: str) -> tuple[str, dict[str, str]]:
    """The canonical text without its literal API keys, and these keys by credential, to be sealed."""
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
    """A JSON merge patch (RFC 7396): mappings are merged, null removes a key, other values replace."""
    if not isinstance(change, dict):
        return change
    kept = dict(value) if isinstance(value, dict) else {}
    for name, item in change.items():
        if item is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), item)
    return kept
