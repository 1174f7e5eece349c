"""Reads sources and datasets from the file to specs, and checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.config.credentials import check_header, is_literal, parse_secret
from penstock.config.destinations import dialects_of
from penstock.config.keys import (
    API_SOURCE,
    CUSTIFY_KEYS,
    DATASET,
    FILE_KEYS,
    FILE_SOURCE,
    HOOK_KEYS,
    HOOK_SOURCE,
    SQL_KEYS,
    SQL_SOURCE,
)
from penstock.config.shapes import BadValue
from penstock.config.tree import Marked, Report
from penstock.model.senders import FlushSpec, HookKey, HookRate, HookSignature
from penstock.model.spec import (
    CursorSpec,
    CustifySource,
    DatasetSpec,
    FileSource,
    ProjectSpec,
    Secret,
    SourceSpec,
    SqlSource,
    WebhookSource,
)
from penstock.sources.files.formats import BY_NAME, FileFormat, formats_with, options_without_use

RESPONSES = ".responses"
REPLY_KEY = ("delivery",)  # of the implicit dataset of a response source
QUERY_NAME = re.compile(r"[A-Za-z0-9_.~-]+")
PAGING = {"itemsPerPage", "page"}
WAYS = ("header", "query", "basic")


def read_source(name: str, node: Marked, base: Path, report: Report) -> SourceSpec:
    """Reads one source; its `type` decides which keys it may have."""
    kind = _kind(node)
    if kind == "webhook":
        return _webhook(name, node, base, report)
    if kind == "custify":
        return _custify(name, node, report)
    return _sql(name, node, base, report) if kind == "sql" else _file(name, node, base, report)


def _kind(node: Marked) -> str:
    """The `type` that is given, else the one that its keys belong to."""
    given = node.get("type")
    if given is not None:
        return given.raw
    names = node.entries().keys()
    files = {key.name for key in FILE_KEYS}
    if not ({key.name for key in SQL_KEYS} - files).isdisjoint(names):
        return "sql"
    if not {key.name for key in CUSTIFY_KEYS}.isdisjoint(names):
        return "custify"
    return "webhook" if not ({key.name for key in HOOK_KEYS} - files).isdisjoint(names) else "file"


def _custify(name: str, node: Marked, report: Report) -> CustifySource:
    read = API_SOURCE.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    query = values.get("query", {})
    for key in PAGING & query.keys():
        message, hint = f"`{key}` is set for each page that is read", f"remove `{key}`: all pages are read"
        report.add(node.at("query", key).place, "key-not-here", message, hint, key)
    return CustifySource(name, values.get("credential", ""), values.get("object", "companies"), MappingProxyType(query))


def check_custify_source(source: CustifySource, project: ProjectSpec, node: Marked, report: Report) -> None:
    """Checks that the credential of the source exists, and can be one of the native API."""
    credential = project.credentials.get(source.credential)
    if credential is None:
        if source.credential:
            report.add_unknown(node.at("credential").place, "credential", source.credential, project.credentials)
        return
    if credential.connector != "custify":
        message = f"the credential {credential.name} is of another API than Custify"
        hint = "name a credential with `connector: custify`"
        report.add(node.at("credential").place, "no-reads", message, hint, source.credential)
    elif dialects_of(credential) == ("flat",):
        message = f"the credential {credential.name} is of the flat API, which publishes no reads"
        hint = "name a credential with `dialect: native`"
        report.add(node.at("credential").place, "no-reads", message, hint, source.credential)


def _file(name: str, node: Marked, base: Path, report: Report) -> FileSource:
    read = FILE_SOURCE.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    delimiter = {"tab": "\t", "\\t": "\t"}.get(values.get("delimiter", ""), values.get("delimiter"))
    if delimiter is not None and len(delimiter) != 1:
        message = "a delimiter must be a single character"
        report.add(
            node.at("delimiter").place,
            "bad-delimiter",
            message,
            'write ";" or "\\t" in double quotes, for example',
            delimiter,
        )
    encoding = values.get("encoding")
    if encoding is not None and not _is_encoding(encoding):
        report.add(
            node.at("encoding").place,
            "unknown-value",
            "this encoding is not known",
            "write an encoding such as utf-8",
            encoding,
        )
    if "format" in values:
        _refuse_other_formats(node, BY_NAME[values["format"]], report)
    other = ("type", "path", "delimiter")
    rest = {key: value for key, value in values.items() if key not in other}
    return FileSource(name, values.get("path", ""), base, delimiter=delimiter, **rest)


def _refuse_other_formats(node: Marked, given: FileFormat, report: Report) -> None:
    """Reports keys that do not apply to the given format."""
    for key in options_without_use(given):
        if key in node.entries():
            message = f"`{key}` does not apply to format {given.name}"
            hint = f"remove it; it applies to {formats_with(key)}"
            report.add(node.at(key).place, "key-not-here", message, hint, key)


def _is_encoding(name: str) -> bool:
    try:
        return isinstance("".encode(name), bytes)
    except (LookupError, ValueError):
        return False


def _sql(name: str, node: Marked, base: Path, report: Report) -> SqlSource:
    read = SQL_SOURCE.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    given = [key for key in ("query", "table") if key in node.entries()]
    if len(given) != 1:
        message = "both `query` and `table` are given" if given else "neither `query` nor `table` is given"
        place, found = node.at(*given[:1]).place, " and ".join(given) or "neither"
        report.add(place, "one-of", message, "a sql source needs exactly one of `query` and `table`", found)
    cursor = values.get("cursor")
    if isinstance(cursor, dict):
        cursor = CursorSpec(cursor.get("column", ""), cursor.get("overlap"))
    elif cursor is not None:
        cursor = CursorSpec(cursor)
    url = parse_secret(values["url"], node.at("url"), base, report) if "url" in values else Secret(())
    return SqlSource(name, url, base, values.get("query"), values.get("table"), cursor, values.get("decimal"))


def _webhook(name: str, node: Marked, base: Path, report: Report) -> WebhookSource:
    read = HOOK_SOURCE.read(node, report)
    values = {} if isinstance(read, BadValue) else dict(read)
    values.pop("type", None)
    if "auth" in values:
        values["auth"] = _auth(values["auth"], node.at("auth"), report)
    if "rate_limit" in values:
        values["rate_limit"] = HookRate(**values["rate_limit"])
    if "flush" in values:
        values["flush"] = FlushSpec(**values["flush"])
    if "columns" in values:
        values["columns"] = MappingProxyType(values["columns"])
    if "secret" in values:
        place = node.at("secret")
        values["secret"] = parse_secret(values["secret"], place, base, report)
        if is_literal(values["secret"]) and values["secret"].parts:
            message = "the secret is written in the file"
            hint = "write ${env:NAME} or ${file:PATH}, or remove `secret`: the service makes one and stores it sealed"
            report.add(place.place, "literal-secret", message, hint)
        if values.get("auth", ...) is None:
            message = "with `auth: none` a secret is not used"
            report.add(place.place, "key-not-here", message, "remove `secret`, or write another `auth`", "secret")
    return WebhookSource(name, **values)


def _auth(read: dict[str, Any] | None, node: Marked, report: Report) -> HookKey | HookSignature | None:
    """How a webhook source authenticates its senders; None for `auth: none`."""
    if read is None:
        return None
    values = {name: value for name, value in read.items() if name != "type"}
    return _key(values, node, report) if read["type"] == "key" else _signature(values, node, report)


def _key(values: Mapping[str, Any], node: Marked, report: Report) -> HookKey:
    given = [way for way in WAYS if way in values]
    if len(given) > 1:
        message = f"the key can be in one place only, but {' and '.join(given)} are given"
        report.add(node.at(given[1]).place, "one-of", message, "keep one of them", given[1])
    if "header" in values:
        check_header(values["header"], "", node.at("header"), report)
    if "query" in values and QUERY_NAME.fullmatch(values["query"]) is None:
        message = "this is not a name of a URL parameter"
        report.add(node.at("query").place, "unknown-value", message, "use letters, digits and _", values["query"])
    if ":" in values.get("basic", ""):
        message = "the user of Basic authentication cannot have a colon"
        report.add(node.at("basic").place, "unknown-value", message, "write only the name of the user", values["basic"])
    return HookKey(**{way: values[way] for way in given})


def _signature(values: Mapping[str, Any], node: Marked, report: Report) -> HookSignature:
    if values.get("scheme") == "standard":
        for name in sorted(values.keys() - {"scheme", "tolerance"}):
            message = f"the Standard Webhooks scheme has a fixed `{name}`"
            report.add(
                node.at(name).place, "key-not-here", message, f"remove `{name}`, or write `scheme: generic`", name
            )
    elif "tolerance" in values and "timestamp_header" not in values:
        message = "without a `timestamp_header` there is no time to compare"
        hint = "name the `timestamp_header`, or remove `tolerance`"
        report.add(node.at("tolerance").place, "key-not-here", message, hint, "tolerance")
    for name in ("header", "timestamp_header"):
        if name in values:
            check_header(values[name], "", node.at(name), report)
    return HookSignature(**values)


def read_dataset(name: str, node: Marked, report: Report) -> DatasetSpec:
    """Reads one dataset; whether its source exists is checked later."""
    read = DATASET.read(node, report)
    values = {} if isinstance(read, BadValue) else read
    types: Mapping[str, object] = MappingProxyType(values.pop("types", {}))
    return DatasetSpec(name, values.get("source", ""), values.get("key", ()), values.get("sql"), types)  # type: ignore[arg-type]


def check_dataset_source(source: str, project: ProjectSpec, node: Marked, report: Report) -> None:
    """Checks that the source of a dataset exists."""
    if source in project.sources:
        return
    owner = source.removesuffix(RESPONSES)
    if source.endswith(RESPONSES) and owner in project.destinations:
        message = f"the destination {owner} does not store its replies"
        report.add(node.place, "unknown-name", message, f"write `responses: true` on the destination {owner}", source)
        return
    report.add_unknown(node.place, "source", source, project.sources)
