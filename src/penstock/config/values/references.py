"""References to secrets: `${env:NAME}`, `${file:PATH}`, alone or inside a longer text; `$${` is a plain `${`.

Also the URLs and hosts that a key may be sent to, and the header names and values that HTTP and Penstock allow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from penstock.config.values.shapes import kind_of
from penstock.config.yaml.report import Report, suggest
from penstock.config.yaml.tree import Marked
from penstock.model.errors import InputError, Problem
from penstock.model.reach import PERSONAL, Denial, Reach, variable_denial
from penstock.model.spec import CredentialSpec, Secret
from penstock.sources.file_access import denial_of, opened_denial

KINDS = ("env", "file", "secret")
PIECE = re.compile(r"\$\$\{|\$\{(?P<inside>[^}]*)\}|(?P<open>\$\{)")
OUR_OWN = frozenset(  # what the service proves itself by: no project may send it anywhere
    {"PENSTOCK_DATABASE_URL", "PENSTOCK_METRICS_TOKEN", "PENSTOCK_OIDC_CLIENT_SECRET", "PENSTOCK_SECRET_KEY"}
)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Part = tuple[Literal["text", "env", "file"], str]


def parse_secret(text: str, node: Marked, base: Path, report: Report) -> Secret:
    """The text cut into literal pieces and references; what is wrong with it goes to the report, never its value."""
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
            node.place, "bad-reference", "a reference is not closed", "write ${env:NAME}; a plain ${ is $${", "${"
        )
        return None
    kind, colon, name = inside.partition(":")
    if not colon:
        hint = "write ${env:NAME} or ${file:PATH}; a plain ${ is $${"
        report.add(node.place, "bad-reference", "a reference must say where the value is", hint, f"${{{inside}}}")
    elif kind not in KINDS:
        hint = suggest(kind, KINDS, "kinds of reference")
        report.add(node.place, "bad-reference", "this kind of reference is not known", hint, f"${{{kind}:…}}")
    elif kind == "secret":
        hint = "use ${env:NAME} or ${file:PATH}"
        report.add(node.place, "not-available-yet", "${secret:…} is not available yet", hint, "${secret:…}")
    elif kind == "env" and VARIABLE.fullmatch(name) is None:
        hint = "write ${env:NAME}: letters, digits and _"
        report.add(node.place, "bad-reference", "this is no name of an environment variable", hint, f"${{env:{name}}}")
    elif kind == "env" and name in OUR_OWN:
        message = "this variable is the service's own secret, and goes to nobody"
        report.add(node.place, "bad-reference", message, "give the project a variable of its own", f"${{env:{name}}}")
    elif kind == "file" and not name.strip():
        report.add(
            node.place, "bad-reference", "the reference names no file", "write ${file:PATH}", f"${{file:{name}}}"
        )
    else:
        return ("env", name) if kind == "env" else ("file", name)
    return None


def variables_of(text: str) -> frozenset[str]:
    """The environment variables that a text (a whole project, too) refers to by `${env:NAME}`."""
    insides = (match["inside"] or "" for match in PIECE.finditer(text))
    return frozenset(inside.removeprefix("env:") for inside in insides if inside.startswith("env:"))


def is_literal(secret: Secret) -> bool:
    """Whether the whole text is in the project file, with no reference in it."""
    return all(kind == "text" for kind, _ in secret.parts)


def resolve_secret(secret: Secret, environ: Mapping[str, str], reach: Reach = PERSONAL) -> str:
    """The text with its references filled in from `environ` and from files (relative to the project file).

    One line break at a file's end is dropped. Raises InputError that names the unset variable, the unreadable file, or
    what is out of `reach`; never a value.
    """
    resolver = _Resolver(secret, environ, reach)
    return "".join(resolver.part(kind, text) for kind, text in secret.parts)


def references_of(secret: Secret, environ: Mapping[str, str], reach: Reach = PERSONAL) -> list[str]:
    """The values of its references alone: what is secret in the text. Raises like `resolve_secret`."""
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
                "empty-reference", "the reference is empty", "put the value there", f"${{{kind}:{text}}}"
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
