"""Addresses as browsers read them (URL Living Standard): where one leads, and whose it is."""

import re

LINK_SCHEMES = frozenset(["http", "https", "mailto", "tel"])
IMAGE_SCHEMES = frozenset(["http", "https"])
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
# An SVG may hold scripts and text; these may not.
INLINE_IMAGE = re.compile(r"data:image/(?:avif|gif|jpeg|png|webp)[;,]", re.IGNORECASE)
# Browsers drop these wherever they stand in an address, and the others at its ends.
DROPPED = dict.fromkeys(map(ord, "\t\n\r"))
TRIMMED = "".join(map(chr, range(0x21)))
CANDIDATE = re.compile(r"[^\s,]+")
WEB_URL_PATTERN = (
    r"^([Hh][Tt][Tt][Pp][Ss]?)://"
    r"([^\x00-\x20\x7f-\x9f\\/?#@:\[\]\ud800-\udfff]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"([/?#][^\x00-\x20\x7f-\x9f\\\ud800-\udfff]*)?\Z"
)
WEB_ADDRESS = re.compile(WEB_URL_PATTERN)
DEFAULT_PORTS = {"http": "80", "https": "443"}


def is_link_url(address: str) -> bool:
    """It leads to a web page, a mail address or a telephone, or is relative to the page."""
    return _has_scheme(address, LINK_SCHEMES)


def is_image_url(text: str) -> bool:
    """A picture's address or the candidates of a `srcset`: from the web, or a short one inline."""
    if INLINE_IMAGE.match(_as_read(text)):
        return True
    return all(_has_scheme(part, IMAGE_SCHEMES) for part in CANDIDATE.findall(_as_read(text)))


def is_web_url(address: str) -> bool:
    """A whole `http` or `https` address without user information, spaces or backslashes."""
    return WEB_ADDRESS.match(address) is not None


def origin_of(address: str) -> str | None:
    """Scheme, host and port of a web address as a browser tells them; None for any other."""
    match = WEB_ADDRESS.match(address)
    if match is None:
        return None
    scheme, host, port = match[1].lower(), match[2].lower(), (match[3] or "")[1:]
    is_default = port in ("", DEFAULT_PORTS[scheme])
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{int(port)}"


def _has_scheme(address: str, schemes: frozenset[str]) -> bool:
    scheme = SCHEME.match(_as_read(address))
    return scheme is None or scheme[1].lower() in schemes


def _as_read(address: str) -> str:
    return address.strip(TRIMMED).translate(DROPPED)
