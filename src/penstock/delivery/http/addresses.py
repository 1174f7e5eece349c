"""The URLs and IP addresses that the key may be sent to, and name resolvers that connect only to those.

`PinningResolver` is for the HTTP client; `checked_lookups` is for libraries that resolve names themselves.
`addresses_of` and the look-ups in `checked_lookups` use the network; the other functions are pure.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from penstock.model.delivery import Connection
from penstock.model.errors import InputError, Problem
from penstock.model.reach import IpAddress, is_loopback, is_metadata, plain_address

AddressCheck = Callable[[str, int, Sequence[str]], str | None]  # host, port, addresses → why they are barred

CUSTIFY = "custify.com"
lookup: Callable[..., list[Any]] = socket.getaddrinfo
_check: ContextVar[AddressCheck | None] = ContextVar("check", default=None)


class BarredError(OSError):
    """The name resolves to an address inside the network; the message names it."""


def check_url(url: str, connection: Connection) -> None:
    """Raise InputError unless requests with this credential may be sent to `url`.

    Allowed are the host and port of the credential's base URL, hosts of `allowed_hosts`, and every `*.custify.com` if
    the base URL is one. Only https is allowed, except for loopback hosts.
    """
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise InputError(Problem(connection.name, "a URL must be percent-encoded", "url", found=url[:80]))
    target = _split(url)
    base = _split(connection.base_url)
    if target is None or base is None:
        raise InputError(Problem(connection.name, "not a complete http or https URL", "url", found=url[:80]))
    if not _may_see_the_key(target, base, connection.allowed_hosts):
        raise InputError(
            Problem(
                connection.name,
                f"the request leads to {target.hostname}, where the key of {connection.name!r} would leak",
                "foreign-host",
                hint=f"use a path below {connection.base_url}, or add the host to allowed_hosts of the credential",
                found=url.partition("?")[0][:80],
            )
        )


def _may_see_the_key(target: SplitResult, base: SplitResult, allowed: tuple[str, ...]) -> bool:
    host = target.hostname or ""
    if target.scheme != "https" and not is_loopback(host):
        return False
    if (target.scheme, host, _port(target)) == (base.scheme, base.hostname, _port(base)):
        return True
    if host in allowed or target.netloc in allowed:
        return True
    return _is_custify(base.hostname or "") and _is_custify(host)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _is_custify(host: str) -> bool:
    return host == CUSTIFY or host.endswith("." + CUSTIFY)


def unusual_address(host: str) -> str | None:
    """The IPv4 address that `host` writes in decimal, octal, hexadecimal or short form; None for any other host."""
    try:
        meant = socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None
    return meant if meant != host else None


def check_spelling(host: str, connection: Connection) -> None:
    """Raise InputError for an IPv4 address in decimal, octal, hexadecimal or short form."""
    meant = unusual_address(host)
    if meant is not None:
        message = f"{host} is another spelling of the address {meant}"
        raise InputError(Problem(connection.name, message, "foreign-host", hint=f"write {meant}", found=host))


def barred(host: str, port: int, addresses: Iterable[str], connection: Connection) -> str | None:
    """Why no request may be sent to `host`, which resolves to `addresses`; None if it may.

    An address inside the network (loopback, private, link-local, metadata, multicast, unspecified) is allowed only if
    `allowed_hosts` names the host. Loopback is also allowed for the host of the base URL, for the sandbox.
    """
    if host in connection.allowed_hosts or f"{host}:{port}" in connection.allowed_hosts:
        return None
    own = urlsplit(connection.base_url).hostname or ""
    for text in addresses:
        address = plain_address(text)
        if not _is_inside(address):
            continue
        if host == own and is_loopback(own) and address.is_loopback:
            continue
        return f"{host} leads to {text}, inside the network: add {host} to allowed_hosts if that is meant"
    return None


def literal(host: str) -> str | None:
    """The address if the host of a URL is an address; None for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _is_inside(address: IpAddress) -> bool:
    if (
        isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    ):  # deprecated, but still routed inside networks
        return True
    return not address.is_global or address.is_multicast or is_metadata(address)


@lru_cache(maxsize=64)
def _split(url: str) -> SplitResult | None:
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return None
    return parts


class NameResolver(Protocol):
    """The interface of the HTTP library's name resolvers. Each result has the address as `host`."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        """The addresses that a name resolves to now."""
        ...

    async def close(self) -> None:
        """Free what it holds."""
        ...


class PinningResolver:
    """Resolves a name once and bars addresses inside the network; connects only to the addresses that were checked."""

    def __init__(self, connection: Connection, names: NameResolver) -> None:
        self._connection = connection
        self._names = names

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        found = await self._names.resolve(host, port, family)
        reason = barred(host, port, (one["host"] for one in found), self._connection)
        if reason is not None:
            raise BarredError(reason)
        return found

    async def close(self) -> None:
        await self._names.close()


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses that a name resolves to now."""
    return _texts_of(lookup(host, port))


@contextmanager
def checked_lookups(check: AddressCheck) -> Iterator[list[str]]:
    """Bar what a library looks up in this block if `check(host, port, addresses)` gives a reason. Yields the reasons.

    Works only for look-ups of the same thread or task.
    """
    reasons: list[str] = []

    def recorded(host: str, port: int, found: Sequence[str]) -> str | None:
        reason = check(host, port, found)
        if reason is not None:
            reasons.append(reason)
        return reason

    if socket.getaddrinfo is not _checked:
        socket.getaddrinfo = _checked
    token = _check.set(recorded)
    try:
        yield reasons
    finally:
        _check.reset(token)


def _checked(host: Any, port: Any, *arguments: Any, **options: Any) -> list[Any]:
    """Replaces `socket.getaddrinfo`; checks addresses only within a block of `checked_lookups`."""
    found = lookup(host, port, *arguments, **options)
    check = _check.get()
    if check is not None:
        reason = check(_host_text(host), port if isinstance(port, int) else 0, _texts_of(found))
        if reason is not None:
            raise BarredError(reason)
    return found


def _texts_of(found: Sequence[Any]) -> list[str]:
    return sorted({str(entry[4][0]).partition("%")[0] for entry in found})


def _host_text(host: Any) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
