"""The reference of the REST API, generated from its OpenAPI document and the rights that its routes need."""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from penstock.service.model import Right, role_of

KINDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null"}
REFUSALS = ("4XX", "5XX")  # the same for every route: the introduction of the page describes them


def reference(api: FastAPI) -> str:
    """All routes by tag, then the objects that they use."""
    document, rights = api.openapi(), _rights(api)
    lines: list[str] = []
    for tag, found in groupby(sorted(_operations(document), key=lambda each: each[0]), key=lambda each: each[0]):
        lines += [f"## {tag[:1].upper()}{tag[1:]}", ""]
        for _, method, path, operation in found:
            lines += _route(method, path, operation, rights.get((method, path)))
    shapes = document.get("components", {}).get("schemas", {})
    lines += ["## Objects", ""]
    for name in sorted(shapes):
        lines += _shape(name, shapes[name])
    return "\n".join(lines).rstrip() + "\n"


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation.get("tags", ["other"])[0], method.upper(), path, operation


def _rights(api: FastAPI) -> dict[tuple[str, str], str]:
    """The lowest role that each route needs, by method and path; a route without sign-in has no entry."""
    found: dict[tuple[str, str], str] = {}
    for route in iter_route_contexts(api.routes):
        asked = getattr(route, "dependant", None)
        needed: list[Right] = [
            right for each in (asked.dependencies if asked else ()) if (right := getattr(each.call, "right", None))
        ]
        if needed:
            found |= {(method, str(route.path)): role_of(max(needed)) for method in route.methods or ()}
    return found


def _route(method: str, path: str, operation: dict[str, Any], role: str | None) -> list[str]:
    lines = [f"### `{method} {path}`", "", operation.get("description", operation["summary"]), ""]
    lines += ["Needs no sign-in." if role is None else f"Needs the role {role}.", ""]
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| in | name | value | |", "|---|---|---|---|"]
        lines += [_parameter(each) for each in parameters]
        lines.append("")
    lines += [f"Body: {_content(operation['requestBody'])}.", ""] if "requestBody" in operation else []
    answers = {status: each for status, each in operation["responses"].items() if status not in REFUSALS}
    lines += ["Returns " + "; ".join(f"`{status}`{_with(each)}" for status, each in answers.items()) + ".", ""]
    return lines


def _parameter(each: dict[str, Any]) -> str:
    needed = "" if each.get("required") else ", optional"
    return f"| {each['in']} | `{each['name']}` | {_typed(each['schema'])}{needed} | {_line(each)} |"


def _with(answer: dict[str, Any]) -> str:
    content = _content(answer)
    return f": {content}" if content else ""


def _content(holder: dict[str, Any]) -> str:
    """The types in a body; the media type if it is not JSON."""
    found = []
    for kind, media in holder.get("content", {}).items():
        shape = _typed(media.get("schema", {}))
        found.append(shape if kind == "application/json" else f"`{kind}`")
    return " or ".join(dict.fromkeys(found))


def _shape(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"### {name}", ""]
    lines += [_line(schema), ""] if schema.get("description") else []
    if "properties" not in schema:
        return [*lines, f"{_typed({**schema, 'description': ''})}.", ""]
    lines += ["| name | value | |", "|---|---|---|"]
    needed = schema.get("required", [])
    for member, each in schema["properties"].items():
        optional = "" if member in needed else ", optional"
        lines.append(f"| `{member}` | {_typed(each)}{optional} | {_line(each)} |")
    return [*lines, ""]


def _typed(schema: dict[str, Any]) -> str:
    """The values that a schema allows, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{value if isinstance(value, str) else json.dumps(value)}`" for value in values)
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        return " or ".join(dict.fromkeys(_typed(each) for each in several)) + _default(schema)
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_typed(schema.get('items', {}))}{_default(schema)}"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return f"object of {_typed(inside)}" if isinstance(inside, dict) and inside else "object"
    return ("anything" if kind is None else KINDS.get(kind, kind)) + _bounds(schema) + _default(schema)


def _bounds(schema: dict[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    texts = {
        f" from {_bare(least)} to {_bare(most)}": least is not None and most is not None,
        f" from {_bare(least)}": least is not None and most is None,
        f" of at most {schema.get('maxLength')} characters": "maxLength" in schema,
        f" ({schema.get('format')})": "format" in schema,
    }
    return "".join(text for text, holds in texts.items() if holds)


def _bare(bound: float | None) -> str:
    """A bound without `.0`."""
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "") else f", default `{json.dumps(default)}`"


def _line(holder: dict[str, Any]) -> str:
    """A description as one line for a table."""
    return " ".join(str(holder.get("description", "")).split()).replace("|", "\\|")
