"""The check of a templates' document: every key and every named rule, when the document is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import yaml

from penstock.model.delivery import SettleKind
from penstock.model.errors import InputError, Problem
from penstock.model.record import RetryClass
from penstock.model.spec import CUSTIFY_OBJECTS, Mode
from penstock.model.text import nearest

DIALECTS = ("native", "flat")
TYPES = (
    *("text", "key", "person", "email", "date", "integer", "number", "money", "boolean", "choice", "id", "texts"),
    *("companies", "object", "json", "checklist"),
)
RULES = ("cancellation", "closing", "person_reference", "note_entity", "custom_data_company")
REQUIRED_KEYS = (
    "title",
    "description",
    "object",
    "phase",
    "fields",
    "match",
    "extras",
    "path",
    "retry",
    "read_back",
    "modes",
)
KEYS = (
    *REQUIRED_KEYS,
    *("job", "flat_batch", "external", "combine", "text_limit", "attribute_limit", "attribute_chars", "items"),
    *("recognized_by", "fields_of", "parents", "versions", "method", "retry_with", "newest_wins"),
    "read",
    *("identified_by", "delete"),
)
FIELD_KEYS = (
    *("label", "type", "description", "native", "to", "or", "why", "required", "page", "auto", "whole", "choices"),
    *("default", "or_id", "former"),
)
INNER_KEYS: Mapping[str, tuple[str, ...]] = {
    "external": ("field", "setting", "max"),
    "retry_with": ("field", "retry"),
    "retry": DIALECTS,
    "read_back": DIALECTS,
    "read": ("objects", "by", "together", "change"),
    "path": DIALECTS,
    "extras": DIALECTS,
    "versions": DIALECTS,
    "identified_by": DIALECTS,
    "delete": ("method", "path", "with"),
}
MERGE_KEYS = ("identity", "same", "united", "overlaid", "unset", "whole")
READ_BACK = tuple(kind for kind in get_args(SettleKind) if kind != "recipe")  # recipes are of manual requests
LISTS = (("combine", RULES, "rule"), ("modes", tuple(map(str, Mode)), "mode"))
Place = tuple[str | int, ...]


def check_document(documents: Mapping[str, Any], text: str, file: str) -> None:
    """InputError with every unknown key, type and rule of the document, each with its line and the nearest known word.

    `documents` is what `text` holds, by template name.
    """
    found = [problem for name, document in documents.items() for problem in _template(name, document)]
    found += _references(documents)
    if found:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raise InputError(*(_located(problem, root, place, file) for place, problem in found))


def _template(name: str, document: Any) -> Iterator[tuple[Place, Problem]]:
    if not isinstance(document, dict):
        yield _problem(
            (name,), "a mapping is needed here", "wrong-value", "write the keys of a template", repr(document)
        )
        return
    yield from _unknown((name,), document, KEYS, "key")
    yield from _missing((name,), document, REQUIRED_KEYS)
    for key, known in INNER_KEYS.items():
        yield from _unknown((name, key), document.get(key), known, "key")
    for dialect, rules in _items(document.get("versions")):
        yield from _unknown((name, "versions", dialect), rules, MERGE_KEYS, "key")
    yield from _words(name, document)
    for dialect, path in _items(document.get("path")):
        yield from _path((name, "path", dialect), str(path))
    for field, entry in _items(document.get("fields")):
        yield from _field((name, "fields", field), entry)


def _references(documents: Mapping[str, Any]) -> Iterator[tuple[Place, Problem]]:
    """Names of templates, of objects and of items that no template has."""
    objects = tuple(document["object"] for document in documents.values() if _has(document, "object"))
    for name, document in documents.items():
        if not isinstance(document, dict):
            continue
        items = document.get("items")
        for item, template in _items(items):
            yield from _word((name, "items", item), template, tuple(documents), "template")
        for field, kind in _items(document.get("parents")):
            yield from _word((name, "parents", field), kind, objects, "object")
        known = tuple(item for item, _ in _items(items))
        yield from _unknown((name, "recognized_by"), document.get("recognized_by"), known, "item")
        for place, item in enumerate(document.get("fields_of", ())):
            yield from _word((name, "fields_of", place), item, known, "item")


def _has(document: Any, key: str) -> bool:
    return isinstance(document, dict) and key in document


def _words(name: str, document: Any) -> Iterator[tuple[Place, Problem]]:
    """Problems with unknown words."""
    fields = tuple(field for field, _ in _items(document.get("fields")))
    for key in ("external", "retry_with"):
        if _has(document.get(key), "field"):
            yield from _word((name, key, "field"), document[key]["field"], fields, "field")
    for key, known, kind in LISTS:
        for place, word in enumerate(document.get(key, ())):
            yield from _word((name, key, place), word, known, kind)
    for dialect, retry in _items(document.get("retry")):
        yield from _word((name, "retry", dialect), retry, tuple(map(str, RetryClass)), "retry class")
    for dialect, kind in _items(document.get("read_back")):
        yield from _word((name, "read_back", dialect), kind, READ_BACK, "way to read back")
    if _has(document.get("read"), "objects"):
        yield from _word((name, "read", "objects"), document["read"]["objects"], CUSTIFY_OBJECTS, "kind of object")


def _path(place: Place, path: str) -> Iterator[tuple[Place, Problem]]:
    if "{" in path or "}" in path:
        message = "the path of a template holds no placeholders: each would be sent as it is written"
        hint = "write a path that is the same for every record, or a manual request with {record.x} in its url"
        yield _problem(place, message, "path-placeholder", hint, path)


def _field(place: Place, entry: Any) -> Iterator[tuple[Place, Problem]]:
    if not isinstance(entry, dict):
        yield _problem(place, "a mapping is needed here", "wrong-value", "write {label: …, type: …}", repr(entry))
        return
    yield from _unknown(place, entry, FIELD_KEYS, "key")
    yield from _missing(place, entry, ("label", "type", "description"))
    if "type" in entry:
        yield from _word((*place, "type"), entry["type"], TYPES, "type")
    if "former" in entry:
        yield from _word((*place, "former"), entry["former"], TYPES, "type")
    if "required" in entry:
        yield from _word((*place, "required"), entry["required"], (*DIALECTS, "both"), "dialect")


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _unknown(place: Place, value: Any, known: tuple[str, ...], kind: str) -> Iterator[tuple[Place, Problem]]:
    for key, _ in _items(value):
        if key not in known:
            yield _problem(
                (*place, key), f"there is no {kind} `{key}` here", "unknown-key", _nearest(key, known), str(key)
            )


def _missing(place: Place, value: Mapping[str, Any], wanted: tuple[str, ...]) -> Iterator[tuple[Place, Problem]]:
    for key in wanted:
        if key not in value:
            yield _problem(place, f"the key `{key}` is missing", "missing-key", f"write {key}: …")


def _word(place: Place, value: Any, known: tuple[str, ...], kind: str) -> Iterator[tuple[Place, Problem]]:
    if value not in known:
        yield _problem(place, f"there is no {kind} `{value}`", "unknown-value", _nearest(value, known), str(value))


def _nearest(word: Any, known: tuple[str, ...]) -> str:
    close = nearest(str(word), known)
    return f"known: {', '.join(known)}" if close is None else f"did you mean `{close}`?"


def _problem(place: Place, message: str, code: str, hint: str, found: str | None = None) -> tuple[Place, Problem]:
    return place, Problem(".".join(map(str, place)), message, code, hint, found)


def _located(problem: Problem, root: yaml.Node | None, place: Place, file: str) -> Problem:
    """The problem with the line of its place, or of the innermost part of it that is written."""
    node, line = root, 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == part), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return Problem(problem.path, problem.message, problem.code, problem.hint, problem.found, line, file)
