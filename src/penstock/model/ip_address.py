"""What an IP address is: the IPv4 address inside it, and whether it is a cloud's metadata service. Pure."""

from __future__ import annotations

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
METADATA = frozenset(  # the clouds' own addresses that are not link-local
    map(ipaddress.ip_address, ("168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254"))
)


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
