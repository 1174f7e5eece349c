"""What a project may reach from the machine that runs it: files, environment variables, hosts and IP addresses. Pure.

The state and the keys are out of reach in every process. In a service (`serve`, `worker`, the API) the project's editor
need not have rights on the machine, so files, variables and hosts are limited there too. On the command line the rights
of the person who runs the command apply. `CodePolicy` says which grouping code runs.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Literal, NamedTuple

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
METADATA = frozenset(  # the clouds' own addresses that are not link-local
    map(ipaddress.ip_address, ("168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254"))
)

SYSTEM = tuple(map(PurePosixPath, ("/proc", "/sys", "/dev")))
STATE_FOLDER = ".penstock"
OPEN_FOLDERS = ("uploads", "demo")  # in the state's folder: files that are there to be read
SECRET_KEY_FILE = "secret.key"  # noqa: S105 - a name
SPILL = "spill-"
OWN_BEGINNINGS = (SECRET_KEY_FILE, "frozen", "replaced-", ".backup-", SPILL)
OUR_VARIABLES = "PENSTOCK_"

COMMAND_LINE = "command line"  # who does what a command does: the author of a version, the requester of a run

Inode = tuple[int, int]  # device and number
CodePolicy = Literal["any", "saved", "none"]  # which grouping code may run for the caller


def plain_address(text: str) -> IpAddress:
    """The address, or the IPv4 address that an IPv6 address carries. ValueError for a text that is no address."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    for inner in (address.ipv4_mapped, address.sixtofour, address.teredo[1] if address.teredo else None):
        if inner is not None:
            return inner
    carries = any(address in net for net in NAT64) or (address in V4_COMPATIBLE and int(address) > 1)
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if carries else address


def is_metadata(address: IpAddress) -> bool:
    """Whether the address is link-local (where clouds serve their metadata) or another metadata service."""
    return address.is_link_local or address in METADATA


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback name or address: only to these are a key and a sign-in sent without TLS."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Denial(NamedTuple):
    """Why something is out of reach, and what to write or set instead."""

    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as it is on the disk: `real` is its absolute path without links, `inode` None when it does not exist."""

    real: PurePath
    inode: Inode | None = None


@dataclass(frozen=True, slots=True)
class SqlHost:
    """One entry of PENSTOCK_SQL_HOSTS; `port` None means every port."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a project may reach. Paths are absolute and without links.

    `database` is SQLite's file of the state, `folder` the folder of the state; None where there is none.
    `secret_files` hold the service's own secrets. `server` names the PostgreSQL database of the state as
    `postgres_identity` of a source names its own. `roots`, `variables` and `hosts` bound a service; None means that
    nothing is bounded.
    """

    database: PurePath | None = None
    folder: PurePath | None = None
    secret_files: tuple[PurePath, ...] = ()
    server: str | None = None
    is_service: bool = False
    roots: tuple[PurePath, ...] | None = None
    variables: frozenset[str] | None = None
    hosts: tuple[SqlHost, ...] | None = None


PERSONAL = Reach()  # the rights of the person who runs the command, without a known state


def file_denial(reach: Reach, facts: FileFacts, own_inodes: frozenset[Inode] = frozenset()) -> Denial | None:
    """Why the project must not read this file; None when it may. `own_inodes` are the files of the state and keys."""
    if any(facts.real.is_relative_to(folder) for folder in SYSTEM):
        return Denial("files of /proc, /sys and /dev are never read", "name a file of data")
    if _is_own(reach, facts.real) or (facts.inode is not None and facts.inode in own_inodes):
        message = "this file belongs to Penstock's own state or keys, which are never read as data"
        return Denial(message, "name another file")
    if reach.roots is None or any(facts.real.is_relative_to(root) for root in reach.roots):
        return None
    message = "this file is outside the folders that this service may read"
    return Denial(message, "upload the file, or let an administrator add its folder to PENSTOCK_FILE_ROOTS")


def is_own_name(reach: Reach, name: str) -> bool:
    """Whether an entry of the state's folder belongs to the state or the keys."""
    if reach.folder is not None and reach.folder.name == STATE_FOLDER:
        return name not in OPEN_FOLDERS
    if name.startswith(OWN_BEGINNINGS):
        return True
    if reach.database is None:
        return False
    own = reach.database.name
    beginnings = (f"{own}-", f"{own}.", f".{own}", f"{reach.database.stem}.work.db")
    return name == own or name.startswith(beginnings)


def _is_own(reach: Reach, real: PurePath) -> bool:
    if real in reach.secret_files:
        return True
    if reach.folder is not None and real != reach.folder and real.is_relative_to(reach.folder):
        return is_own_name(reach, real.relative_to(reach.folder).parts[0])
    places = [place for place, part in enumerate(real.parts) if part == STATE_FOLDER]
    return any(real.parts[place + 1 : place + 2] not in {(name,) for name in OPEN_FOLDERS} for place in places)


def variable_denial(reach: Reach, name: str) -> Denial | None:
    """Why the project must not read this environment variable; None when it may."""
    if reach.variables is None:
        return None
    if name.startswith(OUR_VARIABLES):
        return Denial("variables of Penstock's own are never given to a project", "use a variable of another name")
    if name in reach.variables:
        return None
    hint = "use a variable of the applied project, or let an administrator add this name to PENSTOCK_ENV_ALLOWED"
    return Denial("this service does not give this environment variable to projects", hint)


def host_denial(reach: Reach, host: str, port: int | None, addresses: tuple[str, ...]) -> Denial | None:
    """Why a SQL source must not connect to this host, which was found at `addresses`; None when it may.

    A host that begins with `/` is the folder of a Unix socket.
    """
    if not reach.is_service:
        return None
    if reach.hosts is not None:
        if is_listed(reach, host, port):
            return None
        hint = "let an administrator add the host to PENSTOCK_SQL_HOSTS"
        return Denial("PENSTOCK_SQL_HOSTS does not name the host of this database", hint)
    if any(is_metadata(plain_address(address)) for address in addresses):
        message = "the host of this database has a link-local or metadata address"
        return Denial(message, "let an administrator add the host to PENSTOCK_SQL_HOSTS if this is meant")
    return None


def is_listed(reach: Reach, host: str, port: int | None) -> bool:
    """Whether PENSTOCK_SQL_HOSTS names this host, for every port or for this one."""
    name = _plain_host(host)
    return any(name == entry.host and entry.port in {None, port} for entry in reach.hosts or ())


def sql_hosts(text: str) -> tuple[SqlHost, ...]:
    """The entries of PENSTOCK_SQL_HOSTS: `host`, `host:port`, `[address]:port`. ValueError names a wrong entry."""
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        host, port = entry, ""
        if entry.startswith("["):
            host, _, rest = entry[1:].partition("]")
            port = rest.removeprefix(":") if rest.startswith(":") else rest
        elif entry.count(":") == 1:  # an IPv6 address alone has more
            host, _, port = entry.partition(":")
        if not host or (port and not (port.isascii() and port.isdigit())):
            raise ValueError(entry)
        found.append(SqlHost(_plain_host(host), int(port) if port else None))
    return tuple(found)


def _plain_host(host: str) -> str:
    name = host.rstrip(".").casefold()
    try:
        return str(plain_address(name))
    except ValueError:
        return name
