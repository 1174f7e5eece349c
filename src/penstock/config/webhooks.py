"""Reads `auth`: how a webhook source authenticates its senders."""

from __future__ import annotations

import re
from typing import Any

from penstock.config.values.references import check_header
from penstock.config.values.sections import Key, Section
from penstock.config.values.shapes import (
    BAD,
    BadValue,
    ChoiceShape,
    DurationShape,
    IntegerShape,
    TextShape,
    shown,
    wrong,
)
from penstock.config.yaml.report import Report
from penstock.config.yaml.tree import Marked
from penstock.model.spec import FlushSpec, HookKey, HookRate, HookSignature

QUERY_NAME = re.compile(r"[A-Za-z0-9_.~-]+")
WAYS = ("header", "query", "basic")
AUTH_HINT = "write {type: key, header: X-API-Key}, {type: hmac, …} or none"

HOOK_KEY = Section(
    "The sender sends the secret.",
    (
        Key("type", ChoiceShape(("key",)), "key", required=True),
        Key("header", TextShape(), "the header with the secret (default: X-API-Key)"),
        Key("query", TextShape(), "the URL parameter with the secret; such URLs appear in the logs of other systems"),
        Key("basic", TextShape(), "the user of Basic authentication; the password is the secret"),
    ),
    HookKey,
)
HOOK_HMAC = Section(
    "The sender signs its requests.",
    (
        Key("type", ChoiceShape(("hmac",)), "hmac", required=True),
        Key("scheme", ChoiceShape(("standard", "generic")), "standard (Standard Webhooks), or generic"),
        Key("header", TextShape(), "the header with the signature"),
        Key("algorithm", ChoiceShape(("sha256", "sha512", "sha1")), "the hash algorithm"),
        Key("encoding", ChoiceShape(("hex", "base64")), "the encoding of the signature"),
        Key("prefix", TextShape(), "the text before the signature, such as sha256="),
        Key("timestamp_header", TextShape(), "the header with the time; then `time.body` is signed"),
        Key("tolerance", DurationShape(), "the largest difference of that time from the server's clock, such as 5m"),
    ),
    HookSignature,
)
HOOK_RATE = Section(
    "How many requests one process accepts in a fixed window; it answers 429 to more.",
    (
        Key("requests", IntegerShape(), "requests per window"),
        Key("per", DurationShape(), "the length of the window, such as 1s"),
    ),
    HookRate,
)
FLUSH = Section(
    "When received records are sent to active destinations.",
    (
        Key("records", IntegerShape(), "as soon as this many records wait"),
        Key("after", DurationShape(), "or as soon as a record has waited this long, such as 500ms"),
    ),
    FlushSpec,
)


class AuthShape:
    """`none`, or a mapping whose `type` is key or hmac."""

    def read(self, node: Marked, report: Report) -> Any:
        if not isinstance(node.value, dict):
            if node.raw == "none":
                return None
            if node.value is None or isinstance(node.value, list):
                return wrong(node, report, "a mapping, or none", AUTH_HINT)
            report.add(node.place, "unknown-value", "this must be a mapping or none", AUTH_HINT, shown(node))
            return BAD
        kind = node.get("type")
        if kind is None:
            report.add(
                node.place.below("type"), "missing-key", "`type` is missing", "write `type: key` or `type: hmac`"
            )
            return BAD
        if kind.raw not in ("key", "hmac"):
            report.add(kind.place, "unknown-value", "this value is not allowed here", "one of: hmac, key", shown(kind))
            return BAD
        return _key(node, report) if kind.raw == "key" else _signature(node, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [HOOK_KEY.schema(), HOOK_HMAC.schema(), {"enum": ["none"]}]}


def _key(node: Marked, report: Report) -> HookKey | BadValue:
    read = HOOK_KEY.read(node, report)
    values = {} if isinstance(read, BadValue) else read
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


def _signature(node: Marked, report: Report) -> HookSignature | BadValue:
    read = HOOK_HMAC.read(node, report)
    values = {} if isinstance(read, BadValue) else dict(read)
    values.pop("type", None)
    if values.get("scheme") == "standard":
        for name in values.keys() - {"scheme", "tolerance"}:
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
