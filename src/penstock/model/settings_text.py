"""The text of settings that is stored in the state database.

A schema, a remembered record and a quarantined record count as made under other settings when their text differs. So a
new field of a spec must not change the text of a project that does not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from penstock.model.spec import DestinationSpec, Secret

# Release 0.1.0 wrote these fields of its classes also where they held their default.
WRITTEN_BY_0_1_0 = {
    "BatchSpec": "mode size max_bytes grouping",
    "Binding": "column constant default",
    "CursorSpec": "column overlap",
    "DatasetSpec": "name source key sql types",
    "DestinationSpec": (
        "name dataset credential template request fields attributes exclude nulls mode active path object concurrency"
        " batch fuse mirror_max_share on_changed external_id data_id responses line"
    ),
    "FileSource": "name path base format encoding delimiter",
    "FuseSpec": "ratio after in_a_row",
    "GroupingSpec": "algorithm property other_props code",
    "RequestSpec": "method url content_format headers batch body idempotent xml",
    "ResponseSource": "name destination",
    "SqlSource": "name url base query table cursor",
    "XmlSpec": "root record",
}


def without_settling(destination: DestinationSpec) -> DestinationSpec:
    """The destination with the default settings for settling, polling and deleting, which change no payload."""
    request = destination.request
    request = None if request is None else replace(request, settle=None)
    return replace(
        destination,
        on_unknown="settle",
        settle_after=5.0,
        confirm_timeout=600.0,
        request=request,
        on_delete=None,
        mirror_max_share=None,
    )


def settings_text(value: object) -> str:
    """The same as `repr(value)`, but a field that 0.1.0 did not have is left out while it holds its default.

    `value` is a frozen spec, or a tuple, list or mapping of specs and plain values.
    """
    if isinstance(value, Secret):
        return repr(value)  # contains no secret
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        written = WRITTEN_BY_0_1_0.get(name, "").split()
        shown = [each.name for each in fields(value) if each.name in written or not _is_default(value, each)]
        return f"{name}({', '.join(f'{each}={settings_text(getattr(value, each))}' for each in shown)})"
    if isinstance(value, tuple) and type(value) is tuple:
        return f"({', '.join(map(settings_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(settings_text, value))}]"
    if isinstance(value, MappingProxyType):
        return f"mappingproxy({settings_text(dict(value))})"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{settings_text(key)}: {settings_text(entry)}" for key, entry in value.items()) + "}"
    return repr(value)


def _is_default(value: object, described: Field[Any]) -> bool:
    held = getattr(value, described.name)
    if described.default is not MISSING:
        return bool(held == described.default)
    return described.default_factory is not MISSING and bool(held == described.default_factory())
