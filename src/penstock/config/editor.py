"""The JSON Schema of the project file, for editors: made of the same declarations that the reader uses."""

from __future__ import annotations

from typing import Any

from penstock.config.keys import CREDENTIAL, DATASET, DESTINATION, FILE_SOURCE, FLOW, HOOK_SOURCE, SQL_SOURCE
from penstock.config.sections import Section
from penstock.destinations.catalogue import load_catalogue

NAMES = r"^[^\s./\\]([^./\\]*[^\s./\\])?$"  # what every dialect of regular expressions understands
ABOUT = {
    "credentials": "Accounts, by name.",
    "sources": "Where records come from, by name.",
    "datasets": "Keyed sets of records, by name.",
    "destinations": "What is sent where, by name.",
    "flows": "Destinations that run together, by name.",
}


def project_json_schema() -> dict[str, object]:
    """A JSON Schema (2020-12) of the project file, with a description for every key."""
    sections = {
        "credentials": CREDENTIAL.schema(),
        "sources": {
            "oneOf": [
                _of_type(FILE_SOURCE, "file"),
                _of_type(SQL_SOURCE, "sql"),
                _of_type(HOOK_SOURCE, "webhook"),
            ]
        },
        "datasets": DATASET.schema(),
        "destinations": _destination(),
        "flows": FLOW.schema(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Penstock project",
        "description": "What is sent to Custify, from where, and how.",
        "type": ["object", "null"],
        "properties": {name: _named(ABOUT[name], each) for name, each in sections.items()},
        "additionalProperties": False,
    }


def _named(about: str, each: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": about,
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAMES},
        "additionalProperties": each,
    }


def _of_type(section: Section, kind: str) -> dict[str, Any]:
    schema = section.schema()
    schema["properties"]["type"] = {"description": section.about, "const": kind}
    return schema


def _destination() -> dict[str, Any]:
    schema = DESTINATION.schema()
    templates = [{"const": name, "description": template.title} for name, template in load_catalogue().items()]
    schema["properties"]["template"]["oneOf"] = templates
    schema["oneOf"] = [{"required": ["template"]}, {"required": ["request"]}]
    return schema
