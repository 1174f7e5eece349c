"""Which column goes to which field, and which go nowhere: checked against the template's document."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.config.marks import Marked
from penstock.config.report import Report, suggest
from penstock.destinations.catalogue import Template
from penstock.model.spec import DestinationSpec


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
