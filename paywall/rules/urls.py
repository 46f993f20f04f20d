"""URLs as browsers parse them (URL Living Standard): their scheme and their origin."""

import re

LINK_SCHEMES = frozenset(["http", "https", "mailto", "tel"])
IMAGE_SCHEMES = frozenset(["http", "https"])
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
# SVG is missing because it can contain scripts and text.
INLINE_IMAGE = re.compile(r"data:image/(?:avif|gif|jpeg|png|webp)[;,]", re.IGNORECASE)
# Browsers remove these anywhere in a URL, and those in TRIMMED at its ends.
DROPPED = dict.fromkeys(map(ord, "\t\n\r"))
TRIMMED = "".join(map(chr, range(0x21)))
CANDIDATE = re.compile(r"[^\s,]+")
WEB_URL_PATTERN = (
    r"^([Hh][Tt][Tt][Pp][Ss]?)://"
    r"([^\x00-\x20\x7f-\x9f\\/?#@:\[\]\ud800-\udfff]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
    r"([/?#][^\x00-\x20\x7f-\x9f\\\ud800-\udfff]*)?\Z"
)
WEB_URL = re.compile(WEB_URL_PATTERN)
DEFAULT_PORTS = {"http": "80", "https": "443"}


def is_link_url(url: str) -> bool:
    """Whether it is a web, mail or telephone link, or relative to the page."""
    return _has_scheme(url, LINK_SCHEMES)


def is_image_url(text: str) -> bool:
    """Whether a `src` or each candidate of a `srcset` is a web URL or an inline bitmap image."""
    if INLINE_IMAGE.match(_normalized(text)):
        return True
    return all(_has_scheme(part, IMAGE_SCHEMES) for part in CANDIDATE.findall(_normalized(text)))


def is_web_url(text: str) -> bool:
    """Whether it is an absolute `http(s)` URL without user information, spaces or backslashes."""
    return WEB_URL.match(text) is not None


def origin_of(url: str) -> str | None:
    """The origin of a web URL as a browser serializes it; None for any other URL."""
    match = WEB_URL.match(url)
    if match is None:
        return None
    scheme, host, port = match[1].lower(), match[2].lower(), (match[3] or "")[1:]
    is_default = port in ("", DEFAULT_PORTS[scheme])
    return f"{scheme}://{host}" if is_default else f"{scheme}://{host}:{int(port)}"


def _has_scheme(url: str, schemes: frozenset[str]) -> bool:
    scheme = SCHEME.match(_normalized(url))
    return scheme is None or scheme[1].lower() in schemes


def _normalized(url: str) -> str:
    return url.strip(TRIMMED).translate(DROPPED)
