"""Checks batches and manual requests.

A batch must be within the endpoint's limit, and its grouping must define one body. A manual request must go to a host
that may receive the key.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

from penstock.config.credentials import CUSTIFY_HOSTS, check_header, may_receive_key, split_address, without_secrets
from penstock.config.shapes import shown
from penstock.config.tree import Marked, Report
from penstock.model.errors import InputError
from penstock.model.spec import (
    BatchSpec,
    CredentialSpec,
    DestinationSpec,
    Dialect,
    GroupingSpec,
    IdempotencySpec,
    RequestSpec,
    SettleSpec,
)
from penstock.render.bodies import xml_name_problem
from penstock.render.values.macros import parse_macros
from penstock.templates.catalogue import BATCH_LIMITS, Template

BODILESS = frozenset({"GET", "DELETE"})
BELONGS = {"property": "property", "other_props": "property", "code": "code"}

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
MACRO = re.compile(r"\{[^{}]*\}")
MACRO_OF_RECORD = re.compile(r"\{(record\.|run\.id|now)")
UNPRINTABLE = re.compile(r"[\s\0-\x1f\x7f\\]")


def check_batch(
    destination: DestinationSpec,
    template: Template | None,
    dialects: Sequence[Dialect],
    node: Marked,
    report: Report,
) -> None:
    """Checks the batch of a destination by the largest limit of its possible dialects; a run checks it again."""
    if template is not None:
        batch = node.get("batch")
        if batch is not None:
            _check_template_batch(destination.batch, template, dialects, batch, report)
    elif destination.request is not None and destination.request.batch is not None:
        _check_manual_batch(destination.request, dialects, _place_of_batch(node), report)


def _place_of_batch(node: Marked) -> Marked:
    inner = node.get("request", "batch")
    return inner if inner is not None else node.at("batch")


def _check_template_batch(
    batch: BatchSpec, template: Template, dialects: Sequence[Dialect], node: Marked, report: Report
) -> None:
    if template.items and batch.mode == "off":
        message = f"{template.name} always sends batches"
        report.add(node.place, "no-batch", message, "use the template for single objects, such as upsert_person", "off")
    if not node.entries() or not dialects:
        return
    limits = [limit for dialect in dialects if (limit := template.batch_limit(dialect)) is not None]
    if not limits:
        message = f"Custify's batch endpoint does not accept the objects of {template.name}"
        report.add(
            node.place, "no-batch", message, "remove `batch`: each record is sent in its own request", shown(node)
        )
    elif batch.size is not None and batch.size > max(limits):
        _too_large(batch.size, max(limits), node, report)
    if batch.grouping is not None:
        message = "the template decides the form of its batch"
        report.add(
            node.at("grouping").place, "key-not-here", message, "remove `grouping`; it is for `request`", "grouping"
        )


def _too_large(size: int, limit: int, node: Marked, report: Report) -> None:
    message = f"the batch endpoint accepts at most {limit} records in one request"
    report.add(node.at("size").place, "batch-too-large", message, f"write size: {limit} or less", str(size))


def _check_manual_batch(request: RequestSpec, dialects: Sequence[Dialect], node: Marked, report: Report) -> None:
    batch = request.batch
    assert batch is not None
    limit = _limit_of(request.url, dialects)
    if limit is not None and batch.size is not None and batch.size > limit:
        _too_large(batch.size, limit, node, report)
    if request.body is False or (request.body is None and request.method in BODILESS):
        message = f"a {request.method} request without a body cannot carry a batch"
        report.add(node.place, "batch-without-body", message, "write `body: true`, or remove `batch`", request.method)
    if batch.grouping is not None:
        _check_grouping(batch.grouping, request, node.at("grouping"), report)


def _limit_of(url: str, dialects: Sequence[Dialect]) -> int | None:
    """The limit of the batch endpoint, if the URL is that of the batch endpoint."""
    split = split_address(url)
    path = (url if split is None else split[1].path).split("?")[0].rstrip("/")
    if path.rpartition("/")[2] != "batch" or not dialects:
        return None
    if split is not None and path.endswith("/api/batch"):
        return BATCH_LIMITS["flat"]
    if split is not None and path == "/batch" and "native" in dialects:
        return BATCH_LIMITS["native"]
    return max(BATCH_LIMITS[dialect] for dialect in dialects)


def _check_grouping(grouping: GroupingSpec, request: RequestSpec, node: Marked, report: Report) -> None:
    for key, algorithm in BELONGS.items():
        if key in node.entries() and grouping.algorithm != algorithm:
            message = f"`{key}` is for `algorithm: {algorithm}`, and this grouping has {grouping.algorithm}"
            report.add(
                node.at(key).place, "key-not-here", message, f"write `algorithm: {algorithm}`, or remove it", key
            )
    if grouping.algorithm == "property":
        _check_property(grouping, request, node, report)
    elif grouping.algorithm == "code":
        _check_code(grouping.code, node, report)


def _check_property(grouping: GroupingSpec, request: RequestSpec, node: Marked, report: Report) -> None:
    if grouping.property is None:
        if "property" not in node.entries():
            message = "`algorithm: property` needs the name of the property for the records"
            report.add(node.place.below("property"), "missing-key", message, "write property: batch, for example")
        return
    if grouping.property in grouping.other_props:
        message = f"{grouping.property} is both the property of the records and one of `other_props`"
        place = node.at("other_props", grouping.property).place
        report.add(place, "property-clash", message, "rename one of the two", grouping.property)
    if request.content_format == "xml":
        for name in (grouping.property, *grouping.other_props):
            problem = xml_name_problem(name)
            if problem is not None:
                hint = "use letters, digits, - _ and .; do not begin with a digit"
                report.add(node.at("property").place, "bad-xml-name", problem, hint, name)


def _check_code(code: str | None, node: Marked, report: Report) -> None:
    hint = "write `def batch(records):` that returns a body, or a list of bodies"
    place = node.at("code").place
    if code is None:
        if "code" not in node.entries():
            message = "`algorithm: code` needs the Python code that makes the body"
            report.add(node.place.below("code"), "missing-key", message, hint)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno} of the code)" if isinstance(error, SyntaxError) else ""
        words = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        found = error.text if isinstance(error, SyntaxError) else None
        report.add(place, "bad-code", f"the code does not compile: {words}{where}", hint, found)
        return
    if not any(isinstance(item, ast.FunctionDef) and _takes_one(item.args) for item in tree.body if _is_batch(item)):
        report.add(place, "bad-code", "the code has no function `batch` with one parameter", hint, code.strip())


def _is_batch(item: ast.stmt) -> bool:
    return isinstance(item, ast.FunctionDef) and item.name == "batch"


def _takes_one(args: ast.arguments) -> bool:
    positional = len(args.posonlyargs) + len(args.args)
    required = positional - len(args.defaults)
    named = sum(default is None for default in args.kw_defaults)
    return not named and required <= 1 and (positional >= 1 or args.vararg is not None)


def check_request(request: RequestSpec, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    """Checks the URL, headers and XML names of a manual request; `credential` is None if the named one is unknown."""
    if request.url:
        _check_url(request.url, credential, node.at("url"), report)
    _check_headers(request, credential, node.at("headers"), report)
    if request.settle is not None:
        _check_settle(request.settle, credential, node.at("settle"), report)
    if request.idempotency is not None:
        _check_idempotency(request, request.idempotency, credential, node.at("idempotency"), report)
    for key, name in (("root", request.xml.root), ("record", request.xml.record)):
        problem = xml_name_problem(name)
        if problem is not None:
            hint = "use letters, digits, - _ and .; do not begin with a digit"
            report.add(node.at("xml", key).place, "bad-xml-name", problem, hint, name)


def check_path(path: str, node: Marked, report: Report) -> None:
    """Checks a path below the credential's base URL: it has no host, no fragment and no dot segments."""
    bare = MACRO.sub("x", path)
    if SCHEME.match(bare) or bare.startswith("//"):
        message = "this is not a path below the credential's base URL"
        report.add(node.place, "bad-url", message, "write a path such as /people", without_secrets(path))
    elif "#" in bare or UNPRINTABLE.search(bare):
        message = "a path cannot have `#`, white space or a backslash"
        report.add(node.place, "bad-url", message, "percent-encode them: a space is %20", without_secrets(path))
    elif not {"..", "."}.isdisjoint(bare.split("?")[0].split("/")):
        message = "a path cannot have the segments . and .."
        report.add(node.place, "bad-url", message, "remove these segments", without_secrets(path))


