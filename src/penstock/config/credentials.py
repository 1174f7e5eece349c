"""Reads credentials from the file to specs, resolves references to secrets, and checks which hosts may receive a key.

References are `${env:NAME}` and `${file:PATH}`, alone or inside a longer text; `$${` is a literal `${`. Also checks
base URLs, and the names and values of headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from penstock.config.file_destinations import check_folder
from penstock.config.keys import CREDENTIAL
from penstock.config.shapes import BadValue, kind_of
from penstock.config.tree import Marked, Report
from penstock.delivery.http.addresses import unusual_address
from penstock.model.errors import InputError, Problem
from penstock.model.reach import PERSONAL, Denial, Reach, is_loopback, variable_denial
from penstock.model.spec import (
    CredentialSpec,
    RateLimit,
    Secret,
)
from penstock.model.text import suggest
from penstock.sources.files.source_files import denial_of, opened_denial

KINDS = ("env", "file", "secret")
PIECE = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)\}|(?P<open>\$\{)")
OUR_OWN = frozenset(  # the service's own secrets: no project may use them
    {"PENSTOCK_DATABASE_URL", "PENSTOCK_METRICS_TOKEN", "PENSTOCK_OIDC_CLIENT_SECRET", "PENSTOCK_SECRET_KEY"}
)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CUSTIFY_HOSTS = ".custify.com"
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})
CONTROL = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")
Part = tuple[Literal["text", "env", "file"], str]


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
    if "path" in values:
        values["base"] = base
    credential = CredentialSpec(name, **values)
    check_folder(credential, node, report)
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


def parse_secret(text: str, node: Marked, base: Path, report: Report) -> Secret:
    """Splits the text into literal parts and references. Problems go to the report, without the values."""
    parts: list[Part] = []
    plain = ""
    position = 0
    for match in PIECE.finditer(text):
        plain += text[position : match.start()]
        position = match.end()
        if match[0] == "$${":
            plain += "${"
            continue
        part = _reference(match["inside"], node, report)
        if part is not None:
            parts += [("text", plain), part] if plain else [part]
            plain = ""
    plain += text[position:]
    return Secret((*parts, ("text", plain)) if plain else tuple(parts), base, node.path, node.line)


def _reference(inside: str | None, node: Marked, report: Report) -> Part | None:
    if inside is None:
        report.add(
            node.place,
            "bad-reference",
            "a reference is not closed",
            "write ${env:NAME}; write a literal ${ as $${",
            "${",
        )
        return None
    kind, colon, name = inside.partition(":")
    if not colon:
        hint = "write ${env:NAME} or ${file:PATH}; write a literal ${ as $${"
        report.add(node.place, "bad-reference", "a reference needs a kind and a name", hint, f"${{{inside}}}")
    elif kind not in KINDS:
        hint = suggest(kind, KINDS, "kinds of reference")
        report.add(node.place, "bad-reference", "this kind of reference is not known", hint, f"${{{kind}:…}}")
    elif kind == "secret":
        hint = "use ${env:NAME} or ${file:PATH}"
        report.add(node.place, "not-available-yet", "${secret:…} is not available yet", hint, "${secret:…}")
    elif kind == "env" and VARIABLE.fullmatch(name) is None:
        hint = "write ${env:NAME} with letters, digits and _"
        report.add(
            node.place, "bad-reference", "this is not a name of an environment variable", hint, f"${{env:{name}}}"
        )
    elif kind == "env" and name in OUR_OWN:
        message = "this variable is a secret of Penstock itself; a project cannot use it"
        report.add(node.place, "bad-reference", message, "use another variable for the project", f"${{env:{name}}}")
    elif kind == "file" and not name.strip():
        report.add(node.place, "bad-reference", "the reference has no path", "write ${file:PATH}", f"${{file:{name}}}")
    else:
        return ("env", name) if kind == "env" else ("file", name)
    return None


def variables_of(text: str) -> frozenset[str]:
    """The environment variables in the references `${env:NAME}` of a text, which can be a whole project."""
    insides = (match["inside"] or "" for match in PIECE.finditer(text))
    return frozenset(inside.removeprefix("env:") for inside in insides if inside.startswith("env:"))


def is_literal(secret: Secret) -> bool:
    """Whether the text has no references."""
    return all(kind == "text" for kind, _ in secret.parts)


def resolve_secret(secret: Secret, environ: Mapping[str, str], reach: Reach = PERSONAL) -> str:
    """The text with its references resolved from `environ` and from files (relative to the project file).

    Drops one line break at the end of a file. Raises InputError for an unset variable, an unreadable file, or what is
    out of `reach`; the error contains no values.
    """
    resolver = _Resolver(secret, environ, reach)
    return "".join(resolver.part(kind, text) for kind, text in secret.parts)


def references_of(secret: Secret, environ: Mapping[str, str], reach: Reach = PERSONAL) -> list[str]:
    """The values of the references only, which are the secret parts. Raises as `resolve_secret`."""
    resolver = _Resolver(secret, environ, reach)
    return [resolver.part(kind, text) for kind, text in secret.parts if kind != "text"]


@dataclass(frozen=True, slots=True)
class _Resolver:
    secret: Secret
    environ: Mapping[str, str]
    reach: Reach

    def part(self, kind: str, text: str) -> str:
        if kind == "text":
            return text
        value = self._variable(text) if kind == "env" else self._file(text)
        if not value and len(self.secret.parts) == 1:
            raise self._problem(
                "empty-reference",
                "the value of the reference is empty",
                "set the variable, or write the value into the file",
                f"${{{kind}:{text}}}",
            )
        return value

    def _variable(self, name: str) -> str:
        self._refuse(variable_denial(self.reach, name), "variable-not-allowed", f"${{env:{name}}}")
        if name not in self.environ:
            message = f"the environment variable {name} is not set"
            raise self._problem("unset-variable", message, f"set it: export {name}=…", f"${{env:{name}}}")
        return self.environ[name]

    def _refuse(self, denial: Denial | None, code: str, found: str) -> None:
        if denial is not None:
            raise self._problem(code, denial.reason, denial.hint, found)

    def _file(self, name: str) -> str:
        path = (self.secret.base / name).expanduser()
        self._refuse(denial_of(path, self.reach), "file-not-allowed", f"${{file:{name}}}")
        try:
            with path.open(encoding="utf-8") as file:
                denial = opened_denial(file, path, self.reach)
                text = file.read() if denial is None else ""
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            message = f"the file {name} cannot be read: {reason}"
            hint = "a relative path starts at the project file"
            raise self._problem("unreadable-file", message, hint, f"${{file:{name}}}") from None
        self._refuse(denial, "file-not-allowed", f"${{file:{name}}}")
        return text.removesuffix("\n").removesuffix("\r")

    def _problem(self, code: str, message: str, hint: str, found: str) -> InputError:
        return InputError(Problem(self.secret.path or "reference", message, code, hint, found, self.secret.line))


class UrlParts(NamedTuple):
    """The parts of an absolute URL that decide whether it may receive a key."""

    scheme: str
    host: str
    port: int | None

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


def split_address(url: str) -> tuple[UrlParts, SplitResult] | None:
    """The parts of an absolute http or https URL; None if it is not a valid one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or any(sign.isspace() for sign in url):
        return None
    return UrlParts(parts.scheme.lower(), parts.hostname.lower(), port), parts


