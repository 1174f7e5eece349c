"""Manual requests: where they go, what they carry, and that no key leaks."""

from __future__ import annotations

import re
from typing import Literal

from penstock.config.addresses import CUSTIFY_HOSTS, may_receive_key, split_address, without_secrets
from penstock.config.headers import check_header
from penstock.config.marks import Marked
from penstock.config.report import Report
from penstock.model.errors import InputError
from penstock.model.spec import CredentialSpec, RequestSpec
from penstock.transform.macros import parse_macros
from penstock.transform.xml_text import name_problem

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
MACRO = re.compile(r"\{[^{}]*\}")
UNPRINTABLE = re.compile(r"[\s\0-\x1f\x7f\\]")


def check_request(request: RequestSpec, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    """The URL, headers and XML names of a manual request; `credential` is None when the file names no known one."""
    if request.url:
        _check_url(request.url, credential, node.at("url"), report)
    _check_headers(request, credential, node.at("headers"), report)
    for key, name in (("root", request.xml.root), ("record", request.xml.record)):
        problem = name_problem(name)
        if problem is not None:
            hint = "letters, digits, - _ and ., no digit first"
            report.add(node.at("xml", key).place, "bad-xml-name", problem, hint, name)


def check_path(path: str, node: Marked, report: Report) -> None:
    """A path below the credential's base URL: no host, no fragment, no way up."""
    bare = MACRO.sub("x", path)
    if SCHEME.match(bare) or bare.startswith("//"):
        message = "a path below the credential's base URL is needed here"
        report.add(node.place, "bad-url", message, "write it as /people, for example", without_secrets(path))
    elif "#" in bare or UNPRINTABLE.search(bare):
        message = "a path has no `#`, no blank and no backslash"
        report.add(node.place, "bad-url", message, "percent-encode them, such as %20", without_secrets(path))
    elif not {"..", "."}.isdisjoint(bare.split("?")[0].split("/")):
        message = "a path cannot leave the base URL: it has a segment of dots"
        report.add(node.place, "bad-url", message, "write the path without them", without_secrets(path))


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
        report.add(node.place, "bad-url", "a URL takes no user and password", "keep secrets in the credential", shown)
    elif parts.fragment:
        report.add(node.place, "bad-url", "a `#` is never sent", "remove it and what follows", shown)
    elif address.scheme == "http" and not address.is_loopback:
        message = "http would send the key in the clear; it is allowed for loopback hosts only"
        report.add(node.place, "bad-url", message, "write https://…", shown)
    elif credential is not None and not may_receive_key(address, credential):
        _refuse_host(address.host, credential, node, report)


def _refuse_host(host: str, credential: CredentialSpec, node: Marked, report: Report) -> None:
    message = f"the key of {credential.name} would leak to {host}, a host that is not the credential's own"
    own = split_address(credential.base_url)
    known = [own[0].host] if own is not None else []
    known += [f"*{CUSTIFY_HOSTS}"] if credential.connector == "custify" else []
    hint = (
        f"allowed: {', '.join((*known, *credential.allowed_hosts))}; or name it in `allowed_hosts` of {credential.name}"
    )
    report.add(node.place, "foreign-host", message, hint, without_secrets(node.raw))


def _check_headers(request: RequestSpec, credential: CredentialSpec | None, node: Marked, report: Report) -> None:
    held = {name.lower() for name in (credential.headers if credential is not None else ())}
    seen: set[str] = set()
    for name, value in request.headers:
        place = node.at(name)
        folded = name.lower()
        if folded == "authorization" or folded in held:
            owner = "the credential" if credential is None else f"the credential {credential.name}"
            message = f"{name} is sent by {owner} with every request"
            report.add(place.place, "forbidden-header", message, "remove it here; change it in the credential", name)
        elif folded in seen:
            report.add(place.place, "duplicate-name", f"the header {name} stands here twice", "keep one", name)
        elif check_header(name, value, place, report):
            _check_macros(value, "header", place, report)
        seen.add(folded)


def _check_macros(text: str, place: Literal["url", "header"], node: Marked, report: Report) -> None:
    try:
        parse_macros(text, place, path=node.path)
    except InputError as error:
        for problem in error.problems:
            report.add(node.place, problem.code, problem.message, problem.hint, problem.found)
