"""The client's address behind trusted proxies, and whether an allow-list contains it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from their texts; a single address is one, too."""
    return tuple(ip_network(text) for text in texts)


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The address of the client; None when it cannot be known.

    `forwarded` are the values of `X-Forwarded-For`. They are read from the right, and only as far as trusted proxies wrote
    them: what a client writes there itself is further to the left.
    """
    address = _read(peer or "")
    if address is None or not within(address, trusted):
        return address
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    for hop in reversed(hops):
        found = _read(hop)
        if found is None:
            return None  # a trusted proxy wrote something that is no address
        address = found
        if not within(address, trusted):
            break
    return address


def within(address: Address | None, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks. An IPv4-mapped IPv6 address counts as IPv4."""
    if address is None:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def is_allowed(address: Address | None, allowed: Sequence[Network]) -> bool:
    """Whether an allow-list contains an address; an empty list allows all."""
    return not allowed or within(address, allowed)


def _read(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("[") and "]" in text:
        text = text[1 : text.index("]")]  # [::1]:4711
    elif text.count(":") == 1:
        text = text.partition(":")[0]  # 10.0.0.1:4711
    try:
        return ip_address(text)
    except ValueError:
        return None
