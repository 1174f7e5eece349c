"""The reader of destinations: from the file to specs.

References are checked after everything is read. The binding of columns to fields is checked against the template's
document.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from penstock.config.keys import DESTINATION
from penstock.config.values.shapes import BadValue
from penstock.config.yaml.report import Report, suggest
from penstock.config.yaml.tree import Marked
from penstock.model.spec import BatchSpec, Binding, DestinationSpec, FuseSpec, GroupingSpec, Mode, RequestSpec, XmlSpec
from penstock.templates.catalogue import Template


def read_destination(name: str, node: Marked, report: Report) -> DestinationSpec:
    """One destination, read; a missing dataset or credential is empty text."""
    read = DESTINATION.read(node, report)
    values: dict[str, Any] = {"dataset": "", "credential": "", **({} if isinstance(read, BadValue) else read)}
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


def item_template(destination: DestinationSpec, template: Template, templates: Mapping[str, Template]) -> Template:
    """The template whose fields bind: its own, or, for send_batch, that of its items.

    Without `object` the items are companies when `company_id` is mapped and neither `user_id` nor `email` is.
    """
    if not template.items or (destination.object is None and destination.fields is None):
        return template
    mapped = set(destination.fields or ())
    is_company = "company_id" in mapped and mapped.isdisjoint({"user_id", "email"})
    kind = destination.object or ("company" if is_company else "person")
    return templates[template.items[kind]]


def check_bindings(destination: DestinationSpec, template: Template | None, node: Marked, report: Report) -> None:
    """Fields are known and given once; what is mapped or named as an attribute is not excluded."""
    if template is not None and destination.fields is not None:
        _check_fields(template, node.at("fields"), report)
    columns = {binding.column: name for name, binding in (destination.fields or {}).items() if binding.column}
    for column, item in _listed(node.get("exclude")):
        if column in columns:
            message = f"the column {column} is excluded, and mapped to {columns[column]}"
            report.add(item.place, "excluded-field", message, "keep one of the two", column)
        elif column in destination.attributes and isinstance(destination.attributes, tuple):
            message = f"the column {column} is excluded, and named in `attributes`"
            report.add(item.place, "excluded-field", message, "keep one of the two", column)


def _listed(node: Marked | None) -> list[tuple[str, Marked]]:
    """The column names of a list, or of a single name."""
    if node is None:
        return []
    return [(item.raw, item) for item in node.items()] or [(node.raw, node)]


def _check_fields(template: Template, node: Marked, report: Report) -> None:
    known = [name for doc in template.fields for name in doc.names]
    given: dict[str, str] = {}
    for name, item in node.entries().items():
        doc = template.doc(name)
        if doc is None:
            hint = f"{suggest(name, known, 'fields')}; other columns are sent by `attributes`"
            report.add(item.place, "unknown-field", f"{template.name} has no field {name}", hint, name)
        elif doc.name in given:
            message = f"{given[doc.name]} and {name} are two names of one field"
            report.add(item.place, "duplicate-field", message, "keep one of the two", name)
        else:
            given[doc.name] = name
            truncate = item.get("truncate")
            if truncate is not None and doc.type != "text":
                message = f"{name} is no text that may be cut" + ("" if doc.type != "key" else ": it identifies")
                hint = "remove it, or cut the value by the dataset's sql: left(x, 100)"
                report.add(truncate.place, "truncate", message, hint, "truncate")
