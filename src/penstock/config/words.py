"""Shapes of single keys that need their own reading: headers, attributes, overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from penstock.config.marks import Marked
from penstock.config.report import Report
from penstock.config.shapes import BAD, DURATION, Bad, Names, Text, shown, wrong


@dataclass(frozen=True, slots=True)
class HeadersShape:
    """Headers as a mapping, or as one text `a:1,b:2` in which quotes protect commas. Read as (name, value) pairs."""

    references: bool = False

    def read(self, node: Marked, report: Report) -> tuple[tuple[str, str], ...] | Bad:
        if isinstance(node.value, dict):
            read = [(name, self._value(item, report)) for name, item in node.value.items()]
            return tuple((name, value) for name, value in read if not isinstance(value, Bad))
        if not isinstance(node.value, str):
            return wrong(node, report, 'a mapping, or one text such as "X-A:1,X-B:2"')
        pairs = [_pair(part, node, report) for part in split_pairs(node.value)]
        return tuple(pair for pair in pairs if pair is not None)

    def _value(self, node: Marked, report: Report) -> str | Bad:
        if node.value == "":
            return ""
        return Text(references=True).read(node, report) if self.references else Text().read(node, report)

    def schema(self) -> dict[str, Any]:
        each = {"type": ["string", "number"]}
        return {"anyOf": [{"type": "object", "additionalProperties": each}, {"type": "string"}]}


def split_pairs(text: str) -> list[str]:
    """The parts between commas that stand outside quotes; a whole part or a value may be quoted."""
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

    def read(self, node: Marked, report: Report) -> Literal["all", "none"] | tuple[str, ...] | Bad:
        if isinstance(node.value, list):
            return Names(least=0).read(node, report)
        if node.raw == "all":
            return "all"
        if node.raw == "none":
            return "none"
        hint = (
            f"one column is written as [{node.raw}]" if isinstance(node.value, str) else "write all, none or [columns]"
        )
        report.add(node.place, "unknown-value", "all, none or a list of columns is needed", hint, shown(node))
        return BAD

    def schema(self) -> dict[str, Any]:
        columns = {"type": "array", "items": Text().schema(), "uniqueItems": True}
        return {"anyOf": [{"enum": ["all", "none"]}, columns]}


@dataclass(frozen=True, slots=True)
class OverlapShape:
    """A number, or a time span. Read as text."""

    def read(self, node: Marked, report: Report) -> str | Bad:
        if isinstance(node.value, dict | list | bool) or DURATION.fullmatch(node.raw) is None:
            return wrong(node, report, "a number or a time span", "such as 100 or 1h")
        return node.raw

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)?$"}]
        }
