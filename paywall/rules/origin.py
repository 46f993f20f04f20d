"""Web origins (RFC 6454), in the form that browsers send."""

import re
from ipaddress import IPv4Address, IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
PORT_MAX = 65_535
HOST_CHARS_MAX = 253
WRITTEN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\%]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?#].*)?",
    re.IGNORECASE,
)
# Python's IDNA 2003 codec maps these to another host than browsers do (UTS #46 §7).
DEVIATIONS = re.compile("[ß\u03c2\u200c\u200d]")
HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")


def canonical_origin(text: str) -> str | None:
    """The origin of a URL as a browser sends it; None if the URL is not one of a web page.

    Lower case, a non-ASCII host in Punycode, no default port and no path.
    """
    written = WRITTEN.fullmatch(text)
    host = _canonical_host(written["host"].lower()) if written else None
    if written is None or host is None:
        return None
    scheme, port = written["scheme"].lower(), int(written["port"] or 0)
    if written["port"] and not 0 < port <= PORT_MAX:
        return None
    has_port = port not in (0, DEFAULT_PORTS[scheme])
    return f"{scheme}://{host}:{port}" if has_port else f"{scheme}://{host}"


def _canonical_host(host: str) -> str | None:
    if DEVIATIONS.search(host):
        return None
    try:
        if host.startswith("["):
            return f"[{IPv6Address(host[1:-1]).compressed}]"
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
        if ascii_host.rpartition(".")[2].isdigit():
            return str(IPv4Address(ascii_host))
    except ValueError:  # UnicodeError is a subclass
        return None
    is_host = len(ascii_host) <= HOST_CHARS_MAX and HOST.fullmatch(ascii_host) is not None
    return ascii_host if is_host else None