def without_secrets(url: str) -> str:
    """The URL without the parts that can be secret: query, user and password."""
    bare = url.partition("?")[0]
    head, slashes, rest = bare.partition("//")
    return f"{head}{slashes}{rest.rpartition('@')[2]}"


def check_base_url(text: str, node: Marked, report: Report) -> None:
    """Checks that a base URL is https (or http to loopback), in its usual spelling, without user, query or fragment."""
    split = split_address(text)
    shown = without_secrets(text)
    if split is None or "{" in text:
        hint = "write auto, or an address such as https://api.custify.com"
        report.add(node.place, "bad-url", "this is not an absolute URL", hint, kind_of(node))
        return
    address, parts = split
    if (meant := unusual_address(address.host)) is not None:
        scheme, port = address.scheme if is_loopback(meant) else "https", f":{address.port}" if address.port else ""
        hint = f"write {scheme}://{meant}{port}{parts.path}"
        report.add(node.place, "bad-url", f"{address.host} is another spelling of the address {meant}", hint, shown)
    elif parts.username is not None or parts.password is not None:
        report.add(
            node.place, "bad-url", "a base URL cannot have a user and password", "use `api_key` or `headers`", shown
        )
    elif parts.query or parts.fragment or text.endswith(("?", "#")):
        hint = f"write {address.scheme}://{parts.netloc}{parts.path}"
        report.add(node.place, "bad-url", "a base URL cannot have a query or fragment", hint, shown)
    elif address.scheme == "http" and not address.is_loopback:
        message = "http would send the key unencrypted; it is allowed only for loopback hosts"
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
    """Whether a header is valid: its name is a token, its value one line, and Penstock does not set it itself."""
    if TOKEN.fullmatch(name) is None:
        hint = "use letters, digits and -, such as X-Trace"
        report.add(node.place, "bad-header", "this is not a header name", hint, name)
    elif CONTROL.search(value):
        message = f"the value of {name} has a line break or another control character"
        report.add(node.place, "bad-header", message, "write the value on one line", name)
    elif name.lower() in FRAMING:
        report.add(node.place, "forbidden-header", f"Penstock sets {name} itself", "remove it", name)
    else:
        return True
    return False
