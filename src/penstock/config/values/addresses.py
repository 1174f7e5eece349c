"""The URLs and hosts that a key may be sent to, and the header names and values that HTTP and Penstock allow."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from penstock.config.values.shapes import kind_of
from penstock.config.yaml.report import Report
from penstock.config.yaml.tree import Marked
from penstock.model.spec import CredentialSpec

CUSTIFY_HOSTS = ".custify.com"

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})
CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")


class UrlParts(NamedTuple):
    """The parts of an absolute URL that decide where a key goes."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a host name is this very machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(url: str) -> tuple[UrlParts, SplitResult] | None:
    """The address of an absolute http(s) URL; None when it is none, or not a right one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or any(sign.isspace() for sign in url):
        return None
    return UrlParts(parts.scheme.lower(), parts.hostname.lower(), port), parts


def without_secrets(url: str) -> str:
    """The URL as far as it can hold no secret: without query, and without user and password."""
    bare = url.partition("?")[0]
    head, slashes, rest = bare.partition("//")
    return f"{head}{slashes}{rest.rpartition('@')[2]}"


def check_base_url(text: str, node: Marked, report: Report) -> None:
    """A base URL is https (http for loopback) and has a host, no user, no query and no fragment."""
    split = split_address(text)
    shown = without_secrets(text)
    if split is None or "{" in text:
        hint = "write auto, or an address such as https://api.custify.com"
        report.add(node.place, "bad-url", "this is not an absolute URL", hint, kind_of(node))
        return
    address, parts = split
    if parts.username is not None or parts.password is not None:
        report.add(node.place, "bad-url", "a base URL takes no user and password", "use `api_key` or `headers`", shown)
    elif parts.query or parts.fragment or text.endswith(("?", "#")):
        hint = f"write {address.scheme}://{parts.netloc}{parts.path}"
        report.add(node.place, "bad-url", "a base URL takes no query and no fragment", hint, shown)
    elif address.scheme == "http" and not address.is_loopback:
        message = "http would send the key in the clear; it is allowed for loopback hosts only"
        report.add(node.place, "bad-url", message, f"write https://{parts.netloc}{parts.path}", shown)


def may_receive_key(address: UrlParts, credential: CredentialSpec) -> bool:
    """Whether the credential's key may be sent to this address."""
    if address.host in credential.allowed_hosts or f"{address.host}:{address.port}" in credential.allowed_hosts:
        return True
    if credential.connector == "custify" and address.host.endswith(CUSTIFY_HOSTS):
        return True
    own = split_address(credential.base_url)
    if own is None or own[0].host != address.host:
        return False
    return not own[0].is_loopback or own[0] == address


def check_header(name: str, value: str, node: Marked, report: Report) -> bool:
    """Whether a header's name is a token and its value one line; headers that the client itself writes are refused."""
    if TOKEN.fullmatch(name) is None:
        hint = "letters, digits and - are best, such as X-Trace"
        report.add(node.place, "bad-header", "this is no header name", hint, name)
    elif CONTROL.search(value):
        message = f"the value of {name} holds a line break or another control character: it would forge headers"
        report.add(node.place, "bad-header", message, "write the value in one line", name)
    elif name.lower() in FRAMING:
        report.add(node.place, "forbidden-header", f"{name} is written by Penstock itself", "remove it", name)
    else:
        return True
    return False
