"""Destinations: from the file to specs. What they refer to is checked when all are read."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from penstock.config.keys import DESTINATION
from penstock.config.marks import Marked
from penstock.config.report import Report
from penstock.config.shapes import Bad
from penstock.model.spec import (
    BatchSpec,
    Binding,
    DestinationSpec,
    FuseSpec,
    GroupingSpec,
    Mode,
    RequestSpec,
    XmlSpec,
)


def read_destination(name: str, node: Marked, report: Report) -> DestinationSpec:
    """One destination, read; a missing dataset or credential stands as empty text."""
    read = DESTINATION.read(node, report)
    values: dict[str, Any] = {"dataset": "", "credential": "", **({} if isinstance(read, Bad) else read)}
    if "fields" in values:
        bindings = {
            field: _binding(value, node.at("fields", field), report) for field, value in values["fields"].items()
        }
        values["fields"] = MappingProxyType(bindings)
    if "mode" in values:
        values["mode"] = Mode(values["mode"])
    if "fuse" in values:
        values["fuse"] = None if values["fuse"] == "off" else FuseSpec(**values["fuse"])
    for key in ("external_id", "data_id"):
        if len(values.get(key, ())) == 1:
            values[key] = values[key][0]
    if "batch" in values:
        values["batch"] = _batch(values["batch"])
    if "request" in values:
        values["request"] = _request(values["request"], values.get("batch"))
    return DestinationSpec(name=name, line=node.line, **values)


def _binding(value: str | dict[str, Any], node: Marked, report: Report) -> Binding:
    if isinstance(value, str):
        return Binding(column=value)
    hint = "write a column, {value: …} or {column: …, default: …}"
    if "value" in node.entries() and not {"column", "default"}.isdisjoint(node.entries()):
        report.add(node.place, "one-of", "a constant takes no column and no default", hint, ", ".join(node.entries()))
    elif "value" not in node.entries() and "column" not in node.entries():
        report.add(
            node.place,
            "missing-key",
            "neither a column nor a constant is given",
            hint,
            ", ".join(node.entries()) or "nothing",
        )
    return Binding(value.get("column"), value.get("value"), value.get("default"), value.get("truncate", False))


def _batch(value: str | dict[str, Any]) -> BatchSpec:
    if isinstance(value, str):
        return BatchSpec(mode=value)  # type: ignore[arg-type]
    grouping = value.get("grouping")
    if grouping is not None:
        other = MappingProxyType({name: held for name, (held,) in grouping.get("other_props", {}).items()})
        grouping = GroupingSpec(**{**grouping, "other_props": other})
    return BatchSpec("on", value.get("size"), value.get("max_bytes"), grouping)


def _request(value: dict[str, Any], outer: BatchSpec | None) -> RequestSpec:
    values = {"method": "POST", "url": "", **value}
    if "xml" in values:
        values["xml"] = XmlSpec(**values["xml"])
    batch = _batch(values["batch"]) if "batch" in values else outer
    values["batch"] = batch if batch is not None and batch.mode == "on" else None
    return RequestSpec(**values)
