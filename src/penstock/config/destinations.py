"""Reads destinations from the file to specs, and checks them once everything is read.

The checks: references to other resources, keys that exclude each other, and bindings of columns to the fields of the
template. Batches and manual requests are checked in `requests.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from penstock.config.credentials import split_address
from penstock.config.file_destinations import check_file_destination
from penstock.config.keys import DESTINATION
from penstock.config.mirror import check_mirror, on_delete_of
from penstock.config.requests import check_batch, check_path, check_request
from penstock.config.shapes import BadValue
from penstock.config.tree import Marked, Report
from penstock.model.spec import (
    BatchSpec,
    Binding,
    CredentialSpec,
    DestinationSpec,
    Dialect,
    FuseSpec,
    GroupingSpec,
    IdempotencySpec,
    Mode,
    ProjectSpec,
    RequestSpec,
    SettleSpec,
    XmlSpec,
)
from penstock.model.text import suggest
from penstock.templates.catalogue import Template

TEMPLATE_ONLY = ("path", "object", "external_id", "data_id", "company_link", "identity")


def _fuse(value: str | dict[str, Any]) -> FuseSpec | None:
    return None if isinstance(value, str) else FuseSpec(**value)


MADE: Mapping[str, Callable[[Any], object]] = {"mode": Mode, "fuse": _fuse, "on_delete": on_delete_of}


def read_destination(name: str, node: Marked, report: Report) -> DestinationSpec:
    """Reads one destination; a missing dataset or credential becomes the empty string."""
    read = DESTINATION.read(node, report)
    values: dict[str, Any] = {"dataset": "", "credential": "", **({} if isinstance(read, BadValue) else read)}
    if "fields" in values:
        bindings = {
            field: _binding(value, node.at("fields", field), report) for field, value in values["fields"].items()
        }
        values["fields"] = MappingProxyType(bindings)
    for key, make in MADE.items():
        if key in values:
            values[key] = make(values[key])
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
        report.add(
            node.place, "one-of", "a constant cannot have a column or a default", hint, ", ".join(node.entries())
        )
    elif "value" not in node.entries() and "column" not in node.entries():
        report.add(
            node.place,
            "missing-key",
            "no column and no constant is given",
            hint,
            ", ".join(node.entries()) or "nothing",
        )
    flags = (value.get(name, False) for name in ("truncate", "if_unchanged"))
    return Binding(value.get("column"), value.get("value"), value.get("default"), *flags)


def _batch(value: str | dict[str, Any]) -> BatchSpec:
    if isinstance(value, str):
        return BatchSpec(mode=value)  # type: ignore[arg-type]
    grouping = value.get("grouping")
    if grouping is not None:
        other = MappingProxyType({name: value for name, (value,) in grouping.get("other_props", {}).items()})
        grouping = GroupingSpec(**{**grouping, "other_props": other})
    return BatchSpec("on", value.get("size"), value.get("max_bytes"), grouping)


def _request(value: dict[str, Any], outer: BatchSpec | None) -> RequestSpec:
    values = {"method": "POST", "url": "", **value}
    if "xml" in values:
        values["xml"] = XmlSpec(**values["xml"])
    if "settle" in values:
        values["settle"] = SettleSpec(**{"url": "", "found": "", **values["settle"]})
    if "idempotency" in values:
        values["idempotency"] = IdempotencySpec(**{"value": "", **values["idempotency"]})
    batch = _batch(values["batch"]) if "batch" in values else outer
    values["batch"] = batch if batch is not None and batch.mode == "on" else None
    return RequestSpec(**values)


class CheckContext(NamedTuple):
    """What a destination's checks need besides the destination itself."""

    project: ProjectSpec
    templates: Mapping[str, Template]
    report: Report


