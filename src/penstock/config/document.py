"""A project as one canonical YAML text: what `apply` stores and `export` writes; the same values read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from penstock.config.files import SECTIONS, read_files, read_sections
from penstock.config.marks import Marked
from penstock.config.report import Report
from penstock.model.errors import InputError

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})  # of YAML 1.1 too
BLOCK = re.compile(r"[^\s\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff][^\x00-\x09\x0b-\x1f\x7f-\xa0"
                   r"\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")  # fmt: skip
UNPRINTABLE = re.compile(r'["\\\x00-\x1f\x7f-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]')
SECRETS = re.compile(r"(^|\.)(api_key|headers|url|query|secret)(\.|$)")
SHOWN = 200  # characters of a value that a change shows
DEEPEST_CHANGE = 4  # members of a path: below it a change is told as a whole


class Change(NamedTuple):
    """One difference between two projects; `before` or `after` is None where there is nothing."""

    path: str
    change: str  # added | changed | removed
    before: str | None
    after: str | None


def document_of_path(path: Path) -> str:
    """The canonical text of a project file or folder. Raises InputError for what is no readable YAML."""
    report = Report()
    tree = read_files(path, report)
    if report.problems:
        raise InputError(*report.sorted())
    return canonical(tree)


def canonical(tree: Mapping[str, Marked]) -> str:
    """The text of a tree of sections; empty sections are left out."""
    parts = []
    for section in SECTIONS:
        entries = tree[section].entries()
        if entries:
            parts.append("\n".join((f"{section}:", *_mapping(entries, "  "))) + "\n")
    return "\n".join(parts)


def changes(before: str, after: str) -> tuple[Change, ...]:
    """What differs between two canonical texts, by path. Values that may be secret are not shown."""
    return tuple(_compared("", _tree(before), _tree(after)))


def _tree(text: str) -> dict[str, Marked]:
    return dict(read_sections(text, "project", Report()))


def _compared(path: str, before: Mapping[str, Marked], after: Mapping[str, Marked]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        here = f"{path}.{name}" if path else name
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            kind = "added" if old is None else "removed"
            yield Change(here, kind, _shown(here, old), _shown(here, new))
        elif isinstance(old.value, dict) and isinstance(new.value, dict) and here.count(".") < DEEPEST_CHANGE:
            yield from _compared(here, old.value, new.value)
        elif _flow(old) != _flow(new):
            yield Change(here, "changed", _shown(here, old), _shown(here, new))


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
    """Whether it reads better on lines of its own."""
    return node.path.count(".") <= 1 or any("\n" in str(item.value) for item in node.walk()) or len(_flow(node)) > 100


def _is_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    return all(BLOCK.fullmatch(line) or not line for line in (lines[0] or " ", *lines[1:])) and lines[-1] != ""


def _flow(node: Marked) -> str:
    """A value on one line. Numbers stand as they were written."""
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
    """A text, in double quotes unless nobody could take it for anything else."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return '"' + UNPRINTABLE.sub(lambda found: _escaped(found[0]), text) + '"'


def _escaped(char: str) -> str:
    return f"\\{char}" if char in '"\\' else f"\\u{ord(char):04x}"
