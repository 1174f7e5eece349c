"""The URL of a SQL source: its value for the driver, the part that people may see, and the addresses of its host.

The host is looked up once, the addresses are checked, and only checked addresses are connected to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from penstock.model.errors import InputError, Problem
from penstock.model.reach import Denial, Reach, host_denial, is_listed
from penstock.model.spec import Secret, SqlSource, written_form
from penstock.sources.sql_text import shortened

KINDS = {"postgres": "postgresql"}
ADDRESS = re.compile(r"\(?\b(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f]*:[0-9a-f]*:[0-9a-f:.%]*)\)?", re.IGNORECASE)
QUERY_PASSWORD = re.compile(r"(?i)([?&](?:[a-z_]*password|[a-z_]*passwd|pwd)=)[^&]*")
PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^@\s]*(?=@)")
HIDDEN = "…"


def checked_addresses(source: SqlSource, host: str, port: int, reach: Reach) -> tuple[str, ...]:
    """The addresses of the host, none for the folder of a Unix socket. InputError when a service must not reach it.

    A listed host that cannot be looked up has no addresses: its driver resolves it in another way.
    """
    if host.startswith(("/", "@")):
        _refuse(source, host_denial(reach, host, port, ()))
        return ()
    if reach.hosts is not None:
        _refuse(source, host_denial(reach, host, port, ()))  # before anything of it is looked up
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        if is_listed(reach, host, port):
            return ()
        message, hint = "the name of the database's host is not known here", "check the host in the URL"
        raise InputError(Problem(f"sources.{source.name}.url", message, "unknown-host", hint)) from None
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    _refuse(source, host_denial(reach, host, port, addresses))
    return addresses


def is_address(host: str) -> bool:
    """Whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse(source: SqlSource, denial: Denial | None) -> None:
    if denial is not None:
        raise InputError(Problem(f"sources.{source.name}.url", denial.reason, "host-not-allowed", denial.hint))


@dataclass(frozen=True, slots=True)
class SqlUrl:
    """`value` is the whole URL. `shown` is the URL as the project writes it: references instead of their values, and no
    password. `secrets` are the values of the references.
    """

    value: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @staticmethod
    def of(url: Secret, resolve: Callable[[Secret], str]) -> SqlUrl:
        """The URL with its references filled in; raises like `resolve`."""
        parts = [replace(url, parts=(part,)) for part in url.parts if part[0] != "text"]
        secrets = (
            [value for value in map(resolve, parts) if value] if len(url.parts) > 1 else [resolve(url)] * len(parts)
        )
        shown = QUERY_PASSWORD.sub(rf"\1{HIDDEN}", PASSWORD.sub(rf"\1:{HIDDEN}", written_form(url)))
        return SqlUrl(resolve(url), shortened(shown), tuple(secrets))

    @property
    def is_literal(self) -> bool:
        """Whether the whole URL is in the project, with no reference in it."""
        return not self.secrets

    @property
    def kind(self) -> str:
        """The kind of database: what the URL begins with, without the driver."""
        scheme = self.value.partition(":")[0].partition("+")[0].lower()
        return KINDS.get(scheme, scheme)

    def masked(self, words: str) -> str:
        """A driver's message without the password and the values of references."""
        if self.is_literal:
            return _redacted(words, self.value)
        for secret in sorted(self._pieces(), key=len, reverse=True):
            words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, words)
        return ADDRESS.sub(HIDDEN, words)

    def _pieces(self) -> set[str]:
        """Every part of the URL that a reference gave, in whole or in part, as drivers may repeat it."""
        found = {*self.secrets, self.value}
        for part in _parts(self.value):
            plain = unquote(part)
            if part and part not in self.shown:
                found |= {part, plain}
            found |= {piece for piece in plain.split(",") if piece not in self.shown}
        for secret in self.secrets:
            found |= {unquote(secret), *secret.splitlines()}
        return {piece for piece in found if piece.strip()}


def _redacted(text: str, url: str) -> str:
    """A driver's words without the password of `url`."""
    found = re.search(r"://[^/@\s:]*:([^@\s]*)@", url)
    hidden = text.replace(url, PASSWORD.sub(r"\1:…", url))
    return hidden.replace(found[1], "…") if found and len(found[1]) > 3 else hidden


def _parts(url: str) -> Iterable[str]:
    """User, password, hosts, ports, database and options of a URL, as far as it is one."""
    try:
        split = urlsplit(url)
        login, _, place = split.netloc.rpartition("@")
        options = [value for _, value in parse_qsl(split.query)]
    except ValueError:
        return url.replace("/", ":").replace("@", ":").split(":")
    hosts = [part for host in place.split(",") for part in (host, *host.rsplit(":", 1))]
    return [*login.split(":", 1), *hosts, split.path.lstrip("/"), split.path.rpartition("/")[2], *options]