def check_destination(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> None:
    project, report = ctx.project, ctx.report
    _check_known("dataset", destination.dataset, project.datasets, node, report)
    _check_known("credential", destination.credential, project.credentials, node, report)
    credential = project.credentials.get(destination.credential)
    if credential is not None and credential.connector == "file":
        check_file_destination(destination, node, report)
        check_bindings(destination, None, node, report)
        return
    if "append" in node.entries():
        message = "`append` is for files: it needs a credential with `connector: file`"
        report.add(node.at("append").place, "key-not-here", message, "remove `append`", "append")
    given = [key for key in ("template", "request") if key in node.entries()]
    if len(given) != 1:
        message = "both `template` and `request` are given" if given else "neither `template` nor `request` is given"
        place = node.at("request").place if given else node.place
        hint = "a destination needs exactly one of `template` and `request`"
        report.add(place, "one-of", message, hint, " and ".join(given) or "neither")
    _refuse_both_batches(node, report)
    template = None
    if destination.template is not None:
        template = _check_template(destination, node, ctx)
    if destination.request is not None:
        _check_manual(destination, node, ctx)
    _check_mode(destination, template, node, ctx)
    check_bindings(destination, _items_of(destination, template, ctx), node, report)
    if destination.canary is not None and destination.fuse is None:
        message = "`canary` is judged by the ratio of the fuse, and `fuse: off` has none"
        report.add(node.at("canary").place, "canary-without-fuse", message, "remove `fuse: off`", "off")


def _check_known(kind: str, name: str, known: Mapping[str, object], node: Marked, report: Report) -> None:
    if name and name not in known:
        report.add_unknown(node.at(kind).place, kind, name, known)


def _refuse_both_batches(node: Marked, report: Report) -> None:
    if node.get("batch") is not None and node.get("request", "batch") is not None:
        message = "`batch` is given twice: on the destination and in its `request`"
        report.add(node.at("batch").place, "one-of", message, "keep the one in `request`", "batch, request.batch")


def _check_template(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> Template | None:
    report = ctx.report
    name = str(destination.template)
    template = ctx.templates.get(name)
    place = node.at("template").place
    if template is None:
        report.add_unknown(place, "template", name, ctx.templates, "unknown-template")
        return None
    credential = ctx.project.credentials.get(destination.credential)
    if credential is not None and credential.connector == "http":
        message = f"templates work only with Custify; the credential {credential.name} has `connector: http`"
        report.add(place, "wrong-connector", message, "use `request`, or a credential with `connector: custify`", name)
    if destination.path is not None:
        check_path(destination.path, node.at("path"), report)
        if "{" in destination.path or "}" in destination.path:
            message = "a template's path cannot have macros"
            hint = "write a path that is the same for every record, or use `request` with {record.x} in its `url`"
            report.add(node.at("path").place, "path-placeholder", message, hint, destination.path)
    check_batch(destination, template, dialects_of(credential), node, report)
    _check_template_keys(destination, template, node, report)
    return template


def _check_template_keys(destination: DestinationSpec, template: Template, node: Marked, report: Report) -> None:
    own = template.object if not template.items else None
    if destination.object is not None and own is not None and destination.object != own:
        message = f"{template.name} always sends objects of the kind {own}; only send_batch has `object`"
        report.add(node.at("object").place, "key-not-here", message, "remove `object`", destination.object)
    setting = template.external.setting if template.external is not None else None
    for key in ("external_id", "data_id"):
        if key in node.entries() and key != setting and not template.items:
            message = f"{template.name} has no {key}"
            hint = f"remove it; this template has `{setting}`" if setting else "remove it"
            report.add(node.at(key).place, "key-not-here", message, hint, key)


def _check_manual(destination: DestinationSpec, node: Marked, ctx: CheckContext) -> None:
    credential = ctx.project.credentials.get(destination.credential)
    request = node.at("request")
    assert destination.request is not None
    for key in TEMPLATE_ONLY:
        if key in node.entries():
            message = f"`{key}` is a key for templates, and this destination has `request`"
            ctx.report.add(node.at(key).place, "key-not-here", message, f"remove `{key}`", key)
    check_request(destination.request, credential, request, ctx.report)
    check_batch(destination, None, dialects_of(credential), node, ctx.report)


def dialects_of(credential: CredentialSpec | None) -> tuple[Dialect, ...]:
    """The dialects that this credential can have according to the file; none if the API is not Custify."""
    if credential is not None and credential.connector != "custify":
        return ()
    if credential is None:
        return ("native", "flat")
    if credential.dialect != "auto":
        return (credential.dialect,)
    split = split_address(credential.base_url)
    if split is None:
        return ("native", "flat")
    return ("flat",) if split[1].path.rstrip("/").endswith("/api") else ("native",)


def _check_mode(destination: DestinationSpec, template: Template | None, node: Marked, ctx: CheckContext) -> None:
    mode = destination.mode
    if template is not None and mode is not None and mode not in template.modes:
        words = ", ".join(template.modes)
        message = f"{template.name} does not support `mode: {mode}`"
        ctx.report.add(node.at("mode").place, "mode-not-here", message, f"one of: {words}", mode)
        return
    dataset = ctx.project.datasets.get(destination.dataset)
    source = ctx.project.sources.get(dataset.source) if dataset is not None else None
    item = None if template is None else item_template(destination, template, ctx.templates)
    dialects = dialects_of(ctx.project.credentials.get(destination.credential))
    if destination.template is None or template is not None:
        check_mirror(destination, item, source, dialects, node, ctx.report)


def _items_of(destination: DestinationSpec, template: Template | None, ctx: CheckContext) -> Template | None:
    return None if template is None else item_template(destination, template, ctx.templates)


def item_template(destination: DestinationSpec, template: Template, templates: Mapping[str, Template]) -> Template:
    """The template whose fields bind: its own, or, for a batch, that of its items."""
    if not template.items or (destination.object is None and destination.fields is None):
        return template
    return templates[template.items[template.item(destination.object, destination.fields or ())]]


def check_bindings(destination: DestinationSpec, template: Template | None, node: Marked, report: Report) -> None:
    """Checks that fields are known and given once, and that no mapped or named column is excluded."""
    if template is not None and destination.fields is not None:
        _check_fields(template, node.at("fields"), report)
    columns = {binding.column: name for name, binding in (destination.fields or {}).items() if binding.column}
    for column, item in _listed(node.get("exclude")):
        if column in columns:
            message = f"the column {column} is excluded and mapped to {columns[column]}"
            report.add(item.place, "excluded-field", message, "keep one of the two", column)
        elif column in destination.attributes and isinstance(destination.attributes, tuple):
            message = f"the column {column} is excluded and named in `attributes`"
            report.add(item.place, "excluded-field", message, "keep one of the two", column)


def _listed(node: Marked | None) -> list[tuple[str, Marked]]:
    """The column names of a list, or a single name."""
    if node is None:
        return []
    return [(item.raw, item) for item in node.items()] or [(node.raw, node)]


def _check_fields(template: Template, node: Marked, report: Report) -> None:
    known = [name for doc in template.fields for name in doc.names]
    given: dict[str, str] = {}
    for name, item in node.entries().items():
        doc = template.doc(name)
        if doc is None:
            hint = f"{suggest(name, known, 'fields')}; `attributes` sends other columns"
            report.add(item.place, "unknown-field", f"{template.name} has no field {name}", hint, name)
        elif doc.name in given:
            message = f"{given[doc.name]} and {name} are two names of the same field"
            report.add(item.place, "duplicate-field", message, "keep one of the two", name)
        else:
            given[doc.name] = name
            truncate = item.get("truncate")
            if truncate is not None and doc.type != "text":
                message = f"{name} cannot be cut" + (
                    ", because it is not text" if doc.type != "key" else ", because it identifies a record"
                )
                hint = "remove `truncate`, or cut the value in the dataset's sql: left(x, 100)"
                report.add(truncate.place, "truncate", message, hint, "truncate")
