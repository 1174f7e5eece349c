"""The reader of credentials: from the file to specs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.config.keys import CREDENTIAL
from penstock.config.values.addresses import check_base_url, check_header, split_address
from penstock.config.values.references import is_literal, parse_secret
from penstock.config.values.shapes import BadValue
from penstock.config.yaml.report import Report
from penstock.config.yaml.tree import Marked
from penstock.model.spec import CredentialSpec, RateLimit, Secret

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def read_credential(name: str, node: Marked, base: Path, report: Report) -> CredentialSpec:
    """One credential, checked by itself."""
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
    """Only an API that is not Custify's, and has no `api_key`, may have an Authorization of its own making."""
    if credential.connector == "http" and "api_key" not in node.entries():
        return
    for name in credential.headers:
        if name.lower() == "authorization":
            message = "Authorization is made of `api_key`, as Bearer"
            report.add(node.at("headers", name).place, "forbidden-header", message, "write the key as `api_key`", name)


def _check_http(credential: CredentialSpec, node: Marked, report: Report) -> None:
    if credential.base_url == "auto":
        message = "`connector: http` needs its own `base_url`: only Custify's addresses are known"
        found = node.get("base_url")
        place = node.place.below("base_url") if found is None else found.place
        report.add(place, "missing-key", message, "write base_url: https://…")
    dialect = node.get("dialect")
    if dialect is not None and credential.dialect != "auto":
        message = "a dialect is a way to write to Custify; `connector: http` has none"
        report.add(dialect.place, "key-not-here", message, "remove `dialect`", credential.dialect)


def _refuse_literal(key: Secret, base_url: str, node: Marked, report: Report) -> None:
    if not is_literal(key) or not key.parts:
        return
    split = split_address(base_url)
    if split is not None and split[0].is_loopback:
        return
    message = "a key in the file is a key in every copy of the file; only a loopback `base_url` may have one"
    hint = "write ${env:NAME} or ${file:PATH}, or remove `api_key` and use `penstock credential set`"
    report.add(node.place, "literal-secret", message, hint)


def _headers(pairs: tuple[tuple[str, str], ...], node: Marked, base: Path, report: Report) -> Mapping[str, Secret]:
    headers: dict[str, Secret] = {}
    for name, value in pairs:
        place = node.at(name)
        if check_header(name, value, place, report):
            if name.lower() in {held.lower() for held in headers}:
                report.add(place.place, "duplicate-name", f"the header {name} stands here twice", "keep one", name)
            headers[name] = parse_secret(value, place, base, report)
    return MappingProxyType(headers)


def _hosts(hosts: tuple[str, ...], node: Marked, report: Report) -> tuple[str, ...]:
    lowered = tuple(host.lower() for host in hosts)
    for host in lowered:
        if HOST.fullmatch(host) is None:
            hint = "write the host alone, such as eu.example.com or eu.example.com:8443"
            report.add(node.place, "bad-host", "this is no host name", hint, host)
    return lowered
