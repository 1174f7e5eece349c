"""`Section`: a mapping with known keys. Each key is declared once, for reading, suggestions and the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from penstock.config.shapes import BAD, BadValue, ValueShape, shown, wrong
from penstock.config.tree import Marked, Report


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: `about` is its description in editors."""

    name: str
    shape: ValueShape
    about: str
    required: bool = False
    hint: str = ""  # what to write if a required key is missing


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with known keys. `spec` is the dataclass whose defaults are the keys' defaults.

    `elsewhere` has messages for keys that belong to another kind of this resource.
    """

    about: str
    keys: tuple[Key, ...]
    spec: type[Any] | None = None
    elsewhere: Mapping[str, str] | None = None

    def names(self) -> list[str]:
        return [key.name for key in self.keys]

    def read(self, node: Marked, report: Report) -> dict[str, Any] | BadValue:
        """The valid values by key; `BAD` if it is not a mapping."""
        if not isinstance(node.value, dict):
            return wrong(node, report, "a mapping", f"write a mapping with the keys: {', '.join(self.names())}")
        read: dict[str, Any] = {}
        for key in self.keys:
            if key.name in node.value:
                value = key.shape.read(node.value[key.name], report)
                if value is not BAD:
                    read[key.name] = value
            elif key.required:
                report.add(
                    node.place.below(key.name),
                    "missing-key",
                    f"`{key.name}` is missing",
                    key.hint or f"add it: {key.about}",
                )
        self._refuse_unknown(node, report)
        return read

    def _refuse_unknown(self, node: Marked, report: Report) -> None:
        known = self.names()
        for name, item in node.entries().items():
            if name in known:
                continue
            if self.elsewhere and name in self.elsewhere:
                report.add(item.place, "key-not-here", f"`{name}` is not allowed here", self.elsewhere[name], name)
                continue
            report.add_unknown_key(item.place, name, known)

    def schema(self) -> dict[str, Any]:
        """The section as JSON Schema: an object without additional properties, with a description for every key."""
        defaults = _defaults(self.spec)
        properties = {
            key.name: {"description": key.about, **key.shape.schema(), **defaults.get(key.name, {})}
            for key in self.keys
        }
        required = [key.name for key in self.keys if key.required]
        return {
            "type": "object",
            "description": self.about,
            "properties": properties,
            "additionalProperties": False,
            **({"required": required} if required else {}),
        }


def _defaults(spec: type[Any] | None) -> dict[str, dict[str, Any]]:
    if spec is None:
        return {}
    given = {item.name: item.default for item in fields(spec) if item.default is not MISSING}
    return {
        name: {"default": value}
        for name, value in given.items()
        if isinstance(value, str | int | float) and name != "name"
    }


@dataclass(frozen=True, slots=True)
class SectionByTypeShape:
    """`none`, or a mapping whose `type` selects its section. Read as None, or as the section's values and the type."""

    sections: Mapping[str, Section]
    hint: str  # what to write

    def read(self, node: Marked, report: Report) -> dict[str, Any] | BadValue | None:
        if not isinstance(node.value, dict):
            if node.raw == "none":
                return None
            if node.value is None or isinstance(node.value, list):
                return wrong(node, report, "a mapping, or none", self.hint)
            report.add(node.place, "unknown-value", "this must be a mapping or none", self.hint, shown(node))
            return BAD
        kind = node.get("type")
        if kind is None:
            hint = f"write {' or '.join(f'`type: {name}`' for name in self.sections)}"
            report.add(node.place.below("type"), "missing-key", "`type` is missing", hint)
            return BAD
        if kind.raw not in self.sections:
            hint = f"one of: {', '.join(sorted(self.sections))}"
            report.add(kind.place, "unknown-value", "this value is not allowed here", hint, shown(kind))
            return BAD
        return self.sections[kind.raw].read(node, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [*(section.schema() for section in self.sections.values()), {"enum": ["none"]}]}
