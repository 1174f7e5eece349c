"""Which addresses a SQL source connects to: its host is looked up once, judged, and the judged addresses are used."""

from __future__ import annotations

import ipaddress
import socket

from penstock.model.errors import InputError, Problem
from penstock.model.reach import Denial, Reach, host_denial, is_listed
from penstock.model.spec import SqlSource


def judged_addresses(source: SqlSource, host: str, port: int, reach: Reach) -> tuple[str, ...]:
    """The addresses of the host, none for the folder of a Unix socket. InputError when a service must not reach it.

    A listed host that cannot be looked up has no addresses: its driver knows it by another way.
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
    """Whether a host is an address by itself, no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse(source: SqlSource, denial: Denial | None) -> None:
    if denial is not None:
        raise InputError(Problem(f"sources.{source.name}.url", denial.reason, "host-not-allowed", denial.hint))
