"""The address of a client, also behind reverse proxies."""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from ipaddress import IPv4Network as _IPv4Network

Network = _IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
# A client can choose any address of the network that its provider gives it.
IPV6_PREFIX_BITS = 64


def parse_network(text: str) -> Network | None:
    """An address or a network; None for any other text."""
    try:
        return ip_network(text)
    except ValueError:
        return None


def client_address(peer: str, forwarded: Sequence[str], trusted: Collection[Network]) -> str:
    """The address that a client is counted by: an IPv4 address, or an IPv6 network.

    `forwarded` are the addresses of `X-Forwarded-For` in their order. Each proxy appends the
    address that it sees, so they are read from the end, and only as long as trusted proxies wrote
    them: a client can begin the header with anything.
    """
    client = _parse(peer)
    for text in reversed(forwarded):
        if client is None or not any(client in network for network in trusted):
            break
        earlier = _parse(text)
        if earlier is None:
            break
        client = earlier
    if isinstance(client, IPv6Address):
        return str(ip_network((client, IPV6_PREFIX_BITS), strict=False))
    return peer if client is None else str(client)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
