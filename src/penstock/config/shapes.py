"""The shapes of values in the project file. Each reads a marked value, and has a JSON Schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, Protocol

from penstock.config.tree import Marked, Report, plain
from penstock.model.text import suggest

REFERENCE = re.compile(r"(?<!\$)\$\{(env|file|secret):")
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", dict: "a mapping", list: "a list"}


class BadValue(Enum):
    """Replaces a value that could not be read; the report has the problem."""

    BAD = "bad"


BAD: Final = BadValue.BAD


class ValueShape(Protocol):
    """What is allowed as a value."""

    def read(self, node: Marked, report: Report) -> Any:
        """The plain value, or `BAD` with a problem in the report."""
        ...

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema 2020-12."""
        ...


def kind_of(node: Marked) -> str:
    """The kind of a value, for messages."""
    if node.value in ({}, []):
        return f"an empty {'mapping' if isinstance(node.value, dict) else 'list'}"
    return KINDS.get(type(node.value), "nothing")


def is_private(path: str) -> bool:
    """Whether the value at this path can contain a secret, so that it must not be shown."""
    match path.split("."):
        case ["credentials"] | ["credentials", _] | ["credentials", _, "api_key" | "headers" | "base_url", *_]:
            return True
        case ["sources", _, "url" | "secret", *_] | ["sources", _, "auth"]:
            return True
        case ["destinations", _, "request", "headers", *_]:
            return True
    return False


def shown(node: Marked) -> str:
    """The value for a message: its kind if it can be secret or is not a scalar, else its text."""
    if is_private(node.path) or isinstance(node.value, dict | list):
        return kind_of(node)
    return "nothing" if node.value is None else node.raw


def wrong(node: Marked, report: Report, wanted: str, hint: str = "") -> BadValue:
    """Report that a value has the wrong kind."""
    if node.value is None:
        report.add(
            node.place,
            "empty-value",
            f"the value is empty; it must be {wanted}",
            hint or f"write {wanted}, or remove the key",
        )
    else:
        report.add(node.place, "wrong-type", f"this must be {wanted}", hint or f"write {wanted}", shown(node))
    return BAD


@dataclass(frozen=True, slots=True)
class TextShape:
    """Text that is not empty. A number is taken as it is written; `blank` allows text of white space only."""

    references: bool = False  # whether ${…} is allowed, because the caller resolves it
    example: str = ""
    blank: bool = False

    def read(self, node: Marked, report: Report) -> str | BadValue:
        if isinstance(node.value, dict | list | bool) or node.value is None:
            return wrong(node, report, "text", f"write text, for example {self.example}" if self.example else "")
        if not (node.raw if self.blank else node.raw.strip()):
            report.add(node.place, "empty-value", "the text is empty", "write a value, or remove the key")
            return BAD
        if not self.references and REFERENCE.search(node.raw):
            message = "a reference is not allowed here"
            hint = (
                "${env:…} and ${file:…} are allowed in `api_key`, a credential's `headers`, a sql source's `url` and a "
                "webhook's `secret`"
            )
            report.add(node.place, "reference-not-here", message, hint, shown(node))
            return BAD
        return node.raw

    def schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"] if not self.references else "string", "minLength": 1}


@dataclass(frozen=True, slots=True)
class ChoiceShape:
    """One of some words; `aliases` are other spellings of them."""

    words: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def read(self, node: Marked, report: Report) -> Any:
        if isinstance(node.value, dict | list) or node.value is None:
            return wrong(node, report, "a word", f"one of: {', '.join(self.words)}")
        word = self.aliases.get(node.raw.lower(), node.raw)
        if word not in self.words:
            hint = suggest(node.raw, self.words, "one of")
            report.add(node.place, "unknown-value", "this value is not allowed here", hint, shown(node))
            return BAD
        return word

    def schema(self) -> dict[str, Any]:
        numbers = [int(word) for word in self.words if word.isdigit()]
        booleans = [alias == "true" for alias in self.aliases]
        return {"enum": [*self.words, *numbers, *booleans]}


@dataclass(frozen=True, slots=True)
class BooleanShape:
    """true or false; the words on and off mean the same."""

    def read(self, node: Marked, report: Report) -> bool | BadValue:
        if isinstance(node.value, bool):
            return node.value
        if node.raw in {"on", "yes"}:
            return True
        if node.raw in {"off", "no"}:
            return False
        return wrong(node, report, "true or false")

    def schema(self) -> dict[str, Any]:
        return {"enum": [True, False, "on", "off", "yes", "no"]}


