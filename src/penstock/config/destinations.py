"""Reads destinations and credentials from the file to specs.

References are checked after everything is read. Bindings of columns to fields are checked against the template's
document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.config.keys import CREDENTIAL, DESTINATION
from penstock.config.values.references import check_base_url, check_header, is_literal, parse_secret, split_address
from penstock.config.values.shapes import BadValue
from penstock.config.yaml.report import Report, suggest
from penstock.config.yaml.tree import Marked
from penstock.model.spec import (
    BatchSpec,
    Binding,
    CredentialSpec,
    DestinationSpec,
    FuseSpec,
    GroupingSpec,
    Mode,
    RateLimit,
    RequestSpec,
    Secret,
    XmlSpec,
)
from penstock.templates.catalogue import Template


def read_destination(name: str, node: Marked, report: Report) -> DestinationSpec:
    """Reads one destination; a missing dataset or credential becomes the empty string."""
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
    return Binding(value.get("column"), value.get("value"), value.get("default"), value.get("truncate", False))


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
    batch = _batch(values["batch"]) if "batch" in values else outer
    values["batch"] = batch if batch is not None and batch.mode == "on" else None
    return RequestSpec(**values)


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


HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def read_credential(name: str, node: Marked, base: Path, report: Report) -> CredentialSpec:
    """Reads and checks one credential."""
    read = CREDENTIAL.read(node, report)
    values: dict[str, Any] = {} if isinstance(read, BadValue) else read
    base_url = values.get("base_url", "auto")
    if base_url != "auto":
        check_base_url(base_url, node.at("base_url"), report)
        values["base_url"] = base_url.rstrip("/")
    if "rate_limit" in values:
        values["rate_limit"] = RateLimit(**values["rate_limit"])
    if "api_key" in values:
        key = parse_secret(values["api_key"], node.at("api_key"), base, report)
        _refuse_literal(key, base_url, node.at("api_key"), report)
        values["api_key"] = key
    if "headers" in values:
        values["headers"] = _headers(values["headers"], node.at("headers"), base, report)
    if "allowed_hosts" in values:
        values["allowed_hosts"] = _hosts(values["allowed_hosts"], node.at("allowed_hosts"), report)
    credential = CredentialSpec(name, **values)
    if credential.connector == "http":
        _check_http(credential, node, report)
    _refuse_second_key(credential, node, report)
    return credential


def _refuse_second_key(credential: CredentialSpec, node: Marked, report: Report) -> None:
    """Refuses an Authorization header, except with `connector: http` and without `api_key`."""
    if credential.connector == "http" and "api_key" not in node.entries():
        return
    for name in credential.headers:
        if name.lower() == "authorization":
            message = "Penstock makes the Authorization header from `api_key`"
            report.add(node.at("headers", name).place, "forbidden-header", message, "write the key as `api_key`", name)


def _check_http(credential: CredentialSpec, node: Marked, report: Report) -> None:
    if credential.base_url == "auto":
        message = "`connector: http` needs a `base_url`"
        found = node.get("base_url")
        place = node.place.below("base_url") if found is None else found.place
        report.add(place, "missing-key", message, "write base_url: https://…")
    dialect = node.get("dialect")
    if dialect is not None and credential.dialect != "auto":
        message = "only Custify has dialects; this credential has `connector: http`"
        report.add(dialect.place, "key-not-here", message, "remove `dialect`", credential.dialect)


def _refuse_literal(key: Secret, base_url: str, node: Marked, report: Report) -> None:
    if not is_literal(key) or not key.parts:
        return
    split = split_address(base_url)
    if split is not None and split[0].is_loopback:
        return
    message = "the key is written in the file; this is only allowed with a loopback `base_url`"
    hint = "write ${env:NAME} or ${file:PATH}, or remove `api_key` and use `penstock credential set`"
    report.add(node.place, "literal-secret", message, hint)


def _headers(pairs: tuple[tuple[str, str], ...], node: Marked, base: Path, report: Report) -> Mapping[str, Secret]:
    headers: dict[str, Secret] = {}
    for name, value in pairs:
        place = node.at(name)
        if check_header(name, value, place, report):
            if name.lower() in {other.lower() for other in headers}:
                report.add(place.place, "duplicate-name", f"the header {name} is given twice", "keep one", name)
            headers[name] = parse_secret(value, place, base, report)
    return MappingProxyType(headers)


def _hosts(hosts: tuple[str, ...], node: Marked, report: Report) -> tuple[str, ...]:
    lowered = tuple(host.lower() for host in hosts)
    for host in lowered:
        if HOST.fullmatch(host) is None:
            hint = "write only the host, such as eu.example.com or eu.example.com:8443"
            report.add(node.place, "bad-host", "this is not a host name", hint, host)
    return lowered
