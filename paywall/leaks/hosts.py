"""Which addresses belong to a site, and which IP addresses may be connected to."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from paywall.rules.urls import DEFAULT_PORTS

IP_ADDRESSES_MAX = 4
RESOLVE_SECONDS_MAX = 5.0
# Prefixes that reach an IPv4 address through a translator (RFC 6052, RFC 8215).
TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))

Resolver = Callable[[str, int], Awaitable[list[str]]]


class HostRefusedError(Exception):
    """A host that is not connected to; the message has the reason and the fix."""


def is_same_site(url: str, site_url: str) -> bool:
    """Whether both are of one host, apart from `www.`, or `url` of a host below it.

    A default port of either scheme counts as the other's, since sites redirect to https.
    """
    try:
        one, site = urlsplit(url), urlsplit(site_url)
        ports = _port(one.port), _port(site.port)
    except ValueError:
        return False
    if one.scheme not in DEFAULT_PORTS or ports[0] != ports[1]:
        return False
    host = (one.hostname or "").removeprefix("www.")
    base = (site.hostname or "").removeprefix("www.")
    return host == base or (host.endswith(f".{base}") and not _is_ip_address(base))


def _port(port: int | None) -> int | None:
    return None if str(port) in DEFAULT_PORTS.values() else port


def is_private(address: str) -> bool:
    """Whether an IP address is not of the public internet, also where it contains another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_private(str(inner))
        if any(ip in network for network in TRANSLATED) or ip.is_site_local:
            return True
    return not ip.is_global or ip.is_multicast or ip.is_reserved


async def resolve(host: str, port: int) -> list[str]:
    """The host's IP addresses; raises OSError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_SECONDS_MAX):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


class PinnedHosts:
    """The IP addresses of each host, resolved and checked once, so that they cannot change."""

    def __init__(self, *, allow_private: bool, resolver: Resolver = resolve) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._addresses: dict[str, list[str]] = {}

    async def addresses_of(self, host: str, port: int) -> list[str]:
        """The addresses to connect to; raises HostRefusedError."""
        if host not in self._addresses:
            self._addresses[host] = await self._resolve(host, port)
        return self._addresses[host]

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = list(dict.fromkeys(await self._resolver(host, port)))[:IP_ADDRESSES_MAX]
        except (OSError, UnicodeError) as error:
            raise HostRefusedError(f"the host {host} cannot be resolved") from error
        # One private address among public ones is refused too: it is how a name is rebound.
        private = [address for address in found if is_private(address)]
        if private and not self._allow_private:
            raise HostRefusedError(
                f"the host {host} has the private address {private[0]}, which is read only with"
                " --allow-private"
            )
        return found


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