@dataclass(frozen=True, slots=True)
class IntegerShape:
    """A whole number within limits."""

    least: int = 1
    most: int | None = None

    def read(self, node: Marked, report: Report) -> int | BadValue:
        limits = f"of at least {self.least}" if self.most is None else f"from {self.least} to {self.most}"
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            return wrong(node, report, "a whole number", f"write a whole number {limits}")
        if node.value < self.least or (self.most is not None and node.value > self.most):
            report.add(
                node.place, "out-of-range", "this number is out of range", f"write a number {limits}", shown(node)
            )
            return BAD
        return node.value

    def schema(self) -> dict[str, Any]:
        limits = {} if self.most is None else {"maximum": self.most}
        return {"type": "integer", "minimum": self.least, **limits}


@dataclass(frozen=True, slots=True)
class FractionShape:
    """A share: more than 0, at most 1."""

    def read(self, node: Marked, report: Report) -> float | BadValue:
        if not isinstance(node.value, int | float) or isinstance(node.value, bool):
            return wrong(node, report, "a number", "write a number greater than 0 and at most 1, such as 0.5")
        if not 0 < node.value <= 1:
            hint = "write a number greater than 0 and at most 1, such as 0.5"
            report.add(node.place, "out-of-range", "this number is out of range", hint, shown(node))
            return BAD
        return float(node.value)

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


@dataclass(frozen=True, slots=True)
class DurationShape:
    """A time span such as `10s`, `500ms`, `1m`; a bare number counts seconds. Read as seconds; 0 only with `most`."""

    most: float | None = None  # seconds

    def read(self, node: Marked, report: Report) -> float | BadValue:
        match = None if isinstance(node.value, dict | list | bool) else DURATION.fullmatch(node.raw)
        if match is None:
            return wrong(node, report, "a time span", "write a number and ms, s, m, h or d, such as 10s, 500ms or 1m")
        seconds = float(match[1]) * SECONDS[match[2]]
        if self.most is None and not 0 < seconds < math.inf:
            message, hint = "the time span must be longer than 0", "write a time span such as 10s"
        elif self.most is not None and seconds > self.most:
            message, hint = "the time span is too long", f"write a time span of at most {self.most:g}s"
        else:
            return seconds
        report.add(node.place, "out-of-range", message, hint, shown(node))
        return BAD

    def schema(self) -> dict[str, Any]:
        pattern = {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}
        limits = {"exclusiveMinimum": 0} if self.most is None else {"minimum": 0, "maximum": self.most}
        return {"anyOf": [{"type": "number", **limits}, pattern]}


@dataclass(frozen=True, slots=True)
class NamesShape:
    """One name, or a list of different names. Read as a tuple."""

    wanted: str = "a name or a list of names"
    least: int = 1

    def read(self, node: Marked, report: Report) -> tuple[str, ...] | BadValue:
        if isinstance(node.value, dict | bool):
            return wrong(node, report, self.wanted)
        if not isinstance(node.value, list):
            name = TextShape().read(node, report)
            return BAD if isinstance(name, BadValue) else (name,)
        names: list[str] = []
        for item in node.items():
            name = TextShape().read(item, report)
            if isinstance(name, BadValue):
                continue
            if name in names:
                report.add(item.place, "duplicate-name", "this name is in the list twice", "keep one of the two", name)
            else:
                names.append(name)
        if len(node.items()) < self.least:
            return wrong(node, report, self.wanted)
        return tuple(names)

    def schema(self) -> dict[str, Any]:
        name = TextShape().schema()
        return {"anyOf": [name, {"type": "array", "items": name, "minItems": self.least, "uniqueItems": True}]}


@dataclass(frozen=True, slots=True)
class NameOrNumberShape:
    """A name, or a whole number from 1. A number in quotes is a name."""

    def read(self, node: Marked, report: Report) -> str | int | BadValue:
        if isinstance(node.value, dict | list | bool) or node.value is None:
            return wrong(node, report, "a name or a number")
        if isinstance(node.value, int):
            return IntegerShape().read(node, report)
        return TextShape().read(node, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1}, IntegerShape().schema()]}