def _check_url(url: str, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    _check_macros(url, "url", node, report)
    if not SCHEME.match(url):
        check_path(url, node, report)
        return
    split = split_address(url)
    shown = without_secrets(url)
    hint = "write https://host/path, or a path below the credential's base URL such as /people"
    if split is None or "\\" in url or "{" in split[1].netloc:
        report.add(node.place, "bad-url", "this is not an absolute https URL with a fixed host", hint, shown)
        return
    address, parts = split
    if parts.username is not None or parts.password is not None:
        report.add(
            node.place, "bad-url", "a URL cannot have a user and password", "write secrets into the credential", shown
        )
    elif parts.fragment:
        report.add(node.place, "bad-url", "a URL cannot have a fragment", "remove `#` and what follows", shown)
    elif address.scheme == "http" and not address.is_loopback:
        message = "http would send the key unencrypted; it is allowed only for loopback hosts"
        report.add(node.place, "bad-url", message, "write https://…", shown)
    elif credential is not None and not may_receive_key(address, credential):
        _refuse_host(address.host, credential, node, report)


def _refuse_host(host: str, credential: CredentialSpec, node: Marked, report: Report) -> None:
    message = f"the key of {credential.name} would be sent to {host}, which is not a host of the credential"
    own = split_address(credential.base_url)
    known = [own[0].host] if own is not None else []
    known += [f"*{CUSTIFY_HOSTS}"] if credential.connector == "custify" else []
    hint = (
        f"allowed: {', '.join((*known, *credential.allowed_hosts))}; or add it to `allowed_hosts` of {credential.name}"
    )
    report.add(node.place, "foreign-host", message, hint, without_secrets(node.raw))


def _check_headers(request: RequestSpec, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    seen: set[str] = set()
    for name, value in request.headers:
        place = node.at(name)
        if _is_free(name, credential, seen, place, report) and check_header(name, value, place, report):
            _check_macros(value, "header", place, report)
        seen.add(name.lower())


def _is_free(
    name: str, credential: CredentialSpec | None, seen: AbstractSet[str], node: Marked, report: Report
) -> bool:
    """Whether neither the credential nor the request (`seen`, in lower case) already sends this header."""
    folded = name.lower()
    own = {each.lower() for each in (credential.headers if credential is not None else ())}
    if folded == "authorization" or folded in own:
        owner = "the credential" if credential is None else f"the credential {credential.name}"
        message = f"{owner} already sends the header {name} with every request"
        report.add(node.place, "forbidden-header", message, "remove it here, and change it in the credential", name)
        return False
    if folded in seen:
        report.add(node.place, "duplicate-name", f"the header {name} is given twice", "keep one", name)
        return False
    return True


def _check_settle(settle: SettleSpec, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    if settle.url:
        url = node.at("url")
        _check_url(settle.url, credential, url, report)
        _check_repeatable(settle.url, "url", url, report)
    if settle.found:
        _check_jsonpath(settle.found, node.at("found"), report)


def _check_jsonpath(text: str, node: Marked, report: Report) -> None:
    from jsonpath import JSONPathError, compile  # noqa: A004, PLC0415 - 0.06 s, and few projects have a JSONPath

    hint = "write a path such as $.data[0].id"
    if MACRO_OF_RECORD.search(text):
        message = "a JSONPath has no macros, so this would find nothing for any record"
        report.add(node.place, "bad-jsonpath", message, "name the record in `url`", text)
        return
    try:
        compile(text, strict=True)
    except JSONPathError as error:
        words = str(error.args[0]).partition("\n")[0] if text.startswith("$") else "it must begin with $"
        report.add(node.place, "bad-jsonpath", f"this is not a JSONPath (RFC 9535): {words}", hint, text)
    except (ValueError, OverflowError):  # of numbers such as 1e400, which the library does not check
        message = "this is not a JSONPath (RFC 9535): a number in it is out of range"
        report.add(node.place, "bad-jsonpath", message, hint, text)


def _check_idempotency(
    request: RequestSpec, sent: IdempotencySpec, credential: CredentialSpec | None, node: Marked, report: Report
) -> None:
    header, value = node.at("header"), node.at("value")
    seen = {name.lower() for name, _ in request.headers}
    if (
        _is_free(sent.header, credential, seen, header, report)
        and check_header(sent.header, sent.value, header, report)
        and sent.value
    ):
        _check_macros(sent.value, "header", value, report)
        _check_repeatable(sent.value, "header", value, report)
    batch = request.batch
    if batch is not None and (batch.size != 1 or (batch.grouping is not None and batch.grouping.algorithm == "code")):
        message = "the value of the header is that of one record, and this request can have several"
        hint = "remove `batch`, or remove `idempotency`"
        report.add(node.place, "idempotency-of-batch", message, hint, "idempotency, batch")


def _check_repeatable(text: str, place: Literal["url", "header"], node: Marked, report: Report) -> None:
    """Refuses a text that is not the same whenever it is made for the same record, or the same for every record."""
    try:
        macros = parse_macros(text, place)
    except InputError:  # reported as macros
        return
    if macros.volatile:
        message = "{run.id} and {now} differ when the same record is sent or looked up again"
        report.add(
            node.place, "macro-of-record", message, "write only macros such as {record.id}", without_secrets(text)
        )
    elif not macros.fields:
        message = "without {record.…} this is the same for every record"
        hint = "name what identifies a record, such as {record.id}"
        report.add(node.place, "macro-of-record", message, hint, without_secrets(text))


def _check_macros(text: str, place: Literal["url", "header"], node: Marked, report: Report) -> None:
    try:
        parse_macros(text, place, path=node.path)
    except InputError as error:
        for problem in error.problems:
            report.add(node.place, problem.code, problem.message, problem.hint, problem.found)
