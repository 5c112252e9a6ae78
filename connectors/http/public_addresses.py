"""Which addresses are on the public internet: an address that a person gives must not reach what is beside us. Pure.

It is asked for the address to which a connection is opened, after names were looked up: a name may point anywhere, and to another
place the next time.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet. A text that is no IP address, such as `127.1`, is not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(found)


def _is_public(found: IPv4Address | IPv6Address) -> bool:
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _NAT64:
            inner = IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if found.is_site_local:
            return False
    return found.is_global and not found.is_multicast