@dataclass(frozen=True, slots=True)
class JsonShape:
    """Any value that JSON can hold. Read as a one-tuple, so that null stays a value."""

    def read(self, node: Marked, report: Report) -> tuple[Any] | BadValue:
        for item in node.walk():
            if isinstance(item.value, float) and not math.isfinite(item.value):
                message = "JSON has no NaN and no Infinity"
                report.add(item.place, "not-json", message, "write a number, or text in quotes", shown(item))
                return BAD
        return (plain(node),)

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class MapShape:
    """A mapping from any name to values of one shape."""

    each: ValueShape
    wanted: str = "a mapping (name: value)"

    def read(self, node: Marked, report: Report) -> dict[str, Any] | BadValue:
        if not isinstance(node.value, dict):
            return wrong(node, report, self.wanted)
        read = {name: self.each.read(item, report) for name, item in node.value.items()}
        return {name: value for name, value in read.items() if value is not BAD}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.each.schema()}


@dataclass(frozen=True, slots=True)
class EitherShape:
    """Reads a mapping with `mapping`, other values with `other`."""

    mapping: ValueShape
    other: ValueShape

    def read(self, node: Marked, report: Report) -> Any:
        return (self.mapping if isinstance(node.value, dict) else self.other).read(node, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.mapping.schema(), self.other.schema()]}


@dataclass(frozen=True, slots=True)
class HeadersShape:
    """Headers as a mapping, or as one text `a:1,b:2` in which quotes protect commas. Read as (name, value) pairs."""

    references: bool = False

    def read(self, node: Marked, report: Report) -> tuple[tuple[str, str], ...] | BadValue:
        if isinstance(node.value, dict):
            read = [(name, self._value(item, report)) for name, item in node.value.items()]
            return tuple((name, value) for name, value in read if not isinstance(value, BadValue))
        if not isinstance(node.value, str):
            return wrong(node, report, 'a mapping, or one text such as "X-A:1,X-B:2"')
        pairs = [_pair(part, node, report) for part in split_pairs(node.value)]
        return tuple(pair for pair in pairs if pair is not None)

    def _value(self, node: Marked, report: Report) -> str | BadValue:
        if node.value == "":
            return ""
        return TextShape(references=True).read(node, report) if self.references else TextShape().read(node, report)

    def schema(self) -> dict[str, Any]:
        each = {"type": ["string", "number"]}
        return {"anyOf": [{"type": "object", "additionalProperties": each}, {"type": "string"}]}


def split_pairs(text: str) -> list[str]:
    """The parts between commas outside quotes; a whole part or a value may be quoted."""
    parts, start, quoted = [], 0, False
    for index, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            parts.append(text[start:index])
            start = index + 1
    return [part.strip() for part in (*parts, text[start:]) if part.strip()]


def _pair(part: str, node: Marked, report: Report) -> tuple[str, str] | None:
    whole = part[1:-1] if part.startswith('"') and part.endswith('"') and len(part) > 1 else part
    name, colon, value = whole.partition(":")
    value = value.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = value[1:-1]
    if not colon or not name.strip() or whole.count('"') % 2:
        message = "a part of the headers is not `name:value`"
        hint = 'write "X-A:1,X-B:2"; put a value with a comma in quotes'
        report.add(node.place, "bad-header", message, hint, name.strip() if colon else "a text without a colon")
        return None
    return name.strip(), value


@dataclass(frozen=True, slots=True)
class AttributesShape:
    """`all`, `none` or a list of columns."""

    def read(self, node: Marked, report: Report) -> Literal["all", "none"] | tuple[str, ...] | BadValue:
        if isinstance(node.value, list):
            return NamesShape(least=0).read(node, report)
        if node.raw == "all":
            return "all"
        if node.raw == "none":
            return "none"
        hint = f"write one column as [{node.raw}]" if isinstance(node.value, str) else "write all, none or [columns]"
        report.add(node.place, "unknown-value", "this must be all, none or a list of columns", hint, shown(node))
        return BAD

    def schema(self) -> dict[str, Any]:
        columns = {"type": "array", "items": TextShape().schema(), "uniqueItems": True}
        return {"anyOf": [{"enum": ["all", "none"]}, columns]}


@dataclass(frozen=True, slots=True)
class OverlapShape:
    """A number, or a time span. Read as text."""

    def read(self, node: Marked, report: Report) -> str | BadValue:
        if isinstance(node.value, dict | list | bool) or DURATION.fullmatch(node.raw) is None:
            return wrong(node, report, "a number or a time span", "write a number or a time span, such as 100 or 1h")
        return node.raw

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}]
        }
